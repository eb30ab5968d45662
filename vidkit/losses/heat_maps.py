"""Losses of maps that are 1 where something is and fall off round it.

Shapes: any, such as (B, T); a mask of that shape is True where a clip is real.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from vidkit.losses.reduction import at_least_float32, global_ratio


def gaussian_focal_loss(
    logits: Tensor,
    heat: Tensor,
    *,
    num_peaks: Tensor | int,
    alpha: float = 2.0,
    gamma: float = 4.0,
    mask: Tensor | None = None,
) -> Tensor:
    """Return the focal loss of a heat map, summed over clips and divided by the peaks of all processes.

    Equation 1 of "CornerNet" (https://arxiv.org/abs/1808.01244, whose beta is gamma here): with p the sigmoid
    of the logit, ``-(1 - p) ** alpha log p`` at a peak, where the heat is 1, and ``-(1 - heat) ** gamma p **
    alpha log(1 - p)`` elsewhere. It is computed from logits, so that it needs no epsilon to stay finite.

    Args:
        logits: Of being a peak.
        heat: In [0, 1].
        num_peaks: What the sum is divided by; 0 counts as 1 in all processes together.
        alpha: Focusing exponent, >= 0.
        gamma: Exponent that spares the surroundings of a peak, >= 0.
        mask: Which clips count; None for all.

    Returns:
        Scalar >= 0.

    Raises:
        ValueError: If an exponent is negative.

    Example:
        >>> gaussian_focal_loss(torch.zeros(2), torch.tensor([1.0, 0.0]), num_peaks=1)  # 2 * 0.25 * log 2
        tensor(0.3466)
    """
    for name, exponent in (("alpha", alpha), ("gamma", gamma)):
        if exponent < 0.0:
            raise ValueError(f"{name}, an exponent of the focal loss, must be at least 0, got {exponent}")
    logits, heat = at_least_float32(logits), at_least_float32(heat)
    is_peak = heat == 1
    wrong = torch.where(is_peak, -logits, logits)  # logit of the wrong answer
    weight = torch.where(is_peak, 1.0, (1 - heat) ** gamma)
    # As logarithms, both factors and their gradients stay finite however sure a logit is.
    losses = -weight * torch.exp(alpha * F.logsigmoid(wrong)) * F.logsigmoid(-wrong)
    if mask is not None:
        losses = losses.masked_fill(~mask, 0.0)
    return global_ratio(losses.sum(), num_peaks)
