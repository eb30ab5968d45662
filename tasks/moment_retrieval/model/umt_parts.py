"""The parts of UMT, in the order in which clips pass them.

Shapes: B samples, T clips, L words, D channels. Section numbers are those of the paper (see README.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vidkit.modules import (
    BottleneckLayer,
    LearnedPositions,
    MultiHeadAttention,
    PersistentMemoryAttention,
    PositionedDecoderLayer,
    PositionedEncoderLayer,
)

_FEEDFORWARD_RATIO = 4  # hidden channels of a feed-forward network, in D


class UnimodalEncoder(nn.Module):
    """One modality: its features to D channels, then a transformer layer (section 3.2).

    Args:
        input_dim: Channels of the features.
        dim: D.
        num_heads: Of the attention.
        positions: Added to queries and keys of the layer.
        dropout: Inside the layer.
        input_dropout: Of the features.
    """

    def __init__(
        self,
        input_dim: int,
        dim: int,
        *,
        num_heads: int,
        positions: nn.Module,
        dropout: float,
        input_dropout: float,
    ) -> None:
        super().__init__()
        self.input_dropout = nn.Dropout(input_dropout)
        self.project = nn.Linear(input_dim, dim)
        self.positions = positions
        self.layer = PositionedEncoderLayer(
            dim, num_heads=num_heads, feedforward_dim=_FEEDFORWARD_RATIO * dim, dropout=dropout
        )

    def forward(self, x: Tensor, mask: Tensor, keys: Tensor | None) -> Tensor:
        """Return (B, T, D).

        Args:
            x: Features, (B, T, input_dim).
            mask: True where real, (B, T).
            keys: The same, or None if all are real.
        """
        x = self.project(self.input_dropout(x))
        encoded: Tensor = self.layer(x, self.positions(x, mask), keys)
        return encoded


class CrossModalEncoder(nn.Module):
    """What the modalities know together: exchanged through bottleneck tokens, and summed (section 3.3).

    Args:
        dim: D.
        num_streams: Modalities, 1 or 2; with one there is nothing to exchange.
        num_tokens: Of the bottleneck.
        num_heads: Of every attention.
        num_positions: Clips that have learned positions.
        dropout: Inside the layer and of positions.
    """

    def __init__(
        self,
        dim: int,
        *,
        num_streams: int,
        num_tokens: int,
        num_heads: int,
        num_positions: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.positions: LearnedPositions | None = None
        self.layer: BottleneckLayer | None = None
        if num_streams == 2:
            self.positions = LearnedPositions(dim, num_positions=num_positions, dropout=dropout)
            self.layer = BottleneckLayer(
                dim,
                num_tokens=num_tokens,
                num_heads=num_heads,
                feedforward_dim=_FEEDFORWARD_RATIO * dim,
                dropout=dropout,
            )
        self.norm = nn.LayerNorm(dim)

    def forward(self, streams: Sequence[Tensor], mask: Tensor, keys: Tensor | None) -> Tensor:
        """Return (B, T, D).

        Args:
            streams: (B, T, D) of each modality.
            mask: True where real, (B, T).
            keys: The same, or None if all are real.
        """
        if self.layer is not None and self.positions is not None:
            a, b = streams
            streams = self.layer(a, b, self.positions(a, mask), keys, keys)
        fused: Tensor = self.norm(torch.stack(list(streams)).sum(dim=0))
        return fused


class QueryGenerator(nn.Module):
    """The words that matter to each clip, in place of the clip (section 3.4).

    Args:
        word_dim: Channels of the words.
        dim: D.
        num_heads: Of the attention.
        dropout: Of its weights and of what it returns.
        word_dropout: Of the words.
    """

    def __init__(
        self, word_dim: int, dim: int, *, num_heads: int, dropout: float, word_dropout: float
    ) -> None:
        super().__init__()
        self.word_dropout = nn.Dropout(word_dropout)
        self.project = nn.Linear(word_dim, dim, bias=False)
        self.norm = nn.LayerNorm(dim)
        self.attention = MultiHeadAttention(dim, num_heads=num_heads, dropout=dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, clips: Tensor, words: Tensor, word_mask: Tensor) -> Tensor:
        """Return a query for each clip, (B, T, D); in samples without words the clip itself.

        Args:
            clips: (B, T, D).
            words: (B, L, word_dim).
            word_mask: True where a word is real, (B, L).
        """
        words = self.norm(self.project(self.word_dropout(words)))
        queries = self.dropout(self.attention(clips, words, words, word_mask))
        return torch.where(word_mask.any(dim=1)[:, None, None], queries, clips)


class QueryDecoder(nn.Module):
    """The queries of the clips, among themselves and over the clips (section 3.5).

    The released code passes no mask here, so that what it says depends on the padding of the batch.

    Args:
        dim: D.
        num_layers: Of the transformer.
        num_heads: Of every attention.
        num_positions: Clips that have learned positions.
        dropout: Inside the layers and of positions.
    """

    def __init__(
        self, dim: int, *, num_layers: int, num_heads: int, num_positions: int, dropout: float
    ) -> None:
        super().__init__()
        self.positions, self.clip_positions = (
            LearnedPositions(dim, num_positions=num_positions, dropout=dropout) for _ in range(2)
        )
        self.layers = nn.ModuleList(
            PositionedDecoderLayer(
                dim, num_heads=num_heads, feedforward_dim=_FEEDFORWARD_RATIO * dim, dropout=dropout
            )
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(dim)

    def forward(self, queries: Tensor, clips: Tensor, mask: Tensor, keys: Tensor | None) -> Tensor:
        """Return (B, T, D).

        Args:
            queries: One per clip, (B, T, D).
            clips: (B, T, D).
            mask: True where real, (B, T).
            keys: The same, or None if all are real.
        """
        positions, clip_positions = self.positions(queries, mask), self.clip_positions(clips, mask)
        for layer in self.layers:
            queries = layer(queries, clips, positions, clip_positions, keys, keys)
        normed: Tensor = self.norm(queries)
        return normed


def initialize(module: nn.Module) -> None:
    """Draw the weights of a linear layer or the projections of an attention as the released code does.

    Weights are Xavier-normal, each projection for itself; biases are 0.
    """
    if isinstance(module, nn.Linear):
        nn.init.xavier_normal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    if isinstance(module, MultiHeadAttention):
        for weight in module.in_proj_weight.detach().chunk(3):
            nn.init.xavier_normal_(weight)
        nn.init.zeros_(module.in_proj_bias)
    if isinstance(module, PersistentMemoryAttention):
        module.reset_memory()
