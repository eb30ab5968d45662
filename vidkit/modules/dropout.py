"""Dropout that costs little on a CPU.

Shapes: any.
"""

from __future__ import annotations

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
        if not self.training or not 0.0 < self.p < 1.0 or input.device.type != "cpu":
            return F.dropout(input, self.p, self.training)
        dropped = round(self.p * _STEPS)
        draws = torch.empty(-(-input.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        bits = draws.view(torch.int16)[: input.numel()].view(input.shape)
        is_kept = bits >= dropped - _STEPS // 2
        return (input * is_kept).mul_(_STEPS / (_STEPS - dropped))

    def residual(self, x: Tensor, added: Tensor) -> Tensor:
        """Return ``x`` plus ``added`` after dropout, in as little memory as there can be."""
        if not self.training or self.p == 0.0:
            return x + added
        dropped: Tensor = self(added)
        return dropped.add_(x)
