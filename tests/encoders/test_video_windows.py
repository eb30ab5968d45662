from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from vidkit.encoders.visual.slowfast import SlowFast
from vidkit.encoders.visual.video_windows import HeroWindows, MMAction2Windows, PySlowFastWindows
from vidkit.sizes import FfmpegScale

RATES = [25.0, 30000 / 1001, 30.0, 60.0]


def _frames(times: NDArray[np.float64], fps: float) -> list[list[int]]:
    """Numbers of the frames that are shown at these times in a file of that rate."""
    return np.floor(times * fps).astype(int).tolist()


def _reference_hero_picks(fps: float, num_clip_frames: int) -> list[int]:
    """Sample of HERO's extractor in plain numbers: 32 even places up to 64 f / 30 - 1, held and cut off."""
    last = 64 * math.floor(fps) / 30 - 1
    return [int(min(last * i / 31 + 1e-9, num_clip_frames - 1)) for i in range(32)]


@pytest.mark.parametrize("fps", RATES)
def test_hero_takes_the_frames_of_its_rule_with_its_mistake(fps: float) -> None:
    assert HeroWindows().picks(clip_seconds=2.0, source_fps=fps).tolist() == _reference_hero_picks(fps, 60)


def test_heros_mistake_depends_on_the_rate_of_the_file() -> None:
    def picks(fps: float) -> list[int]:
        return HeroWindows().picks(clip_seconds=2.0, source_fps=fps).tolist()

    assert max(picks(25.0)) == 52
    assert picks(30000 / 1001) == _reference_hero_picks(29.0, 60)  # 29.97 counts as 29
    assert picks(30.0)[-3:] == [58, 59, 59]
    assert picks(60.0)[14:] == [57, 59, *[59] * 16]
    assert HeroWindows().picks(clip_seconds=1.0, source_fps=30.0).max() == 29


@pytest.mark.parametrize("fps", RATES)
def test_hero_reads_the_frames_that_ffmpeg_gives_at_30_fps(fps: float) -> None:
    """Output n is the last frame whose stamp, rounded half up to ticks of 1/30 s, is n or less."""
    times = HeroWindows().frame_times(np.array([1.0, 3.0]), clip_seconds=2.0, source_fps=fps)
    ticks = [math.floor(i / fps * 30 + 0.5 + 1e-9) for i in range(int(5 * fps))]
    for clip, got in enumerate(_frames(times, fps)):
        outputs = [60 * clip + pick for pick in _reference_hero_picks(fps, 60)]
        assert got == [max(i for i, tick in enumerate(ticks) if tick <= n) for n in outputs]


def test_slowfast_has_heros_frames_and_scaler() -> None:
    recipe = SlowFast(recipe="qvhighlights_hero").recipe
    assert recipe == HeroWindows(32, decode_size=FfmpegScale(224), clip_seconds=2.0)


def _reference_mmaction2(num_frames: int, length: int, interval: int, num_clips: int) -> list[int]:
    """``SampleFrames`` in test mode on a video of so many frames, out of bounds looped.

    A window there is as long as from its first to its last frame, (length - 1) * interval + 1; in training
    alone it is length * interval.
    """
    room = max(num_frames - ((length - 1) * interval + 1), 0)
    step = room / max(num_clips - 1, 1)
    offsets = [round(step * i) for i in range(num_clips)] if num_clips > 1 else [room // 2]
    return [(offset + interval * j) % num_frames for offset in offsets for j in range(length)]


@pytest.mark.parametrize(("clip_seconds", "fps"), [(10.0, 25.0), (10.0, 30.0), (2.0, 30.0)])
def test_mmaction2_spreads_its_windows_from_start_to_end_of_the_clip(clip_seconds: float, fps: float) -> None:
    recipe = MMAction2Windows(80, num_windows=10, interval=8)
    middles = (np.arange(3) + 0.5) * clip_seconds
    times = recipe.frame_times(middles, clip_seconds=clip_seconds, source_fps=fps)
    num_frames = round(clip_seconds * fps)
    inside = _reference_mmaction2(num_frames, 8, 8, 10)
    assert _frames(times, fps) == [[clip * num_frames + i for i in inside] for clip in range(3)]


def test_mmaction2_starts_its_windows_where_its_code_does() -> None:
    """300 frames, 8 x 8: 57 frames a window, so 243 is the last start that fits."""
    at = dict(clip_seconds=10.0, source_fps=30.0)
    recipe = MMAction2Windows(80, num_windows=10, interval=8)
    (frames,) = _frames(recipe.frame_times(np.array([5.0]), **at), 30.0)
    assert frames[::8] == [0, 27, 54, 81, 108, 135, 162, 189, 216, 243]
    assert frames[-1] == 299
    (frames,) = _frames(MMAction2Windows(8, interval=8).frame_times(np.array([5.0]), **at), 30.0)
    assert frames[0] == 121


@pytest.mark.parametrize("fps", [25.0, 30.0])
@pytest.mark.parametrize(("length", "interval"), [(8, 8), (32, 2)])
def test_one_window_of_mmaction2_stands_where_it_would_in_a_video_of_that_clip(
    length: int, interval: int, fps: float
) -> None:
    recipe = MMAction2Windows(length, interval=interval)
    times = recipe.frame_times(np.array([5.0]), clip_seconds=10.0, source_fps=fps)
    assert _frames(times, fps) == [_reference_mmaction2(round(10 * fps), length, interval, 1)]


def _reference_pyslowfast(
    num_frames: int, length: int, interval: int, num_clips: int, fps: float
) -> list[int]:
    """``get_start_end_idx`` and ``temporal_sampling`` of PySlowFast on a video of so many frames."""
    span = length * interval * fps / 30
    indices = []
    for k in range(num_clips):
        start = max(num_frames - span, 0) * k / num_clips
        places = [start + (span - 1) * j / (length - 1) for j in range(length)]
        indices += [int(min(max(place, 0), num_frames - 1) + 1e-9) for place in places]
    return indices


@pytest.mark.parametrize(("clip_seconds", "fps"), [(10.0, 25.0), (10.0, 30.0), (2.0, 50.0)])
def test_pyslowfast_spreads_its_windows_over_the_clip_but_its_end(clip_seconds: float, fps: float) -> None:
    recipe = PySlowFastWindows(320, num_windows=10, interval=2)
    middles = (np.arange(3) + 0.5) * clip_seconds
    times = recipe.frame_times(middles, clip_seconds=clip_seconds, source_fps=fps)
    num_frames = round(clip_seconds * fps)
    inside = _reference_pyslowfast(num_frames, 32, 2, 10, fps)
    assert _frames(times, fps) == [[clip * num_frames + i for i in inside] for clip in range(3)]


def test_one_window_stands_round_the_middle_and_reads_the_neighbours() -> None:
    at = dict(clip_seconds=1.0, source_fps=30.0)
    (frames,) = _frames(MMAction2Windows(8, interval=8).frame_times(np.array([5.5]), **at), 30.0)
    assert frames == list(range(136, 193, 8))  # 57 frames, 28 on either side of frame 164
    (frames,) = _frames(PySlowFastWindows(32, interval=2).frame_times(np.array([5.5]), **at), 30.0)
    assert frames == [int(133 + 63 * i / 31 + 1e-9) for i in range(32)]


def test_windows_of_pyslowfast_last_as_long_in_every_file_and_those_of_mmaction2_do_not() -> None:
    def seconds(recipe: PySlowFastWindows | MMAction2Windows, fps: float) -> float:
        (times,) = recipe.frame_times(np.array([9.0]), clip_seconds=2.0, source_fps=fps)
        return float(times[-1] - times[0])

    lengths = [seconds(PySlowFastWindows(32, interval=2), fps) for fps in RATES]
    assert lengths == pytest.approx([64 / 30] * 4, abs=2 / 25)
    assert seconds(MMAction2Windows(32, interval=2), 60.0) == pytest.approx(62 / 60)
    assert seconds(MMAction2Windows(32, interval=2), 30.0) == pytest.approx(62 / 30)
