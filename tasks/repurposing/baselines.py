"""Simple clips that any method must beat.

Shapes: T seconds (clips with a feature of their own), K proposed clips. Each returns K clips in seconds,
(K, 2), and their scores, (K,), best first. K is what the metric allows a video of that length, unless given.
"""

from __future__ import annotations

import numpy as np

from vidkit.evaluation.repurposing import ScoredClips, num_allowed_clips
from vidkit.seeds import derived_seed

MEAN_SECONDS = 39.5  # of the annotated clips of Repurpose-10K: 39.47 s in val, 39.44 s in test


def uniform_clips(
    duration_seconds: float, *, num_clips: int | None = None, length_seconds: float = MEAN_SECONDS
) -> ScoredClips:
    """Return clips at equal distances, all of the same score.

    The video is cut into K equal parts; a clip has its middle in the middle of each. They overlap where the
    parts are shorter than a clip. A video shorter than a clip is covered whole.

    Example:
        >>> uniform_clips(400.0, num_clips=2, length_seconds=40.0)
        (array([[ 80., 120.],
               [280., 320.]]), array([1., 1.]))
    """
    count = _count(num_clips, duration_seconds)
    middles = (np.arange(count) + 0.5) * duration_seconds / count
    return _clips(middles - length_seconds / 2, duration_seconds, length_seconds), np.ones(count)


def random_clips(
    duration_seconds: float,
    *,
    video_id: str,
    seed: int = 0,
    num_clips: int | None = None,
    length_seconds: float = MEAN_SECONDS,
) -> ScoredClips:
    """Return clips at random places with random scores, the same for the same video and seed.

    Starts are uniform over the places where a whole clip fits, each drawn for itself: clips may overlap.
    """
    count = _count(num_clips, duration_seconds)
    generator = np.random.default_rng(derived_seed(seed, video_id))
    starts = generator.random(count) * max(0.0, duration_seconds - length_seconds)
    return _clips(starts, duration_seconds, length_seconds), np.sort(generator.random(count))[::-1]


def loudest_clips(
    loudness: np.ndarray,
    *,
    clip_seconds: float = 1.0,
    num_clips: int | None = None,
    length_seconds: float = MEAN_SECONDS,
) -> ScoredClips:
    """Return the loudest stretches that do not overlap, scored by their mean loudness.

    Args:
        loudness: One number per second, (T,), T >= 1; ``loudness_of`` makes it from features.
        clip_seconds: What one of these numbers covers.
        num_clips: At most this many; fewer where no more fit.
        length_seconds: Of a clip, rounded to whole seconds of ``clip_seconds``.

    Raises:
        ValueError: If the loudness is not one finite number per second.

    Example:
        >>> loudest_clips(np.array([0.0, 1.0, 3.0, 2.0, 0.0, 0.0]), num_clips=2, length_seconds=2.0)
        (array([[2., 4.],
               [0., 2.]]), array([2.5, 0.5]))
    """
    level = np.asarray(loudness, dtype=np.float64)
    if level.ndim != 1 or not len(level) or not np.isfinite(level).all():
        raise ValueError(f"loudness must be finite, one number per second, got shape {level.shape}")
    length = min(len(level), max(1, round(length_seconds / clip_seconds)))
    sums = np.concatenate([[0.0], np.cumsum(level)])
    means = (sums[length:] - sums[:-length]) / length  # of the stretch that begins at each second
    starts, scores = [], []
    for _ in range(_count(num_clips, len(level) * clip_seconds)):
        start = int(means.argmax())
        if means[start] == -np.inf:
            break
        starts.append(start)
        scores.append(means[start])
        means[max(0, start - length + 1) : start + length] = -np.inf
    firsts = np.array(starts, dtype=np.float64)
    return np.stack([firsts, firsts + length], axis=1) * clip_seconds, np.array(scores)


def loudness_of(audio: np.ndarray) -> np.ndarray:
    """Return the mean over the channels of log-mel or other audio features, (T, D) -> (T,)."""
    level: np.ndarray = np.asarray(audio, dtype=np.float64).mean(axis=1)
    return level


def _count(num_clips: int | None, duration_seconds: float) -> int:
    return num_allowed_clips(duration_seconds) if num_clips is None else num_clips


def _clips(starts: np.ndarray, duration_seconds: float, length_seconds: float) -> np.ndarray:
    """Return clips of that length moved into the video, (K, 2); it is one clip where it is shorter."""
    starts = np.clip(starts, 0.0, max(0.0, duration_seconds - length_seconds))
    return np.stack([starts, np.minimum(starts + length_seconds, duration_seconds)], axis=1)
