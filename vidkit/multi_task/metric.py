"""The metric of one task among several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.evaluator import BaseMetric

from vidkit.registry import METRICS


@METRICS.register_module()
class TaskMetric(BaseMetric):
    """A task's own metric, on the samples of that task; its values stand under "<task>/<name>".

    Args:
        task: Which, of those of ``MultiTask`` and of its data set.
        metric: The metric.
    """

    default_prefix = ""  # the task is the prefix

    def __init__(self, *, task: str, metric: BaseMetric) -> None:
        super().__init__()
        self.task = task
        self.metric = metric

    def process(self, data_batch: Any, data_samples: Sequence[Mapping[str, Any]]) -> None:
        """Pass on the samples of the task."""
        own = [sample for sample in data_samples if sample["task"] == self.task]
        if own:
            self.metric.process((data_batch or {}).get(self.task), own)

    def evaluate(self, size: int) -> dict[str, float]:
        """Return the values.

        Args:
            size: Samples of all tasks.
        """
        meta = self.dataset_meta or {}
        self.metric.dataset_meta = meta.get("tasks", {}).get(self.task)
        values = self.metric.evaluate(meta.get("sizes", {}).get(self.task, size))
        return {f"{self.task}/{name}": value for name, value in values.items()}

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """Do nothing: ``evaluate`` asks the task's metric."""
        return {}
