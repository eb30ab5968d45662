"""Spans: moments as models see them, in shares of the length of what they read.

Shapes: any leading axes. A span ``xx`` is (start, end), a span ``cxw`` is (center, width).
"""

from __future__ import annotations

import torch
from torch import Tensor


def cxw_to_xx(spans: Tensor) -> Tensor:
    """Return start and end, (..., 2), of spans given by center and width, (..., 2).

    Example:
        >>> cxw_to_xx(torch.tensor([[0.5, 0.25]]))
        tensor([[0.3750, 0.6250]])
    """
    center, width = spans.unbind(dim=-1)
    return torch.stack([center - width / 2, center + width / 2], dim=-1)


def xx_to_cxw(spans: Tensor) -> Tensor:
    """Return center and width, (..., 2), of spans given by start and end, (..., 2).

    Example:
        >>> xx_to_cxw(torch.tensor([[0.25, 0.75]]))
        tensor([[0.5000, 0.5000]])
    """
    start, end = spans.unbind(dim=-1)
    return torch.stack([(start + end) / 2, end - start], dim=-1)


def inverse_sigmoid(x: Tensor, *, eps: float = 1e-3) -> Tensor:
    """Return the logit of numbers in [0, 1], finite at both ends.

    ``log(max(x, eps) / max(1 - x, eps))``, as in Deformable DETR (https://arxiv.org/abs/2010.04159) and what
    builds on it.

    Example:
        >>> inverse_sigmoid(torch.tensor([0.0, 0.5, 1.0]))
        tensor([-6.9078,  0.0000,  6.9078])
    """
    x = x.clamp(0.0, 1.0)
    return torch.log(x.clamp(min=eps) / (1 - x).clamp(min=eps))
