"""The metrics of the task: recall and median rank both ways, and topics found by their names.

Shapes: D channels, K topics.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from vidkit.evaluation import retrieval_metrics, topic_metrics
from vidkit.registry import METRICS
from vidkit.seeds import derived_seed

_RECALLS = ("R@1", "R@5", "R@10")


@dataclass(frozen=True)
class _Video:
    """What is kept of a video: embeddings (D,), and the cosines with the topics, (K,)."""

    video_id: str
    video: np.ndarray
    title: np.ndarray | None
    label: str | None
    topics: tuple[str, ...]
    scores: np.ndarray | None


@METRICS.register_module()
class RetrievalMetric(BaseMetric):
    """Recall among the pairs of a subset and median rank, as means over subsets, under flat keys.

    "video_to_title/R@1" and its like (see ``vidkit.evaluation.retrieval_metrics``), fractions; "average", the
    mean of the six recalls; "pairs", their count. Videos without a title are no pairs. Where the model knows
    topics and videos have a label: "zero_shot/mca" and "zero_shot/top1" (Table 7), of all videos with one.

    Args:
        subsets: How many disjoint subsets; None for subsets of about 1,000 pairs.
        num_pairs: Pairs that count at most, chosen at random; None takes all. The paper has 20,000 in 20
            subsets.
        seed: Of the choice and of the parting into subsets.

    Raises:
        ValueError: If a number is below 1.

    After ``compute_metrics`` the pairs that counted, as ``vidkit test --dump`` writes them, are in
    ``predictions``.
    """

    default_prefix = ""  # keys read "video_to_title/R@1"

    def __init__(self, *, subsets: int | None = None, num_pairs: int | None = None, seed: int = 0) -> None:
        super().__init__()
        for name, value in (("subsets", subsets), ("num_pairs", num_pairs)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, or None, got {value}")
        self.subsets = subsets
        self.num_pairs = num_pairs
        self.seed = seed
        self.predictions: list[dict[str, Any]] = []

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep the embeddings of every video."""
        for sample in data_samples:
            title, scores = sample["pred_title_embedding"], sample.get("pred_label")
            self.results.append(
                _Video(
                    video_id=sample["video_id"],
                    video=sample["pred_embedding"].float().numpy(),
                    title=None if title is None else title.float().numpy(),
                    label=sample.get("label"),
                    topics=tuple(sample.get("pred_topics") or ()),
                    scores=None if scores is None else scores.float().numpy(),
                )
            )

    def compute_metrics(self, results: list[_Video]) -> dict[str, float]:
        """Return the metrics, one flat key each.

        Raises:
            ValueError: If no video has a title, or a label is none of the topics.
        """
        pairs = [result for result in results if result.title is not None]
        if not pairs:
            raise ValueError(f"none of the {len(results)} videos has a title; retrieval needs pairs")
        if len(pairs) < len(results):
            warnings.warn(f"{len(results) - len(pairs)} of {len(results)} videos have no title", stacklevel=2)
        pairs = self._chosen(pairs)
        self.predictions = [
            {"video_id": pair.video_id, "embedding": pair.video, "title_embedding": pair.title}
            for pair in pairs
        ]
        tables = retrieval_metrics(
            np.stack([pair.video for pair in pairs]).astype(np.float64),
            np.stack([pair.title for pair in pairs if pair.title is not None]).astype(np.float64),
            subsets=self.subsets,
            seed=self.seed,
        )
        flat = {f"{way}/{name}": value for way, table in tables.items() for name, value in table.items()}
        recalls = [table[name] for table in tables.values() for name in _RECALLS]
        return {**flat, "average": float(np.mean(recalls)), "pairs": len(pairs), **_zero_shot(results)}

    def _chosen(self, pairs: list[_Video]) -> list[_Video]:
        """Return the pairs that count, in their order."""
        if self.num_pairs is None or len(pairs) <= self.num_pairs:
            return pairs
        order = np.random.default_rng(derived_seed(self.seed, "pairs")).permutation(len(pairs))
        return [pairs[row] for row in np.sort(order[: self.num_pairs])]


def _zero_shot(results: Sequence[_Video]) -> dict[str, float]:
    """Return how often the topic whose name is nearest is the right one; nothing without topics or labels."""
    labelled = [result for result in results if result.label is not None and result.scores is not None]
    if not labelled:
        return {}
    scores = np.stack([result.scores for result in labelled if result.scores is not None])
    table = topic_metrics(scores, [str(result.label) for result in labelled], labelled[0].topics)
    return {f"zero_shot/{name}": table[name] for name in ("mca", "top1")}
