"""Shot cuts: finding them in visual features, and taking them out of saliency scores.

Shapes: T clips, D channels.
"""

from __future__ import annotations

import numpy as np

_NEIGHBOURS = 10  # clips on each side that say what change is usual there
_FACTOR = 4.0  # a cut changes this many times as much as the neighbours' median
_REACH = 2  # clips on each side of a cut whose attention and windows it touches


def find_cuts(features: np.ndarray, *, apart: int = _NEIGHBOURS) -> np.ndarray:
    """Return the clips that begin a new shot, (N,) int.

    A cut is a change from one clip to the next that is the largest among its neighbours and several times
    their median. Motion changes many neighbouring clips alike and is none.

    Args:
        features: Visual features close to pixels, (T, D).
        apart: Clips on each side among which a cut changes most, >= 1. With clips of a second, 1 leaves room
            for the short shots of edited videos.

    Example:
        >>> find_cuts(np.repeat(np.array([[0.0], [1.0]]), 20, axis=0))
        array([20])
    """
    change = np.abs(np.diff(np.asarray(features, dtype=np.float32), axis=0)).mean(axis=1)  # (T - 1,)
    if not len(change):
        return np.zeros(0, dtype=np.int64)
    usual = np.median(_windows(change, _NEIGHBOURS), axis=1)
    highest = _windows(change, apart).max(axis=1)
    floor = 1e-3 + 0.1 * float(change.mean())  # in a still picture every flicker is many times the median
    is_cut = (change >= highest) & (change > _FACTOR * usual + floor)
    return np.flatnonzero(is_cut) + 1


def _windows(change: np.ndarray, reach: int) -> np.ndarray:
    """Return the changes round each, (T - 1, 2 ``reach`` + 1), as a view."""
    padded = np.pad(change, reach, mode="reflect" if len(change) > reach else "edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)


def suppress_cuts(scores: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Return the scores with what a cut adds taken away.

    The clips next to a cut get at most the higher of the medians on its two sides, so that a
    peak that lasts no longer than the cut goes and a highlight that begins with a cut stays.

    Args:
        scores: One per clip, (T,).
        cuts: Clips that begin a new shot, (N,).

    Example:
        >>> suppress_cuts(np.array([0.1, 0.1, 0.1, 0.9, 0.9, 0.1, 0.1, 0.1]), np.array([4]))
        array([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    """
    calmed = np.array(scores, dtype=np.float64)
    for cut in cuts:
        start, stop = max(0, cut - _REACH), min(len(scores), cut + _REACH)
        before = scores[max(0, start - _REACH - 1) : start]
        after = scores[stop : stop + _REACH + 1]
        sides = [float(np.median(side)) for side in (before, after) if len(side)]
        if sides:
            calmed[start:stop] = np.minimum(calmed[start:stop], max(sides))
    return calmed
