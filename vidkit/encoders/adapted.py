"""Features of frozen encoders through a layer that models train, which several tasks can share.

Shapes: N clips, P channels of the features, D = ``dim`` channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from vidkit.encoders.base import Encoder
from vidkit.encoders.joined import JoinedFeatures, parts_of
from vidkit.registry import ENCODERS


@ENCODERS.register_module()
class AdaptedFeatures(JoinedFeatures):
    """One linear layer on features of one or several encoders, each vector brought to mean 0 and variance 1.

    Data sets read the features of the parts from files; this layer runs in the model and is trained. The norm
    has no gain, so that a model that rebuilds these vectors (RASL) cannot make its work easier by shrinking
    them.

    Args:
        parts: At least one encoder of one modality.
        dim: D, >= 2.

    Raises:
        ValueError: If there is no part, the parts differ in modality, or ``dim`` is below 2.

    Example:
        >>> from vidkit.encoders import Precomputed
        >>> encoder = AdaptedFeatures(parts=[Precomputed(512, name="clip")], dim=64)
        >>> import torch
        >>> encoder(torch.zeros(3, 512)).shape
        torch.Size([3, 64])
    """

    adapts_features = True

    def __init__(self, *, parts: Sequence[Encoder], dim: int) -> None:
        super().__init__(parts=parts)
        if dim < 2:
            raise ValueError(f"dim must be at least 2, got {dim}")
        self.layer = nn.Linear(self.dim, dim)
        self.norm = nn.LayerNorm(dim, elementwise_affine=False)
        self.dim = dim

    def encode(self, inputs: Tensor) -> Tensor:
        """Return the adapted vectors, (N, D).

        Args:
            inputs: Features, (N, P), in the order of the parts.

        Raises:
            ValueError: If they have another shape.
        """
        if inputs.ndim != 2 or inputs.shape[1] != self.layer.in_features:
            width = self.layer.in_features
            raise ValueError(f"features to adapt must have shape (N, {width}), got {tuple(inputs.shape)}")
        adapted: Tensor = self.norm(self.layer(inputs))
        return adapted

    def freeze_extracted(self) -> None:
        """Freeze the parts; the layer runs on what is read."""
        for part in parts_of(self):
            part.requires_grad_(False)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the parts, and dim."""
        return {**super().arguments(), "dim": self.dim}
