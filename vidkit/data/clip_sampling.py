"""Which frames and which seconds of a short video a sample reads: at random to train, evenly spread to test.

Shapes: M frames of the video, K clips of it, L frames a clip.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vidkit.registry import TRANSFORMS

Indices = NDArray[np.int64]


class FrameSampler(Protocol):
    """Chooses frames of a video. All clips have the same number of frames, however short the video is."""

    def __call__(self, num_frames: int, random: np.random.Generator) -> Indices:
        """Return indices in [0, M) of the frames of each clip, (K, L)."""


class SoundSampler(Protocol):
    """Chooses stretches of the sound of a video."""

    def __call__(
        self, duration_seconds: float, window_seconds: float, random: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return where each of K stretches of ``window_seconds`` starts, in seconds, (K,)."""


@TRANSFORMS.register_module()
class SegmentFrames:
    """One random frame of each of L equal parts of the video: training of segment networks (TSN, TSM).

    Part i is the frames floor((i + u) M / L), 0 <= u < 1. A video of fewer than L frames repeats them.

    Args:
        num_segments: L, >= 1.

    Raises:
        ValueError: If it is below 1.

    Example:
        >>> frames = SegmentFrames(4)(8, np.random.default_rng(0))
        >>> frames.shape, (frames // 2).tolist()
        ((1, 4), [[0, 1, 2, 3]])
    """

    def __init__(self, num_segments: int = 8) -> None:
        self.num_segments = _at_least_one("num_segments", num_segments)

    def __call__(self, num_frames: int, random: np.random.Generator) -> Indices:
        """Return the frames of one clip, (1, L), not decreasing."""
        return _of_segments(num_frames, random.random(self.num_segments))


@TRANSFORMS.register_module()
class SegmentMiddleFrames:
    """The middle frame of each of L equal parts of the video: test of segment networks.

    Frame floor((i + 0.5) M / L), as ``SampleFrames(clip_len=1)`` of mmaction2 takes them in test mode.

    Args:
        num_segments: L, >= 1.

    Raises:
        ValueError: If it is below 1.

    Example:
        >>> SegmentMiddleFrames(4)(10, np.random.default_rng(0)).tolist()
        [[1, 3, 6, 8]]
    """

    def __init__(self, num_segments: int = 8) -> None:
        self.num_segments = _at_least_one("num_segments", num_segments)

    def __call__(self, num_frames: int, random: np.random.Generator) -> Indices:
        """Return the frames of one clip, (1, L), not decreasing."""
        return _of_segments(num_frames, np.full(self.num_segments, 0.5))


@TRANSFORMS.register_module()
class DenseFrames:
    """L frames at a fixed interval from a random start: training of 3-D networks (I3D, SlowFast).

    The clip spans (L - 1) * interval + 1 frames and lies inside of the video; in a shorter one it goes on
    from the first frame again.

    Args:
        clip_length: L, >= 1.
        interval: Frames of the video from one frame to the next, >= 1.

    Raises:
        ValueError: If one is below 1.

    Example:
        >>> DenseFrames(4, interval=2)(5, np.random.default_rng(0)).tolist()
        [[0, 2, 4, 1]]
    """

    def __init__(self, clip_length: int = 8, *, interval: int = 8) -> None:
        self.clip_length = _at_least_one("clip_length", clip_length)
        self.interval = _at_least_one("interval", interval)

    def __call__(self, num_frames: int, random: np.random.Generator) -> Indices:
        """Return the frames of one clip, (1, L)."""
        start = random.integers(_room(num_frames, self.clip_length, self.interval) + 1)
        return _dense(np.array([start]), num_frames, self.clip_length, self.interval)


@TRANSFORMS.register_module()
class UniformDenseFrames:
    """K clips as ``DenseFrames`` has one, their starts spread evenly: test of 3-D networks.

    The first starts at the video's first frame, the last at the last start that fits; those between are
    rounded to whole frames, half to even, and a single one stands in the middle: mmaction2 in test mode.

    Args:
        clip_length: L, >= 1.
        interval: Frames of the video from one frame to the next, >= 1.
        num_clips: K, >= 1.

    Raises:
        ValueError: If one is below 1.

    Example:
        >>> UniformDenseFrames(2, interval=3, num_clips=3)(10, np.random.default_rng(0)).tolist()
        [[0, 3], [3, 6], [6, 9]]
    """

    def __init__(self, clip_length: int = 8, *, interval: int = 8, num_clips: int = 10) -> None:
        self.clip_length = _at_least_one("clip_length", clip_length)
        self.interval = _at_least_one("interval", interval)
        self.num_clips = _at_least_one("num_clips", num_clips)

    def __call__(self, num_frames: int, random: np.random.Generator) -> Indices:
        """Return the frames of K clips, (K, L)."""
        room = _room(num_frames, self.clip_length, self.interval)
        starts = np.array([room // 2])
        if self.num_clips > 1:
            starts = np.round(np.arange(self.num_clips) * (room / (self.num_clips - 1)))
        return _dense(starts, num_frames, self.clip_length, self.interval)


@TRANSFORMS.register_module()
class RandomSound:
    """One stretch of sound with a random start inside of the video; from its start where it is shorter."""

    def __call__(
        self, duration_seconds: float, window_seconds: float, random: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return the start, (1,)."""
        return random.random(1) * max(duration_seconds - window_seconds, 0.0)


@TRANSFORMS.register_module()
class UniformSound:
    """K stretches of sound, from the start of the video to its end, evenly spread; one stands in the middle.

    Args:
        num_clips: K, >= 1; the test of USV-1.0 takes 10.

    Raises:
        ValueError: If it is below 1.

    Example:
        >>> UniformSound(3)(6.0, 2.0, np.random.default_rng(0)).tolist()
        [0.0, 2.0, 4.0]
    """

    def __init__(self, num_clips: int = 10) -> None:
        self.num_clips = _at_least_one("num_clips", num_clips)

    def __call__(
        self, duration_seconds: float, window_seconds: float, random: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return the starts, (K,)."""
        room = max(duration_seconds - window_seconds, 0.0)
        return np.array([room / 2]) if self.num_clips == 1 else np.linspace(0.0, room, self.num_clips)


def _of_segments(num_frames: int, places: NDArray[np.float64]) -> Indices:
    """Return the frame at a place in [0, 1) of each segment, (1, L)."""
    indices = (np.arange(len(places)) + places) * num_frames / len(places)
    return np.minimum(indices.astype(np.int64), num_frames - 1)[None]


def _room(num_frames: int, clip_length: int, interval: int) -> int:
    """Return the last frame at which a clip can start so that it ends inside of the video."""
    return max(num_frames - ((clip_length - 1) * interval + 1), 0)


def _dense(starts: NDArray[np.generic], num_frames: int, clip_length: int, interval: int) -> Indices:
    indices: Indices = starts.astype(np.int64)[:, None] + np.arange(clip_length) * interval
    return indices % num_frames


def _at_least_one(name: str, value: int) -> int:
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")
    return value
