"""Attention to learned vectors beside the sequence.

Shapes: B sequences, Q queries, L keys, D channels, H heads, N slots.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.modules.multi_head_attention import MultiHeadAttention
from vidkit.registry import MODULES


@MODULES.register_module()
class PersistentMemoryAttention(MultiHeadAttention):
    """Multi-head attention whose heads have keys and values of their own, besides those of the input.

    Section 4 of "Augmenting Self-attention with Persistent Memory" (https://arxiv.org/abs/1907.01470): N
    learned pairs per head, the same for every input and query, without position, never masked. The paper
    drops the feed-forward network for them; with few slots it is kept.

    A slot starts as the projection of a random vector that is normalised as the layer's input is: its key and
    value then have the norm of a projected one, and compete for attention on equal terms.

    Args:
        dim: Channels, D.
        num_heads: H, a divisor of D.
        num_slots: N, > 0.
        dropout: Share of the weights that training drops, in [0, 1).

    Raises:
        ValueError: If ``num_slots`` is not positive, or ``num_heads`` does not divide ``dim``.
    """

    def __init__(self, dim: int, *, num_heads: int, num_slots: int, dropout: float = 0.0) -> None:
        super().__init__(dim, num_heads=num_heads, dropout=dropout)
        if num_slots < 1:
            raise ValueError(
                f"num_slots must be at least 1, got {num_slots}; without memory take MultiHeadAttention"
            )
        self.memory_keys = nn.Parameter(torch.empty(num_heads, num_slots, dim // num_heads))
        self.memory_values = nn.Parameter(torch.empty(num_heads, num_slots, dim // num_heads))
        self.reset_memory()

    @torch.no_grad()
    def reset_memory(self) -> None:
        """Draw the slots anew, by the projections as they are; call it after other weights are drawn."""
        num_slots, dim = self.memory_keys.shape[1], self.in_proj_weight.shape[1]
        slots = F.layer_norm(torch.randn(num_slots, dim, device=self.in_proj_weight.device), (dim,))
        _, keys, values = F.linear(slots, self.in_proj_weight, self.in_proj_bias).chunk(3, dim=-1)
        for memory, rows in ((self.memory_keys, keys), (self.memory_values, values)):
            memory.copy_(rows.unflatten(-1, (self.num_heads, -1)).transpose(0, 1))  # (H, N, D / H)

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        key, value = (
            torch.cat([memory.to(x.dtype).expand(len(x), -1, -1, -1), x], dim=2)  # (B, H, N + L, D / H)
            for memory, x in ((self.memory_keys, key), (self.memory_values, value))
        )
        if mask is not None:
            mask = F.pad(mask, (self.memory_keys.shape[1], 0), value=True)
        return super()._attend(query, key, value, mask)
