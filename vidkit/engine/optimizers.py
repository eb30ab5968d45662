"""Optimisers and what steps them, beside those that mmengine brings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import mmengine.optim
import torch
from mmengine.logging import print_log
from torch import nn

from vidkit.registry import OPTIM_WRAPPERS, OPTIMIZERS


def lion(
    params: Any, lr: float = 1e-4, betas: tuple[float, float] = (0.9, 0.99), weight_decay: float = 0.0
) -> torch.optim.Optimizer:
    """Return timm's Lion over ``params``; arguments as there."""
    from timm.optim.lion import Lion  # timm takes seconds to import, and few runs need it

    optimizer: torch.optim.Optimizer = Lion(params, lr=lr, betas=betas, weight_decay=weight_decay)
    return optimizer


OPTIMIZERS.register_module(name="Lion", module=lion)


@OPTIM_WRAPPERS.register_module()
class AmpOptimWrapper(mmengine.optim.AmpOptimWrapper):
    """Automatic mixed precision that also runs without an accelerator.

    On a GPU this is mmengine's wrapper. On a CPU there is no float16 arithmetic worth having, so autocast
    uses bfloat16 and nothing is scaled; one line of the log says so.

    Args:
        loss_scale: As in mmengine: "dynamic", a number, or the arguments of ``torch.amp.GradScaler``.
        dtype: "float16", "bfloat16" or None for the default of the device.
        **kwargs: Arguments of mmengine's ``OptimWrapper``.
    """

    def __init__(
        self, *, loss_scale: str | float | dict[str, Any] = "dynamic", dtype: str | None = None, **kwargs: Any
    ) -> None:
        self.on_gpu = torch.cuda.is_available()
        if self.on_gpu:
            super().__init__(loss_scale=loss_scale, dtype=dtype, **kwargs)
            return
        mmengine.optim.OptimWrapper.__init__(self, **kwargs)
        self.loss_scaler = torch.amp.grad_scaler.GradScaler("cpu", enabled=False)
        self._scale_update_param = None
        self.cast_dtype = torch.bfloat16
        if dtype not in (None, "bfloat16"):
            print_log(f"mixed precision: no GPU, so bfloat16 stands in for {dtype}", logger="current")

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Run the forward pass under autocast."""
        if self.on_gpu:
            with super().optim_context(model):
                yield
            return
        with mmengine.optim.OptimWrapper.optim_context(self, model), torch.autocast("cpu", self.cast_dtype):
            yield
