"""Temporal segment networks: a picture network on the middles of equal segments of a clip.

Shapes: N clips, F = ``num_segments`` frames a clip, V crops, B pictures, D = 2048 channels of a ResNet-50.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor

from vidkit.encoders.visual.pictures import PictureEncoder, PictureRecipe
from vidkit.encoders.visual.pixels import AS_THEY_COME, PixelRecipe, ShorterSide
from vidkit.encoders.visual.resnet_names import RESNET_NAMES
from vidkit.encoders.visual.sampling import SegmentMiddles
from vidkit.encoders.visual.timm_visual import load_timm, timm_dim, timm_network
from vidkit.registry import ENCODERS

_MMACTION2 = PixelRecipe(ShorterSide(256, "round"), "bilinear", antialias=False)
_TEST = replace(_MMACTION2, crop="ten")
_PILLOW = PixelRecipe(ShorterSide(256), "bilinear", crop="ten")

RECIPES: dict[str, PictureRecipe] = {
    # mmaction2's validation: 8 segments, the middle 224 of a shorter side of 256.
    "mmaction2": PictureRecipe(SegmentMiddles(8), _MMACTION2),
    # mmaction2's test: 25 segments, ten crops.
    "mmaction2_test": PictureRecipe(SegmentMiddles(25), _TEST),
    # The 8 frames that the TSN baseline of USV-1.0 trains on. It takes a random frame of each segment and a
    # random crop; a feature must be the same every time, so here they are the middles.
    "usv_train": PictureRecipe(SegmentMiddles(8), _MMACTION2),
    # The test of that baseline: 24 frames, ten crops of 256.
    "usv_test": PictureRecipe(SegmentMiddles(24), replace(_TEST, crop_size=(256, 256))),
    # Crops of a size that the data set chooses, neither resized nor cropped again: for training.
    "crops": PictureRecipe(SegmentMiddles(8), AS_THEY_COME),
    # yjxiong/tsn-pytorch, whose ResNets read RGB with ImageNet's mean; Pillow's bilinear; ten crops.
    "tsn_pytorch": PictureRecipe(SegmentMiddles(25), _PILLOW),
    # The same with what came from Caffe (its BN-Inception and Inception-v3): BGR in grey levels minus a mean.
    "tsn_caffe": PictureRecipe(
        SegmentMiddles(25),
        replace(_PILLOW, channels="bgr", mean=(104 / 255, 117 / 255, 128 / 255), std=(1 / 255,) * 3),
    ),
}
"""Name -> which frames of a clip, and how they are resized and cropped."""


@ENCODERS.register_module()
class TSN(PictureEncoder):
    """Temporal segment network: the mean over segments and crops of what a picture network pools.

    "Temporal Segment Networks: Towards Good Practices for Deep Action Recognition"
    (https://arxiv.org/abs/1608.00859), as the recogniser of mmaction2 (its commit 4d6c934) has it: the
    consensus is taken over the features, before the classifier. A baseline of USV-1.0. Where a tool
    averages the scores of several crops, here their features are averaged.

    Args:
        backbone: Name in timm, with or without a tag; "resnet50" is also torchvision's.
        num_segments: Frames of a clip, >= 1; None takes as many as the recipe says.
        weights: File of mmaction2, torchvision, timm or tsn-pytorch, folder or name of the hub, timm's tag
            ("tv_in1k"), or FILE#PREFIX of a checkpoint of vidkit; None draws random weights. Files with
            temporal shift are of another encoder, TSM.
        recipe: One of ``RECIPES``.
        trust: Whether a pickle may run code while it is read. Only for files that you made yourself.

    Raises:
        FileNotFoundError: If the weights are neither here nor on the hub.
        ValueError: If timm has no such network, the weights do not fit, ``num_segments`` is below 1, or a
            name is unknown.
    """

    def __init__(
        self,
        *,
        backbone: str = "resnet50",
        num_segments: int | None = None,
        weights: str | None = None,
        recipe: str = "mmaction2",
        trust: bool = False,
    ) -> None:
        super().__init__(RECIPES, recipe)
        if num_segments is not None:
            if num_segments < 1:
                raise ValueError(f"num_segments must be at least 1, got {num_segments}")
            self.recipe = replace(self.recipe, num_frames=num_segments)
        self.backbone_name, self.num_segments = backbone, num_segments
        self.backbone = timm_network(backbone, owner="TSN")
        self.dim = timm_dim(self.backbone)
        if weights is not None:
            is_resnet = type(self.backbone).__name__ == "ResNet"
            load_timm(
                self.backbone,
                weights,
                owner="TSN",
                converters=RESNET_NAMES if is_resnet else {},
                any_scheme=not is_resnet,
                trust=trust,
            )
        self.eval()

    def features(self, pictures: Tensor) -> Tensor:
        """Return what the network pools, (B, D)."""
        features: Tensor = self.backbone(pictures)
        return features

    def arguments(self) -> dict[str, Any]:
        """Return the backbone, the recipe and the number of segments."""
        return {
            "backbone": self.backbone_name,
            "num_segments": self.num_segments,
            "recipe": self._recipe_name,
        }
