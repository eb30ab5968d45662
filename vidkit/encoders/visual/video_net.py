"""What encoders of short windows of video share: their recipes, and the mean over windows and crops.

| recipe | windows of a clip | picture | whose |
|---|---|---|---|
| `pyslowfast` | one in the middle, as long as at 30 fps | 256, middle 256 | PySlowFast and pytorchvideo |
| `pyslowfast_test` | 10 from start to end | 256, three crops of 256 | their test: 30 views |
| `mmaction2` | one in the middle, interval in source frames | 256, middle 224 | mmaction2's validation |
| `mmaction2_test` | 10 from start to end | 256, three crops of 256 | its test: 30 views |
| `usv_train` | as `mmaction2` | 256, middle 224 | training of USV-1.0, without chance |
| `usv_test` | as `mmaction2_test` | 256, three crops of 256 | test of USV-1.0: 30 views |
| `crops` | as `mmaction2` | as the data set has cropped it | none: for training |

The USV-1.0 baselines read 8 frames at an interval of 8, SlowFast 32 at 2; the others what a variant was
trained with. PySlowFast takes 0.45 +- 0.225 in every colour, the others ImageNet's mean and spread. All
resize the shorter side to 256, bilinear without antialiasing; PySlowFast does so on floats, here the result
is rounded to 8 bits. Where a tool averages the scores of its views, here their features are averaged.

Shapes: N clips, V crops, F = K windows * L frames, D = ``dim`` channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vidkit.encoders.visual.pictures import PictureEncoder, PictureRecipe
from vidkit.encoders.visual.pixel import checked_frames
from vidkit.encoders.visual.pixels import AS_THEY_COME, PixelRecipe, ShorterSide, normalise
from vidkit.encoders.visual.video_windows import MMAction2Windows, PySlowFastWindows

MMACTION2_PIXELS = PixelRecipe(ShorterSide(256, "round"), "bilinear", antialias=False)
PYSLOWFAST_PIXELS = PixelRecipe(
    ShorterSide(256, "floor"),
    "bilinear",
    antialias=False,
    crop_size=(256, 256),
    crop_rounding="ceil",
    mean=(0.45, 0.45, 0.45),
    std=(0.225, 0.225, 0.225),
)
_NUM_TEST_WINDOWS = 10


@dataclass(frozen=True)
class VideoRecipe(PictureRecipe):
    """What an encoder of windows does to a clip.

    Args:
        frames: Which frames it reads.
        pixels: What it does to each.
        num_windows: K, among which the frames are shared out in order.
    """

    num_windows: int = 1


def pyslowfast_recipes(num_frames: int, interval: int) -> dict[str, VideoRecipe]:
    """Return `pyslowfast` and `pyslowfast_test` for windows of so many frames at that interval at 30 fps."""
    test = replace(PYSLOWFAST_PIXELS, crop="three")
    return {
        "pyslowfast": VideoRecipe(PySlowFastWindows(num_frames, interval=interval), PYSLOWFAST_PIXELS),
        "pyslowfast_test": _tested(PySlowFastWindows(num_frames, interval=interval), test),
    }


def mmaction2_recipes(num_frames: int, interval: int) -> dict[str, VideoRecipe]:
    """Return `mmaction2` and `mmaction2_test` for windows of so many frames at that interval."""
    test = replace(MMACTION2_PIXELS, crop="three", crop_size=(256, 256))
    return {
        "mmaction2": VideoRecipe(MMAction2Windows(num_frames, interval=interval), MMACTION2_PIXELS),
        "mmaction2_test": _tested(MMAction2Windows(num_frames, interval=interval), test),
    }


def usv_recipes(num_frames: int, interval: int) -> dict[str, VideoRecipe]:
    """Return `usv_train`, `usv_test` and `crops` for windows of so many frames at that interval."""
    train, test = mmaction2_recipes(num_frames, interval).values()
    return {"usv_train": train, "usv_test": test, "crops": replace(train, pixels=AS_THEY_COME)}


class VideoEncoder(PictureEncoder):
    """Base of encoders that see a window of L frames at a time.

    A subclass sets ``dim`` and the network, and writes ``features``, which here takes windows of normalised
    pixels, (M, 3, L, h, w) -> (M, D).

    Args:
        recipes: Name -> recipe.
        recipe: Which of them; None takes the first.

    Raises:
        ValueError: If there is no such recipe.
    """

    def __init__(self, recipes: Mapping[str, VideoRecipe], recipe: str | None) -> None:
        name = recipe or next(iter(recipes))
        super().__init__(recipes, name)
        self.recipe_name = recipe
        self.num_windows = recipes[name].num_windows

    def preprocess(self, clips: Tensor) -> Tensor:
        """Return the resized crops, uint8 (N, V, F, 3, h, w).

        Args:
            clips: RGB frames, uint8 (N, F, H, W, 3) of any size.

        Raises:
            ValueError: If ``clips`` has another shape or number of frames, or the recipe needs frames that
                the reader has scaled.
            TypeError: If it is not uint8.
        """
        frames = checked_frames(clips, type(self).__name__)
        if frames.shape[1] != self.recipe.num_frames:
            raise ValueError(
                f"{type(self).__name__} reads {self.recipe.num_frames} frames a clip with this recipe, "
                f"got {frames.shape[1]}; read those that its recipe.frame_times names"
            )
        return super().preprocess(frames)

    def encode(self, inputs: Tensor) -> Tensor:
        """Return the mean over windows and crops of their features, float32 (N, D).

        Args:
            inputs: uint8 (N, V, F, 3, h, w).
        """
        dtype = next(self.parameters()).dtype
        means = []
        for window in inputs.chunk(self.num_windows, dim=2):  # one at a time, for the memory's sake
            video = normalise(window.flatten(0, 1), self.pixels).transpose(1, 2)  # (N * V, 3, L, h, w)
            features = self.features(video.to(dtype)).float()
            means.append(features.unflatten(0, inputs.shape[:2]).mean(1))
        return torch.stack(means).mean(0)


def _tested(windows: MMAction2Windows | PySlowFastWindows, pixels: PixelRecipe) -> VideoRecipe:
    num_frames = _NUM_TEST_WINDOWS * windows.num_frames
    many = replace(windows, num_frames=num_frames, num_windows=_NUM_TEST_WINDOWS)
    return VideoRecipe(many, pixels, _NUM_TEST_WINDOWS)
