"""Encodings of where in time a clip stands, one like the other to a model.

Shapes: B sequences, T clips, D channels, P rows of a table. ``forward`` of each takes a sequence (B, T, D)
    and its mask (B, T), True where real and so from the left on, and returns what to add to it, (B, T, D).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vidkit.modules.positions import sinusoidal_positions
from vidkit.registry import MODULES

_LONGEST_WAVE = 10_000.0  # over 2 pi, in rows or columns


@MODULES.register_module()
class LearnedPositions(nn.Module):
    """A learned row for each position; of a longer sequence every clip gets a mix of two neighbouring rows.

    A sequence of n > P clips is laid over the whole table: its clip i reads the table at i (P - 1) / (n - 1),
    by linear interpolation. How long a sequence is, its own mask says, not the batch it is padded in.

    Args:
        dim: Channels, D.
        num_positions: P, the clips of the longest sequence that has rows of its own.
        dropout: Share of what is added that training drops, in [0, 1).

    Raises:
        ValueError: If ``num_positions`` is not positive.
    """

    def __init__(self, dim: int, *, num_positions: int, dropout: float = 0.0) -> None:
        super().__init__()
        if num_positions < 1:
            raise ValueError(f"num_positions must be at least 1, got {num_positions}")
        self.table = nn.Parameter(torch.randn(num_positions, dim) / dim**0.5)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return (B, T, D)."""
        length, rows = x.shape[1], len(self.table)
        if length <= rows:
            return self._dropped(self.table[:length].expand(len(x), -1, -1))
        lengths = mask.sum(dim=1, keepdim=True)  # (B, 1)
        step = torch.where(lengths > rows, (rows - 1) / (lengths - 1).clamp(min=1), 1.0)
        place = (torch.arange(length, device=x.device) * step).clamp(max=rows - 1)  # (B, T)
        before = place.floor().long()
        after = (before + 1).clamp(max=rows - 1)
        share = (place - before)[..., None].to(self.table.dtype)  # of the row after
        return self._dropped(torch.lerp(self.table[before], self.table[after], share))

    def _dropped(self, positions: Tensor) -> Tensor:
        dropped: Tensor = self.dropout(positions)
        return dropped


@MODULES.register_module()
class SinusoidalPositions(nn.Module):
    """Sines and cosines of the position (``sinusoidal_positions``), for any length and without parameters.

    Args:
        dropout: Share of what is added that training drops, in [0, 1).
    """

    def __init__(self, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return (B, T, D)."""
        table = sinusoidal_positions(x.shape[1], x.shape[-1], device=x.device).to(x.dtype)
        added: Tensor = self.dropout(table.expand_as(x))
        return added


@MODULES.register_module()
class GridPositions(nn.Module):
    """Sines and cosines of column and row (``grid_positions``), for any length and without parameters.

    Args:
        width: Clips in a row of the folded sequence.
        dropout: Share of what is added that training drops, in [0, 1).

    Raises:
        ValueError: If ``width`` is not positive.
    """

    def __init__(self, *, width: int = 64, dropout: float = 0.0) -> None:
        super().__init__()
        if width < 1:
            raise ValueError(f"width, the clips in a row, must be at least 1, got {width}")
        self.width = width
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return (B, T, D)."""
        table = grid_positions(x.shape[1], x.shape[-1], width=self.width, device=x.device).to(x.dtype)
        added: Tensor = self.dropout(table.expand_as(x))
        return added


def grid_positions(length: int, dim: int, *, width: int, device: torch.device | str | None = None) -> Tensor:
    """Return the 2-D sinusoidal encoding of a sequence that is folded to rows of ``width``, (T, D).

    Clip i stands in column ``i % width`` of row ``i // width``. A quarter of the channels each is the sine of
    the column, its cosine, the sine and the cosine of the row, times ``10000 ** (-k / (D / 4 - 1))``, k from
    0. So the released code of VisionaryVids encodes time; within one row the second half is constant.

    Args:
        length: T.
        dim: D, a multiple of 4.
        width: Clips in a row.
        device: Where to compute.

    Raises:
        ValueError: If ``dim`` is no multiple of 4.

    Example:
        >>> grid_positions(4, 4, width=2)  # columns 0 1 0 1 of rows 0 0 1 1
        tensor([[0.0000, 1.0000, 0.0000, 1.0000],
                [0.8415, 0.5403, 0.0000, 1.0000],
                [0.0000, 1.0000, 0.8415, 0.5403],
                [0.8415, 0.5403, 0.8415, 0.5403]])
    """
    if dim % 4:
        raise ValueError(f"2-D positions take a quarter of the channels each: {dim} is no multiple of 4")
    count = dim // 4
    rates = _LONGEST_WAVE ** (-torch.arange(count, device=device) / max(count - 1, 1))
    place = torch.arange(length, device=device)
    column, row = (place % width)[:, None] * rates, (place // width)[:, None] * rates  # (T, D / 4)
    return torch.cat([column.sin(), column.cos(), row.sin(), row.cos()], dim=-1)
