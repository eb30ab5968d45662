"""Fusions of two modalities that Table IV of the RASL paper compares with.

Shapes: B sequences, T steps, D channels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vidkit.registry import MODULES


@MODULES.register_module()
class SumFusion(nn.Module):
    """The sum of both sequences."""

    def forward(self, visual: Tensor, audio: Tensor) -> Tensor:
        """Return (B, T, D) of two sequences (B, T, D)."""
        return visual + audio


@MODULES.register_module()
class ConcatenationFusion(nn.Module):
    """Both sequences side by side."""

    def forward(self, visual: Tensor, audio: Tensor) -> Tensor:
        """Return (B, T, 2 D) of two sequences (B, T, D)."""
        return torch.cat([visual, audio], dim=-1)


@MODULES.register_module()
class MLPFusion(nn.Module):
    """A network per modality and one over their concatenation, after MINI-Net's submodules.

    Args:
        dim: Channels, D.
    """

    def __init__(self, *, dim: int) -> None:
        super().__init__()
        self.visual = nn.Sequential(nn.Linear(dim, dim), nn.ReLU())
        self.audio = nn.Sequential(nn.Linear(dim, dim), nn.ReLU())
        self.fused = nn.Sequential(nn.Linear(2 * dim, dim), nn.ReLU(), nn.Linear(dim, dim))

    def forward(self, visual: Tensor, audio: Tensor) -> Tensor:
        """Return (B, T, D) of two sequences (B, T, D)."""
        fused: Tensor = self.fused(torch.cat([self.visual(visual), self.audio(audio)], dim=-1))
        return fused


@MODULES.register_module()
class LowRankFusion(nn.Module):
    """The outer product of both vectors, each with a 1 appended, through a tensor of low rank.

    Equation 7 of "Efficient Low-rank Multimodal Fusion with Modality-Specific Factors"
    (https://arxiv.org/abs/1806.00064): the sum over ranks of the product of two linear maps.

    Args:
        dim: Channels, D.
        rank: Number of terms.
    """

    def __init__(self, *, dim: int, rank: int = 4) -> None:
        super().__init__()
        self.rank = rank
        self.visual = nn.Linear(dim, rank * dim)  # the appended 1 is the bias
        self.audio = nn.Linear(dim, rank * dim)

    def forward(self, visual: Tensor, audio: Tensor) -> Tensor:
        """Return (B, T, D) of two sequences (B, T, D)."""
        product = self.visual(visual) * self.audio(audio)  # (B, T, rank D)
        fused: Tensor = product.unflatten(-1, (self.rank, -1)).sum(dim=-2)
        return fused
