"""Networks that see one position at a time.

Shapes: any leading axes, D channels.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, cast

from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.modules.linear import Linear, normed_linear
from vidkit.registry import MODULES

Activation = Literal["relu", "prelu"]


@MODULES.register_module()
class MLP(nn.Module):
    """Linear layers with ReLU between, none after the last.

    Args:
        dims: Channels of the input, of every hidden layer and of the output.

    Example:
        >>> import torch
        >>> MLP(4, 16, 16, 1)(torch.zeros(2, 7, 4)).shape
        torch.Size([2, 7, 1])
    """

    def __init__(self, *dims: int) -> None:
        super().__init__()
        if len(dims) < 2:
            raise ValueError(f"dims lists at least the channels of input and output, got {dims}")
        self.layers = nn.ModuleList(Linear(a, b) for a, b in pairwise(dims))

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., last of ``dims``) of (..., first of ``dims``)."""
        rows = x.reshape(-1, x.shape[-1])
        for index, layer in enumerate(self.layers):
            rows = layer(rows if index == 0 else _relu(rows))
        return rows.view(*x.shape[:-1], rows.shape[-1])


@MODULES.register_module()
class FeedForward(MLP):
    """The feed-forward network of a transformer (Equation 2 of https://arxiv.org/abs/1706.03762).

    Args:
        dim: Channels, D.
        hidden_dim: Channels between the two layers.
        dropout: Share of these that training drops, in [0, 1).
        activation: Between the layers: "relu", or "prelu", whose slope below 0 is one learnt number.

    Raises:
        ValueError: If there is no such activation.
    """

    def __init__(
        self, dim: int, *, hidden_dim: int, dropout: float = 0.0, activation: Activation = "relu"
    ) -> None:
        super().__init__(dim, hidden_dim, dim)
        if activation not in ("relu", "prelu"):
            raise ValueError(f'activation must be "relu" or "prelu", got {activation!r}')
        self.activation = nn.PReLU() if activation == "prelu" else _relu
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, norm: nn.LayerNorm | None = None) -> Tensor:
        """Return (..., D) of (..., D), which ``norm`` normalises first."""
        inner, outer = (cast(Linear, layer) for layer in self.layers)
        rows = x.reshape(-1, x.shape[-1])
        hidden = inner(rows) if norm is None else normed_linear(rows, norm, inner.weight, inner.bias)
        y: Tensor = outer(self.dropout(self.activation(hidden)))
        return y.view(x.shape)


def _relu(x: Tensor) -> Tensor:
    """Return the ReLU of what a linear layer gave, in its memory.

    Not in that of a view, as layers make of more than two axes: the backward pass would copy it three times.
    """
    return F.relu(x, inplace=not (x.requires_grad and x._is_view()))
