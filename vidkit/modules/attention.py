"""Attention along time.

Shapes: B sequences, T clips, D channels.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.registry import MODULES


@MODULES.register_module()
class ResidualSelfAttention(nn.Module):
    """Single-head self-attention added to its input.

    Equations 1 and 2 of "Unsupervised Modality-Transferable Video Highlight Detection with Representation
    Activation Sequence Learning": ``x + softmax(x Wq (x Wk)^T / sqrt(D)) x Wv Wo``, four D x D projections
    without bias.

    Args:
        dim: Channels, D.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.query = nn.Linear(dim, dim, bias=False)
        self.key = nn.Linear(dim, dim, bias=False)
        self.value = nn.Linear(dim, dim, bias=False)
        self.output = nn.Linear(dim, dim, bias=False)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the attended sequence, (B, T, D).

        Args:
            x: Sequence, (B, T, D).
            mask: True where a clip is real, (B, T); None if all are. Padding is not attended.
        """
        attended = F.scaled_dot_product_attention(
            self.query(x),
            self.key(x),
            self.value(x),
            attn_mask=None if mask is None else mask[:, None, :],
        )
        projected: Tensor = self.output(attended)
        return x + projected
