"""R(2+1)D with ResNet-50: convolutions over space and time split into one of each.

Shapes: M windows, L frames, h x w pixels.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from torch import Tensor

from vidkit.encoders.options import one_of
from vidkit.encoders.visual.i3d import DESIGNS as I3D_DESIGNS
from vidkit.encoders.visual.i3d_names import R2PLUS1D_NAMES
from vidkit.encoders.visual.resnet3d import (
    Design,
    ResNet3d,
    if_over_time,
    same_times,
    spatial_first,
    temporal_first,
)
from vidkit.encoders.visual.video_net import (
    VideoEncoder,
    VideoRecipe,
    mmaction2_recipes,
    pyslowfast_recipes,
    usv_recipes,
)
from vidkit.encoders.weights import fixed_random, load_into
from vidkit.registry import ENCODERS

Variant = Literal["pytorchvideo", "mmaction2", "usv"]

DESIGNS = {
    "pytorchvideo": Design(
        (1, 7, 7),
        same_times(1, 1, 1, 1),
        pool_stride=None,
        conv2_time=3,
        spatial_strides=(2, 2, 2, 2),
        temporal_strides=(1, 1, 2, 2),
        make_conv=if_over_time(temporal_first),
    ),
    "mmaction2": Design(
        (3, 7, 7),
        same_times(3, 3, 3, 3),
        temporal_strides=(1, 2, 2, 2),
        make_conv=spatial_first,
        eps=1e-3,
    ),
    "usv": replace(I3D_DESIGNS["pyslowfast"], make_conv=if_over_time(spatial_first)),
}
"""Variant -> network."""

R2PLUS1D_RECIPES: dict[str, dict[str, VideoRecipe]] = {
    "pytorchvideo": pyslowfast_recipes(16, 4) | usv_recipes(8, 8),
    "mmaction2": mmaction2_recipes(8, 8) | usv_recipes(8, 8),
    "usv": usv_recipes(8, 8),
}
"""Variant -> name -> what is read of a clip; see ``video_net`` for whose each is."""


@ENCODERS.register_module()
class R2Plus1D(VideoEncoder):
    """R(2+1)D with ResNet-50: 2048 channels, averaged over all frames and places.

    "A Closer Look at Spatiotemporal Convolutions for Action Recognition" (https://arxiv.org/abs/1711.11248)
    stops at 34 layers. For 50 there are three readings, and the weights of one do not fit another:

    | variant | which convolutions are split | order | weights |
    |---|---|---|---|
    | `pytorchvideo` | the 3 x 3 x 3 of each block | time, space | 27.29 M (with 400 classes 28.11 M) |
    | `mmaction2` | all, also 1 x 1 and the shortcuts | space, time | 50.74 M |
    | `usv` | those of I3D that reach over several frames | space, time | 27.21 M |

    `pytorchvideo` is r2plus1d_r50 of facebookresearch/pytorchvideo@b62fab6, the only one with public weights.
    `mmaction2` is ``ResNet2Plus1d(depth=50)`` of open-mmlab/mmaction2@4d6c934, whose own weights are of
    depth 34; its norms inside split convolutions keep an epsilon of 1e-5, the others have 1e-3. `usv` is
    what the USV-1.0 paper says of its baseline: its I3D, in which only the 3-D convolutions are split.

    Args:
        variant: As in the table.
        recipe: Name in ``R2PLUS1D_RECIPES`` of the variant; None takes its first.
        weights: File of the variant's weights; None draws them.
        trust: Whether a pickle may run code while it is read. Only for files that you made yourself.

    Raises:
        ValueError: If a name is unknown, or the weights do not fit.
        FileNotFoundError: If there are no such weights.

    Example:
        >>> encoder = R2Plus1D()
        >>> encoder.dim, encoder.recipe.num_frames
        (2048, 16)
    """

    def __init__(
        self,
        *,
        variant: Variant = "pytorchvideo",
        recipe: str | None = None,
        weights: str | None = None,
        trust: bool = False,
    ) -> None:
        design = one_of(DESIGNS, variant, "variant of R2Plus1D")
        super().__init__(R2PLUS1D_RECIPES[variant], recipe)
        self.variant = variant
        with fixed_random(f"R2Plus1D {variant}"):
            self.backbone = ResNet3d(design)
        self.dim = self.backbone.dim
        if weights is not None:
            owner = f"R2Plus1D of variant {variant!r}"
            load_into(self.backbone, weights, converters=R2PLUS1D_NAMES[variant], owner=owner, trust=trust)
        self.eval()

    def features(self, video: Tensor) -> Tensor:
        """Return the pooled last feature map: pixels (M, 3, L, h, w) -> (M, 2048)."""
        pooled: Tensor = self.backbone(video).mean((2, 3, 4))
        return pooled

    def arguments(self) -> dict[str, Any]:
        """Return the variant and the recipe."""
        return {"variant": self.variant, "recipe": self.recipe_name}
