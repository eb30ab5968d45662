"""Losses of scores per clip, from logits.

Shapes: any, such as (B, T); a mask of that shape is True where a clip is real.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from vidkit.losses.reduction import at_least_float32, global_mean


def sigmoid_focal_loss(
    logits: Tensor, labels: Tensor, *, alpha: float, gamma: float, mask: Tensor | None = None
) -> Tensor:
    """Return the focal loss of independent decisions, averaged over the real clips of all processes.

    Equation 5 of "Focal Loss for Dense Object Detection" (https://arxiv.org/abs/1708.02002):
    ``-alpha_t (1 - p_t) ** gamma log p_t``. The paper divides by the number of positives; the mean over real
    clips keeps videos without positives finite.

    Args:
        logits: Of being positive.
        labels: bool, True where positive.
        alpha: Weight of the positives, in [0, 1]; the negatives have 1 - alpha.
        gamma: Focusing exponent, >= 0; 0 gives the weighted cross-entropy.
        mask: Which clips count; None for all.

    Returns:
        Scalar >= 0; 0 without real clips.

    Raises:
        ValueError: If ``alpha`` or ``gamma`` is out of range.

    Example:
        >>> sigmoid_focal_loss(torch.zeros(2), torch.tensor([True, False]), alpha=0.5, gamma=2.0)
        tensor(0.0866)
    """
    if not 0.0 <= alpha <= 1.0:
        raise ValueError(f"alpha is the weight of the positives, in [0, 1], got {alpha}")
    if gamma < 0.0:
        raise ValueError(f"gamma, the focusing exponent, must be at least 0, got {gamma}")
    logits = at_least_float32(logits)
    sure = torch.where(labels, logits, -logits)  # logit of the true class: p_t is its sigmoid
    weight = torch.where(labels, logits.new_tensor(alpha), logits.new_tensor(1.0 - alpha))
    # As logarithms, both factors and their gradients stay finite however sure a logit is.
    focus = torch.exp(gamma * F.logsigmoid(-sure))
    return global_mean(-weight * focus * F.logsigmoid(sure), mask)


def bernoulli_kl(
    logits: Tensor, other_logits: Tensor, *, detach_other: bool = False, mask: Tensor | None = None
) -> Tensor:
    """Return the mean Kullback-Leibler divergence KL(p || q) of yes-or-no predictions.

    ``p log(p / q) + (1 - p) log((1 - p) / (1 - q))`` with p and q the sigmoids of the logits.

    Args:
        logits: Of p.
        other_logits: Of q.
        detach_other: Whether q is a constant; else both learn from it.
        mask: Which elements count, over all processes; None for all.

    Returns:
        Scalar >= 0; 0 where both agree.

    Example:
        >>> bernoulli_kl(torch.tensor([0.0]), torch.tensor([100.0]))  # 50 + log 0.5
        tensor(49.3069)
    """
    logits, other_logits = at_least_float32(logits), at_least_float32(other_logits)
    if detach_other:
        other_logits = other_logits.detach()
    terms = [
        torch.sigmoid(sign * logits) * (F.logsigmoid(sign * logits) - F.logsigmoid(sign * other_logits))
        for sign in (1, -1)
    ]
    return global_mean(terms[0] + terms[1], mask)
