"""YouTube Highlights mAP and TVSum top-k mAP of a model, from one score per clip of its features.

Shapes: N annotated clips, T clips of the features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from mmengine.evaluator import BaseMetric

from vidkit.data.highlights import HighlightAnnotation
from vidkit.evaluation.highlights import HIGHLIGHT_METRICS
from vidkit.registry import METRICS

HighlightProtocol = Literal["youtube_highlights", "tvsum"]


@METRICS.register_module()
class HighlightMetric(BaseMetric):
    """The mAP of a highlight benchmark; ``average`` is the mean over its domains.

    Args:
        protocol: Which benchmark's rules.

    After ``compute_metrics`` the rows that ``vidkit evaluate`` reads are in ``predictions``.
    """

    default_prefix = ""  # keys read "dog/mAP"

    def __init__(self, *, protocol: HighlightProtocol = "youtube_highlights") -> None:
        super().__init__()
        if protocol not in HIGHLIGHT_METRICS:
            raise ValueError(f"unknown protocol {protocol!r}; known: {', '.join(HIGHLIGHT_METRICS)}")
        self.protocol = protocol
        self.predictions: list[dict[str, Any]] = []

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep the score of every annotated clip.

        It is the mean of the clips of the features that it covers; where those are the annotated clips
        (``clip_seconds`` is None), its own, and for one that has no features that of the last that has.
        """
        for sample in data_samples:
            annotation: HighlightAnnotation = sample["annotation"]
            saliency = sample["pred_saliency"].float().numpy()
            if sample["clip_seconds"] is None:
                scores = saliency[np.minimum(np.arange(len(annotation.clips)), len(saliency) - 1)]
            else:
                scores = clip_scores(saliency, sample["clip_seconds"], annotation.clips)
            self.results.append((annotation, scores.tolist()))

    def compute_metrics(self, results: list[tuple[HighlightAnnotation, list[float]]]) -> dict[str, float]:
        """Return the metric, one flat key per domain and value."""
        self.predictions = [
            {"vid": annotation.video_id, "domain": annotation.domain, "pred_saliency_scores": scores}
            for annotation, scores in results
        ]
        scores_of = {annotation.video_id: scores for annotation, scores in results}
        table = HIGHLIGHT_METRICS[self.protocol](scores_of, [annotation for annotation, _ in results])
        flat: dict[str, float] = {}
        for domain, values in table.items():
            if isinstance(values, dict):
                flat.update({f"{domain}/{name}": value for name, value in values.items()})
            else:
                flat[f"{domain}/mAP"] = values
        return flat


def clip_scores(saliency: np.ndarray, step_seconds: float, clips: np.ndarray) -> np.ndarray:
    """Return the mean score of the steps whose middle lies in each clip, (N,).

    Args:
        saliency: Score of every step, (T,).
        step_seconds: Length of a step.
        clips: Start and end in seconds, (N, 2). A clip that covers no middle, or lies beyond the last step,
            gets the nearest step's score.

    Example:
        >>> clip_scores(np.array([0.0, 1.0, 2.0, 3.0]), 0.5, np.array([[0.0, 1.0], [1.0, 2.0]]))
        array([0.5, 2.5])
    """
    sums = np.concatenate([[0.0], np.cumsum(saliency, dtype=np.float64)])
    edges = np.clip(np.ceil(clips / step_seconds - 0.5 - 1e-9), 0, len(saliency)).astype(int)  # (N, 2)
    nearest = np.clip((clips.mean(axis=1) / step_seconds).astype(int), 0, len(saliency) - 1)
    counts = edges[:, 1] - edges[:, 0]
    means = (sums[edges[:, 1]] - sums[edges[:, 0]]) / np.maximum(counts, 1)
    scores: np.ndarray = np.where(counts > 0, means, np.asarray(saliency, dtype=np.float64)[nearest])
    return scores
