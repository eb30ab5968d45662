"""Clip borders moved to where a person would cut: between sentences and at shot cuts.

Shapes: N segments, S sentences, C cuts. All times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vidkit.overlap import check_moments

# How good a border is, best first: a place to cut; left where nobody speaks; a shot cut amid a sentence;
# left amid a sentence.
_PLACE, _SILENCE, _SPOKEN_CUT, _SPOKEN = range(4)


def snap_segments(
    segments: np.ndarray,
    *,
    sentences: np.ndarray,
    cuts: np.ndarray,
    max_shift_seconds: float,
    duration_seconds: float,
    min_seconds: float = 0.0,
    max_seconds: float = float("inf"),
) -> np.ndarray:
    """Return the segments with each border at a near sentence border or shot cut.

    - A start may go to the start of a sentence or to a cut, an end to the end of a sentence or to a cut,
      never farther than ``max_shift_seconds`` and never out of the video.
    - A cut amid a sentence is used only where the border lies in a sentence as well and nothing better is
      near; a border where nobody speaks stays rather than go there.
    - Of several good places the nearest counts; of two as near, the one that makes the segment longer.
    - Lengths stay between the limits, min_seconds < length < max_seconds; a segment at or beyond a limit goes
      no farther beyond. The two borders are therefore chosen together, first for how good they are, then for
      the smaller sum of shifts. A start stays before its end.
    - A segment of no length stays as it is. Segments are moved one by one: neighbours may come to overlap.

    Args:
        segments: Start and end, (N, 2).
        sentences: Start and end of what is spoken, (S, 2), in any order; they may overlap.
        cuts: Where a new shot begins, (C,), in any order.
        max_shift_seconds: Farthest way of a border, >= 0.
        duration_seconds: Length of the video.
        min_seconds: Segments stay longer.
        max_seconds: Segments stay shorter; at least ``min_seconds``.

    Returns:
        (N, 2), in the same order; the input is left alone.

    Raises:
        ValueError: If a time or a limit is out of range.

    Example:
        >>> sentences = np.array([[0.0, 9.0], [10.5, 31.0], [32.0, 50.0]])
        >>> snap_segments(
        ...     np.array([[9.8, 30.0]]),
        ...     sentences=sentences,
        ...     cuts=np.array([20.0]),
        ...     max_shift_seconds=2.0,
        ...     duration_seconds=60.0,
        ... )
        array([[10.5, 31. ]])
    """
    segments, sentences = check_moments(segments, "segments"), check_moments(sentences, "sentences")
    cuts = np.asarray(cuts, dtype=np.float64).reshape(-1)
    for name, times in (("segments", segments), ("sentences", sentences), ("cuts", cuts)):
        if not np.isfinite(times).all():
            raise ValueError(f"{name} must be finite, in seconds")
    if (segments[:, 0] > segments[:, 1]).any():
        raise ValueError("segments must start before they end")
    if not max_shift_seconds >= 0:
        raise ValueError(f"max_shift_seconds must be at least 0, got {max_shift_seconds}")
    if not 0 <= min_seconds <= max_seconds:
        raise ValueError(f"0 <= min_seconds <= max_seconds must hold, got {min_seconds} and {max_seconds}")
    snapped = segments.copy()
    for index, (start, end) in enumerate(segments):
        if start == end:
            continue
        starts = _options(start, sentences[:, 0], cuts, sentences, max_shift_seconds, duration_seconds)
        ends = _options(end, sentences[:, 1], cuts, sentences, max_shift_seconds, duration_seconds)
        snapped[index] = _best_pair(starts, ends, min_seconds, max_seconds)
    return snapped


@dataclass(frozen=True)
class _Options:
    """Where a border may go: times, how good each is, and how far; the last is where it stands."""

    times: np.ndarray
    ranks: np.ndarray
    shifts: np.ndarray


def _options(
    border: float,
    places: np.ndarray,
    cuts: np.ndarray,
    sentences: np.ndarray,
    max_shift_seconds: float,
    duration_seconds: float,
) -> _Options:
    """Return the sentence borders and cuts in reach of a border, and the border itself."""
    border_rank = _SPOKEN if _amid(np.array([border]), sentences)[0] else _SILENCE
    places, cuts = (
        times[(np.abs(times - border) <= max_shift_seconds) & (times >= 0) & (times <= duration_seconds)]
        for times in (places, cuts)
    )
    cut_ranks = np.where(_amid(cuts, sentences), _SPOKEN_CUT, _PLACE)
    times = np.concatenate([places, cuts, [border]])
    ranks = np.concatenate([np.full(len(places), _PLACE), cut_ranks, [border_rank]])
    usable = ranks <= border_rank
    return _Options(times[usable], ranks[usable], np.abs(times[usable] - border))


def _amid(times: np.ndarray, sentences: np.ndarray) -> np.ndarray:
    """Return which times lie inside a sentence, its ends left out, bool (times,)."""
    inside = (times[:, None] > sentences[:, 0]) & (times[:, None] < sentences[:, 1])  # (times, S)
    amid: np.ndarray = np.any(inside, axis=1)
    return amid


def _best_pair(
    starts: _Options, ends: _Options, min_seconds: float, max_seconds: float
) -> tuple[float, float]:
    """Return the best start and end whose distance is allowed, as it is where they stand."""
    lengths = ends.times - starts.times[:, None]  # (starts, ends)
    present = lengths[-1, -1]
    allowed = ((lengths > min_seconds) | (lengths >= present)) & (lengths > 0)
    allowed &= (lengths < max_seconds) | (lengths <= present)
    first, last = np.nonzero(allowed)
    ranks = starts.ranks[first], ends.ranks[last]
    shifts = np.round(starts.shifts[first] + ends.shifts[last], 9)  # the rounding makes equal shifts equal
    best = np.lexsort((-lengths[first, last], shifts, ranks[0] + ranks[1], np.maximum(*ranks)))[0]
    return float(starts.times[first[best]]), float(ends.times[last[best]])
