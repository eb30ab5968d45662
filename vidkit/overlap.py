"""Overlap between moments.

Shapes: N and M moments. A moment is (start, end) in seconds, start <= end.
"""

from __future__ import annotations

import numpy as np

_TINY = np.finfo(np.float64).tiny  # 0 / tiny is 0, and no union in seconds is as small


def temporal_iou(moments: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the temporal IoU (tIoU) of every pair of moments.

    Args:
        moments: Start and end in seconds, (N, 2).
        others: Start and end in seconds, (M, 2).

    Returns:
        tIoU in [0, 1], float64 (N, M); 0 where the union is empty, and so for every moment of no length.

    Raises:
        ValueError: If an input is not of shape (*, 2).

    Example:
        >>> temporal_iou(np.array([[0.0, 4.0]]), np.array([[2.0, 6.0], [4.0, 5.0]])).round(4)
        array([[0.3333, 0.    ]])
    """
    moments, others = check_moments(moments, "moments"), check_moments(others, "others")
    intersection: np.ndarray = np.minimum(moments[:, 1, None], others[:, 1])  # (N, M)
    intersection -= np.maximum(moments[:, 0, None], others[:, 0])
    np.maximum(intersection, 0.0, out=intersection)
    union = (moments[:, 1] - moments[:, 0])[:, None] + (others[:, 1] - others[:, 0])
    union -= intersection
    np.maximum(union, _TINY, out=union)
    intersection /= union
    return intersection


def check_moments(moments: np.ndarray, name: str) -> np.ndarray:
    """Return the moments as float64 (N, 2); an empty list has shape (0, 2).

    Raises:
        ValueError: If they are not of shape (*, 2).

    Example:
        >>> check_moments([], "moments").shape
        (0, 2)
    """
    rows = np.asarray(moments, dtype=np.float64)
    if rows.shape == (0,):
        return rows.reshape(0, 2)
    if rows.ndim != 2 or rows.shape[1] != 2:
        raise ValueError(f"{name} must be rows of start and end, shape (N, 2), got shape {rows.shape}")
    return rows
