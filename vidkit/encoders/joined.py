"""Several encoders of one modality as one, their vectors side by side.

Shapes: T clips, D channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from torch import Tensor, nn

from vidkit.encoders.base import Encoder, FeatureRecipe
from vidkit.registry import ENCODERS


@ENCODERS.register_module()
class JoinedFeatures(Encoder):
    """The features of several encoders of one modality, concatenated along the channels.

    Benchmarks of moment retrieval read SlowFast and CLIP features so. Data sets read each part from its own
    folder; ``forward`` passes rows that are joined already, in the order of the parts.

    Args:
        parts: At least one encoder; their order is that of the channels.

    Raises:
        ValueError: If there is no part, or the parts differ in modality.

    Example:
        >>> from vidkit.encoders import Precomputed
        >>> JoinedFeatures(parts=[Precomputed(2304, name="slowfast"), Precomputed(512, name="clip")]).dim
        2816
    """

    def __init__(self, *, parts: Sequence[Encoder]) -> None:
        super().__init__()
        modalities = sorted({part.modality for part in parts})
        if len(modalities) != 1:
            told = ", ".join(modalities) or "no part"
            raise ValueError(f"parts are encoders of one modality, got {told}; give one modality alone")
        self.parts = nn.ModuleList(parts)
        self.modality = parts[0].modality
        self.dim = sum(part.dim for part in parts)
        self.recipe = FeatureRecipe()

    def encode(self, inputs: Tensor) -> Tensor:
        """Return ``inputs``, which are joined already, as they come.

        Args:
            inputs: Features, (N, dim).

        Raises:
            ValueError: If they have another shape.
        """
        if inputs.ndim != 2 or inputs.shape[1] != self.dim:
            raise ValueError(f"joined features must have shape (N, {self.dim}), got {tuple(inputs.shape)}")
        return inputs

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the parts."""
        return {"parts": [{"type": type(part).__name__, **part.arguments()} for part in parts_of(self)]}

    @property
    def store_name(self) -> str:
        """The folders of the parts, with a plus between; there is no folder of that name."""
        return "+".join(part.store_name for part in parts_of(self))


def parts_of(encoder: Encoder) -> list[Encoder]:
    """Return the encoders whose features are joined; of any other encoder, itself."""
    if isinstance(encoder, JoinedFeatures):
        return [cast(Encoder, part) for part in encoder.parts]
    return [encoder]
