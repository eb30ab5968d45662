"""Hooks that make a run repeatable, and its numbers those of the whole job."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_gather_object, all_reduce_dict, get_rank
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper

from vidkit.registry import HOOKS
from vidkit.seeds import derived_seed

_NUM_NAMED = 5  # unread files that are told with the reason


@HOOKS.register_module()
class SeedHook(Hook):
    """Make every random number of a step depend on (seed, epoch, step, process) alone.

    A run that was killed and resumed then draws what the uninterrupted run drew, without any state of a
    generator in the checkpoint. Random masks follow (seed, epoch, sample id), so that they do not depend on
    how samples are spread over processes.
    """

    priority = "VERY_HIGH"

    def before_train_epoch(self, runner: Any) -> None:
        """Tell the data set and every part of the model that draws per sample (``set_epoch``) the epoch."""
        dataset = runner.train_dataloader.dataset
        for part in (*_plain(runner.model).modules(), dataset):
            if hasattr(part, "set_epoch"):
                part.set_epoch(seed=runner.seed, epoch=runner.epoch)

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """Seed the generators of Python, numpy and torch."""
        seed = derived_seed(runner.seed, runner.iter, get_rank())
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)


@HOOKS.register_module()
class GlobalLossHook(Hook):
    """Log the losses of the whole job: their mean over processes, not those of process 0."""

    priority = "HIGHEST"  # before mmengine puts the values into its log

    def after_train_iter(
        self,
        runner: Any,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, torch.Tensor] | None = None,
    ) -> None:
        """Replace the logged values by their mean over processes."""
        if runner.world_size > 1 and outputs:
            all_reduce_dict(outputs, "mean")


@HOOKS.register_module()
class UnreadFilesHook(Hook):
    """Name the files of which no sample could be made, once at the end of each epoch.

    A data set notes in ``data_samples`` what went wrong with a video: ``fault``, a sentence, where the sample
    is empty; ``replaces``, (video_id, sentence) of each file in whose place the sample stands.
    """

    def __init__(self) -> None:
        self._faults: dict[str, str] = {}

    def before_train_epoch(self, runner: Any) -> None:
        """Forget the epoch before, which may have been cut short."""
        self._faults = {}

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Note the files in whose place other samples stand."""
        for sample in _samples(data_batch):
            self._faults.update(sample.get("replaces") or ())

    def after_train_epoch(self, runner: Any) -> None:
        """Tell of them."""
        self._tell(runner, logging.WARNING, "could not be read, and others stood in their place")

    def before_val_epoch(self, runner: Any) -> None:
        """Forget the epoch before."""
        self._faults = {}

    def after_val_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Note the files whose samples are empty."""
        for sample in _samples(data_batch):
            if sample.get("fault") is not None:
                self._faults[sample.video_id] = sample.fault

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        """Tell of them."""
        self._tell(runner, logging.ERROR, "could not be read, and count as videos without anything in them")

    before_test_epoch = before_val_epoch
    after_test_iter = after_val_iter
    after_test_epoch = after_val_epoch

    def _tell(self, runner: Any, level: int, what: str) -> None:
        every = [item for faults in all_gather_object(self._faults) for item in faults.items()]
        faults = dict(sorted(every))
        self._faults = {}
        if faults:
            num = f"{len(faults)} video{'s' if len(faults) > 1 else ''}"
            named = "; ".join(f"{name} ({fault})" for name, fault in list(faults.items())[:_NUM_NAMED])
            more = f"; and {', '.join(list(faults)[_NUM_NAMED:])}" if len(faults) > _NUM_NAMED else ""
            runner.logger.log(level, f"{num} {what}: {named}{more}")


class ProgressHook(Hook):
    """Tell how far the training is.

    Args:
        tell: Called with the share of all steps that is done, and the epoch as text.
    """

    def __init__(self, tell: Callable[[float, str], None]) -> None:
        self.tell = tell

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Tell the share after each step."""
        self.tell((runner.iter + 1) / runner.max_iters, f"epoch {runner.epoch + 1} of {runner.max_epochs}")


def _samples(data_batch: Any) -> list[Any]:
    """Return the samples of a batch, or of the batches of several tasks."""
    if not isinstance(data_batch, dict):
        return []
    if "data_samples" in data_batch:
        return list(data_batch["data_samples"] or ())
    return [sample for batch in data_batch.values() for sample in _samples(batch)]


def _plain(model: Any) -> Any:
    return model.module if is_model_wrapper(model) else model
