"""Where in time a clip stands.

Shapes: T clips, D channels.
"""

from __future__ import annotations

import torch
from torch import Tensor

_LONGEST_WAVE = 10_000.0  # over 2 pi, in clips


def sinusoidal_positions(length: int, dim: int, *, device: torch.device | str | None = None) -> Tensor:
    """Return the sinusoidal encoding of the positions 0 .. length - 1, shape (T, D).

    Section 3.5 of "Attention Is All You Need" (https://arxiv.org/abs/1706.03762): channels 2 i and 2 i + 1
    are the sine and the cosine of ``position / 10000 ** (2 i / D)``. They are computed for the length that
    comes, so there is no longest sequence.

    Args:
        length: T.
        dim: D; of an odd one the last cosine is left out.
        device: Where to compute.

    Example:
        >>> sinusoidal_positions(2, 2)
        tensor([[0.0000, 1.0000],
                [0.8415, 0.5403]])
    """
    rates = _LONGEST_WAVE ** (-torch.arange(0, dim, 2, device=device) / dim)  # (D / 2,)
    angles = torch.arange(length, device=device)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :dim]
