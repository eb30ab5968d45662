"""Which frames and which sound of a short video are read: hand-worked indices, and the public rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vidkit.data.clip_sampling import (
    DenseFrames,
    RandomSound,
    SegmentFrames,
    SegmentMiddleFrames,
    UniformDenseFrames,
    UniformSound,
)
from vidkit.encoders.visual.sampling import SegmentMiddles
from vidkit.encoders.visual.video_windows import MMAction2Windows


class Fixed:
    """A generator that draws what it is told."""

    def __init__(self, *draws: Any) -> None:
        self.draws = list(draws)

    def random(self, size: int | None = None) -> Any:
        return np.array(self.draws.pop(0))

    def integers(self, high: int) -> int:
        draw = self.draws.pop(0)
        assert draw < high
        return int(draw)


def _random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_segment_frame_is_drawn_within_its_equal_part() -> None:
    # Parts of 10 / 4 = 2.5 frames: 0 + 0, 2.5 + 1.25, 5 + 2.25, 7.5 + 2.475.
    frames = SegmentFrames(4)(10, Fixed([0.0, 0.5, 0.9, 0.99]))  # type: ignore[arg-type]
    assert frames.tolist() == [[0, 3, 7, 9]]


def test_every_frame_of_a_part_is_drawn_about_as_often() -> None:
    random = _random()
    draws = np.concatenate([SegmentFrames(8)(40, random) for _ in range(1000)])  # parts of 5
    for part in range(8):
        values, counts = np.unique(draws[:, part], return_counts=True)
        assert values.tolist() == list(range(5 * part, 5 * part + 5))
        assert counts.min() > 150


def test_a_video_of_three_frames_repeats_them() -> None:
    # (i + 0.5) * 3 / 8 = 0.19, 0.56, 0.94, 1.31, 1.69, 2.06, 2.44, 2.81
    assert SegmentMiddleFrames(8)(3, _random()).tolist() == [[0, 0, 0, 1, 1, 2, 2, 2]]
    assert SegmentMiddleFrames(8)(1, _random()).tolist() == [[0] * 8]
    frames = SegmentFrames(8)(3, _random())[0]
    assert frames.tolist() == sorted(frames)
    assert set(frames) <= {0, 1, 2}
    # 8 frames at an interval of 8 of a video of 5: 0, 8, 16, ... modulo 5
    assert DenseFrames(8, interval=8)(5, _random()).tolist() == [[0, 3, 1, 4, 2, 0, 3, 1]]


def test_a_dense_clip_starts_anywhere_where_it_fits() -> None:
    sampler = DenseFrames(4, interval=3)  # spans 10 frames
    assert sampler(20, Fixed(10)).tolist() == [[10, 13, 16, 19]]  # type: ignore[arg-type]
    random = _random()
    starts = {int(sampler(20, random)[0, 0]) for _ in range(300)}
    assert starts == set(range(11))


@pytest.mark.parametrize(
    ("num_clips", "starts"),
    [(1, [5]), (2, [0, 10]), (4, [0, 3, 7, 10]), (5, [0, 2, 5, 8, 10])],  # 10 / 4 = 2.5 is rounded to even
)
def test_clips_are_spread_evenly_from_the_first_to_the_last_start(num_clips: int, starts: list[int]) -> None:
    clips = UniformDenseFrames(4, interval=3, num_clips=num_clips)(20, _random())
    assert clips[:, 0].tolist() == starts
    assert (np.diff(clips) == 3).all()


def test_the_paper_tests_on_as_many_frames_with_each_network() -> None:
    assert SegmentMiddleFrames(24)(300, _random()).shape == (1, 24)
    assert UniformDenseFrames(8, interval=8)(300, _random()).shape == (10, 8)
    assert UniformDenseFrames(32, interval=2)(300, _random()).shape == (10, 32)


@pytest.mark.parametrize("num_frames", [3, 8, 61, 300])
def test_the_frames_of_a_test_are_those_of_the_recipes_of_encoders(num_frames: int) -> None:
    fps, seconds = 25.0, num_frames / 25
    middle, length = np.array([seconds / 2]), dict(clip_seconds=seconds, source_fps=fps)
    for ours, theirs in (
        (SegmentMiddleFrames(8), SegmentMiddles(8)),
        (UniformDenseFrames(8, interval=8, num_clips=10), MMAction2Windows(80, num_windows=10, interval=8)),
    ):
        times = theirs.frame_times(middle, **length)
        assert ours(num_frames, _random()).ravel().tolist() == np.floor(times[0] * fps).tolist()


def test_sound_starts_at_random_inside_or_evenly_from_start_to_end() -> None:
    assert UniformSound(4)(8.0, 2.0, _random()).tolist() == [0, 2, 4, 6]
    assert UniformSound(1)(8.0, 2.0, _random()).tolist() == [3]
    random = _random()
    starts = np.concatenate([RandomSound()(8.0, 2.0, random) for _ in range(200)])
    assert starts.min() >= 0
    assert starts.max() <= 6
    assert np.ptp(starts) > 5
    for sampler in (RandomSound(), UniformSound(3)):  # a video of 1 s is read from its start
        assert set(sampler(1.0, 2.0, _random())) == {0.0}


@pytest.mark.parametrize(
    "build",
    [
        lambda: SegmentFrames(0),
        lambda: SegmentMiddleFrames(0),
        lambda: DenseFrames(0),
        lambda: DenseFrames(8, interval=0),
        lambda: UniformDenseFrames(8, num_clips=0),
        lambda: UniformSound(0),
    ],
)
def test_a_number_below_one_is_refused(build: Any) -> None:
    with pytest.raises(ValueError, match="must be at least 1, got 0"):
        build()
