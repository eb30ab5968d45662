"""Random masks that do not depend on how a batch is put together.

Shapes: B sequences, T steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vidkit.registry import MODULES
from vidkit.seeds import derived_seed


@MODULES.register_module()
class RandomMask(nn.Module):
    """Hide a fixed share of the real steps of every sequence.

    The choice is drawn from (seed, epoch, sample id), so one process and several hide the same steps, and a
    resumed run hides what the uninterrupted one would have hidden.

    Args:
        ratio: Share of the real steps to hide, in [0, 1]; rounded down to whole steps.
    """

    def __init__(self, *, ratio: float) -> None:
        super().__init__()
        if not 0.0 <= ratio <= 1.0:
            raise ValueError(f"ratio is the share of steps to hide, in [0, 1], got {ratio}")
        self.ratio = ratio
        self.seed = 0
        self.epoch = 0

    def set_epoch(self, *, seed: int, epoch: int) -> None:
        """Say which epoch of which run the next masks belong to."""
        self.seed, self.epoch = seed, epoch

    def forward(self, sample_ids: Sequence[str], mask: Tensor) -> Tensor:
        """Return which steps are hidden, bool (B, T); padding is never hidden.

        Args:
            sample_ids: One name per sequence.
            mask: True where a step is real, (B, T).
        """
        hidden = torch.zeros_like(mask, device="cpu")
        for row, sample_id in enumerate(sample_ids):
            real = mask[row].cpu().nonzero().flatten()
            generator = torch.Generator().manual_seed(derived_seed(self.seed, self.epoch, sample_id))
            order = torch.randperm(len(real), generator=generator)
            hidden[row, real[order[: int(len(real) * self.ratio)]]] = True
        return hidden.to(mask.device)
