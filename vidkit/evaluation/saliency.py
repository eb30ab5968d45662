"""Metrics of highlight detection as QVHighlights defines them: HIT@1 and average precision over tied scores.

"QVHighlights: Detecting Moments and Highlights in Videos via Natural Language Queries" (Lei et al. 2021,
https://arxiv.org/abs/2107.09609) and its standalone evaluation.

Shapes: Q queries, T clips of the longest video, R rows of labels, A annotators.
"""

from __future__ import annotations

import numpy as np


def fitted(saliency: np.ndarray, num_clips: int) -> np.ndarray:
    """Return one score per clip: what is too long is cut, what is too short is filled with zeros.

    Zeros are the official rule. They rank before all negative scores, so a model whose scores may be negative
    gives one per clip.

    Example:
        >>> fitted(np.array([-1.0, 2.0]), 3), fitted(np.array([-1.0, 2.0]), 1)
        (array([-1.,  2.,  0.]), array([-1.]))
    """
    scores = np.zeros(num_clips)
    kept = min(num_clips, len(saliency))
    scores[:kept] = saliency[:kept]
    return scores


def best_clip(saliency: np.ndarray) -> int:
    """Return the clip of highest score, the first of equals; -1 if there is no score.

    HIT@1 asks whether some annotator calls it a highlight. It looks at all scores of a prediction, cut to no
    length: a best clip after the end of the video is a miss.

    Example:
        >>> best_clip(np.array([0.1, 0.9, 0.9])), best_clip(np.zeros(0))
        (1, -1)
    """
    return int(saliency.argmax()) if len(saliency) else -1


def tied_average_precisions(scores: np.ndarray, labels: np.ndarray, is_clip: np.ndarray) -> np.ndarray:
    """Return the interpolated average precision of every row of labels.

    Equal scores enter together and give one point of the precision-recall curve. Precision is made
    non-increasing with recall, and averaged over the points at which recall grows, each with the same weight
    however much it grows.

    Args:
        scores: Predicted saliency, (Q, T).
        labels: Which clips are highlights, bool (Q, R, T), False in padding.
        is_clip: True where a clip is real, bool (Q, T); real clips come first.

    Returns:
        Fractions, (Q, R); 0 without positives.

    Example:
        >>> scores, labels = np.array([[3.0, 2.0, 2.0, 1.0]]), np.array([[[True, True, False, True]]])
        >>> tied_average_precisions(scores, labels, np.ones((1, 4), dtype=bool))
        array([[0.83333333]])
    """
    ranked = np.where(is_clip, scores, -np.inf)
    order = np.argsort(-ranked, axis=1)  # of equal scores any order will do
    ranked = np.take_along_axis(ranked, order, axis=1)
    found = np.cumsum(np.take_along_axis(labels, order[:, None], axis=2), axis=2)  # (Q, R, T)
    is_point = np.ones(ranked.shape, dtype=bool)
    is_point[:, :-1] = ranked[:, 1:] != ranked[:, :-1]
    found = np.where(is_point[:, None], found, 0)
    precision = found / np.arange(1, found.shape[2] + 1)
    precision = np.maximum.accumulate(precision[..., ::-1], axis=2)[..., ::-1]
    before = np.zeros_like(found)
    before[..., 1:] = np.maximum.accumulate(found, axis=2)[..., :-1]
    grows = found > before
    total: np.ndarray = (precision * grows).sum(axis=2) / np.maximum(grows.sum(axis=2), 1)
    return total
