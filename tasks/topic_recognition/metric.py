"""The metrics of the task: mean class accuracy of the fused scores, and of each modality alone.

Shapes: K topics.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from vidkit.data.usv_taxonomy import USV_MACRO_TOPICS
from vidkit.evaluation import mean_class_accuracy, topic_metrics
from vidkit.registry import METRICS
from vidkit.tasks.topic_recognition.fusion import fuse

_DIGITS = 6  # significant ones of a probability in a file: the order of small ones counts for top-5


@dataclass(frozen=True)
class _Video:
    """What is kept of a video: its topic, and the probabilities (K,), fused and by part."""

    video_id: str
    label: str | None
    topics: tuple[str, ...]
    scores: np.ndarray
    part_scores: dict[str, np.ndarray]


@METRICS.register_module()
class TopicMetric(BaseMetric):
    """Mean class accuracy, top-1 and top-5 of all videos with a topic, under flat keys, as fractions.

    "mca", "top1", "top5" (see ``vidkit.evaluation.topic_metrics``); "macro/mca", the share of videos that get
    any topic under the right macro topic, as a mean over macro topics, where the topics are those of USV-1.0;
    and of models of several modalities the accuracy of each alone, as "visual/mca", and of any two of three,
    fused with their weights, as "visual+audio/mca": Table 5 of the paper. Each is over the videos that have
    one of them. "average", by which runs keep their best checkpoint, is the mean of "mca" and that of each
    modality: branches that learn together all have to be good, and few validation videos are soon all right.

    Topics without a video take no part in the mean; they are counted in one warning, as are videos whose
    topic is not known.

    After ``compute_metrics`` the lines that ``vidkit evaluate usv_topics`` reads are in ``predictions``.
    """

    default_prefix = ""  # keys read "mca"

    def __init__(self) -> None:
        super().__init__()
        self.predictions: list[dict[str, Any]] = []

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep the scores of every video."""
        for sample in data_samples:
            self.results.append(
                _Video(
                    video_id=sample["video_id"],
                    label=sample.get("label"),
                    topics=tuple(sample["pred_topics"]),
                    scores=_array(sample["pred_label"]),
                    part_scores=_parts(sample["pred_modality_scores"], sample["pred_modality_weights"]),
                )
            )

    def compute_metrics(self, results: list[_Video]) -> dict[str, float]:
        """Return the metrics, one flat key each.

        Raises:
            ValueError: If no video has a topic, or one has a topic that the model does not know.
        """
        self.predictions = [_row(result) for result in results]
        known = [result for result in results if result.label is not None]
        if not known:
            raise ValueError(f"none of the {len(results)} videos has a topic; give the table a column label")
        if len(known) < len(results):
            warnings.warn(f"{len(results) - len(known)} of {len(results)} videos have no topic", stacklevel=2)
        topics, labels = known[0].topics, [str(result.label) for result in known]
        _warn_of_absent(topics, labels)
        macro_of = USV_MACRO_TOPICS if set(topics) <= USV_MACRO_TOPICS.keys() else None
        table = topic_metrics(
            np.stack([result.scores for result in known]), labels, topics, macro_of=macro_of
        )
        flat = {name: float(table[name]) for name in ("mca", "top1", "top5")}
        if macro_of is not None:
            flat["macro/mca"] = float(np.mean([row["macro_accuracy"] for row in table["macro"].values()]))
        parts = _by_part(known, topics)
        alone = [value for name, value in parts.items() if "+" not in name]
        return {**flat, **parts, "average": float(np.mean([flat["mca"], *alone]))}


def _parts(scores: Mapping[str, Tensor], weights: Mapping[str, float]) -> dict[str, np.ndarray]:
    """Return the scores of each modality of a video, and of some of them fused, where the model has more."""
    parts = {name: _array(own) for name, own in scores.items()}
    for count in range(2, len(weights)):
        for names in combinations(weights, count):
            there = [name for name in names if name in scores]
            if there:
                fused = fuse(
                    torch.stack([scores[name] for name in there])[:, None],
                    torch.ones(len(there), 1, dtype=torch.bool),
                    torch.tensor([weights[name] for name in there]),
                )
                parts["+".join(names)] = _array(fused[0])
    return parts


def _by_part(results: Sequence[_Video], topics: Sequence[str]) -> dict[str, float]:
    """Return the mean class accuracy of each part of the model, where there are several."""
    names = dict.fromkeys(name for result in results for name in result.part_scores)
    if len(names) < 2:
        return {}
    place = {topic: index for index, topic in enumerate(topics)}
    accuracy = {}
    for name in sorted(names, key=lambda name: name.count("+")):
        own = [result for result in results if name in result.part_scores]
        predicted = np.array([result.part_scores[name].argmax() for result in own])
        truth = np.array([place[str(result.label)] for result in own])
        accuracy[f"{name}/mca"] = mean_class_accuracy(predicted, truth)
    return accuracy


def _warn_of_absent(topics: Sequence[str], labels: Sequence[str]) -> None:
    absent = [topic for topic in topics if topic not in set(labels)]
    if absent:
        warnings.warn(
            f"{len(absent)} of {len(topics)} topics have no video here, first {absent[0]!r}; they take no "
            "part in the mean over classes",
            stacklevel=3,
        )


def topic_scores(scores: np.ndarray, topics: Sequence[str]) -> dict[str, float]:
    """Return probabilities (K,) by the name of the topic, as they stand in files.

    Example:
        >>> topic_scores(np.array([0.25, 0.75]), ["cooking", "travel"])
        {'cooking': 0.25, 'travel': 0.75}
    """
    return {topic: float(f"{score:.{_DIGITS}g}") for topic, score in zip(topics, scores, strict=True)}


def best_topic(scores: Mapping[str, float]) -> str:
    """Return the topic with the highest score, of equal ones the first.

    Example:
        >>> best_topic({"cooking": 0.25, "travel": 0.75})
        'travel'
    """
    return max(scores, key=lambda topic: scores[topic])


def _row(result: _Video) -> dict[str, Any]:
    """Return the line of one video in the prediction file, with the best topic of each part."""
    scores = topic_scores(result.scores, result.topics)
    return {
        "video_id": result.video_id,
        "label": best_topic(scores),
        "scores": scores,
        "part_labels": {name: result.topics[int(own.argmax())] for name, own in result.part_scores.items()},
    }


def _array(values: Tensor) -> np.ndarray:
    array: np.ndarray = values.detach().cpu().float().numpy()
    return array
