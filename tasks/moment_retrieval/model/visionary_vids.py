"""VisionaryVids: UMT with 2-D sines for positions and attention to a persistent memory.

Shapes: B samples, T clips, D channels.
"""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor, nn

from vidkit.modules import PersistentMemoryAttention
from vidkit.registry import MODELS
from vidkit.tasks.moment_retrieval.model.umt import UMT
from vidkit.tasks.moment_retrieval.model.umt_parts import UnimodalEncoder, initialize


class _PlacedEncoder(UnimodalEncoder):
    """A uni-modal encoder whose positions are added to what it reads, and so to values as well."""

    def forward(self, x: Tensor, mask: Tensor, keys: Tensor | None) -> Tensor:
        """Return (B, T, D); see ``UnimodalEncoder``."""
        x = self.project(self.input_dropout(x))
        encoded: Tensor = self.layer(x + self.positions(x, mask), None, keys)
        return encoded


@MODELS.register_module()
class VisionaryVids(UMT):
    """UMT with two changes in its uni-modal encoders ("VisionaryVids", 2023; see README.md).

    Positions of the visual clips are sines of the row and the column in which a folded sequence puts them,
    and are added to the clips themselves instead of to queries and keys. The attention within a modality sees
    slots of a learned memory beside the clips. Its third change, the optimiser Lion, is the config's. Each
    can be left out: ``visual_positions=None`` gives UMT's learned ones, ``num_memory_slots=0`` its attention.

    The paper describes the memory; the released code has none, and as its uni-modal block another
    library's: 512 inner channels, no biases, GELU, no dropout. Here the block is UMT's with the memory.

    Args:
        visual_positions: Of the visual clips: ``GridPositions``, or ``SinusoidalPositions`` for positions
            along one axis; None for those of UMT.
        num_memory_slots: Of every head in the uni-modal encoders; 0 for none.
        dim: D.
        num_heads: Of every attention.
        dropout: In [0, 1).
        **umt: As ``UMT``.

    Raises:
        ValueError: If there are positions for visual clips but no such clips, or a number is out of range.
        TypeError: If a part is of another kind.
    """

    def __init__(
        self,
        *,
        visual_positions: nn.Module | None,
        num_memory_slots: int = 16,
        dim: int = 256,
        num_heads: int = 8,
        dropout: float = 0.1,
        input_dropout: float = 0.5,
        **umt: Any,
    ) -> None:
        super().__init__(dim=dim, num_heads=num_heads, dropout=dropout, input_dropout=input_dropout, **umt)
        if num_memory_slots < 0:
            raise ValueError(f"num_memory_slots must be at least 0, got {num_memory_slots}; 0 is no memory")
        if visual_positions is not None:
            if "visual" not in self.unimodal:
                raise ValueError("visual_positions need a visual_encoder; set visual_positions=None")
            self.unimodal["visual"] = _PlacedEncoder(
                self.encoders()["visual"].dim,
                dim,
                num_heads=num_heads,
                positions=visual_positions,
                dropout=dropout,
                input_dropout=input_dropout,
            )
        for encoder in self.unimodal.values():
            if num_memory_slots:
                cast(UnimodalEncoder, encoder).layer.attention = PersistentMemoryAttention(
                    dim, num_heads=num_heads, num_slots=num_memory_slots, dropout=dropout
                )
        self.unimodal.apply(initialize)
