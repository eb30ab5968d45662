"""TSM: a 2-D ResNet whose frames exchange a part of their channels with their neighbours.

Shapes: M windows, L segments (one frame of each), C channels, h x w pixels.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidkit.encoders.visual.pixels import AS_THEY_COME
from vidkit.encoders.visual.resnet_names import RESNET_NAMES, mmaction2_resnet, tsn_pytorch_resnet
from vidkit.encoders.visual.sampling import SegmentMiddles
from vidkit.encoders.visual.video_net import MMACTION2_PIXELS, VideoEncoder, VideoRecipe
from vidkit.encoders.weights import Converter, fixed_random, load_into
from vidkit.registry import ENCODERS

NUM_SEGMENTS = 8
_SHIFT_FRACTION = 8  # 1/8 of the channels go each way

_SEGMENTS = SegmentMiddles(NUM_SEGMENTS)
_TEN_CROPS = replace(MMACTION2_PIXELS, crop="ten")
_ONE_VIEW = VideoRecipe(_SEGMENTS, MMACTION2_PIXELS)
TSM_RECIPES: dict[str, VideoRecipe] = {
    "mmaction2": _ONE_VIEW,
    "mmaction2_test": VideoRecipe(_SEGMENTS, _TEN_CROPS),
    "usv_train": _ONE_VIEW,
    "usv_test": VideoRecipe(_SEGMENTS, replace(_TEN_CROPS, crop_size=(256, 256))),
    "crops": VideoRecipe(_SEGMENTS, AS_THEY_COME),
}
"""Name -> what is read of a clip: the middle frames of 8 equal segments, shorter side 256.

`mmaction2` crops the middle 224 x 224 as its validation does, `mmaction2_test` takes ten crops of 224 as its
test on Kinetics. `usv_train` is what the USV-1.0 baseline trains on, without its chance; `usv_test` takes ten
crops of 256, which that paper says of TSN and we read as meant for TSM too. `crops` leaves frames as the data
set has cropped them, for training.
"""

_NAMES: dict[str, Converter] = {
    "mmaction2 TSM": mmaction2_resnet,
    "mit-han-lab TSM": tsn_pytorch_resnet,
    **RESNET_NAMES,
}


@ENCODERS.register_module()
class TSM(VideoEncoder):
    """TSM with ResNet-50: 2048 channels, averaged over places and the 8 segments.

    "TSM: Temporal Shift Module for Efficient Video Understanding" (https://arxiv.org/abs/1811.08383), with
    the shift inside of the residual branch ("blockres" of mit-han-lab/temporal-shift-module) in every block,
    as all published weights have it. Both public codes classify each segment and average the scores; the
    mean feature gives that mean score, since the classifier is linear.

    Args:
        recipe: Name in ``TSM_RECIPES``.
        weights: File of TSM's or a 2-D ResNet-50's weights, in the names of mmaction2, mit-han-lab,
            tsn-pytorch, torchvision or timm; None draws them.
        trust: Whether a pickle may run code while it is read. Only for files that you made yourself.

    Raises:
        ValueError: If there is no such recipe, or the weights do not fit.
        FileNotFoundError: If there are no such weights.

    Example:
        >>> encoder = TSM()
        >>> encoder.dim, encoder.recipe.num_frames
        (2048, 8)
    """

    def __init__(self, *, recipe: str = "mmaction2", weights: str | None = None, trust: bool = False) -> None:
        super().__init__(TSM_RECIPES, recipe)
        import timm

        with fixed_random("TSM"):
            self.backbone: nn.Module = timm.create_model("resnet50", num_classes=0, zero_init_last=False)
        for block in _blocks(self.backbone):
            block.conv1 = _shifted(block.conv1)
        self.dim = 2048
        if weights is not None:
            load_into(self.backbone, weights, converters=_NAMES, owner="TSM", trust=trust)
        self.eval()

    def features(self, video: Tensor) -> Tensor:
        """Return the pooled channels, averaged over segments: pixels (M, 3, L, h, w) -> (M, 2048)."""
        frames = video.transpose(1, 2).flatten(0, 1)  # (M * L, 3, h, w)
        segments: Tensor = self.backbone(frames).unflatten(0, (-1, NUM_SEGMENTS)).mean(1)
        return segments

    def arguments(self) -> dict[str, Any]:
        """Return the recipe."""
        return {"recipe": self.recipe_name}


class ShiftedConv2d(nn.Conv2d):
    """1 x 1 convolution after ``temporal_shift``; its weights keep their name."""

    def forward(self, input: Tensor) -> Tensor:
        """Return (M * L, C', h, w) for frames (M * L, C, h, w), of which 8 are a window."""
        return super().forward(temporal_shift(input, NUM_SEGMENTS))


def temporal_shift(frames: Tensor, num_segments: int) -> Tensor:
    """Move the first 1/8 of the channels from the next frame, the second from the one before.

    What would come from outside of the window is 0. Figure 3 of the paper, offline version.

    Args:
        frames: (M * L, C, h, w).
        num_segments: L.

    Example:
        >>> import torch
        >>> frames = torch.tensor([[1.0] * 8, [2.0] * 8])[:, :, None, None]
        >>> temporal_shift(frames, 2)[:, :3, 0, 0].tolist()
        [[2.0, 0.0, 1.0], [0.0, 1.0, 2.0]]
    """
    windows = frames.unflatten(0, (-1, num_segments))  # (M, L, C, h, w)
    fold = frames.shape[1] // _SHIFT_FRACTION
    later, earlier, rest = windows.split([fold, fold, frames.shape[1] - 2 * fold], dim=2)
    later = F.pad(later[:, 1:], (0, 0, 0, 0, 0, 0, 0, 1))
    earlier = F.pad(earlier[:, :-1], (0, 0, 0, 0, 0, 0, 1, 0))
    return torch.cat([later, earlier, rest], dim=2).flatten(0, 1)


def _blocks(network: nn.Module) -> list[Any]:
    stages: list[Any] = [network.get_submodule(f"layer{stage}") for stage in (1, 2, 3, 4)]
    return [block for stage in stages for block in stage]


def _shifted(conv: nn.Conv2d) -> ShiftedConv2d:
    shifted = ShiftedConv2d(conv.in_channels, conv.out_channels, 1, bias=False)
    shifted.weight = conv.weight
    return shifted
