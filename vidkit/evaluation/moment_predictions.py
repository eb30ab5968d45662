"""Predicted moments and saliency of sentences: lines in the form of QVHighlights submissions.

Shapes: N predicted moments, T clips.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.data.moments import MomentAnnotation, checked_query_id
from vidkit.data.rows import checked_numbers, checked_rows


@dataclass(frozen=True)
class MomentPrediction:
    """What a model answers to one query.

    Args:
        query_id: The ``query_id`` of the annotation.
        moments: Start and end in seconds, (N, 2), in the order of the file; None if none were asked for.
        scores: One per moment, (N,), any finite number.
        saliency: One score per clip, (T,), any finite number; None if none were asked for.
        place: Where it stands, for messages.
    """

    query_id: int | str
    moments: np.ndarray | None = None
    scores: np.ndarray | None = None
    saliency: np.ndarray | None = None
    place: str = "predictions"


def read_moment_predictions(path: str | Path) -> list[MomentPrediction]:
    """Return the predictions of a file.

    A line is ``{"qid", "query", "vid", "pred_relevant_windows", "pred_saliency_scores"}``. A window is
    [start, end, score] in seconds. ``query`` and ``vid`` are for people and not read; either of the last two
    keys may be absent.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line breaks the form, or there is none; the message says which line.
    """
    rows = checked_rows(path, ("qid",), unique="qid")
    if not rows:
        raise ValueError(f"{path} has no predictions; give one line per query")
    return [moment_prediction(row, place) for place, row in rows]


def moment_prediction(row: Mapping[str, Any], place: str = "predictions") -> MomentPrediction:
    """Return the prediction of one line.

    Raises:
        ValueError: If the qid is no integer or text, a number is not finite, or a window is inverted.

    Example:
        >>> moment_prediction({"qid": 7, "pred_relevant_windows": [[0, 4, 0.9]]}).moments
        array([[0., 4.]])
    """
    query_id = checked_query_id(row.get("qid"), place)
    moments = scores = saliency = None
    if "pred_relevant_windows" in row:
        moments, scores = _windows(row["pred_relevant_windows"], place)
    if "pred_saliency_scores" in row:
        saliency = checked_numbers(row["pred_saliency_scores"], place, "pred_saliency_scores", num_axes=1)
    return MomentPrediction(query_id, moments, scores, saliency, place)


def aligned(
    predictions: Sequence[MomentPrediction], annotations: Sequence[MomentAnnotation]
) -> list[MomentPrediction]:
    """Return the predictions in the order of the annotations, exactly one for each.

    A number and its digits as a text are the same query.

    Raises:
        ValueError: If a query is unknown, missing or predicted twice, or there is none.
    """
    if not annotations:
        raise ValueError("the ground truth has no queries")
    known = {str(annotation.query_id) for annotation in annotations}
    by_query: dict[str, MomentPrediction] = {}
    for prediction in predictions:
        name = str(prediction.query_id)
        if name not in known:
            raise ValueError(
                f"{prediction.place}: qid {prediction.query_id!r} is not in the ground truth; predict its "
                f"{len(known)} queries alone"
            )
        if name in by_query:
            raise ValueError(f"{prediction.place}: qid {prediction.query_id!r} stands twice; keep one")
        by_query[name] = prediction
    missing = [a.query_id for a in annotations if str(a.query_id) not in by_query]
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(known)} queries have no prediction, first qid {missing[0]!r}; predict "
            "exactly those of the ground truth"
        )
    return [by_query[str(annotation.query_id)] for annotation in annotations]


def warn_of_moments_outside(
    predictions: Sequence[MomentPrediction], annotations: Sequence[MomentAnnotation]
) -> None:
    """Warn once of predicted moments that leave their video; they are scored as they stand.

    Args:
        predictions: With moments, in the order of the annotations.
        annotations: Those without a duration are not looked at.
    """
    num_outside = num_moments = 0
    for prediction, annotation in zip(predictions, annotations, strict=True):
        if prediction.moments is not None and annotation.duration_seconds is not None:
            outside = (prediction.moments[:, 0] < 0) | (
                prediction.moments[:, 1] > annotation.duration_seconds
            )
            num_outside += int(outside.sum())
            num_moments += len(outside)
    if num_outside:
        warnings.warn(
            f"{num_outside} of {num_moments} predicted windows leave their video; they are scored as given",
            stacklevel=3,
        )


def _windows(value: Any, place: str) -> tuple[np.ndarray, np.ndarray]:
    """Return moments (N, 2) and scores (N,)."""
    if value == []:
        return np.zeros((0, 2)), np.zeros(0)
    windows = checked_numbers(value, place, "pred_relevant_windows", num_axes=2)
    if windows.shape[1] != 3:
        raise ValueError(f"{place}: pred_relevant_windows are [start, end, score], got {value[0]}")
    inverted = np.flatnonzero(windows[:, 0] > windows[:, 1])
    if len(inverted):
        raise ValueError(
            f"{place}: the window {value[inverted[0]]} ends before it starts; swap start and end"
        )
    return windows[:, :2], windows[:, 2]
