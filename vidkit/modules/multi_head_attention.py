"""Attention with several heads.

Shapes: B sequences, Q queries, L keys, D channels, H heads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.modules.linear import Linear, linear
from vidkit.registry import MODULES


@MODULES.register_module()
class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention with several heads (section 3.2 of https://arxiv.org/abs/1706.03762).

    Runs through ``F.scaled_dot_product_attention``, which never holds the Q x L weights in memory, unless a
    CPU drops some of them: its fused kernels cannot. Parameters are named, and initialised, as those of
    ``nn.MultiheadAttention``, so that checkpoints of either load into the other.

    Args:
        dim: Channels, D.
        num_heads: H, a divisor of D.
        dropout: Share of the weights that training drops, in [0, 1).

    Example:
        >>> attention, x = MultiHeadAttention(8, num_heads=2), torch.zeros(1, 5, 8)
        >>> attention(x, x, x).shape
        torch.Size([1, 5, 8])
    """

    def __init__(self, dim: int, *, num_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        if num_heads < 1 or dim % num_heads:
            raise ValueError(f"num_heads must divide the {dim} channels, got {num_heads}")
        self.num_heads = num_heads
        self.dropout = dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * dim, dim))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * dim))
        self.out_proj = Linear(dim, dim)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return what every query attends, (B, Q, D).

        Args:
            query: (B, Q, D).
            key: (B, L, D).
            value: (B, L, D). Where two of the three are one tensor, they are projected together.
            mask: True where a key is real, (B, L); None if all are. Padding is not attended; without a real
                key the attended values are 0. Leave it out where nothing is padding: the kernels are faster
                then.
        """
        return self.attend_projected(*self._project(query, key, value), mask)

    def attend_projected(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """Return what ``forward`` does, of query, key and value that ``in_proj_weight`` has projected."""
        heads = [
            x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (B, H, Q or L, D / H)
            for x in (query, key, value)
        ]
        attended = self._attend(heads[0], heads[1], heads[2], mask)
        projected: Tensor = self.out_proj(attended.transpose(1, 2).flatten(2))
        return projected

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """Return what the heads attend, (B, H, Q, D / H), of projected (B, H, Q or L, D / H)."""
        return attend_heads(query, key, value, mask, dropout=self.dropout if self.training else 0.0)

    def _project(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the projected query, key and value, by as few matrix products as they are tensors."""
        groups: list[tuple[Tensor, int]] = []  # a tensor, and how many of the three projections read it
        for x in (query, key, value):
            if groups and groups[-1][0] is x:
                groups[-1] = (x, groups[-1][1] + 1)
            else:
                groups.append((x, 1))
        sizes = [count * query.shape[-1] for _, count in groups]
        weights, biases = self.in_proj_weight.split(sizes), self.in_proj_bias.split(sizes)
        projected: list[Tensor] = []
        for (x, count), weight, bias in zip(groups, weights, biases):
            projected += linear(x, weight, bias).chunk(count, dim=-1)
        return projected[0], projected[1], projected[2]


def attend_heads(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, *, dropout: float = 0.0
) -> Tensor:
    """Return what the heads attend, (B, H, Q, channels of a value), from projected sequences.

    Args:
        query: (B, H, Q, channels).
        key: (B, H, L, channels).
        value: (B, H, L, channels), which may be other ones than those of queries and keys.
        mask: True where a key is real, (B, L); None if all are. Without a real key the attended values are 0.
        dropout: Share of the weights that is dropped, in [0, 1).
    """
    if mask is None:
        return F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
    has_keys = mask.any(dim=1, keepdim=True)  # softmax over no key at all would be nan
    allowed = (mask | ~has_keys)[:, None, None]  # (B, 1, 1, L)
    attended = F.scaled_dot_product_attention(query, key, value, attn_mask=allowed, dropout_p=dropout)
    return attended * has_keys[..., None, None]
