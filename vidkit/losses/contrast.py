"""Contrast between two views of the same things.

Shapes: N pairs, D channels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.losses.reduction import first_gathered_row, gather_rows, global_mean
from vidkit.registry import LOSSES


def symmetric_info_nce(a: Tensor, b: Tensor, *, scale: Tensor | float, mask: Tensor | None = None) -> Tensor:
    """Return the mean of the cross-entropies a -> b and b -> a, as CLIP trains with them.

    Section 2.3 of "Learning Transferable Visual Models From Natural Language Supervision"
    (https://arxiv.org/abs/2103.00020). The negatives are gathered from all processes, with their gradients.

    Args:
        a: One view, (N, D); normalised to unit length here.
        b: The other view, (N, D); row i belongs to row i of ``a``.
        scale: Factor of the cosine similarities, the inverse temperature.
        mask: True where a pair is real, (N,); the others are neither anchors nor negatives.

    Returns:
        Scalar >= 0; 0 without real pairs.

    Example:
        >>> eye = torch.eye(3)
        >>> symmetric_info_nce(eye, eye, scale=100.0).item()
        0.0
    """
    if mask is None:
        mask = torch.ones(len(a), dtype=torch.bool, device=a.device)
    a, b = F.normalize(a, dim=-1), F.normalize(b, dim=-1)
    is_negative_or_pair = gather_rows(mask.to(torch.uint8)).bool()
    target = torch.arange(len(a), device=a.device) + first_gathered_row(len(a))
    losses = []
    for anchors, others in ((a, gather_rows(b)), (b, gather_rows(a))):
        logits = scale * anchors @ others.T  # (N, processes * N)
        logits = logits.masked_fill(~is_negative_or_pair, -torch.inf)
        logits = torch.where(mask[:, None], logits, 0.0)  # rows of padding, dropped below, must stay finite
        losses.append(F.cross_entropy(logits, target, reduction="none"))
    return global_mean((losses[0] + losses[1]) / 2, mask)


@LOSSES.register_module()
class SymmetricContrast(nn.Module):
    """Symmetric InfoNCE with a learnable log temperature.

    Args:
        log_scale: Start of the logarithm of the factor of the similarities.
    """

    MAX_LOG_SCALE = 4.6052  # ln 100, where CLIP stops as well: beyond it the training becomes unstable

    def __init__(self, *, log_scale: float) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(float(log_scale)))

    def forward(self, a: Tensor, b: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the loss of the pairs (a_i, b_i), each (N, D), where ``mask`` (N,) holds."""
        return symmetric_info_nce(a, b, scale=self.log_scale.clamp(max=self.MAX_LOG_SCALE).exp(), mask=mask)
