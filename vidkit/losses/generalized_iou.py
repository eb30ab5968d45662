"""How much moments overlap, and how far apart they are where they do not.

Shapes: any leading axes; a moment is (start, end).
"""

from __future__ import annotations

import torch
from torch import Tensor

from vidkit.losses.reduction import at_least_float32


def generalized_iou(moments: Tensor, others: Tensor) -> Tensor:
    """Return the generalised IoU of moments, in one dimension.

    Algorithm 1 of "Generalized Intersection over Union" (https://arxiv.org/abs/1902.09630): the tIoU minus
    the share of the shortest interval round both that neither covers. It has a gradient where moments do not
    overlap.

    Args:
        moments: Start and end, start <= end, (..., 2).
        others: The same, of a shape that broadcasts; ``moments[:, None]`` and ``others`` give every pair.

    Returns:
        In [-1, 1], (...). Of two moments without length at one place it is 0.

    Example:
        >>> a, b = torch.tensor([[0.0, 4.0], [8.0, 9.0]]), torch.tensor([[2.0, 6.0], [8.0, 9.0]])
        >>> generalized_iou(a, b)
        tensor([0.3333, 1.0000])
        >>> generalized_iou(a[:, None], b)
        tensor([[ 0.3333, -0.4444],
                [-0.2857,  1.0000]])
    """
    moments, others = at_least_float32(moments), at_least_float32(others)
    start, end = moments.unbind(dim=-1)
    other_start, other_end = others.unbind(dim=-1)
    inner = (torch.minimum(end, other_end) - torch.maximum(start, other_start)).clamp(min=0)
    outer = torch.maximum(end, other_end) - torch.minimum(start, other_start)
    union = (end - start) + (other_end - other_start) - inner
    tiny = torch.finfo(moments.dtype).eps  # two moments without length: 0 / 0 would have a nan gradient
    return inner / union.clamp(min=tiny) - (outer - union) / outer.clamp(min=tiny)
