"""SlowFast: a slow network for what is seen and a fast, thin one for how it moves.

Shapes: M windows, C channels, L = 32 frames, S of them for the slow network, h x w pixels.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Literal

import torch
from torch import Tensor, nn

from vidkit.encoders.options import one_of
from vidkit.encoders.visual.pixels import PixelRecipe
from vidkit.encoders.visual.resnet3d import Design, ResNet3d, conv3d, same_times
from vidkit.encoders.visual.slowfast_names import SLOWFAST_NAMES
from vidkit.encoders.visual.video_net import (
    PYSLOWFAST_PIXELS,
    VideoEncoder,
    VideoRecipe,
    mmaction2_recipes,
    pyslowfast_recipes,
    usv_recipes,
)
from vidkit.encoders.visual.video_windows import HeroWindows
from vidkit.encoders.weights import fixed_random, load_into
from vidkit.registry import ENCODERS
from vidkit.sizes import FfmpegScale

Variant = Literal["8x8", "4x16"]
Family = Literal["pyslowfast", "mmaction2"]
Order = Literal["slow|fast", "fast|slow"]

_NUM_FRAMES, _INTERVAL = 32, 2
# alpha, the frames of the fast network for one of the slow network; temporal kernel of the laterals
_VARIANTS = {"8x8": (4, 7), "4x16": (8, 5)}
_ORDERS = {"slow|fast": True, "fast|slow": False}
_BETA = 8  # channels of the slow network for one of the fast network
_FUSION_RATIO = 2  # channels that a lateral connection makes of one of the fast network
_SLOW = Design((1, 7, 7), same_times(1, 1, 3, 3))
_FAST = Design((5, 7, 7), same_times(3, 3, 3, 3), width=_SLOW.width // _BETA)

_HERO_PIXELS = PixelRecipe(None, mean=PYSLOWFAST_PIXELS.mean, std=PYSLOWFAST_PIXELS.std)
_HERO = VideoRecipe(HeroWindows(_NUM_FRAMES, decode_size=FfmpegScale(224), clip_seconds=2.0), _HERO_PIXELS)
SLOWFAST_RECIPES: dict[str, dict[str, VideoRecipe]] = {
    "pyslowfast": {
        **pyslowfast_recipes(_NUM_FRAMES, _INTERVAL),
        **usv_recipes(_NUM_FRAMES, _INTERVAL),
        "qvhighlights_hero": _HERO,
    },
    "mmaction2": mmaction2_recipes(_NUM_FRAMES, _INTERVAL) | usv_recipes(_NUM_FRAMES, _INTERVAL),
}
"""Family -> name -> what is read of a clip; see ``video_net`` for whose each is.

`qvhighlights_hero` makes the features that Moment-DETR, lighthouse and most work on QVHighlights use, with
``HeroWindows`` and with ffmpeg's scaler to a shorter side of 224 and the middle 224 x 224.
"""


@ENCODERS.register_module()
class SlowFast(VideoEncoder):
    """SlowFast with ResNet-50: 2048 channels of the slow and 256 of the fast network, averaged over all.

    "SlowFast Networks for Video Recognition" (https://arxiv.org/abs/1812.03982). There are two networks of
    that name, and the weights of one do not fit the other:

    | | `pyslowfast` | `mmaction2` |
    |---|---|---|
    | lateral connections | convolution, norm, ReLU | convolution |
    | slow frames of 0 ... 31, 8x8 | 0 4 8 13 17 22 26 31 | 0 4 8 12 16 20 24 28 |
    | weights (with 400 classes) | 34.57 M, 4x16: 34.48 M | 34.57 M, 4x16: 34.48 M |

    `pyslowfast` is facebookresearch/SlowFast@287ec00 (also its Caffe2 files and pytorchvideo), `mmaction2`
    is open-mmlab/mmaction2@4d6c934.

    Args:
        variant: "8x8" or "4x16": frames of the slow network, and source frames from one to the next. The
            fast network reads 32 frames at an interval of 2 in both.
        family: "pyslowfast" or "mmaction2".
        recipe: Name in ``SLOWFAST_RECIPES`` of the family; None takes its first.
        order: Which network's channels come first. PySlowFast and the feature extraction of mmaction2 have
            "slow|fast", the classifier of mmaction2 reads "fast|slow".
        weights: File of the family's weights; None draws them.
        trust: Whether a pickle may run code while it is read. Only for files that you made yourself.

    Raises:
        ValueError: If a name is unknown, or the weights do not fit.
        FileNotFoundError: If there are no such weights.

    Example:
        >>> encoder = SlowFast(variant="4x16")
        >>> encoder.dim, encoder.recipe.num_frames, encoder.slow_frames
        (2304, 32, (0, 10, 20, 31))
    """

    def __init__(
        self,
        *,
        variant: Variant = "8x8",
        family: Family = "pyslowfast",
        recipe: str | None = None,
        order: Order = "slow|fast",
        weights: str | None = None,
        trust: bool = False,
    ) -> None:
        alpha, fusion_kernel = one_of(_VARIANTS, variant, "variant of SlowFast")
        super().__init__(one_of(SLOWFAST_RECIPES, family, "family of SlowFast"), recipe)
        self._slow_first = one_of(_ORDERS, order, "order of SlowFast")
        self.variant, self.family, self.order = variant, family, order
        self.slow_frames = slow_frames(_NUM_FRAMES, alpha, family)
        with fixed_random(f"SlowFast {variant} {family}"):
            self.slow = ResNet3d(_SLOW, num_lateral=_FUSION_RATIO / _BETA)
            self.fast = ResNet3d(_FAST)
            self.laterals = nn.ModuleList(
                _lateral(ratio * _FAST.width, fusion_kernel, alpha, has_norm=family == "pyslowfast")
                for ratio in (1, 4, 8, 16)
            )
        self.dim = self.slow.dim + self.fast.dim
        if weights is not None:
            owner = f"SlowFast of family {family!r}"
            load_into(self, weights, converters=SLOWFAST_NAMES[family], owner=owner, trust=trust)
        self.eval()

    def features(self, video: Tensor) -> Tensor:
        """Return the pooled channels of both networks: pixels (M, 3, L, h, w) -> (M, 2304)."""
        fast = self.fast.stem(video)
        slow = self.slow.stem(video[:, :, list(self.slow_frames)])
        for lateral, slow_stage, fast_stage in zip(
            self.laterals, self.slow.stages, self.fast.stages, strict=True
        ):
            slow = slow_stage(torch.cat([slow, lateral(fast)], dim=1))
            fast = fast_stage(fast)
        pooled = [slow.mean((2, 3, 4)), fast.mean((2, 3, 4))]
        return torch.cat(pooled if self._slow_first else pooled[::-1], dim=1)

    def arguments(self) -> dict[str, Any]:
        """Return the variant, the family, the recipe and the order."""
        return {
            "variant": self.variant,
            "family": self.family,
            "recipe": self.recipe_name,
            "order": self.order,
        }


def slow_frames(num_frames: int, alpha: int, family: Family) -> tuple[int, ...]:
    """Return which frames of the fast network the slow one reads.

    Args:
        num_frames: L.
        alpha: Frames of the fast network for one of the slow network.
        family: "pyslowfast" spreads them from the first to the last frame and cuts fractions off,
            "mmaction2" takes every alpha-th.

    Example:
        >>> slow_frames(32, 4, "pyslowfast")
        (0, 4, 8, 13, 17, 22, 26, 31)
    """
    if family == "mmaction2":
        return tuple(range(0, num_frames, alpha))
    return tuple(torch.linspace(0, num_frames - 1, num_frames // alpha).long().tolist())


def _lateral(num_channels: int, kernel: int, alpha: int, *, has_norm: bool) -> nn.Module:
    num_out = _FUSION_RATIO * num_channels
    layers: dict[str, nn.Module] = {"conv": conv3d(num_channels, num_out, (kernel, 1, 1), (alpha, 1, 1))}
    if has_norm:
        layers |= {"bn": nn.BatchNorm3d(num_out), "relu": nn.ReLU()}
    return nn.Sequential(OrderedDict(layers))
