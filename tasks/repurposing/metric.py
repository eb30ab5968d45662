"""The metrics of Repurpose-10K, from the clips that a model gives each video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from torch import Tensor

from vidkit.data import RepurposedVideo
from vidkit.evaluation import repurposing_metrics
from vidkit.evaluation.repurposing import ScoredClips
from vidkit.registry import METRICS

Result = tuple[RepurposedVideo, ScoredClips, ScoredClips]
"""A chunk, its clips, and all candidates."""


@METRICS.register_module()
class RepurposingMetric(BaseMetric):
    """``repurposing_metrics`` of a whole split; ``average`` is the mean tIoU precision, 0.5 to 0.9.

    Each result carries its own annotation, so the chunks that the released files repeat with other clips are
    told apart in any order of samples. Their predictions are equal, as their features are, so that
    ``vidkit evaluate`` may match their lines in any order as well.

    After ``compute_metrics`` the rows that ``vidkit evaluate`` reads are in ``predictions``.
    """

    default_prefix = ""  # keys read "tIoU@0.5"

    def __init__(self) -> None:
        super().__init__()
        self.predictions: list[dict[str, Any]] = []

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep the clips and the candidates of every sample, beside its annotation."""
        for sample in data_samples:
            start, end = sample["time_range"]
            video = RepurposedVideo(
                sample["video_id"], float(start), float(end), _array(sample["gt_segments"])
            )
            clips = _array(sample["pred_segments"]), _array(sample["pred_scores"])
            candidates = _array(sample["pred_candidates"]), _array(sample["pred_candidate_scores"])
            self.results.append((video, clips, candidates))

    def compute_metrics(self, results: list[Result]) -> dict[str, float]:
        """Return the metrics under flat keys, those of the table by length as "0-10 min/tIoU@0.5"."""
        self.predictions = [_row(*result) for result in results]
        metrics = repurposing_metrics(
            [(clips, video) for video, clips, _ in results], candidates=[result[2] for result in results]
        )
        flat: dict[str, float] = {}
        for name, value in metrics.items():
            if isinstance(value, dict):
                flat.update(
                    {f"{row}/{key}": number for row, line in value.items() for key, number in line.items()}
                )
            else:
                flat[name] = value
        return flat


def _array(values: Tensor) -> np.ndarray:
    array: np.ndarray = values.detach().cpu().double().numpy()
    return array


def _row(video: RepurposedVideo, clips: ScoredClips, candidates: ScoredClips) -> dict[str, Any]:
    """Return the line of one chunk in the prediction file."""
    return {
        "video_id": video.video_id,
        "time_range": [video.start_seconds, video.end_seconds],
        "duration": video.duration_seconds,
        "segments": _dicts(*clips),
        "candidates": _dicts(*candidates),
    }


def _dicts(segments: np.ndarray, scores: np.ndarray) -> list[dict[str, float]]:
    rows = zip(segments.tolist(), scores.tolist())
    return [{"start": start, "end": end, "score": score} for (start, end), score in rows]
