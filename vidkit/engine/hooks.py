"""Hooks that make a run repeatable, and its numbers those of the whole job."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_reduce_dict, get_rank
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper

from vidkit.registry import HOOKS
from vidkit.seeds import derived_seed


@HOOKS.register_module()
class SeedHook(Hook):
    """Make every random number of a step depend on (seed, epoch, step, process) alone.

    A run that was killed and resumed then draws what the uninterrupted run drew, without any state of a
    generator in the checkpoint. Random masks follow (seed, epoch, sample id), so that they do not depend on
    how samples are spread over processes.
    """

    priority = "VERY_HIGH"

    def before_train_epoch(self, runner: Any) -> None:
        """Tell every part of the model that draws per sample (it has ``set_epoch``) which epoch it is."""
        for module in _plain(runner.model).modules():
            if hasattr(module, "set_epoch"):
                module.set_epoch(seed=runner.seed, epoch=runner.epoch)

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


def _plain(model: Any) -> Any:
    return model.module if is_model_wrapper(model) else model
