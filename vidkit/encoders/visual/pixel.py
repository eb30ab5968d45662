"""The picture itself as a feature: a small thumbnail, flattened.

Shapes: N clips, F frames a clip, H x W the thumbnail, D = 3 * H * W channels.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vidkit.encoders.base import Encoder, VisualRecipe
from vidkit.registry import ENCODERS

# Grey level and contrast of everyday video, the same for the three colours so that grey stays grey.
PIXEL_MEAN = 0.45
PIXEL_STD = 0.25


@ENCODERS.register_module()
class PixelVisual(Encoder):
    """One thumbnail per clip, standardised and flattened; no weights.

    The pixel row of Table V in "RASL" (unsupervised highlight detection) shows how far plain pixels carry;
    that table does not give the size, so 12 x 16 is ours: 4:3 between portrait and wide, and 576 channels,
    which RASL's encoder can halve three times (a multiple of 8). The vector holds the red plane row by row,
    then green, then blue: neighbours in the vector are neighbours in the picture.

    Args:
        size: (height, width) of the thumbnail in pixels, each > 0. The picture is squeezed to it whole.

    Raises:
        ValueError: If ``size`` is not two positive numbers.

    Example:
        >>> import torch
        >>> PixelVisual()(torch.zeros(5, 1, 90, 160, 3, dtype=torch.uint8)).shape
        torch.Size([5, 576])
    """

    modality = "visual"
    mean: Tensor
    std: Tensor

    def __init__(self, *, size: tuple[int, int] = (12, 16)) -> None:
        super().__init__()
        self.size = checked_size(size)
        self.dim = 3 * self.size[0] * self.size[1]
        self.recipe = VisualRecipe(decode_size=self.size)
        self.register_buffer("mean", torch.tensor(255 * PIXEL_MEAN), persistent=False)
        self.register_buffer("std", torch.tensor(255 * PIXEL_STD), persistent=False)

    def preprocess(self, clips: Tensor) -> Tensor:
        """Return the thumbnails in grey levels, float (N, 3, H, W); the mean over the frames is taken.

        Args:
            clips: RGB frames, uint8 (N, F, H, W, 3) of any size.

        Raises:
            ValueError: If ``clips`` has another shape.
            TypeError: If it is not uint8.
        """
        clips = checked_frames(clips, type(self).__name__)
        num_clips, num_frames = clips.shape[:2]
        frames = clips.to(self.mean.device).flatten(0, 1).permute(0, 3, 1, 2)  # (N * F, 3, H, W)
        pixels = frames.to(self.mean.dtype)
        if pixels.shape[-2:] != self.size:
            pixels = F.adaptive_avg_pool2d(pixels, self.size)  # the mean over the area of each new pixel
        clip: Tensor = pixels.unflatten(0, (num_clips, num_frames)).mean(1)
        return clip

    def encode(self, inputs: Tensor) -> Tensor:
        """Return the thumbnails, shape (N, D), about zero mean and unit variance."""
        features: Tensor = (inputs - self.mean) / self.std
        return features.flatten(1)

    def arguments(self) -> dict[str, Any]:
        """Return the size of the thumbnail."""
        return {"size": list(self.size)}


def checked_frames(clips: Tensor, name: str) -> Tensor:
    """Return ``clips`` if they are frames, uint8 (N, F, H, W, 3), as the encoder ``name`` reads them."""
    if clips.ndim != 5 or clips.shape[-1] != 3:
        raise ValueError(f"{name} reads frames (N, F, H, W, 3), got {tuple(clips.shape)}")
    if clips.dtype != torch.uint8:
        raise TypeError(f"{name} reads frames in uint8, 0 to 255, got {clips.dtype}")
    return clips


def checked_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return ``size`` if it is a height and a width in pixels or cells."""
    if (
        not isinstance(size, (tuple, list))
        or len(size) != 2
        or not all(isinstance(side, int) and side > 0 for side in size)
    ):
        raise ValueError(f"size must be (height, width), two whole numbers above 0, got {size!r}")
    return (size[0], size[1])
