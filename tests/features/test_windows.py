from __future__ import annotations

import numpy as np
import pytest

import vidkit.features.windows
from vidkit.encoders import AudioRecipe, VisualRecipe
from vidkit.encoders.base import SequenceRecipe
from vidkit.features.windows import FrameWindows, audio_pieces, audio_windows, clip_means


def _numbered(times: np.ndarray) -> np.ndarray:
    """Frames whose pixels say which of the times they are for."""
    return np.broadcast_to(np.arange(len(times), dtype=np.uint8)[:, None, None, None], (len(times), 2, 2, 3))


@pytest.mark.parametrize(("num_frames", "window"), [(1, 0.0), (4, 1.0), (3, 5.0), (2, 0.5)])
@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_every_clip_gets_the_frames_at_its_own_times(num_frames: int, window: float, chunk: int) -> None:
    recipe = VisualRecipe(num_frames=num_frames, window_seconds=window)
    windows = FrameWindows(
        recipe, num_clips=7, clip_seconds=1.0, duration_seconds=6.5, source_fps=25.0, batch_size=2
    )
    assert (np.diff(windows.times) > 0).all()
    frames = _numbered(windows.times)
    batches = [b for i in range(0, len(frames), chunk) for b in windows.push(frames[i : i + chunk])]
    assert windows.is_done
    assert [len(batch) for batch in batches] == [2, 2, 2, 1]
    got = windows.times[np.concatenate(batches)[..., 0, 0, 0]]
    expected = recipe.frame_times(np.arange(7) + 0.5, clip_seconds=1.0, source_fps=25.0).clip(0, 6.5)
    np.testing.assert_allclose(got, expected)


def test_frames_that_are_no_longer_needed_are_forgotten() -> None:
    recipe = VisualRecipe(num_frames=2, window_seconds=3.0)
    windows = FrameWindows(
        recipe, num_clips=50, clip_seconds=1.0, duration_seconds=50.0, source_fps=25.0, batch_size=4
    )
    held = 0
    for frame in _numbered(windows.times):
        list(windows.push(frame[None]))
        held = max(held, len(windows._frames))
    assert windows.is_done
    assert held <= 2 * (4 + 3)
    assert windows._frames == []


def test_large_frames_make_smaller_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vidkit.features.windows, "MAX_BATCH_BYTES", 30)  # two frames of 12 bytes
    windows = FrameWindows(
        VisualRecipe(), num_clips=5, clip_seconds=1.0, duration_seconds=5.0, source_fps=25.0, batch_size=32
    )
    assert [len(batch) for batch in windows.push(_numbered(windows.times))] == [2, 2, 1]


@pytest.mark.parametrize(("num_frames", "sizes"), [(1, [5]), (4, [2, 2, 1]), (9, [1] * 5)])
def test_clips_of_many_frames_make_smaller_batches(
    monkeypatch: pytest.MonkeyPatch, num_frames: int, sizes: list[int]
) -> None:
    monkeypatch.setattr(vidkit.features.windows, "MAX_BATCH_FRAMES", 8)
    windows = FrameWindows(
        VisualRecipe(num_frames=num_frames, window_seconds=1.0 if num_frames > 1 else 0.0),
        num_clips=5,
        clip_seconds=1.0,
        duration_seconds=5.0,
        source_fps=25.0,
        batch_size=32,
    )
    assert [len(batch) for batch in windows.push(_numbered(windows.times))] == sizes


def test_frames_that_never_come_leave_it_undone() -> None:
    windows = FrameWindows(
        VisualRecipe(), num_clips=5, clip_seconds=1.0, duration_seconds=5.0, source_fps=25.0, batch_size=2
    )
    assert len(list(windows.push(_numbered(windows.times)[:3]))) == 1
    assert not windows.is_done


def _reference_audio_window(sound: np.ndarray, start: int, length: int) -> np.ndarray:
    padded = np.concatenate([np.zeros(1000), sound, np.zeros(1000)])
    return padded[1000 + start : 1000 + start + length]


@pytest.mark.parametrize("window_seconds", [0.2, 0.5, 3.0])
@pytest.mark.parametrize("block", [1, 7, 40, 1000])
def test_streamed_windows_equal_slices_of_the_whole_sound(window_seconds: float, block: int) -> None:
    rate, clip_seconds, num_clips = 100, 0.35, 9
    sound = np.random.default_rng(0).normal(size=290).astype(np.float32)  # ends inside the last clip
    recipe = AudioRecipe(sample_rate_hz=rate, window_seconds=window_seconds)
    blocks = (sound[i : i + block] for i in range(0, len(sound), block))
    batches = list(
        audio_windows(blocks, recipe, num_clips=num_clips, clip_seconds=clip_seconds, batch_size=4)
    )
    assert [len(batch) for batch in batches] == [4, 4, 1]
    for i, window in enumerate(np.concatenate(batches)):
        start = round((i + 0.5) * clip_seconds * rate - recipe.num_samples / 2)
        np.testing.assert_array_equal(window, _reference_audio_window(sound, start, recipe.num_samples))
        assert window.dtype == np.float32


def test_windows_apart_from_each_other_skip_the_sound_between() -> None:
    sound = np.arange(1000, dtype=np.float32)
    recipe = AudioRecipe(sample_rate_hz=100, window_seconds=0.1)
    blocks = (sound[i : i + 30] for i in range(0, 1000, 30))
    (batch, last) = audio_windows(blocks, recipe, num_clips=3, clip_seconds=4.0, batch_size=2)
    assert batch[:, 0].tolist() == [195, 595]
    assert last[:, 0].tolist() == [995]
    assert last[0, 5:].tolist() == [0] * 5  # the middle of the last clip is the end of the sound


def _pieces(
    sound: np.ndarray, *, window_seconds: float, clip_seconds: float, num_clips: int, block: int = 7
) -> list[tuple[list[np.ndarray], int]]:
    blocks = (sound[i : i + block] for i in range(0, len(sound), block))
    recipe = SequenceRecipe(sample_rate_hz=100, window_seconds=window_seconds)
    return list(audio_pieces(blocks, recipe, num_clips=num_clips, clip_seconds=clip_seconds))


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_pieces_hold_whole_clips_and_the_last_one_the_rest(block: int) -> None:
    sound = np.arange(640, dtype=np.float32)
    pieces = _pieces(sound, window_seconds=3.2, clip_seconds=1.0, num_clips=7, block=block)
    assert [(len(parts), count) for parts, count in pieces] == [(1, 3), (1, 3), (1, 1)]
    joined = np.concatenate([part for parts, _ in pieces for part in parts])
    np.testing.assert_array_equal(joined, np.concatenate([sound, np.zeros(60)]))  # silence to the clip's end


def test_a_clip_longer_than_the_window_comes_in_equal_pieces() -> None:
    sound = np.arange(1000, dtype=np.float32)
    pieces = _pieces(sound, window_seconds=2.0, clip_seconds=5.0, num_clips=2)
    assert [(list(map(len, parts)), count) for parts, count in pieces] == [([167, 166, 167], 1)] * 2
    np.testing.assert_array_equal(np.concatenate([np.concatenate(parts) for parts, _ in pieces]), sound)


@pytest.mark.parametrize(("num_vectors", "num_clips"), [(10, 5), (11, 3), (7, 7), (100, 9)])
def test_a_clip_gets_the_mean_of_the_vectors_inside_it(num_vectors: int, num_clips: int) -> None:
    vectors = np.random.default_rng(0).normal(size=(num_vectors, 4)).astype(np.float32)
    middles = (np.arange(num_vectors) + 0.5) / num_vectors * num_clips
    expected = [vectors[(i <= middles) & (middles < i + 1)].mean(0) for i in range(num_clips)]
    np.testing.assert_allclose(clip_means([vectors[:2], vectors[2:]], num_clips), expected, atol=1e-6)


def test_clips_too_short_for_the_vectors_are_refused() -> None:
    with pytest.raises(ValueError, match=r"3 vectors for 6 clips.*at least 2 times as long"):
        clip_means([np.zeros((3, 2), np.float32)], 6)
