"""Losses of moments.

Shapes: any leading axes; a moment is (start, end) in seconds, start <= end.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vidkit.losses.reduction import at_least_float32, global_mean


def diou_loss(moments: Tensor, targets: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the distance-IoU loss between moments and their targets, averaged over all processes.

    Equation 7 of "Distance-IoU Loss" (https://arxiv.org/abs/1911.08287) in one dimension:
    ``1 - tIoU + (distance of the middles / length of the shortest interval round both) ** 2``.

    Args:
        moments: Predicted start and end, (..., 2).
        targets: True start and end of each, (..., 2).
        mask: Which of them count, (...); None for all.

    Returns:
        Scalar in [0, 2); 0 where they agree, and without any.

    Example:
        >>> diou_loss(torch.tensor([[0.0, 4.0]]), torch.tensor([[2.0, 6.0]]))  # 1 - 2 / 6 + (2 / 6) ** 2
        tensor(0.7778)
    """
    moments, targets = at_least_float32(moments), at_least_float32(targets)
    start, end = moments.unbind(dim=-1)
    true_start, true_end = targets.unbind(dim=-1)
    inner = (torch.minimum(end, true_end) - torch.maximum(start, true_start)).clamp(min=0)
    outer = torch.maximum(end, true_end) - torch.minimum(start, true_start)
    union = (end - start) + (true_end - true_start) - inner
    distance = (start + end - true_start - true_end) / 2
    tiny = torch.finfo(moments.dtype).eps  # two moments without length: 0 / 0 would have a nan gradient
    losses = 1 - inner / union.clamp(min=tiny) + (distance / outer.clamp(min=tiny)) ** 2
    return global_mean(losses, mask)
