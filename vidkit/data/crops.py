"""Crops of the frames of a clip: one at random to train, one, three or ten fixed ones to test.

Shapes: F frames, H x W pixels, C crops of S x S.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from vidkit.encoders.visual.pixels import PixelRecipe, prepare_frames
from vidkit.registry import TRANSFORMS

_MIN_CUT = 3  # a crop that lacks fewer pixels of the network's size takes exactly that size


class Crop(Protocol):
    """Cuts squares out of frames."""

    size: int
    """S; the frames must have at least so many pixels on each side."""

    def __call__(self, frames: Tensor, random: np.random.Generator) -> Tensor:
        """Return crops, (C, F, S, S, 3), of frames (F, H, W, 3), both uint8."""


class _FixedCrops:
    """The crops that encoders know by name, as views of the frames' memory where that can be."""

    kind: str

    def __init__(self, size: int) -> None:
        self.size = _at_least_one(size)
        self._recipe = PixelRecipe(None, crop=self.kind, crop_size=(size, size))  # type: ignore[arg-type]

    def __call__(self, frames: Tensor, random: np.random.Generator) -> Tensor:
        """Return crops, (C, F, S, S, 3), of frames (F, H, W, 3), both uint8."""
        return prepare_frames(frames[None], self._recipe, "cpu")[0].permute(0, 1, 3, 4, 2)


@TRANSFORMS.register_module()
class CenterCrop(_FixedCrops):
    """The middle.

    Args:
        size: S, pixels >= 1.

    Raises:
        ValueError: If it is below 1.
    """

    kind = "center"


@TRANSFORMS.register_module()
class ThreeCrop(_FixedCrops):
    """Along the longer side its start, its end and its middle: test of 3-D networks.

    Args:
        size: S, pixels >= 1.

    Raises:
        ValueError: If it is below 1.
    """

    kind = "three"


@TRANSFORMS.register_module()
class TenCrop(_FixedCrops):
    """The four corners and the middle, each followed by its mirror image: test of segment networks.

    Args:
        size: S, pixels >= 1.

    Raises:
        ValueError: If it is below 1.
    """

    kind = "ten"


@TRANSFORMS.register_module()
class MultiScaleCrop:
    """A random crop of a random size and shape, scaled to S x S, and mirrored in half of the cases.

    "Towards Good Practices for Very Deep Two-Stream ConvNets" (https://arxiv.org/abs/1507.02159), as
    mmaction2 has it: height and width are each one of the scales of the shorter side, neighbours in that list
    at most; the crop stands in one of the corners or in the middle. All frames of a clip are cropped alike.

    Args:
        size: S, pixels >= 1.
        scales: Of the shorter side, in (0, 1], decreasing.

    Raises:
        ValueError: If a value is out of its range.
    """

    def __init__(self, size: int, *, scales: Sequence[float] = (1.0, 0.875, 0.75, 0.66)) -> None:
        self.size = _at_least_one(size)
        if not scales or not all(0 < scale <= 1 for scale in scales):
            raise ValueError(f"scales must be shares of the shorter side in (0, 1], got {list(scales)}")
        self.scales = tuple(scales)

    def __call__(self, frames: Tensor, random: np.random.Generator) -> Tensor:
        """Return one crop, (1, F, S, S, 3), of frames (F, H, W, 3), both uint8."""
        height, width = self.draw_size(min(frames.shape[1:3]), random)
        down, right = (frames.shape[1] - height) // 4, (frames.shape[2] - width) // 4
        y, x = ((0, 0), (0, 4), (4, 0), (4, 4), (2, 2))[random.integers(5)]
        crop = frames[:, y * down : y * down + height, x * right : x * right + width]
        pixels = crop.permute(0, 3, 1, 2)  # (F, 3, h, w), channels last in memory
        if (height, width) != (self.size, self.size):
            pixels = F.interpolate(pixels, (self.size, self.size), mode="bilinear", antialias=True)
        if random.random() < 0.5:
            pixels = pixels.flip(-1)
        return pixels.permute(0, 2, 3, 1)[None]

    def draw_size(self, shorter_side: int, random: np.random.Generator) -> tuple[int, int]:
        """Return the height and width of a crop before it is scaled, in pixels."""
        sides = [int(shorter_side * scale) for scale in self.scales]
        pairs = [
            (high, wide)
            for row, high in enumerate(sides)
            for column, wide in enumerate(sides)
            if abs(row - column) <= 1
        ]
        high, wide = pairs[random.integers(len(pairs))]
        return self._snapped(high, shorter_side), self._snapped(wide, shorter_side)

    def _snapped(self, side: int, shorter_side: int) -> int:
        is_near = abs(side - self.size) < _MIN_CUT and self.size <= shorter_side
        return self.size if is_near else side


@TRANSFORMS.register_module()
class WholeFrames:
    """The frames as they are, for encoders that squeeze them to their own size (``PixelVisual``)."""

    size = 1

    def __call__(self, frames: Tensor, random: np.random.Generator) -> Tensor:
        """Return the frames, (1, F, H, W, 3)."""
        return frames[None]


def _at_least_one(size: int) -> int:
    if size < 1:
        raise ValueError(f"size, the side of a crop in pixels, must be at least 1, got {size}")
    return size
