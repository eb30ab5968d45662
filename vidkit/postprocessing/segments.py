"""From a score per clip to segments.

Shapes: T clips, N segments.
"""

from __future__ import annotations

import numpy as np


def segments_from_scores(
    scores: np.ndarray,
    *,
    clip_seconds: float,
    duration_seconds: float,
    min_seconds: float,
    max_seconds: float,
    ratio: float | None = None,
    threshold: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the stretches of high scores, best first.

    Runs of clips at or above the threshold become segments. A run shorter than ``min_seconds`` grows to
    where the scores are higher, a longer one than ``max_seconds`` is cut round its best window; what is left
    of it counts if it is long enough. With a ratio, this share of the clips is selected, the highest scores
    first, and the weakest segments go while the rest still fills the share. There is always at least one
    segment, also in a video shorter than ``min_seconds``.

    Args:
        scores: One per clip, (T,), T >= 1.
        clip_seconds: Length of a clip.
        duration_seconds: Length of the video; segments end there at the latest.
        min_seconds: Shortest segment.
        max_seconds: Longest segment, at least ``min_seconds``.
        ratio: Share of the video to select, in (0, 1]. Either this or ``threshold``.
        threshold: Lowest score of a selected clip.

    Returns:
        Segments in seconds, (N, 2), and the mean score of each, (N,), N >= 1, disjoint.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> scores = np.array([0.0, 0.0, 0.9, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
        >>> segments_from_scores(
        ...     scores, clip_seconds=1.0, duration_seconds=10.0, min_seconds=1.0, max_seconds=5.0, ratio=0.2
        ... )
        (array([[2., 4.]]), array([0.95]))
    """
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 1 or not len(scores) or not np.isfinite(scores).all():
        raise ValueError(f"scores must be finite, one per clip and at least one, got shape {scores.shape}")
    if clip_seconds <= 0 or duration_seconds <= 0:
        raise ValueError(
            f"clip_seconds and duration_seconds are positive, got {clip_seconds}, {duration_seconds}"
        )
    check_selection(min_seconds=min_seconds, max_seconds=max_seconds, ratio=ratio, threshold=threshold)
    if threshold is None:
        assert ratio is not None
        num_selected = max(1, round(ratio * len(scores)))
        selected = np.zeros(len(scores), dtype=bool)
        selected[np.argsort(-scores, kind="stable")[:num_selected]] = True  # of equal scores the earlier ones
    else:
        selected = scores >= threshold
        selected[scores.argmax()] = True
    min_clips = max(1, round(min_seconds / clip_seconds))
    max_clips = max(min_clips, round(max_seconds / clip_seconds))
    grown = np.zeros_like(selected)
    for start, stop in runs(selected):
        grown[slice(*_grow(scores, start, stop, min_clips))] = True
    spans = [span for run in runs(grown) for span in _windows(scores, *run, min_clips, max_clips)]
    means = np.array([scores[start:stop].mean() for start, stop in spans])
    order = np.argsort(-means, kind="stable")
    if ratio is not None:
        order = _within_share(order, spans, ratio * len(scores))
    segments = np.array([spans[index] for index in order], dtype=np.float64) * clip_seconds
    return np.minimum(segments, duration_seconds), means[order]


def runs(selected: np.ndarray) -> list[tuple[int, int]]:
    """Return [start, stop) of every run of True.

    Example:
        >>> runs(np.array([True, False, True, True]))
        [(0, 1), (2, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], selected, [False]]).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _grow(scores: np.ndarray, start: int, stop: int, length: int) -> tuple[int, int]:
    """Return the best stretch of at least ``length`` clips round the run; of equals, the most central."""
    if stop - start >= length:
        return start, stop
    length = min(length, len(scores))
    firsts = np.arange(max(0, stop - length), min(start, len(scores) - length) + 1)
    sums = np.concatenate([[0.0], np.cumsum(scores)])
    gains = np.round(sums[firsts + length] - sums[firsts], 9)
    off_centre = np.abs(firsts + length / 2 - (start + stop) / 2)
    first = int(firsts[np.lexsort((off_centre, -gains))[0]])
    return first, first + length


def _windows(scores: np.ndarray, start: int, stop: int, shortest: int, longest: int) -> list[tuple[int, int]]:
    """Return a run cut into stretches of at most ``longest`` clips, the best stretch cut out first."""
    spans, rest = [], [(start, stop)]
    while rest:
        first, last = rest.pop()
        if last - first > longest:
            sums = np.convolve(scores[first:last], np.ones(longest), mode="valid")
            best = first + int(sums.argmax())
            rest += [(first, best), (best + longest, last)]
            spans.append((best, best + longest))
        elif last - first >= shortest or (first, last) == (start, stop):
            spans.append((first, last))
    return spans


def _within_share(order: np.ndarray, spans: list[tuple[int, int]], num_clips: float) -> np.ndarray:
    """Return the best segments that fill ``num_clips``, at least one; the last may reach beyond."""
    lengths = np.array([spans[index][1] - spans[index][0] for index in order])
    before = np.cumsum(lengths) - lengths
    kept: np.ndarray = order[before < max(num_clips, 1)]
    return kept


def check_selection(
    *, min_seconds: float, max_seconds: float, ratio: float | None, threshold: float | None
) -> None:
    """Check the options of ``segments_from_scores`` that do not depend on a video.

    Raises:
        ValueError: If an option is out of range, or not exactly one of ratio and threshold is given.
    """
    if not 0 < min_seconds <= max_seconds:
        raise ValueError(f"0 < min_seconds <= max_seconds must hold, got {min_seconds} and {max_seconds}")
    if (ratio is None) == (threshold is None):
        raise ValueError(
            f"give either ratio or threshold and set the other to None, got {ratio} and {threshold}"
        )
    if ratio is not None and not 0 < ratio <= 1:
        raise ValueError(f"ratio is the share of the video to select, in (0, 1], got {ratio}")
