"""Frames of any size -> what a network reads: resized, cropped, normalised.

Resizing and cropping give 8-bit pictures, as the public tools do; what follows is exact arithmetic.

Shapes: N clips, F frames a clip, V crops (views) of a frame, h x w the crop.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from vidkit.encoders.visual.pixel import checked_frames

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

_NUM_CROPS = {"center": 1, "three": 3, "ten": 10, None: 1}


@dataclass(frozen=True)
class ShorterSide:
    """Resize so that the shorter side has ``size`` pixels and the picture keeps its proportions.

    Args:
        size: Pixels, > 0.
        rounding: How the longer side, L of a shorter one S, becomes whole. "truncate": size * L / S
            without its fraction (torchvision, Hugging Face, timm). "round": L * (size / S) to the nearest,
            halves up (mmaction2). "floor": (L / S) * size without its fraction (PySlowFast, pytorchvideo).
    """

    size: int
    rounding: Literal["truncate", "round", "floor"] = "truncate"

    def of(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) after resizing.

        Example:
            >>> ShorterSide(256).of(480, 853), ShorterSide(256, "round").of(480, 853)
            ((256, 454), (256, 455))
        """
        short, long = min(height, width), max(height, width)
        if self.rounding == "round":
            new = int(long * (self.size / short) + 0.5)
        elif self.rounding == "floor":
            new = math.floor(long / short * self.size)
        else:
            new = int(self.size * long / short)
        return (self.size, new) if height <= width else (new, self.size)


@dataclass(frozen=True)
class Exact:
    """Resize to a height and a width in pixels, whatever the proportions were."""

    height: int
    width: int

    def of(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) after resizing."""
        return self.height, self.width


@dataclass(frozen=True)
class PixelRecipe:
    """What happens to each frame on its way to a network.

    Args:
        resize: New size; None keeps the frames.
        interpolation: "bicubic" or "bilinear".
        antialias: True is what Pillow does (to within one grey level; on pure noise two); False is cv2 and
            torch's default.
        crop: "center": one. "three": along the longer side, its start, end and middle, in mmaction2's order.
            "ten": upper left, upper right, lower left, lower right, middle, each followed by its mirror
            image. None: the whole picture.
        crop_size: (height, width) of a crop.
        crop_rounding: Where the middle lies if an odd number of pixels is cut off. "floor": mmaction2 and
            Hugging Face; "round": torchvision, half to even; "ceil": PySlowFast.
        mean, std: Of each channel on a scale of 0 to 1, in the order of ``channels``.
        channels: "rgb", or "bgr" for networks that came from Caffe.

    Raises:
        ValueError: If a crop has no size, or a value is unknown.
    """

    resize: ShorterSide | Exact | None
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    antialias: bool = True
    crop: Literal["center", "three", "ten"] | None = "center"
    crop_size: tuple[int, int] | None = (224, 224)
    crop_rounding: Literal["floor", "round", "ceil"] = "floor"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    channels: Literal["rgb", "bgr"] = "rgb"

    def __post_init__(self) -> None:
        if self.crop not in _NUM_CROPS:
            raise ValueError(f"crop must be 'center', 'three', 'ten' or None, got {self.crop!r}")
        if (self.crop is None) != (self.crop_size is None):
            raise ValueError(
                f"a crop needs a crop_size and only a crop has one, got {self.crop!r}, {self.crop_size}"
            )

    @property
    def num_views(self) -> int:
        """V, the crops of a frame."""
        return _NUM_CROPS[self.crop]


AS_THEY_COME = PixelRecipe(None, crop=None, crop_size=None)
"""Frames that the reader of training data has cropped to the size that the network takes."""


def prepare_frames(frames: Tensor, recipe: PixelRecipe, device: torch.device | str) -> Tensor:
    """Return the resized crops of frames in the recipe's order of channels, uint8 (N, V, F, 3, h, w).

    Args:
        frames: RGB, uint8 (N, F, H, W, 3).
        recipe: What is done to each.
        device: Where it is done and where the result is.

    Raises:
        ValueError: If the frames have another shape, or are smaller than the crop.
        TypeError: If they are not uint8.
    """
    checked_frames(frames, "a visual encoder")
    pixels = frames.to(device).flatten(0, 1).permute(0, 3, 1, 2)  # (N * F, 3, H, W), channels last in memory
    if recipe.resize is not None:
        pixels = _resized(pixels, recipe.resize.of(*pixels.shape[-2:]), recipe)
    views: Tensor = torch.stack(_crops(pixels, recipe), dim=1)  # (N * F, V, 3, h, w)
    views = views.unflatten(0, frames.shape[:2]).transpose(1, 2)
    if recipe.channels == "bgr":
        views = views.flip(-3)
    return views.contiguous()


def _resized(pixels: Tensor, size: tuple[int, int], recipe: PixelRecipe) -> Tensor:
    # torchvision and timm take seconds to import, which most commands need not wait for.
    from torchvision.transforms.v2 import InterpolationMode
    from torchvision.transforms.v2.functional import resize

    resized: Tensor = resize(
        pixels, list(size), interpolation=InterpolationMode(recipe.interpolation), antialias=recipe.antialias
    )
    return resized


def normalise(pixels: Tensor, recipe: PixelRecipe) -> Tensor:
    """Return 8-bit pictures with the recipe's mean and spread taken out, float32 (..., 3, h, w).

    Args:
        pixels: uint8 (..., 3, h, w), as ``prepare_frames`` gives them.
        recipe: Has the mean and the spread.
    """
    mean = torch.tensor(recipe.mean, device=pixels.device)[:, None, None]
    std = torch.tensor(recipe.std, device=pixels.device)[:, None, None]
    return (pixels.float() / 255 - mean) / std


def _crops(pixels: Tensor, recipe: PixelRecipe) -> list[Tensor]:
    if recipe.crop_size is None:
        return [pixels]
    height, width = recipe.crop_size
    down, right = pixels.shape[-2] - height, pixels.shape[-1] - width  # what is cut off
    if down < 0 or right < 0:
        raise ValueError(
            f"frames of {pixels.shape[-2]} x {pixels.shape[-1]} cannot be cropped to {height} x {width}; "
            "resize them to at least that"
        )
    if recipe.crop == "ten":
        quarters = (down // 4, right // 4)  # mmaction2 counts in quarters of what is cut off
        corners = [(y * quarters[0], x * quarters[1]) for y, x in ((0, 0), (0, 4), (4, 0), (4, 4), (2, 2))]
        plain = [pixels[..., y : y + height, x : x + width] for y, x in corners]
        return [view for crop in plain for view in (crop, crop.flip(-1))]
    y, x = _half(down, recipe), _half(right, recipe)
    if recipe.crop == "center":
        starts = [(y, x)]
    elif down > right:
        starts = [(0, x), (min(2 * y, down), x), (y, x)]
    else:
        starts = [(y, 0), (y, min(2 * x, right)), (y, x)]
    return [pixels[..., y : y + height, x : x + width] for y, x in starts]


def _half(cut: int, recipe: PixelRecipe) -> int:
    if recipe.crop_rounding == "round":
        return round(cut / 2)
    return (cut + 1) // 2 if recipe.crop_rounding == "ceil" else cut // 2
