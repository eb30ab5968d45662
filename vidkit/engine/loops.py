"""A training loop without steps, for models that are put together of trained parts."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.dist import all_gather_object
from mmengine.model import is_model_wrapper
from mmengine.runner import EpochBasedTrainLoop

from vidkit.registry import LOOPS


@LOOPS.register_module()
class FitLoop(EpochBasedTrainLoop):
    """One epoch without steps: fit the model to its own predictions, if it has ``fit``; validate; save.

    ``fit(samples)`` gets the predictions of all videos of ``train_dataloader``, of every process and each
    once, and returns a sentence for the log. A model without it is saved as it was built, and no video of
    ``train_dataloader`` is read.
    """

    def __init__(self, runner: Any, dataloader: Any) -> None:
        super().__init__(runner, dataloader, max_epochs=1)

    def run_epoch(self) -> None:
        """Fit the model, and let the hooks save it."""
        self.runner.call_hook("before_train_epoch")
        model = self.runner.model
        plain = model.module if is_model_wrapper(model) else model
        if hasattr(plain, "fit"):
            model.eval()
            with torch.no_grad():
                own = [sample for batch in self.dataloader for sample in model.val_step(batch)]
            samples = [sample for part in all_gather_object(own) for sample in part]
            once = {sample.video_id: sample for sample in samples}  # samplers fill up the last batch
            self.runner.logger.info(plain.fit([once[video_id] for video_id in sorted(once)]))
        self.runner.call_hook("after_train_epoch")
        self._epoch += 1
