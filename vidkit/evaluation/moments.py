"""Metrics of moment retrieval as QVHighlights defines them: recall at one and average precision.

"QVHighlights: Detecting Moments and Highlights in Videos via Natural Language Queries" (Lei et al. 2021,
https://arxiv.org/abs/2107.09609) and its standalone evaluation.

Shapes: Q queries, P ranked predictions, M annotated moments of all queries, N those of one, K thresholds. A
moment is (start, end) in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vidkit.overlap import temporal_iou

THRESHOLDS = np.round(np.arange(0.5, 1.0, 0.05), 2)
"""The tIoU from which a moment counts as found: 0.5, 0.55, ..., 0.95."""

MAX_RANKED = 10
"""How many predictions of a query average precision sees: the first in the file, whatever their scores."""


@dataclass(frozen=True)
class MomentOverlaps:
    """The annotated moments of all queries, one after the other, and how far predictions overlap them.

    Args:
        num_queries: Q.
        query: Which query a moment belongs to, rising, int (M,).
        seconds: Length of a moment, (M,).
        ranked: tIoU with the first P = MAX_RANKED predictions of the query, by falling score, (P, M); equal
            scores keep the order of the file. 0 where there are fewer predictions.
        first: tIoU with the first prediction in the file, (M,). Its union is the stretch from the earlier
            start to the later end, as in the official script: of moments that overlap it is the same, but for
            the rounding of floats.
    """

    num_queries: int
    query: np.ndarray
    seconds: np.ndarray
    ranked: np.ndarray
    first: np.ndarray

    def of_length(self, more_than: float, at_most: float) -> MomentOverlaps:
        """Return the part with moments of more than so many and at most so many seconds; Q stays."""
        kept = (self.seconds > more_than) & (self.seconds <= at_most)
        return MomentOverlaps(
            self.num_queries, self.query[kept], self.seconds[kept], self.ranked[:, kept], self.first[kept]
        )

    @property
    def num_moments(self) -> np.ndarray:
        """How many moments each query has, (Q,)."""
        return np.bincount(self.query, minlength=self.num_queries)


def moment_overlaps(
    predictions: Sequence[tuple[np.ndarray, np.ndarray]], annotated: Sequence[np.ndarray]
) -> MomentOverlaps:
    """Return how far the predictions of each query overlap its annotated moments.

    Args:
        predictions: Moments (P, 2) in the order of the file and their scores (P,), of each query.
        annotated: Moments of each query, (N, 2).
    """
    ranked, firsts = [], []
    for (moments, scores), truth in zip(predictions, annotated, strict=True):
        best = np.argsort(-scores[:MAX_RANKED], kind="stable")
        overlap = np.zeros((MAX_RANKED, len(truth)))
        overlap[: len(best)] = temporal_iou(moments[best], truth)
        ranked.append(overlap)
        firsts.append(moments[0] if len(moments) else (0.0, 0.0))
    query = np.repeat(np.arange(len(annotated)), [len(truth) for truth in annotated])
    moments, first = np.concatenate(annotated), np.array(firsts)[query]  # (M, 2)
    shared = np.minimum(moments[:, 1], first[:, 1]) - np.maximum(moments[:, 0], first[:, 0])
    stretch = np.maximum(moments[:, 1], first[:, 1]) - np.minimum(moments[:, 0], first[:, 0])
    return MomentOverlaps(
        num_queries=len(annotated),
        query=query,
        seconds=moments[:, 1] - moments[:, 0],
        ranked=np.concatenate(ranked, axis=1),
        first=np.maximum(shared, 0.0) / np.where(stretch > 0, stretch, 1.0),
    )


def first_overlaps(overlaps: MomentOverlaps) -> np.ndarray:
    """Return the tIoU of the first prediction in the file with the moment it overlaps most, (Q,).

    Recall at one is the share of queries where it reaches a threshold. 0 without predictions or moments.

    Example:
        >>> prediction = np.array([[0.0, 4.0], [2.0, 4.0]]), np.array([0.1, 0.9])
        >>> first_overlaps(moment_overlaps([prediction], [np.array([[9.0, 10.0], [2.0, 4.0]])]))
        array([0.5])
    """
    best = np.zeros(overlaps.num_queries)
    np.maximum.at(best, overlaps.query, overlaps.first)
    return best


def average_precisions(overlaps: MomentOverlaps, thresholds: np.ndarray = THRESHOLDS) -> np.ndarray:
    """Return the average precision of every query at every threshold.

    Each prediction, best first, takes the annotated moment of highest tIoU that is not taken and that it
    overlaps by the threshold; else it is a false positive. Precision is made non-increasing from the right
    and summed over the recall that each hit adds (PASCAL VOC 2011). Of two moments that a prediction overlaps
    equally it takes the later one.

    Args:
        overlaps: Of Q queries.
        thresholds: (K,).

    Returns:
        Fractions, (Q, K); 0 without predictions or moments.

    Example:
        >>> prediction = np.array([[0.0, 1.0], [2.0, 4.0]]), np.array([0.9, 0.1])
        >>> overlaps = moment_overlaps([prediction], [np.array([[2.0, 4.0], [20.0, 30.0]])])
        >>> average_precisions(overlaps, np.array([0.5, 0.95]))
        array([[0.25, 0.25]])
    """
    precision = np.zeros((overlaps.num_queries, len(thresholds)))
    # A moment that no prediction reaches changes nothing but recall. Queries with equally many others are
    # matched together.
    near = np.flatnonzero(overlaps.ranked.max(axis=0, initial=0.0) >= thresholds.min())
    num_near = np.bincount(overlaps.query[near], minlength=overlaps.num_queries)
    for count in np.unique(num_near[num_near > 0]):
        queries = np.flatnonzero(num_near == count)
        columns = near[num_near[overlaps.query[near]] == count]
        overlap = overlaps.ranked[:, columns].reshape(MAX_RANKED, len(queries), count)
        hits = _first_come(overlap, thresholds)  # (P, Q, K)
        rank = np.arange(1, MAX_RANKED + 1)[:, None, None]
        envelope = np.maximum.accumulate((np.cumsum(hits, axis=0) / rank)[::-1], axis=0)[::-1]
        precision[queries] = (envelope * hits).sum(axis=0)
    precision /= np.maximum(overlaps.num_moments, 1)[:, None]
    return precision


def _first_come(overlap: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return which predictions are hits, bool (P, Q, K), from the tIoU of ranked predictions, (P, Q, N)."""
    overlap = overlap[:, :, None, ::-1]  # (P, Q, 1, N); the later moment first, for argmax
    is_open = overlap >= thresholds[:, None]  # (P, Q, K, N)
    is_free = np.ones(is_open.shape[1:], dtype=bool)
    moments = np.arange(overlap.shape[3])
    hits = np.empty(is_open.shape[:3], dtype=bool)
    for rank in range(len(overlap)):
        candidates = np.where(is_open[rank] & is_free, overlap[rank], -1.0)  # (Q, K, N)
        hits[rank] = candidates.max(axis=2) >= 0
        is_taken = (candidates.argmax(axis=2)[..., None] == moments) & hits[rank][..., None]
        is_free &= ~is_taken
    return hits
