"""Two sequences that exchange what they know through a few tokens.

Shapes: B sequences of each kind, T clips, D channels, N tokens. Masks are True where real, and None where all
    are.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vidkit.modules.mlp import FeedForward
from vidkit.modules.multi_head_attention import MultiHeadAttention
from vidkit.modules.positioned import with_positions
from vidkit.registry import MODULES


@MODULES.register_module()
class BottleneckLayer(nn.Module):
    """A bottleneck transformer layer (section 3.3 of UMT, https://arxiv.org/abs/2203.12745).

    Learned tokens gather from both sequences ("feature compression"); each clip of both then attends to the
    tokens alone ("feature expansion"). The cost grows with T N instead of T T.

    Args:
        dim: Channels, D.
        num_tokens: N.
        num_heads: Of the four attentions.
        feedforward_dim: Channels inside the two feed-forward networks.
        dropout: Of attention weights, inside the feed-forward networks, and of what each adds; in [0, 1).
    """

    def __init__(
        self, dim: int, *, num_tokens: int, num_heads: int, feedforward_dim: int, dropout: float
    ) -> None:
        super().__init__()
        self.tokens = nn.Parameter(torch.randn(num_tokens, dim) / dim**0.5)
        self.token_norm, self.gathered_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(2))
        self.gather = nn.ModuleList(
            MultiHeadAttention(dim, num_heads=num_heads, dropout=dropout) for _ in range(2)
        )
        self.spread = nn.ModuleList(
            MultiHeadAttention(dim, num_heads=num_heads, dropout=dropout) for _ in range(2)
        )
        self.feedforward_norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(2))
        self.feedforwards = nn.ModuleList(
            FeedForward(dim, hidden_dim=feedforward_dim, dropout=dropout) for _ in range(2)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        a: Tensor,
        b: Tensor,
        positions: Tensor | None = None,
        mask_a: Tensor | None = None,
        mask_b: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return both sequences, (B, T, D) each.

        Args:
            a: (B, T, D).
            b: (B, T, D).
            positions: Of the clips of both, (B, T, D); None for none.
            mask_a: Of ``a``, (B, T).
            mask_b: Of ``b``, (B, T).
        """
        tokens = self.tokens.expand(len(a), -1, -1)
        query = self.token_norm(tokens)
        values = [norm(x) for norm, x in zip(self.norms, (a, b))]
        keys = [with_positions(value, positions) for value in values]
        for gather, key, value, mask in zip(self.gather, keys, values, (mask_a, mask_b)):
            tokens = tokens + self.dropout(gather(query, key, value, mask))
        gathered = self.gathered_norm(tokens)
        spread = []
        for x, key, attend, norm, feedforward in zip(
            (a, b), keys, self.spread, self.feedforward_norms, self.feedforwards
        ):
            y = x + self.dropout(attend(key, gathered, gathered))
            spread.append(y + self.dropout(feedforward(norm(y))))
        return spread[0], spread[1]
