"""What encoders of single pictures share: a clip's vector is the mean over its frames and crops.

Shapes: N clips, V crops of a frame, F frames, D = ``dim`` channels, B pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from vidkit.encoders.base import Encoder, VisualRecipe, json_fields
from vidkit.encoders.options import one_of
from vidkit.encoders.visual.pixels import PixelRecipe, normalise, prepare_frames
from vidkit.sizes import FfmpegScale

T = TypeVar("T")

_PICTURES_AT_ONCE = 256  # ten crops of 25 frames are 250 pictures a clip


@dataclass(frozen=True)
class PictureRecipe:
    """What an encoder of pictures does to a clip.

    Args:
        frames: Which frames it reads.
        pixels: What it does to each.
    """

    frames: VisualRecipe
    pixels: PixelRecipe


class PictureEncoder(Encoder):
    """Base of encoders that see one picture at a time.

    A subclass sets ``dim`` and the network, and writes ``features``.

    Args:
        recipes: Name -> recipe.
        recipe: Which of them.

    Raises:
        ValueError: If there is no such recipe.
    """

    modality = "visual"

    def __init__(self, recipes: Mapping[str, PictureRecipe], recipe: str) -> None:
        super().__init__()
        chosen = one_of(recipes, recipe, f"recipe of {type(self).__name__}")
        self.recipe: VisualRecipe = chosen.frames
        self.pixels = chosen.pixels
        self._recipe_name = recipe

    def features(self, pictures: Tensor) -> Tensor:
        """Return one vector per picture: (B, 3, h, w) normalised, in the dtype of the weights -> (B, D)."""
        raise NotImplementedError

    def description(self) -> dict[str, Any]:
        """Return what the sidecar of a feature file says, with what is done to the pixels."""
        return {**super().description(), "pixels": json_fields(self.pixels)}

    def preprocess(self, clips: Tensor) -> Tensor:
        """Return the resized crops, uint8 (N, V, F, 3, h, w).

        Args:
            clips: RGB frames, uint8 (N, F, H, W, 3) of any size.

        Raises:
            ValueError: If ``clips`` has another shape, or the recipe needs frames that the reader has scaled.
            TypeError: If it is not uint8.
        """
        scale = self.recipe.decode_size
        if isinstance(scale, FfmpegScale) and min(clips.shape[2:4]) != scale.shorter_side:
            raise ValueError(
                f"recipe {self._recipe_name!r} takes frames that ffmpeg's scaler brought to a shorter side "
                f"of {scale.shorter_side}, got {tuple(clips.shape[2:4])}; read them with "
                f"size=FfmpegScale({scale.shorter_side}), or take another recipe"
            )
        return prepare_frames(clips, self.pixels, next(self.parameters()).device)

    def encode(self, inputs: Tensor) -> Tensor:
        """Return the mean over the crops and frames, shape (N, D), float32.

        Args:
            inputs: uint8 (N, V, F, 3, h, w), from ``preprocess``.
        """
        dtype = next(self.parameters()).dtype
        pictures = inputs.flatten(0, 2)
        vectors: Tensor = torch.cat(
            [
                self.features(normalise(part, self.pixels).to(dtype)).float()
                for part in pictures.split(_PICTURES_AT_ONCE)
            ]
        )
        clips: Tensor = vectors.unflatten(0, inputs.shape[:3])  # (N, V, F, D)
        return clips.mean((1, 2))
