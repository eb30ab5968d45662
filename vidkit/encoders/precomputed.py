"""The encoder of features that exist already."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from vidkit.encoders.base import Encoder, FeatureRecipe, Modality
from vidkit.registry import ENCODERS


@ENCODERS.register_module()
class Precomputed(Encoder):
    """Features of any encoder, read from files: ``forward`` passes them through.

    Args:
        dim: Channels of the features, > 0.
        modality: What they were made from.
        name: Their folder in the feature store, such as "CLIPVisual"; empty if the data set knows it.
        suffix: What follows the video's id in names of bare files: "_rgb" of UMT's ``{video_id}_rgb.npy``.

    Raises:
        ValueError: If ``dim`` is not positive or ``modality`` is none of the three.

    Example:
        >>> import torch
        >>> Precomputed(4)(torch.zeros(2, 4)).shape
        torch.Size([2, 4])
    """

    def __init__(self, dim: int, *, modality: Modality = "visual", name: str = "", suffix: str = "") -> None:
        super().__init__()
        if dim < 1:
            raise ValueError(f"dim, the channels of the features, must be at least 1, got {dim}")
        if modality not in ("visual", "audio", "text"):
            raise ValueError(f'modality must be "visual", "audio" or "text", got {modality!r}')
        self.dim = dim
        self.modality = modality
        self.name = name
        self.suffix = suffix
        self.recipe = FeatureRecipe()

    def encode(self, inputs: Tensor) -> Tensor:
        """Return ``inputs`` as they come.

        Args:
            inputs: Features, (N, dim).

        Raises:
            ValueError: If they have another shape.
        """
        if inputs.ndim != 2 or inputs.shape[1] != self.dim:
            whose = f" of {self.name}" if self.name else ""
            raise ValueError(
                f"the features{whose} must have shape (N, {self.dim}), got {tuple(inputs.shape)}; "
                "set dim to the width of the files, or read other files"
            )
        return inputs

    def arguments(self) -> dict[str, Any]:
        """Return dim, modality and name, and the suffix if there is one."""
        given = {"dim": self.dim, "modality": self.modality, "name": self.name}
        return {**given, "suffix": self.suffix} if self.suffix else given

    @property
    def store_name(self) -> str:
        """The name that was given: this encoder writes no folder, it reads one."""
        return self.name
