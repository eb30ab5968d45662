"""Data sets of several tasks in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import Dataset

from vidkit.registry import DATASETS
from vidkit.seeds import derived_seed


class _TaskData(Dataset[dict[str, Any]]):
    """Data sets by task. A sample is {task: sample}, a batch {task: batch}.

    Args:
        datasets: By task; each gets the encoders of that task's model.

    Raises:
        ValueError: If there is none, or one is empty.
    """

    holds_tasks = True

    def __init__(self, *, datasets: Mapping[str, Any]) -> None:
        empty = [name for name, dataset in datasets.items() if not len(dataset)]
        if empty or not datasets:
            raise ValueError(f"datasets has {f'no sample of {empty[0]}' if empty else 'no task'}")
        self.datasets = dict(datasets)
        sizes = {name: len(dataset) for name, dataset in datasets.items()}
        metas = {name: getattr(dataset, "metainfo", {}) for name, dataset in datasets.items()}
        self.metainfo = dict(sizes=sizes, tasks=metas)

    def collate(self, samples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return a batch for each task of which there is a sample."""
        names = [name for name in self.datasets if any(name in sample for sample in samples)]
        return {
            name: pseudo_collate([sample[name] for sample in samples if name in sample]) for name in names
        }


@DATASETS.register_module()
class MixedTasks(_TaskData):
    """One sample of each task at once, for training: a batch of 8 has 8 samples of each.

    There are as many as the largest data set has; the others begin again, each time in another order, which
    depends on (seed, epoch, task).

    Args:
        datasets: By task; each gets the encoders of that task's model.

    Raises:
        ValueError: If there is none, or one is empty.
    """

    def __init__(self, *, datasets: Mapping[str, Any]) -> None:
        super().__init__(datasets=datasets)
        # Shared with workers, which live on from epoch to epoch if they are persistent.
        self._seed_and_epoch = torch.zeros(2, dtype=torch.int64).share_memory_()
        self._orders: dict[tuple[int, int, str, int], np.ndarray] = {}

    def set_epoch(self, *, seed: int, epoch: int) -> None:
        """Say which epoch of which run the next samples belong to."""
        self._seed_and_epoch[0], self._seed_and_epoch[1] = seed, epoch
        for dataset in self.datasets.values():
            if hasattr(dataset, "set_epoch"):
                dataset.set_epoch(seed=seed, epoch=epoch)

    def __len__(self) -> int:
        return max(len(dataset) for dataset in self.datasets.values())

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return a sample of each task."""
        return {name: dataset[self._place(name, index)] for name, dataset in self.datasets.items()}

    def _place(self, name: str, index: int) -> int:
        """Return which sample of a task goes with an index."""
        size = len(self.datasets[name])
        if size == len(self):
            return index
        turn, place = divmod(index, size)
        key = (*self._seed_and_epoch.tolist(), name, turn)
        if key not in self._orders:
            if len(self._orders) > len(self) // size * len(self.datasets):  # of the epoch before
                self._orders.clear()
            self._orders[key] = np.random.default_rng(derived_seed(*key)).permutation(size)
        return int(self._orders[key][place])


@DATASETS.register_module()
class TasksInTurn(_TaskData):
    """Every sample of every task once, one task after the other: for validation and test.

    Args:
        datasets: By task; each gets the encoders of that task's model.

    Raises:
        ValueError: If there is none, or one is empty.
    """

    def __init__(self, *, datasets: Mapping[str, Any]) -> None:
        super().__init__(datasets=datasets)
        self._ends = list(accumulate(len(dataset) for dataset in datasets.values()))

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return a sample of one task."""
        turn = int(np.searchsorted(self._ends, index, side="right"))
        name = list(self.datasets)[turn]
        start = self._ends[turn] - len(self.datasets[name])
        return {name: self.datasets[name][index - start]}
