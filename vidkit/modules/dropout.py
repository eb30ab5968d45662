"""Dropout that costs little on a CPU.

Shapes: any.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_STEPS = 2**16  # of the chance that a number is dropped


class Dropout(nn.Dropout):
    """``nn.Dropout`` with cheap draws on a CPU, where one thread makes them and the others wait.

    A number takes 16 random bits instead of 64, and one byte instead of four is kept for the backward pass.
    The chance is rounded to a 65,536th there, and what is kept is scaled by exactly that.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return ``input``; in training a share of its numbers is 0 and the others are scaled up."""
        if not self._draws_here(input):
            return F.dropout(input, self.p, self.training)
        return (input * self._draw(input)).mul_(self._scale())

    def residual(self, x: Tensor, added: Tensor) -> Tensor:
        """Return ``x + dropout(added)``, on a CPU in the memory of ``added``, which nobody else may read.

        That is safe for what a linear layer has just given: its backward pass does not look at it.
        """
        y: Tensor
        if self._draws_here(added) and x.dtype == added.dtype:
            y = _Residual.apply(x, added, self._draw(added), self._scale())  # type: ignore[no-untyped-call]
        else:
            y = x + self(added)
        return y

    def _draws_here(self, x: Tensor) -> bool:
        return self.training and 0.0 < self.p < 1.0 and x.device.type == "cpu"

    def _draw(self, x: Tensor) -> Tensor:
        """Return which numbers are kept, bool of the shape of ``x``."""
        draws = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        bits = draws.view(torch.int16)[: x.numel()].view(x.shape)
        is_kept: Tensor = bits >= round(self.p * _STEPS) - _STEPS // 2
        return is_kept

    def _scale(self) -> float:
        return _STEPS / (_STEPS - round(self.p * _STEPS))


class _Residual(torch.autograd.Function):
    """``x + added * is_kept * scale``, written over ``added``."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, added: Tensor, is_kept: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(is_kept)
        ctx.scale = scale
        return added.detach().mul_(is_kept).mul_(scale).add_(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (is_kept,) = ctx.saved_tensors
        return gradients[0], (gradients[0] * is_kept).mul_(ctx.scale), None, None
