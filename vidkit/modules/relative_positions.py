"""Where in its sequence something stands, in shares of the length.

Shapes: B sequences, T clips, D channels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_LONGEST_WAVE = 10_000.0  # over 2 pi, in lengths of the sequence
_EPS = 1e-6  # of Moment-DETR, added to the length


def sine_embedding(places: Tensor, dim: int) -> Tensor:
    """Return the sinusoidal embedding of numbers in [0, 1], (..., D).

    Channels 2 i and 2 i + 1 are the sine and the cosine of ``2 pi place / 10000 ** (2 i / D)`` (section 4 of
    "DAB-DETR", https://arxiv.org/abs/2201.12329).

    Args:
        places: (...).
        dim: D; of an odd one the last cosine is left out.

    Example:
        >>> sine_embedding(torch.tensor([0.0, 1 / 8]), 2)
        tensor([[0.0000, 1.0000],
                [0.7071, 0.7071]])
    """
    channels = torch.arange(0, dim, 2, dtype=places.dtype, device=places.device)
    angles = 2 * math.pi * places[..., None] / _LONGEST_WAVE ** (channels / dim)  # (..., D / 2)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)[..., :dim]


def relative_positions(mask: Tensor, dim: int) -> Tensor:
    """Return the sinusoidal encoding of how far into its sequence every clip stands, (B, T, D).

    Clip number i of n real ones, counted from 1, stands at i / n, whatever the padding. What stands at
    padding has no meaning.

    Args:
        mask: True where a clip is real, (B, T).
        dim: D.

    Example:
        >>> relative_positions(torch.tensor([[True, True, False]]), 4).shape
        torch.Size([1, 3, 4])
    """
    count = mask.cumsum(dim=1, dtype=torch.float32)
    return sine_embedding(count / (count[:, -1:] + _EPS), dim)


def endpoints(mask: Tensor) -> Tensor:
    """Return the temporal endpoint feature, start and end of every clip in shares of the length, (B, T, 2).

    Clip number i of n real ones, counted from 0, has (i / n, (i + 1) / n), as "Localizing Moments in Video
    with Natural Language" (https://arxiv.org/abs/1708.01641) describes it; padding has zeros.

    Args:
        mask: True where a clip is real, (B, T).

    Example:
        >>> endpoints(torch.tensor([[True, True, False]]))
        tensor([[[0.0000, 0.5000],
                 [0.5000, 1.0000],
                 [0.0000, 0.0000]]])
    """
    end = mask.cumsum(dim=1, dtype=torch.float32)
    shares = torch.stack([end - 1, end], dim=-1) / end[:, -1:, None].clamp(min=1)
    return shares * mask[..., None]
