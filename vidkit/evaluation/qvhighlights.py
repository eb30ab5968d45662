"""The evaluation of QVHighlights: the keys, the nesting and the rounding of its official JSON."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vidkit.data.moments import MomentAnnotation
from vidkit.evaluation.moment_predictions import MomentPrediction, aligned, warn_of_moments_outside
from vidkit.evaluation.moments import THRESHOLDS, average_precisions, first_overlaps, moment_overlaps
from vidkit.evaluation.saliency import best_clip, fitted, tied_average_precisions

SPLITS = {"full": None, "long": (30.0, 150.0), "middle": (10.0, 30.0), "short": (0.0, 10.0)}
"""Name -> lengths of annotated moments in seconds, (more than, at most); None: all."""

LEVELS = {"Fair": 2, "Good": 3, "VeryGood": 4}
"""Name -> the judgement from which a clip counts as a highlight."""

_BRIEF = {
    "MR-full-R1@0.5": ("full", "MR-R1", "0.5"),
    "MR-full-R1@0.7": ("full", "MR-R1", "0.7"),
    "MR-full-mAP": ("full", "MR-mAP", "average"),
    "MR-full-mAP@0.5": ("full", "MR-mAP", "0.5"),
    "MR-full-mAP@0.75": ("full", "MR-mAP", "0.75"),
    "MR-long-mAP": ("long", "MR-mAP", "average"),
    "MR-middle-mAP": ("middle", "MR-mAP", "average"),
    "MR-short-mAP": ("short", "MR-mAP", "average"),
}

Table = dict[str, Any]


def qvhighlights_metrics(
    predictions: Sequence[MomentPrediction], annotations: Sequence[MomentAnnotation]
) -> Table:
    """Return the metrics of QVHighlights, in percent with two decimals.

    Moments are scored if the first prediction has them, saliency if the first has it. Where no query of the
    ground truth has saliency (or windows), that part of the predictions is left out, which a warning says.

    - ``MR-R1`` at tIoU 0.5, 0.55, ..., 0.95: the share of queries whose first listed window reaches the
      annotated window it overlaps most.
    - ``MR-mAP``: the mean over queries of ``average_precisions``; ``average`` is the mean over thresholds.
    - ``full``, ``long``, ``middle``, ``short``: over all annotated windows, or only those of a length;
      queries without such a window are left out, predictions are all kept. A length that no query has gives
      None.
    - ``HL-mAP``: the mean of ``tied_average_precisions`` over queries and annotators. ``HL-Hit1``: the share
      of queries whose ``best_clip`` some annotator calls a highlight.

    Args:
        predictions: Exactly one per annotation; the first one decides what is scored.
        annotations: Ground truth.

    Returns:
        ``{"brief": {...}, "HL-min-Fair": {"HL-mAP", "HL-Hit1"}, ..., "full": {"MR-mAP": {"0.5": ...,
        "average"}, "MR-R1": {...}}, ...}``.

    Raises:
        ValueError: If the queries are not the same, or windows or saliency are missing in some.
    """
    matched = aligned(predictions, annotations)
    table: Table = {}
    brief: dict[str, float | None] = {}
    if _is_scored(predictions, annotations, "moments"):
        warn_of_moments_outside(matched, annotations)
        table.update(_moment_table(matched, annotations))
        brief.update({name: table[split][metric][key] for name, (split, metric, key) in _BRIEF.items()})
    if _is_scored(predictions, annotations, "saliency"):
        highlights = _highlight_table(matched, annotations)
        for level, row in highlights.items():
            brief.update({f"{level}-{metric.removeprefix('HL-')}": value for metric, value in row.items()})
        table.update(highlights)
    if not table:
        raise ValueError(
            "nothing to score: predictions and ground truth share neither windows (pred_relevant_windows, "
            "relevant_windows) nor saliency (pred_saliency_scores, saliency_scores)"
        )
    return {"brief": brief, **dict(sorted(table.items()))}


def _is_scored(
    predictions: Sequence[MomentPrediction], annotations: Sequence[MomentAnnotation], field: str
) -> bool:
    """Return whether both sides have moments (or saliency), after checking that all of their queries do."""
    key, true_key = {
        "moments": ("pred_relevant_windows", "relevant_windows"),
        "saliency": ("pred_saliency_scores", "saliency_scores"),
    }[field]
    lacking = [prediction for prediction in predictions if getattr(prediction, field) is None]
    if getattr(predictions[0], field) is None:
        if len(lacking) < len(predictions):
            warnings.warn(f"{key} are not scored: the first prediction has none", stacklevel=3)
        return False
    without = [annotation.query_id for annotation in annotations if getattr(annotation, field) is None]
    if len(without) == len(annotations):
        warnings.warn(f"{key} are not scored: the ground truth has no {true_key}", stacklevel=3)
        return False
    if lacking:
        raise ValueError(f"{lacking[0].place}: {key} missing; give it in every line, or in none")
    if without:
        raise ValueError(
            f"{len(without)} of {len(annotations)} queries of the ground truth have no {true_key}, first qid "
            f"{without[0]!r}; annotate all, or none"
        )
    return True


def _moment_table(predictions: Sequence[MomentPrediction], annotations: Sequence[MomentAnnotation]) -> Table:
    overlaps = moment_overlaps(
        [(p.moments, p.scores) for p in predictions if p.moments is not None and p.scores is not None],
        [a.moments for a in annotations if a.moments is not None],
    )
    table = {}
    for name, lengths in SPLITS.items():
        part = overlaps if lengths is None else overlaps.of_length(*lengths)
        has_moments = part.num_moments > 0
        hits = first_overlaps(part)[:, None] >= THRESHOLDS
        table[name] = {
            "MR-mAP": _at_thresholds(average_precisions(part)[has_moments], with_average=True),
            "MR-R1": _at_thresholds(hits[has_moments], with_average=False),
        }
    return table


def _at_thresholds(values: np.ndarray, *, with_average: bool) -> dict[str, float | None]:
    """Return the percentages of (Q, K) values, None if there are no queries."""
    names = [str(threshold) for threshold in THRESHOLDS.tolist()]
    if with_average:
        names.append("average")
    if not len(values):
        return dict.fromkeys(names)
    means = values.mean(axis=0).tolist()
    return dict(zip(names, map(_percent, [*means, float(np.mean(means))]), strict=False))


def _highlight_table(
    predictions: Sequence[MomentPrediction], annotations: Sequence[MomentAnnotation]
) -> Mapping[str, dict[str, float]]:
    saliencies = [p.saliency for p in predictions if p.saliency is not None]
    judged = [a.saliency for a in annotations if a.saliency is not None]
    num_clips = np.array([len(rows) for rows in judged])
    shape = (len(judged), max(1, int(num_clips.max())))
    scores, judgements = np.zeros(shape), np.zeros((*shape, judged[0].shape[1]))
    for query, (saliency, rows) in enumerate(zip(saliencies, judged, strict=True)):
        scores[query, : len(rows)] = fitted(saliency, len(rows))
        judgements[query, : len(rows)] = rows
    is_clip = np.arange(shape[1]) < num_clips[:, None]
    by_annotator = judgements.transpose(0, 2, 1)  # (Q, A, T)
    best = np.array([best_clip(saliency) for saliency in saliencies])
    is_inside = (best >= 0) & (best < num_clips)
    highest = judgements[np.arange(len(best)), np.where(is_inside, best, 0)].max(axis=1) * is_inside
    table = {}
    for name, level in LEVELS.items():
        precision = tied_average_precisions(scores, by_annotator >= level, is_clip)
        table[f"HL-min-{name}"] = {
            "HL-mAP": _percent(precision.mean()),
            "HL-Hit1": _percent((highest >= level).mean()),
        }
    return table


def _percent(fraction: float | np.floating[Any]) -> float:
    return round(100 * float(fraction), 2)
