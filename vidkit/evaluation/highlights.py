"""Metrics of highlight detection: YouTube Highlights mAP and TVSum top-k mAP.

Shapes: N clips of a video, A annotators. Ties in the scores keep the order of time (a stable sort), where the
original scripts give an arbitrary order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from vidkit.data.highlights import HighlightAnnotation

_DECIMALS = 5


def trapezoid_average_precision(scores: np.ndarray, labels: np.ndarray, *, top: int | None = None) -> float:
    """Return the area under the precision-recall points by the trapezoid rule.

    ``sum_j (rec_j - rec_{j-1}) (prec_{j-1} + prec_j) / 2`` over the ranks j, with prec_0 = 1 and rec_0 = 0.

    Args:
        scores: Predicted saliency, (N,).
        labels: Which clips are highlights, bool (N,).
        top: Look at the best ``top`` clips only; recall then counts the positives among them.

    Returns:
        A number in [0, 1]; 0 without positives.

    Example:
        >>> trapezoid_average_precision(np.array([0.9, 0.8, 0.1]), np.array([True, False, True]))
        0.7916666666666666
    """
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")[:top]
    hits = np.asarray(labels, dtype=bool)[order].astype(np.float64)
    if not hits.any():
        return 0.0
    found = np.cumsum(hits)
    precision = np.concatenate([[1.0], found / np.arange(1, len(hits) + 1)])
    recall = np.concatenate([[0.0], found / found[-1]])
    return float(np.sum(np.diff(recall) * (precision[:-1] + precision[1:]) / 2))


def youtube_highlights_map(
    predictions: Mapping[str, Sequence[float]], annotations: Sequence[HighlightAnnotation]
) -> dict[str, dict[str, float] | float]:
    """Return the mAP of YouTube Highlights, per domain and averaged over domains.

    Args:
        predictions: Scores of the annotated clips, by video.
        annotations: Ground truth.

    Returns:
        ``{domain: {"mAP": value}, ..., "average": value}``, fractions of 5 decimals.

    Raises:
        ValueError: If a video is missing or unknown, or its scores are not one per clip and finite.
    """
    scores = _aligned(predictions, annotations)
    per_domain = defaultdict(list)
    for annotation in annotations:
        value = trapezoid_average_precision(scores[annotation.video_id], annotation.labels[:, 0] > 0)
        per_domain[annotation.domain].append(value)
    return _table({domain: {"mAP": float(np.mean(values))} for domain, values in sorted(per_domain.items())})


def tvsum_map(
    predictions: Mapping[str, Sequence[float]],
    annotations: Sequence[HighlightAnnotation],
    *,
    tops: Sequence[int] = (5, 15),
) -> dict[str, dict[str, float] | float]:
    """Return the top-k mAP of TVSum, per domain and averaged over domains.

    A clip is positive for an annotator who scores it above his (lower) median over the video; the AP of the k
    best clips has the positives among those k as its recall denominator.

    Args:
        predictions: Scores of the annotated clips, by video.
        annotations: Ground truth.
        tops: Values of k.

    Returns:
        ``{domain: {"top5_mAP": value, ...}, ..., "average": {"top5_mAP": value, ...}}`` with 5 decimals.

    Raises:
        ValueError: If a video is missing or unknown, or its scores are not one per clip and finite.
    """
    scores = _aligned(predictions, annotations)
    names = {top: f"top{top}_mAP" for top in tops}
    per_domain: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for annotation in annotations:
        medians = np.sort(annotation.labels, axis=0)[(len(annotation.labels) - 1) // 2]
        positive = annotation.labels > medians  # (N, A)
        for top, name in names.items():
            values = [
                trapezoid_average_precision(scores[annotation.video_id], column, top=top)
                for column in positive.T
            ]
            per_domain[annotation.domain][name].append(float(np.mean(values)))
    table = {
        domain: {name: float(np.mean(values)) for name, values in columns.items()}
        for domain, columns in sorted(per_domain.items())
    }
    return _table(table)


HIGHLIGHT_METRICS: dict[str, Callable[..., dict[str, dict[str, float] | float]]] = {
    "youtube_highlights": youtube_highlights_map,
    "tvsum": tvsum_map,
}
"""The metric of a benchmark, from scores by video and annotations."""


def _aligned(
    predictions: Mapping[str, Sequence[float]], annotations: Sequence[HighlightAnnotation]
) -> dict[str, np.ndarray]:
    """Return the checked scores of every annotated video."""
    known = {annotation.video_id for annotation in annotations}
    if not known:
        raise ValueError("the ground truth has no videos")
    unknown = sorted(predictions.keys() - known)
    missing = sorted(known - predictions.keys())
    if unknown or missing:
        what = f"{len(missing)} videos have no prediction, first {missing[0]!r}" if missing else ""
        extra = f"{len(unknown)} predicted videos are not annotated, first {unknown[0]!r}" if unknown else ""
        raise ValueError("; ".join(filter(None, (what, extra))) + "; predict exactly the annotated videos")
    aligned = {}
    for annotation in annotations:
        scores = np.asarray(predictions[annotation.video_id], dtype=np.float64)
        if scores.shape != (len(annotation.clips),):
            raise ValueError(
                f"video {annotation.video_id}: {scores.size} scores for {len(annotation.clips)} clips; "
                "give one per clip"
            )
        if not np.isfinite(scores).all():
            raise ValueError(f"video {annotation.video_id}: scores must be finite numbers, got {scores}")
        aligned[annotation.video_id] = scores
    return aligned


def _table(per_domain: dict[str, dict[str, float]]) -> dict[str, dict[str, float] | float]:
    """Add the average over domains and round."""
    names = next(iter(per_domain.values())).keys()
    average = {name: float(np.mean([row[name] for row in per_domain.values()])) for name in names}
    rounded: dict[str, dict[str, float] | float] = {
        domain: {name: round(value, _DECIMALS) for name, value in row.items()}
        for domain, row in per_domain.items()
    }
    rounded["average"] = {name: round(value, _DECIMALS) for name, value in average.items()}
    if list(names) == ["mAP"]:
        rounded["average"] = round(average["mAP"], _DECIMALS)
    return rounded
