"""The loss of VTCL, Equation 2 of the paper (see README.md), and the usual symmetric one in its place.

Shapes: N pairs of this process, P N of all P processes, D channels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.losses import gather_rows, global_mean, symmetric_info_nce
from vidkit.losses.reduction import at_least_float32, first_gathered_row
from vidkit.registry import LOSSES

TEMPERATURE = 0.05  # section 5.1


@LOSSES.register_module()
class TitleContrast(nn.Module):
    """InfoNCE with both directions in one denominator, as Equation 2 is printed.

    ``L_i = -log(exp(s_ii / t) / sum_j (exp(s_ij / t) + exp(s_ji / t)))`` with the cosines s of videos and
    titles. The sum has the pair i itself twice, so no loss is below ln 2. The negatives are gathered from all
    processes, with their gradients.

    Args:
        temperature: t, > 0.

    Raises:
        ValueError: If the temperature is not positive.

    Example:
        >>> round(TitleContrast()(torch.eye(4), torch.eye(4)).item(), 4)  # ln 2
        0.6931
    """

    def __init__(self, *, temperature: float = TEMPERATURE) -> None:
        super().__init__()
        self.temperature = _checked(temperature)

    def forward(self, videos: Tensor, titles: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the loss, a mean over the pairs of all processes; 0 without any.

        Args:
            videos: (N, D), normalised to unit length here; the same N on every process.
            titles: (N, D), likewise; row i belongs to row i of ``videos``.
            mask: True where a pair is real, (N,); the others are neither anchors nor negatives.
        """
        if mask is None:
            mask = torch.ones(len(videos), dtype=torch.bool, device=videos.device)
        videos, titles = (F.normalize(at_least_float32(x), dim=-1) for x in (videos, titles))
        is_pair = gather_rows(mask.to(torch.uint8)).bool()
        logits = torch.cat([videos @ gather_rows(titles).T, titles @ gather_rows(videos).T], dim=1)
        logits = logits / self.temperature  # (N, 2 P N)
        logits = logits.masked_fill(~torch.cat([is_pair, is_pair]), -torch.inf)
        logits = torch.where(mask[:, None], logits, 0.0)  # rows that are dropped below must stay finite
        own = torch.arange(len(videos), device=videos.device) + first_gathered_row(len(videos))
        return global_mean(F.cross_entropy(logits, own, reduction="none"), mask)


@LOSSES.register_module()
class SymmetricTitleContrast(nn.Module):
    """The mean of the cross-entropies video -> title and title -> video, as CLIP trains; its minimum is 0.

    Args:
        temperature: Divides the cosines, > 0; it is not learnt.

    Raises:
        ValueError: If the temperature is not positive.
    """

    def __init__(self, *, temperature: float = TEMPERATURE) -> None:
        super().__init__()
        self.temperature = _checked(temperature)

    def forward(self, videos: Tensor, titles: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the loss; arguments as in ``TitleContrast``."""
        videos, titles = at_least_float32(videos), at_least_float32(titles)
        return symmetric_info_nce(videos, titles, scale=1 / self.temperature, mask=mask)


def _checked(temperature: float) -> float:
    if not temperature > 0:
        raise ValueError(f"temperature divides cosines and must be above 0, got {temperature}")
    return temperature
