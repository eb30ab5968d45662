"""Orders of a data set in which the samples of a batch are about equally long."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sized

import numpy as np
from mmengine.dist import get_dist_info
from torch.utils.data import Sampler

from vidkit.registry import DATA_SAMPLERS
from vidkit.seeds import derived_seed

NUM_BATCHES_A_WINDOW = 16
"""Global batches that are sorted together: more pad less, and leave less to chance which samples meet."""


@DATA_SAMPLERS.register_module()
class LengthBuckets(Sampler[int]):
    """Samples in random order, sorted by length within windows of several batches.

    The order of an epoch depends on seed, epoch and the size of the global batch, which is ``batch_size``
    times the number of processes. So two processes with batches of 8 see the global batches of one with 16;
    each takes every second sample of them. The samples that do not fill a batch come last, drawn whatever
    their length; with several processes the first samples of the epoch follow until all have as many.

    Args:
        dataset: A data set with ``lengths()``, one number a sample.
        batch_size: Samples that a process takes at once.
        seed: Other seeds give other orders.

    Raises:
        TypeError: If the data set has no ``lengths()``.

    Example:
        >>> class Lengths(list):
        ...     def lengths(self):
        ...         return self
        >>> sampler = LengthBuckets(Lengths([9, 1, 8, 2]), batch_size=2, seed=0)
        >>> sorted(map(sorted, np.reshape(list(sampler), (2, 2)).tolist()))
        [[0, 2], [1, 3]]
    """

    def __init__(self, dataset: Sized, *, batch_size: int, seed: int = 0) -> None:
        if not hasattr(dataset, "lengths"):
            raise TypeError(
                f"LengthBuckets sorts samples by length, which {type(dataset).__name__} does not tell; use "
                "DefaultSampler, or give the data set a method lengths()"
            )
        rank, num_processes = get_dist_info()
        self.rank, self.num_processes = int(rank), int(num_processes)
        self.lengths = np.asarray(dataset.lengths())
        self.global_batch = batch_size * self.num_processes
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        """Return how many samples each process takes in an epoch."""
        return math.ceil(len(self.lengths) / self.num_processes)

    def __iter__(self) -> Iterator[int]:
        order = self._global_order()
        missing = len(self) * self.num_processes - len(order)
        order = np.concatenate([order, np.resize(order, missing)])
        return iter(order[self.rank :: self.num_processes].tolist())

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next; a run that goes on sets it before it reads."""
        self.epoch = epoch

    def _global_order(self) -> np.ndarray:
        """Return every index once, (N,)."""
        random = np.random.default_rng(derived_seed(self.seed, "length buckets", self.epoch))
        order = random.permutation(len(self.lengths))
        num_full = len(order) // self.global_batch * self.global_batch
        batches = []
        window = NUM_BATCHES_A_WINDOW * self.global_batch
        for first in range(0, num_full, window):
            members = order[first : min(first + window, num_full)]
            members = members[np.argsort(self.lengths[members], kind="stable")]
            batches += np.split(members, len(members) // self.global_batch)
        shuffled = [random.permutation(batches[index]) for index in random.permutation(len(batches))]
        return np.concatenate([*shuffled, order[num_full:]])
