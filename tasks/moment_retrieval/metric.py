"""The metrics of the task: recall and precision of moments, and saliency where it was judged.

Shapes: T clips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from vidkit.data import MomentAnnotation
from vidkit.data.qvhighlights import QVHIGHLIGHTS_CLIP_SECONDS
from vidkit.evaluation import (
    HighlightMetric,
    charades_sta_metrics,
    clip_scores,
    moment_prediction,
    qvhighlights_metrics,
)
from vidkit.evaluation.charades_sta import ranking
from vidkit.registry import METRICS

__all__ = ["HighlightMetric", "MomentMetric"]

PROTOCOLS = ("qvhighlights", "charades_sta")


@METRICS.register_module()
class MomentMetric(BaseMetric):
    """The metrics of QVHighlights or Charades-STA of a whole split, under flat keys.

    Those of QVHighlights are in percent: the brief ones as "MR-full-mAP" and "HL-min-VeryGood-Hit1", all
    others as "full/MR-mAP/0.5". Those of a length that no annotated moment has are left out. Those of
    Charades-STA are fractions, "Rank1@0.5".

    Saliency is said of every 2-s clip of the video, as QVHighlights judges them: one beyond the features is
    as salient as the last one that has some, where the released tools leave it out, which their evaluation
    takes for 0.

    Args:
        protocol: Whose rules.
        nms: What orders the moments on Charades-STA, one of ``vidkit.evaluation.charades_sta.NMS``;
            "gaussian" is the protocol of UMT. QVHighlights takes them as they are.
        sigma: Of "gaussian".
        threshold: Of "linear" and "hard".

    Raises:
        ValueError: If the protocol or ``nms`` is unknown, or does not go with the other arguments.

    After ``compute_metrics`` the rows that ``vidkit evaluate`` reads are in ``predictions``.
    """

    default_prefix = ""  # keys read "MR-full-mAP"

    def __init__(
        self,
        *,
        protocol: str = "qvhighlights",
        nms: str = "none",
        sigma: float | None = None,
        threshold: float | None = None,
    ) -> None:
        super().__init__()
        if protocol not in PROTOCOLS:
            raise ValueError(f"unknown protocol {protocol!r}; known: {', '.join(PROTOCOLS)}")
        self.rank = ranking(nms, sigma=sigma, threshold=threshold)
        if protocol == "qvhighlights" and nms != "none":
            raise ValueError(f"nms {nms!r} belongs to charades_sta; QVHighlights takes moments as they are")
        self.protocol = protocol
        self.predictions: list[dict[str, Any]] = []

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep what is said of every sentence, beside its annotation."""
        for sample in data_samples:
            annotation: MomentAnnotation = sample["annotation"]
            moments = sample["pred_segments"].detach().cpu().double().numpy()
            scores = sample["pred_scores"].detach().cpu().double().numpy()
            row: dict[str, Any] = {
                "qid": annotation.query_id,
                "query": annotation.query,
                "vid": annotation.video_id,
                "pred_relevant_windows": np.column_stack([moments, scores]).tolist(),
            }
            if self.protocol == "qvhighlights":
                saliency = sample["pred_saliency"].detach().cpu().double().numpy()
                row["pred_saliency_scores"] = _at_judged_clips(saliency, sample["clip_seconds"], annotation)
            self.results.append((annotation, row))

    def compute_metrics(self, results: list[tuple[MomentAnnotation, dict[str, Any]]]) -> dict[str, float]:
        """Return the metrics, one flat key each."""
        annotations = [annotation for annotation, _ in results]
        self.predictions = [row for _, row in results]
        predictions = [moment_prediction(row, f"qid {row['qid']!r}") for row in self.predictions]
        if self.protocol == "charades_sta":
            return charades_sta_metrics(predictions, annotations, rank=self.rank)
        table = qvhighlights_metrics(predictions, annotations)
        return dict(_numbers({**table.pop("brief"), **table}))


def _at_judged_clips(saliency: np.ndarray, clip_seconds: float, annotation: MomentAnnotation) -> list[float]:
    """Return the saliency of every 2-s clip of a video, at least of one."""
    seconds = annotation.duration_seconds or len(saliency) * clip_seconds
    num_clips = max(1, int(seconds / QVHIGHLIGHTS_CLIP_SECONDS))
    if clip_seconds == QVHIGHLIGHTS_CLIP_SECONDS:
        judged = saliency[np.minimum(np.arange(num_clips), len(saliency) - 1)]
    else:
        starts = np.arange(num_clips) * QVHIGHLIGHTS_CLIP_SECONDS
        judged = clip_scores(
            saliency, clip_seconds, np.column_stack([starts, starts + QVHIGHLIGHTS_CLIP_SECONDS])
        )
    values: list[float] = judged.tolist()
    return values


def _numbers(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    """Return the numbers of a nested table under flat keys; what is None has none."""
    found: list[tuple[str, float]] = []
    for key, value in table.items():
        if isinstance(value, Mapping):
            found += _numbers(value, f"{prefix}{key}/")
        elif value is not None:
            found.append((f"{prefix}{key}", value))
    return found
