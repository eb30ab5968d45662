"""Recall of moments on Charades-STA, as UMT measures it.

"UMT: Unified Multi-modal Transformers for Joint Video Moment Retrieval and Highlight Detection" (Liu et al.
2022, https://arxiv.org/abs/2203.12745) and its released code, which computes in float32; here in float64.

Shapes: N predicted moments, M annotated ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from vidkit.data.moments import MomentAnnotation
from vidkit.evaluation.moment_predictions import MomentPrediction, aligned, warn_of_moments_outside
from vidkit.overlap import temporal_iou
from vidkit.postprocessing import hard_nms, linear_soft_nms, soft_nms

RANKS = (1, 5)
THRESHOLDS = (0.5, 0.7)

NMS = ("none", "gaussian", "linear", "hard")
UMT_SIGMA = 0.5
UMT_THRESHOLD = 0.3

Ranking = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From moments (N, 2) and scores (N,) to the indices of the best, at most as many as the largest rank."""


def ranking(nms: str = "none", *, sigma: float | None = None, threshold: float | None = None) -> Ranking:
    """Return what puts predictions in the order in which they are looked at.

    Args:
        nms: "none": by falling score, and by place in the file where scores are equal. "gaussian", "linear":
            by soft-NMS. "hard": by greedy NMS.
        sigma: Of "gaussian"; 0.5 by default, as in UMT.
        threshold: tIoU from which "linear" and "hard" act; by default that of UMT, 0 and 0.3.

    Raises:
        ValueError: If there is no such kind, or a number is out of range or belongs to another kind.

    Example:
        >>> rank = ranking("hard", threshold=0.5)
        >>> rank(np.array([[0.0, 4.0], [0.0, 5.0], [6.0, 9.0]]), np.array([0.9, 0.8, 0.7]))
        array([0, 2])
    """
    if nms not in NMS:
        raise ValueError(f"unknown nms {nms!r}; known: {', '.join(NMS)}")
    if sigma is not None and nms != "gaussian":
        raise ValueError(f"sigma belongs to nms gaussian, not to nms {nms}; leave it out")
    if threshold is not None and nms not in ("linear", "hard"):
        raise ValueError(f"threshold belongs to nms linear and hard, not to nms {nms}; leave it out")
    limit = max(RANKS)
    if nms == "gaussian":
        width = UMT_SIGMA if sigma is None else sigma
        if not 0 < width < float("inf"):
            raise ValueError(f"sigma must be positive, got {width}")
        return lambda moments, scores: soft_nms(moments, scores, sigma=width, limit=limit)[0]
    if nms == "linear":
        least = 0.0 if threshold is None else threshold
        if not 0 <= least <= 1:
            raise ValueError(f"threshold of nms linear must lie in [0, 1], got {least}")
        return lambda moments, scores: linear_soft_nms(moments, scores, threshold=least, limit=limit)[0]
    if nms == "hard":
        most = UMT_THRESHOLD if threshold is None else threshold
        if not 0 < most <= 1:
            raise ValueError(f"threshold of nms hard must lie in (0, 1], got {most}")
        return lambda moments, scores: hard_nms(moments, scores, threshold=most, limit=limit)
    return lambda moments, scores: np.argsort(-scores, kind="stable")[:limit]


def charades_sta_metrics(
    predictions: Sequence[MomentPrediction],
    annotations: Sequence[MomentAnnotation],
    *,
    rank: Ranking | None = None,
) -> dict[str, float]:
    """Return recall at 1 and 5 at tIoU 0.5 and 0.7, as fractions of the queries, unrounded.

    A query is found at rank n if one of its n best predictions reaches the threshold with an annotated
    moment. All predictions are ranked, not only the first ten.

    Args:
        predictions: Exactly one per annotation, with moments.
        annotations: Ground truth, with moments.
        rank: What orders the predictions; by score, without NMS, by default.

    Returns:
        ``{"Rank1@0.5": ..., "Rank1@0.7": ..., "Rank5@0.5": ..., "Rank5@0.7": ...}``.

    Raises:
        ValueError: If the queries are not the same, one has no moments, or scores cannot be ranked.
    """
    rank = rank or ranking()
    matched = aligned(predictions, annotations)
    warn_of_moments_outside(matched, annotations)
    overlaps = np.zeros((len(matched), max(RANKS)))  # of the best predictions; 0 where there are fewer
    for query, (prediction, annotation) in enumerate(zip(matched, annotations, strict=True)):
        if prediction.moments is None or prediction.scores is None:
            raise ValueError(f"{prediction.place}: pred_relevant_windows missing; give [] if there are none")
        if annotation.moments is None:
            raise ValueError(f"the ground truth of qid {annotation.query_id!r} has no relevant_windows")
        try:
            best = rank(prediction.moments, prediction.scores)
        except ValueError as error:
            raise ValueError(f"{prediction.place}: {error}") from error
        overlap = temporal_iou(prediction.moments[best], annotation.moments)  # (N, M)
        overlaps[query, : len(best)] = overlap.max(axis=1, initial=0.0)
    return {
        f"Rank{n}@{threshold}": float((overlaps[:, :n].max(axis=1) >= threshold).mean())
        for n in RANKS
        for threshold in THRESHOLDS
    }
