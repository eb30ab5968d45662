"""Topic recognition: mean class accuracy, and where the errors are.

Shapes: N videos, C topics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_NUM_CONFUSIONS = 10  # as many as Tables 8 to 10 of the paper


def topic_metrics(
    scores: np.ndarray,
    labels: Sequence[str],
    topics: Sequence[str],
    *,
    macro_of: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the metrics of topic recognition, all fractions.

    ===============  =====================================================================================
    ``mca``          mean class accuracy: the share of a topic's videos that are recognised, as a mean over
                     the topics that have videos (the paper's metric, since its classes differ in size)
    ``top1``         share of all videos whose best topic is right
    ``top5``         share of all videos whose right topic is among the five best
    ``topics``       ``{topic: {"videos", "accuracy"}}`` of the topics that have videos
    ``macro``        ``{macro topic: {"videos", "mca", "macro_accuracy"}}``: the mean class accuracy of its
                     topics, and the share of its videos that get any topic under the right macro topic
    ``confusions``   ``[{"label", "predicted", "share"}, ...]``: the ten largest shares of a topic's videos
                     that get one other topic (Tables 8 to 10)
    ===============  =====================================================================================

    Of equal scores the topic that stands earlier in ``topics`` counts as the better one.

    Args:
        scores: (N, C), higher is better.
        labels: The right topic of every video, N.
        topics: Of the columns, C.
        macro_of: The macro topic of every topic; None leaves ``macro`` out.

    Raises:
        ValueError: If there is no video, the sizes differ, or a label is none of the topics.
    """
    if not len(labels):
        raise ValueError("there are no videos; topic metrics need at least one")
    if scores.shape != (len(labels), len(topics)):
        raise ValueError(
            f"scores must be (videos, topics) = ({len(labels)}, {len(topics)}), got {scores.shape}"
        )
    column = {topic: index for index, topic in enumerate(topics)}
    unknown = [label for label in labels if label not in column]
    if unknown:
        raise ValueError(f"the label {unknown[0]!r} is none of the {len(topics)} topics; score it too")
    truth = np.array([column[label] for label in labels])
    order = np.argsort(-scores, axis=1, kind="stable")
    counts = np.zeros((len(topics), len(topics)), dtype=np.int64)  # labels by what was predicted
    np.add.at(counts, (truth, order[:, 0]), 1)
    videos = counts.sum(axis=1)
    there = np.flatnonzero(videos)
    shares = counts[there] / videos[there, None]
    accuracy = dict(zip(there.tolist(), shares[np.arange(len(there)), there].tolist()))
    metrics: dict[str, Any] = {
        "mca": float(np.mean(list(accuracy.values()))),
        "top1": float(np.mean(order[:, 0] == truth)),
        "top5": float(np.mean((order[:, :5] == truth[:, None]).any(axis=1))),
        "topics": {
            topics[index]: {"videos": int(videos[index]), "accuracy": accuracy[index]} for index in accuracy
        },
    }
    if macro_of is not None:
        metrics["macro"] = _by_macro_topic(counts, accuracy, [macro_of[topic] for topic in topics])
    metrics["confusions"] = _confusions(counts, [str(topic) for topic in topics])
    return metrics


def mean_class_accuracy(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Return the share of a class's videos that are recognised, as a mean over the classes that have videos.

    Args:
        predicted: Indices of classes, (N,).
        truth: The right ones, (N,), at least one.

    Example:
        >>> mean_class_accuracy(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 2]))
        0.5
    """
    videos = np.bincount(truth)
    hits = np.bincount(truth[predicted == truth], minlength=len(videos))
    return float(np.mean(hits[videos > 0] / videos[videos > 0]))


def _by_macro_topic(
    counts: np.ndarray, accuracy: Mapping[int, float], macros: Sequence[str]
) -> dict[str, dict[str, float]]:
    rows = {}
    for macro in dict.fromkeys(macros[index] for index in accuracy):
        own = np.array([name == macro for name in macros])
        videos = int(counts[own].sum())
        rows[macro] = {
            "videos": videos,
            "mca": float(np.mean([value for index, value in accuracy.items() if own[index]])),
            "macro_accuracy": float(counts[np.ix_(own, own)].sum() / videos),
        }
    return rows


def _confusions(counts: np.ndarray, topics: Sequence[str]) -> list[dict[str, Any]]:
    """Return the largest shares of wrong topics, by share, then by the order of the topics."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(shares, 0.0)
    ranked = np.argsort(-shares, axis=None, kind="stable")[:_NUM_CONFUSIONS]
    pairs = [divmod(int(index), len(topics)) for index in ranked]
    return [
        {"label": topics[label], "predicted": topics[predicted], "share": float(shares[label, predicted])}
        for label, predicted in pairs
        if shares[label, predicted] > 0
    ]
