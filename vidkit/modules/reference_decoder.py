"""A decoder whose queries are spans that every layer corrects.

DAB-DETR (https://arxiv.org/abs/2201.12329, section 4) in one dimension, as QD-DETR uses it. One factor, from
the width, scales the whole position of a query, where DAB-DETR scales each axis by its own.

Shapes: B sequences, T clips, Q queries, N layers, D channels. Masks are True where a clip is real, and None
    where all are.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vidkit.modules.mlp import MLP, Activation, FeedForward
from vidkit.modules.multi_head_attention import attend_heads
from vidkit.modules.relative_positions import sine_embedding
from vidkit.modules.spans import inverse_sigmoid
from vidkit.registry import MODULES

_MIN_WIDTH = 1e-6  # positions are divided by widths


class _Attention(nn.Module):
    """Attention of queries and keys that are projected already: (B, Q, ...), (B, T, ...) to (B, Q, D)."""

    def __init__(self, dim: int, *, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.dropout = dropout
        self.output = nn.Linear(dim, dim)

    def heads(self, x: Tensor) -> Tensor:
        """Return (B, H, T, D / H) of (B, T, D)."""
        heads: Tensor = x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
        return heads

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return (B, Q, D) of heads (B, H, Q or T, any channels)."""
        dropout = self.dropout if self.training else 0.0
        attended = attend_heads(query, key, value, mask, dropout=dropout)
        projected: Tensor = self.output(attended.transpose(1, 2).flatten(2))
        return projected


class _SelfAttention(nn.Module):
    """Queries attend to each other; content and position have projections of their own."""

    def __init__(self, dim: int, *, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.query_content, self.query_position = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.key_content, self.key_position = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.attention = _Attention(dim, num_heads=num_heads, dropout=dropout)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        heads = self.attention.heads
        attended: Tensor = self.attention(
            heads(self.query_content(x) + self.query_position(positions)),
            heads(self.key_content(x) + self.key_position(positions)),
            heads(self.value(x)),
        )
        return attended


class _CrossAttention(nn.Module):
    """Queries attend to the sequence; every head compares content beside position, 2 D / H channels.

    In the first layer the content carries positions too: queries of zeros would all be alike.
    """

    def __init__(self, dim: int, *, num_heads: int, dropout: float, is_first: bool) -> None:
        super().__init__()
        self.query_content, self.query_sine = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.query_position = nn.Linear(dim, dim) if is_first else None
        self.key_content, self.key_position = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.attention = _Attention(dim, num_heads=num_heads, dropout=dropout)

    def forward(
        self,
        x: Tensor,
        memory: Tensor,
        *,
        query_positions: Tensor,
        query_sines: Tensor,
        positions: Tensor,
        mask: Tensor | None,
    ) -> Tensor:
        query, key, place = self.query_content(x), self.key_content(memory), self.key_position(positions)
        if self.query_position is not None:
            query, key = query + self.query_position(query_positions), key + place
        heads = self.attention.heads
        attended: Tensor = self.attention(
            torch.cat([heads(query), heads(self.query_sine(query_sines))], dim=-1),
            torch.cat([heads(key), heads(place)], dim=-1),
            heads(self.value(memory)),
            mask,
        )
        return attended


class _Layer(nn.Module):
    """Self-attention, attention to the sequence, feed-forward network, each ``norm(x + dropout(...))``."""

    def __init__(
        self,
        dim: int,
        *,
        num_heads: int,
        feedforward_dim: int,
        dropout: float,
        activation: Activation,
        is_first: bool,
    ) -> None:
        super().__init__()
        self.attend = _SelfAttention(dim, num_heads=num_heads, dropout=dropout)
        self.attend_norm = nn.LayerNorm(dim)
        self.cross = _CrossAttention(dim, num_heads=num_heads, dropout=dropout, is_first=is_first)
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
        query_sines: Tensor,
        positions: Tensor,
        mask: Tensor | None,
    ) -> Tensor:
        x = self.attend_norm(x + self.dropout(self.attend(x, query_positions)))
        attended = self.cross(
            x,
            memory,
            query_positions=query_positions,
            query_sines=query_sines,
            positions=positions,
            mask=mask,
        )
        x = self.cross_norm(x + self.dropout(attended))
        y: Tensor = self.feedforward_norm(x + self.dropout(self.feedforward(x)))
        return y


@MODULES.register_module()
class ReferenceDecoder(nn.Module):
    """Learned spans, and what each layer of a decoder makes of them.

    A query is its span, (center, width) in [0, 1]: the sinusoidal embedding of the span gives its position,
    and after every layer but the last one a network corrects it, at first not at all. Matrices are drawn from
    Glorot's uniform distribution.

    Args:
        dim: Channels, D, an even number.
        num_queries: Q.
        num_layers: N, >= 1.
        num_heads: Of every attention.
        feedforward_dim: Channels inside the feed-forward networks.
        dropout: Of attention weights, inside the feed-forward networks and of what is added, in [0, 1).
        activation: Of the feed-forward networks, "relu" or "prelu".

    Raises:
        ValueError: If ``dim`` is odd, or no multiple of ``num_heads``.
    """

    def __init__(
        self,
        dim: int,
        *,
        num_queries: int,
        num_layers: int,
        num_heads: int,
        feedforward_dim: int,
        dropout: float,
        activation: Activation = "prelu",
    ) -> None:
        super().__init__()
        if dim % 2 or dim % num_heads:
            raise ValueError(f"dim must be an even multiple of the {num_heads} heads, got {dim}")
        self.dim = dim
        self.layers = nn.ModuleList(
            _Layer(
                dim,
                num_heads=num_heads,
                feedforward_dim=feedforward_dim,
                dropout=dropout,
                activation=activation,
                is_first=index == 0,
            )
            for index in range(num_layers)
        )
        self.norm = nn.LayerNorm(dim)
        self.position = MLP(dim, dim, dim)
        self.width = MLP(dim, dim, 1)
        self.scale = MLP(dim, dim, dim) if num_layers > 1 else None
        self.refine = MLP(dim, dim, dim, 2) if num_layers > 1 else None
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        if self.refine is not None:
            for parameter in self.refine.layers[-1].parameters():
                nn.init.zeros_(parameter)
        self.references = nn.Parameter(torch.randn(num_queries, 2))  # logits of (center, width)

    def forward(self, memory: Tensor, positions: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the normalised queries after every layer, (N, B, Q, D), and the spans it began with.

        The spans are (center, width) in [0, 1], (N, B, Q, 2). Gradients reach the network that made them,
        but not the layers before through what the next layer reads.

        Args:
            memory: (B, T, D).
            positions: Of its clips, (B, T, D).
            mask: Of ``memory``, (B, T).
        """
        references = self.references.sigmoid().expand(len(memory), -1, -1)  # (B, Q, 2)
        x = memory.new_zeros(*references.shape[:2], self.dim)
        states: list[Tensor] = []
        spans = [references]
        for layer in self.layers:
            sines = torch.cat([sine_embedding(axis, self.dim // 2) for axis in references.unbind(-1)], dim=-1)
            query_positions = self.position(sines)
            if states and self.scale is not None:
                sines = sines * self.scale(x)
            sines = sines * (self.width(x).sigmoid() / references[..., 1:].clamp(min=_MIN_WIDTH))
            x = layer(
                x,
                memory,
                query_positions=query_positions,
                query_sines=sines,
                positions=positions,
                mask=mask,
            )
            states.append(self.norm(x))
            if len(states) < len(self.layers) and self.refine is not None:
                spans.append((self.refine(x) + inverse_sigmoid(references)).sigmoid())
                references = spans[-1].detach()
        return torch.stack(states), torch.stack(spans)
