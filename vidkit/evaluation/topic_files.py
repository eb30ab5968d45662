"""The prediction files of topic recognition: JSON lines against JSON lines ``{"video_id", "label"}``.

A prediction is ``{"video_id", "scores": {topic: score}}`` or ``{"video_id", "label"}``, one form in a file.
Other keys are ignored.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.data.rows import checked_numbers, checked_rows
from vidkit.data.usv_taxonomy import USV_MACRO_TOPICS
from vidkit.evaluation.topics import topic_metrics
from vidkit.registry.builder import nearest


def evaluate_topics(predictions: Path, ground_truth: Path) -> dict[str, Any]:
    """Return ``topic_metrics`` of a prediction file; without scores there is no ``top5``.

    ``macro`` stands there if all topics are those of USV-1.0. Topics that are scored and that no video has
    are counted in one warning; they take no part in means over classes.

    Raises:
        ValueError: If a line breaks its form, repeats a video or names an unknown topic, or if the lines do
            not answer every annotated video once.
        FileNotFoundError: If a file is missing.
    """
    labels = read_labels(ground_truth)
    rows = _answers(predictions, labels)
    scored = ["scores" in row for _, row in rows.values()]
    if any(scored) and not all(scored):
        place = next(place for (place, _), has in zip(rows.values(), scored) if has != scored[0])
        raise ValueError(f"{place}: some lines have scores and some only a label; give one form for all")
    known = list(dict.fromkeys(labels.values()))
    if scored[0]:
        topics, scores = _scores(rows, known)
        unseen = [topic for topic in topics if topic not in set(known)]
        if unseen:
            warnings.warn(
                f"{len(unseen)} of {len(topics)} scored topics have no video in {ground_truth}, first "
                f"{unseen[0]!r}; they take no part in the mean over classes",
                stacklevel=2,
            )
    else:
        topics, scores = _labels_as_scores(rows, known)
    ordered = [labels[video_id] for video_id in rows]
    macro_of = USV_MACRO_TOPICS if set(topics) <= USV_MACRO_TOPICS.keys() else None
    metrics = topic_metrics(scores, ordered, topics, macro_of=macro_of)
    if not scored[0]:
        del metrics["top5"]
    return {"videos": len(ordered), **metrics}


def read_labels(path: Path) -> dict[str, str]:
    """Return the topic of every video of lines ``{"video_id", "label"}``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line breaks its form, or there is none.
    """
    labels = {
        str(row["video_id"]): _topic(row["label"], place)
        for place, row in checked_rows(path, ("video_id", "label"), unique="video_id")
    }
    if not labels:
        raise ValueError(f'{path} has no lines; give one {{"video_id", "label"}} for each video')
    return labels


def _answers(path: Path, labels: dict[str, str]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return place and line of every annotated video."""
    rows = {}
    for place, row in checked_rows(path, ("video_id",), unique="video_id"):
        video_id = str(row["video_id"])
        if video_id not in labels:
            raise ValueError(
                f"{place}: video {video_id!r} is not annotated; predict the annotated videos alone"
            )
        if not {"scores", "label"} & row.keys():
            raise ValueError(f"{place}: neither scores nor label; give scores of every topic, or a label")
        rows[video_id] = place, row
    missing = [video_id for video_id in labels if video_id not in rows]
    if missing:
        raise ValueError(
            f"{path}: {len(missing)} of {len(labels)} annotated videos have no prediction, first "
            f"{missing[0]!r}; give a line for each"
        )
    return rows


def _scores(rows: dict[str, tuple[str, dict[str, Any]]], known: list[str]) -> tuple[list[str], np.ndarray]:
    """Return the topics of the first line, and the scores of every line in that order, (N, C)."""
    topics: list[str] = []
    scores = []
    for place, row in rows.values():
        own = row["scores"]
        if not isinstance(own, dict) or not own:
            raise ValueError(f"{place}: scores must be an object {{topic: score}} of every topic")
        topics = topics or list(own)
        absent = [topic for topic in (*topics, *known) if topic not in own]
        if absent:
            hint = nearest(absent[0], own) or ";"
            raise ValueError(
                f"{place}: no score of topic {absent[0]!r}{hint} score every topic in every line"
            )
        if len(own) > len(topics):
            extra = next(topic for topic in own if topic not in set(topics))
            raise ValueError(
                f"{place}: the lines before have no topic {extra!r}; score the same topics in every line"
            )
        scores.append(checked_numbers([own[topic] for topic in topics], place, "scores", num_axes=1))
    return topics, np.stack(scores)


def _labels_as_scores(
    rows: dict[str, tuple[str, dict[str, Any]]], known: list[str]
) -> tuple[list[str], np.ndarray]:
    """Return topics, and 1 where a line names one, (N, C)."""
    names = {video_id: _topic(row["label"], place) for video_id, (place, row) in rows.items()}
    is_usv = set(known) <= USV_MACRO_TOPICS.keys()
    allowed = dict.fromkeys([*known, *(USV_MACRO_TOPICS if is_usv else ())])
    for video_id, name in names.items():
        if name not in allowed:
            hint = nearest(name, allowed) or ";"
            where = "the ground truth or USV-1.0" if is_usv else "the ground truth"
            raise ValueError(
                f"{rows[video_id][0]}: {name!r} is no topic of {where}{hint} name one of its topics"
            )
    topics = list(dict.fromkeys([*known, *names.values()]))
    return topics, np.array([[topic == name for topic in topics] for name in names.values()], dtype=float)


def _topic(value: Any, place: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{place}: label is {value!r}; it must be the name of a topic")
    return value
