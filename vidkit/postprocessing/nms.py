"""Non-maximum suppression of moments in time.

Shapes: N moments. A moment is (start, end) in seconds, start <= end.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vidkit.overlap import check_moments, temporal_iou

_PICKED = -1.0  # below every score


def soft_nms(
    moments: np.ndarray,
    scores: np.ndarray,
    *,
    sigma: float,
    most_overlap: float = 1.0,
    limit: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the order of the moments by soft-NMS, best first, and their decayed scores.

    "Soft-NMS: Improving Object Detection With One Line of Code" (Bodla et al. 2017,
    https://arxiv.org/abs/1704.04503), Gaussian form: the best moment that is left is picked, and the score of
    every other one that is left is multiplied by exp(-tIoU^2 / sigma), its tIoU being with the one picked.
    All moments are picked in the end; which to keep is the caller's choice. A pick is O(N) in time, and
    nothing is O(N^2) in memory.

    Args:
        moments: Start and end in seconds, (N, 2).
        scores: Finite and >= 0, (N,).
        sigma: > 0; the larger, the weaker the decay.
        most_overlap: The score becomes 0 where the tIoU with a pick is above this, in [0, 1].
        limit: Stop after so many picks; all by default.

    Returns:
        Indices in the order of the picks, int (N,), and the scores they were picked with, float64 (N,), which
        never rise; the first ``limit`` of both. Of equal scores the earlier index is picked first.

    Raises:
        ValueError: If a shape, a score, sigma or ``most_overlap`` is out of range.

    Example:
        >>> moments = np.array([[0.0, 10.0], [0.0, 10.0], [20.0, 30.0]])
        >>> order, decayed = soft_nms(moments, np.array([0.9, 0.8, 0.5]), sigma=0.5)
        >>> order, decayed.round(3)
        (array([0, 2, 1]), array([0.9  , 0.5  , 0.108]))
    """
    moments, scores = _checked(moments, scores)
    if not sigma > 0:
        raise ValueError(f"sigma must be positive, got {sigma}")
    if not 0 <= most_overlap <= 1:
        raise ValueError(f"most_overlap must lie in [0, 1], got {most_overlap}")

    def factor(overlap: np.ndarray) -> np.ndarray:
        return np.where(overlap > most_overlap, 0.0, np.exp(-(overlap**2) / sigma))

    return _pick(moments, scores, factor, limit)


def linear_soft_nms(
    moments: np.ndarray, scores: np.ndarray, *, threshold: float = 0.0, limit: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the order of the moments by soft-NMS, best first, and their decayed scores.

    The linear form of Bodla et al. 2017: as ``soft_nms``, but the scores are multiplied by 1 - tIoU where the
    tIoU is at least the threshold.

    Args:
        moments: Start and end in seconds, (N, 2).
        scores: Finite and >= 0, (N,).
        threshold: In [0, 1]; 0, as UMT has it, lets every overlap decay.
        limit: Stop after so many picks; all by default.

    Returns:
        As ``soft_nms``.

    Raises:
        ValueError: If a shape, a score or the threshold is out of range.

    Example:
        >>> moments = np.array([[0.0, 10.0], [0.0, 5.0], [20.0, 30.0]])
        >>> linear_soft_nms(moments, np.array([0.9, 0.8, 0.5]))
        (array([0, 2, 1]), array([0.9, 0.5, 0.4]))
    """
    moments, scores = _checked(moments, scores)
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must lie in [0, 1], got {threshold}")
    return _pick(moments, scores, lambda overlap: np.where(overlap >= threshold, 1 - overlap, 1.0), limit)


def hard_nms(
    moments: np.ndarray, scores: np.ndarray, *, threshold: float, limit: int | None = None
) -> np.ndarray:
    """Return the moments that greedy NMS keeps, best first.

    The best moment that is left is kept, and all others whose tIoU with it is at least the threshold are
    dropped.

    Args:
        moments: Start and end in seconds, (N, 2).
        scores: Finite, (N,). Of equal scores the earlier index comes first.
        threshold: In (0, 1].
        limit: Stop when so many are kept; all by default.

    Returns:
        Indices, int (K,) with K <= N.

    Raises:
        ValueError: If a shape, a score or the threshold is out of range.

    Example:
        >>> moments = np.array([[0.0, 10.0], [0.0, 5.0], [20.0, 30.0]])
        >>> hard_nms(moments, np.array([0.9, 0.8, 0.5]), threshold=0.5)
        array([0, 2])
    """
    moments, scores = _checked(moments, scores, may_be_negative=True)
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must lie in (0, 1], got {threshold}")
    is_left = np.ones(len(scores), dtype=bool)
    kept: list[int] = []
    for index in np.argsort(-scores, kind="stable"):
        if len(kept) == limit:
            break
        if is_left[index]:
            kept.append(index)
            is_left &= temporal_iou(moments[index : index + 1], moments)[0] < threshold
    return np.array(kept, dtype=np.int64)


def _checked(
    moments: np.ndarray, scores: np.ndarray, *, may_be_negative: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return moments (N, 2) and scores (N,) as float64."""
    moments, scores = check_moments(moments, "moments"), np.asarray(scores, dtype=np.float64)
    if not (np.isfinite(moments).all() and (moments[:, 0] <= moments[:, 1]).all()):
        raise ValueError("moments must be finite and start before they end")
    if scores.shape != (len(moments),):
        raise ValueError(f"{len(moments)} moments need as many scores, got shape {scores.shape}")
    if may_be_negative and not np.isfinite(scores).all():
        raise ValueError(f"scores must be finite, got {scores}")
    if not may_be_negative and not (np.isfinite(scores) & (scores >= 0)).all():
        raise ValueError("scores must be finite and not negative; give them after the sigmoid or the softmax")
    return moments, scores


def _pick(
    moments: np.ndarray, scores: np.ndarray, factor: Callable[[np.ndarray], np.ndarray], limit: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the picks and their scores; a pick multiplies what overlaps it by the factor of its tIoU."""
    left = scores.copy()
    by_start = np.argsort(moments[:, 0], kind="stable")
    placed = moments[by_start]
    # Whatever overlaps (start, end) lies, in the order of starts, between these two places.
    firsts = np.searchsorted(np.maximum.accumulate(placed[:, 1]), moments[:, 0], side="right")
    lasts = np.searchsorted(placed[:, 0], moments[:, 1], side="left")
    num_picks = len(left) if limit is None else min(limit, len(left))
    order, decayed = np.empty(num_picks, dtype=np.int64), np.empty(num_picks)
    picked = np.zeros(len(left), dtype=bool)
    for rank in range(num_picks):
        index = int(left.argmax())
        order[rank], decayed[rank] = index, left[index]
        left[index], picked[index] = _PICKED, True
        near = slice(firsts[index], lasts[index])
        others = by_start[near]
        overlap = temporal_iou(moments[index : index + 1], placed[near])[0]
        left[others] = np.where(picked[others], _PICKED, left[others] * factor(overlap))
    return order, decayed
