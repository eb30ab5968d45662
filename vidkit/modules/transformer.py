"""Layers of transformers that normalise what they read ("pre-norm").

Dropout falls on what a sublayer adds (section 5.4 of https://arxiv.org/abs/1706.03762).

Shapes: B sequences, T clips, L clips of the other sequence, D channels. Masks are True where a clip is real,
and None where all are.
"""

from __future__ import annotations

from torch import Tensor, nn

from vidkit.modules.dropout import Dropout
from vidkit.modules.linear import normed_linear
from vidkit.modules.mlp import FeedForward
from vidkit.modules.multi_head_attention import MultiHeadAttention
from vidkit.registry import MODULES


class _SelfAttention(nn.Module):
    """x + attention(norm(x))."""

    def __init__(self, dim: int, *, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.attention = MultiHeadAttention(dim, num_heads=num_heads)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        attention = self.attention
        projected = normed_linear(x, self.norm, attention.in_proj_weight, attention.in_proj_bias)
        query, key, value = projected.chunk(3, dim=-1)
        return self.dropout.residual(x, attention.attend_projected(query, key, value, mask))


class _CrossAttention(nn.Module):
    """x + attention(norm(x), norm(other))."""

    def __init__(self, dim: int, *, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.norm, self.norm_other = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = MultiHeadAttention(dim, num_heads=num_heads)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, other: Tensor, mask: Tensor | None) -> Tensor:
        attention, sizes = self.attention, [x.shape[-1], 2 * x.shape[-1]]
        weights, biases = attention.in_proj_weight.split(sizes), attention.in_proj_bias.split(sizes)
        query = normed_linear(x, self.norm, weights[0], biases[0])
        key, value = normed_linear(other, self.norm_other, weights[1], biases[1]).chunk(2, dim=-1)
        return self.dropout.residual(x, attention.attend_projected(query, key, value, mask))


class _FeedForward(nn.Module):
    """x + feedforward(norm(x))."""

    def __init__(self, dim: int, *, hidden_dim: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.network = FeedForward(dim, hidden_dim=hidden_dim)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout.residual(x, self.network(x, self.norm))


@MODULES.register_module()
class SelfAttentionLayer(nn.Module):
    """Self-attention, then the feed-forward network.

    Args:
        dim: Channels, D.
        num_heads: Of the attention.
        feedforward_dim: Channels inside the feed-forward network.
        dropout: In [0, 1).
    """

    def __init__(self, dim: int, *, num_heads: int, feedforward_dim: int, dropout: float) -> None:
        super().__init__()
        self.attend = _SelfAttention(dim, num_heads=num_heads, dropout=dropout)
        self.feedforward = _FeedForward(dim, hidden_dim=feedforward_dim, dropout=dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the sequence, (B, T, D).

        Args:
            x: (B, T, D).
            mask: Of ``x``, (B, T).
        """
        y: Tensor = self.feedforward(self.attend(x, mask))
        return y


@MODULES.register_module()
class CrossAttentionLayer(nn.Module):
    """Attention to another sequence, then the feed-forward network.

    Args:
        dim: Channels, D.
        num_heads: Of the attention.
        feedforward_dim: Channels inside the feed-forward network.
        dropout: In [0, 1).
    """

    def __init__(self, dim: int, *, num_heads: int, feedforward_dim: int, dropout: float) -> None:
        super().__init__()
        self.attend_other = _CrossAttention(dim, num_heads=num_heads, dropout=dropout)
        self.feedforward = _FeedForward(dim, hidden_dim=feedforward_dim, dropout=dropout)

    def forward(self, x: Tensor, other: Tensor, mask_other: Tensor | None = None) -> Tensor:
        """Return the sequence, (B, T, D).

        Args:
            x: (B, T, D).
            other: What it attends to, (B, L, D).
            mask_other: Of ``other``, (B, L).
        """
        y: Tensor = self.feedforward(self.attend_other(x, other, mask_other))
        return y


@MODULES.register_module()
class SelfCrossAttentionLayer(nn.Module):
    """Self-attention, attention to another sequence, then the feed-forward network.

    Args:
        dim: Channels, D.
        num_heads: Of both attentions.
        feedforward_dim: Channels inside the feed-forward network.
        dropout: In [0, 1).
    """

    def __init__(self, dim: int, *, num_heads: int, feedforward_dim: int, dropout: float) -> None:
        super().__init__()
        self.attend = _SelfAttention(dim, num_heads=num_heads, dropout=dropout)
        self.attend_other = _CrossAttention(dim, num_heads=num_heads, dropout=dropout)
        self.feedforward = _FeedForward(dim, hidden_dim=feedforward_dim, dropout=dropout)

    def forward(
        self, x: Tensor, other: Tensor, mask: Tensor | None = None, mask_other: Tensor | None = None
    ) -> Tensor:
        """Return the sequence, (B, T, D).

        Args:
            x: (B, T, D).
            other: What it attends to beside itself, (B, L, D).
            mask: Of ``x``, (B, T).
            mask_other: Of ``other``, (B, L).
        """
        y: Tensor = self.feedforward(self.attend_other(self.attend(x, mask), other, mask_other))
        return y
