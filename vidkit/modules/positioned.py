"""Layers of transformers whose queries and keys know where they stand.

Positions are added to queries and keys, not to values, and so not to what a layer returns (appendix A.3 of
https://arxiv.org/abs/2005.12872). Every layer normalises what it reads ("pre-norm").

Shapes: B sequences, Q queries, T clips, D channels. Masks are True where real, and None where all are.
"""

from __future__ import annotations

from torch import Tensor, nn

from vidkit.modules.mlp import FeedForward
from vidkit.modules.multi_head_attention import MultiHeadAttention
from vidkit.registry import MODULES


@MODULES.register_module()
class PositionedEncoderLayer(nn.Module):
    """Self-attention, then the feed-forward network.

    Args:
        dim: Channels, D.
        num_heads: Of the attention.
        feedforward_dim: Channels inside the feed-forward network.
        dropout: Of attention weights, inside the feed-forward network, and of what both add; in [0, 1).
        attention: Takes the place of a ``MultiHeadAttention``, such as a ``PersistentMemoryAttention``.
    """

    def __init__(
        self,
        dim: int,
        *,
        num_heads: int,
        feedforward_dim: int,
        dropout: float,
        attention: MultiHeadAttention | None = None,
    ) -> None:
        super().__init__()
        self.attention = attention or MultiHeadAttention(dim, num_heads=num_heads, dropout=dropout)
        self.feedforward = FeedForward(dim, hidden_dim=feedforward_dim, dropout=dropout)
        self.attention_norm, self.feedforward_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, positions: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Return the sequence, (B, T, D).

        Args:
            x: (B, T, D).
            positions: Added to queries and keys, (B, T, D); None for none.
            mask: Of ``x``, (B, T).
        """
        value = self.attention_norm(x)
        key = with_positions(value, positions)
        x = x + self.dropout(self.attention(key, key, value, mask))
        y: Tensor = x + self.dropout(self.feedforward(self.feedforward_norm(x)))
        return y


@MODULES.register_module()
class PositionedDecoderLayer(nn.Module):
    """Self-attention of queries, their attention to another sequence, then the feed-forward network.

    The other sequence is read as it comes, without a norm.

    Args:
        dim: Channels, D.
        num_heads: Of both attentions.
        feedforward_dim: Channels inside the feed-forward network.
        dropout: Of attention weights, inside the feed-forward network, and of what each adds; in [0, 1).
    """

    def __init__(self, dim: int, *, num_heads: int, feedforward_dim: int, dropout: float) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(dim, num_heads=num_heads, dropout=dropout)
        self.cross_attention = MultiHeadAttention(dim, num_heads=num_heads, dropout=dropout)
        self.feedforward = FeedForward(dim, hidden_dim=feedforward_dim, dropout=dropout)
        self.attention_norm, self.cross_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.feedforward_norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        memory: Tensor,
        positions: Tensor | None = None,
        memory_positions: Tensor | None = None,
        mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
    ) -> Tensor:
        """Return the queries, (B, Q, D).

        Args:
            x: Queries, (B, Q, D).
            memory: What they attend to beside themselves, (B, T, D).
            positions: Of the queries, (B, Q, D); None for none.
            memory_positions: Of ``memory``, (B, T, D); None for none.
            mask: Of ``x``, (B, Q).
            memory_mask: Of ``memory``, (B, T).
        """
        value = self.attention_norm(x)
        key = with_positions(value, positions)
        x = x + self.dropout(self.attention(key, key, value, mask))
        query = with_positions(self.cross_norm(x), positions)
        memory_key = with_positions(memory, memory_positions)
        x = x + self.dropout(self.cross_attention(query, memory_key, memory, memory_mask))
        y: Tensor = x + self.dropout(self.feedforward(self.feedforward_norm(x)))
        return y


def with_positions(x: Tensor, positions: Tensor | None) -> Tensor:
    """Return ``x + positions``; ``x`` itself, so that it is projected once, without positions."""
    return x if positions is None else x + positions
