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
from vidkit.tasks.repurposing.selection import ClipSelection

Result = tuple[RepurposedVideo, ScoredClips, ScoredClips]
"""A chunk, its clips, and all candidates."""


@METRICS.register_module()
class RepurposingMetric(BaseMetric):
    """``repurposing_metrics`` of a whole split; ``average`` is the mean tIoU precision, 0.5 to 0.9.

    Each result carries its own annotation, so the chunks that the released files repeat with other clips are
    told apart in any order of samples. Their predictions are equal, as their features are, so that
    ``vidkit evaluate`` may match their lines in any order as well.

    The clips of a sample are its ``pred_segments``, the whole ranking its ``pred_candidates``. Models of
    moments have no candidates: of theirs, ``selection`` takes the clips.

    After ``compute_metrics`` the rows that ``vidkit evaluate`` reads are in ``predictions``.

    Args:
        selection: From the scored moments of a sample without candidates to its clips; None takes all the
            moments as clips.

    Raises:
        TypeError: If the selection is of another kind.
    """

    default_prefix = ""  # keys read "tIoU@0.5"

    def __init__(self, *, selection: ClipSelection | None = None) -> None:
        super().__init__()
        if not isinstance(selection, ClipSelection | None):
            raise TypeError(f"selection must be ClipSelection or None, got {type(selection).__name__}")
        self.selection = selection
        self.predictions: list[dict[str, Any]] = []

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep the clips and the candidates of every sample, beside its annotation."""
        for sample in data_samples:
            start, end = sample["time_range"]
            video = RepurposedVideo(
                sample["video_id"], float(start), float(end), _array(sample["gt_segments"])
            )
            self.results.append((video, *self._clips(sample)))

    def compute_metrics(self, results: list[Result]) -> dict[str, float]:
        """Return the metrics under flat keys, those of the table by length as "0-10 min/tIoU@0.5".

        Chunks without annotated clips, as long videos of one's own have them, are not judged, unless all are
        such: no prediction could be right there.
        """
        self.predictions = [_row(*result) for result in results]
        results = [result for result in results if len(result[0].segments)] or results
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

    def _clips(self, sample: dict[str, Any]) -> tuple[ScoredClips, ScoredClips]:
        """Return the clips of a sample and its candidates."""
        segments, scores = _array(sample["pred_segments"]), _array(sample["pred_scores"])
        if "pred_candidates" in sample:
            candidates = _array(sample["pred_candidates"]), _array(sample["pred_candidate_scores"])
            return (segments, scores), candidates
        if self.selection is None:
            return (segments, scores), (segments, scores)
        chosen = self.selection(scores, segments, duration_seconds=float(sample["duration_seconds"]))
        return (chosen.segments, chosen.scores), (chosen.candidates, chosen.candidate_scores)


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
