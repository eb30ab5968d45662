"""Layers of transformers that normalise what they return ("post-norm"), with positions in queries and keys.

As in DETR (https://arxiv.org/abs/2005.12872, section A.3): positions are added to what is compared, not to
what is attended. Every sublayer is ``norm(x + dropout(sublayer(x)))``.

Shapes: B sequences, T clips, Q queries, D channels. Masks are True where a clip is real, and None where all
    are.
"""

from __future__ import annotations

from torch import Tensor, nn

from vidkit.modules.mlp import Activation, FeedForward
from vidkit.modules.multi_head_attention import MultiHeadAttention
from vidkit.registry import MODULES


@MODULES.register_module()
class PostNormEncoderLayer(nn.Module):
    """Self-attention, then the feed-forward network.

    Args:
        dim: Channels, D.
        num_heads: Of the attention.
        feedforward_dim: Channels inside the feed-forward network.
        dropout: Of attention weights, inside the feed-forward network and of what is added, in [0, 1).
        activation: Of the feed-forward network, "relu" or "prelu".
    """

    def __init__(
        self,
        dim: int,
        *,
        num_heads: int,
        feedforward_dim: int,
        dropout: float,
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(dim, num_heads=num_heads, dropout=dropout)
        self.attention_norm = nn.LayerNorm(dim)
        self.feedforward = FeedForward(
            dim, hidden_dim=feedforward_dim, dropout=dropout, activation=activation
        )
        self.feedforward_norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, positions: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the sequence, (B, T, D).

        Args:
            x: (B, T, D).
            positions: Of its clips, (B, T, D).
            mask: Of ``x``, (B, T).
        """
        placed = x + positions
        x = self.attention_norm(x + self.dropout(self.attention(placed, placed, x, mask)))
        y: Tensor = self.feedforward_norm(x + self.dropout(self.feedforward(x)))
        return y


@MODULES.register_module()
class PostNormDecoderLayer(nn.Module):
    """Self-attention of queries, attention to a sequence, then the feed-forward network.

    Args:
        dim: Channels, D.
        num_heads: Of both attentions.
        feedforward_dim: Channels inside the feed-forward network.
        dropout: Of attention weights, inside the feed-forward network and of what is added, in [0, 1).
        activation: Of the feed-forward network, "relu" or "prelu".
    """

    def __init__(
        self,
        dim: int,
        *,
        num_heads: int,
        feedforward_dim: int,
        dropout: float,
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(dim, num_heads=num_heads, dropout=dropout)
        self.attention_norm = nn.LayerNorm(dim)
        self.cross_attention = MultiHeadAttention(dim, num_heads=num_heads, dropout=dropout)
        self.cross_norm = nn.LayerNorm(dim)
        self.feedforward = FeedForward(
            dim, hidden_dim=feedforward_dim, dropout=dropout, activation=activation
        )
        self.feedforward_norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        memory: Tensor,
        *,
        query_positions: Tensor,
        positions: Tensor,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Return the queries, (B, Q, D).

        Args:
            x: Queries, (B, Q, D).
            memory: What they attend to, (B, T, D).
            query_positions: Of the queries, (B, Q, D).
            positions: Of the memory, (B, T, D).
            mask: Of ``memory``, (B, T).
        """
        placed = x + query_positions
        x = self.attention_norm(x + self.dropout(self.attention(placed, placed, x)))
        attended = self.cross_attention(x + query_positions, memory + positions, memory, mask)
        x = self.cross_norm(x + self.dropout(attended))
        y: Tensor = self.feedforward_norm(x + self.dropout(self.feedforward(x)))
        return y
