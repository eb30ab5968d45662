"""What parts of a model recognise which topics: Figure 5 and Tables 8 to 11 of the USV-1.0 paper.

A part is a modality, some of them fused ("visual+audio"), or the whole model ("fused").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vidkit.data.rows import checked_rows
from vidkit.evaluation.topics import topic_metrics

FUSED = "fused"
NUM_EXTREMES = 10  # topics that are easiest and hardest, as in Figure 5
NUM_GAINS = 5  # topics that gain and lose most, as in Table 11


@dataclass(frozen=True)
class PartReport:
    """What one part recognises.

    Args:
        mca: Mean class accuracy, in [0, 1].
        num_videos: Of which it says something.
        accuracy: Share of its videos that are recognised, by topic, the easiest first.
        confusions: (topic, what is said instead, share of its videos), the largest shares first.
        gains: (topic, accuracy more than that of the base) of those that gain most, the largest first.
        losses: The same of those that lose most; both empty for the base itself.
    """

    mca: float
    num_videos: int
    accuracy: dict[str, float]
    confusions: tuple[tuple[str, str, float], ...]
    gains: tuple[tuple[str, float], ...] = ()
    losses: tuple[tuple[str, float], ...] = ()

    @property
    def easiest(self) -> list[str]:
        """The ten topics of the highest accuracy."""
        return list(self.accuracy)[:NUM_EXTREMES]

    @property
    def hardest(self) -> list[str]:
        """The ten topics of the lowest accuracy, the lowest first."""
        return list(self.accuracy)[::-1][:NUM_EXTREMES]


def compare_parts(
    labels: Mapping[str, str], said: Mapping[str, Mapping[str, str]], *, base: str | None = None
) -> dict[str, PartReport]:
    """Return what each part recognises, and what it gains over one of them.

    Args:
        labels: The right topic by video.
        said: By part, the topic that it says of each video of which it says one.
        base: The part with which the others are compared; None compares none.

    Raises:
        ValueError: If a part says nothing of any video.

    Example:
        >>> parts = compare_parts(
        ...     {"v": "cooking", "w": "travel"},
        ...     {"visual": {"v": "cooking", "w": "cooking"}, "fused": {"v": "cooking", "w": "travel"}},
        ...     base="visual",
        ... )
        >>> parts["fused"].mca, parts["fused"].gains
        (1.0, (('travel', 1.0),))
    """
    topics = sorted({*labels.values(), *(topic for own in said.values() for topic in own.values())})
    reports: dict[str, PartReport] = {}
    accuracy_of_base: dict[str, float] = {}
    for part in sorted(said, key=lambda part: part != base):  # the base first
        videos = [video for video in labels if video in said[part]]
        scores = np.array([[topic == said[part][video] for topic in topics] for video in videos], dtype=float)
        table = topic_metrics(scores, [labels[video] for video in videos], topics)
        accuracy = {topic: row["accuracy"] for topic, row in table["topics"].items()}
        ranked = dict(sorted(accuracy.items(), key=lambda item: -item[1]))
        changes = sorted(
            (
                (topic, ranked[topic] - accuracy_of_base[topic])
                for topic in accuracy_of_base
                if topic in ranked
            ),
            key=lambda item: -item[1],
        )
        reports[part] = PartReport(
            mca=table["mca"],
            num_videos=len(videos),
            accuracy=ranked,
            confusions=tuple((row["label"], row["predicted"], row["share"]) for row in table["confusions"]),
            gains=tuple(change for change in changes[:NUM_GAINS] if change[1] > 0),
            losses=tuple(change for change in changes[::-1][:NUM_GAINS] if change[1] < 0),
        )
        if part == base:
            accuracy_of_base = accuracy
    return {part: reports[part] for part in said}


def read_parts(predictions: str | Path) -> dict[str, dict[str, str]]:
    """Return what each part says of each video, from the lines that `vidkit test --dump` writes of topics.

    Args:
        predictions: Lines ``{"video_id", "label" or "scores", "part_labels": {part: topic}}``, the last being
            there where a model has parts.

    Returns:
        The topic by part and video, "fused" at last.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line breaks its form.
    """
    said: dict[str, dict[str, str]] = {}
    fused: dict[str, str] = {}
    for place, row in checked_rows(predictions, ("video_id",), unique="video_id"):
        video_id, scores = str(row["video_id"]), row.get("scores")
        best = row.get("label") or (max(scores, key=scores.__getitem__) if scores else None)
        parts = row.get("part_labels") or {}
        if best is None or not isinstance(parts, dict):
            raise ValueError(f"{place}: a line of topics has scores or a label, and part_labels by part")
        fused[video_id] = str(best)
        for part, topic in parts.items():
            said.setdefault(str(part), {})[video_id] = str(topic)
    several = len([part for part in said if "+" not in part]) > 1
    return {**(said if several else {}), FUSED: fused}
