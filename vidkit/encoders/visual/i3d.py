"""I3D with ResNet-50: a 2-D network whose kernels some layers stretch over time.

Shapes: M windows, L frames, h x w pixels.
"""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor

from vidkit.encoders.options import one_of
from vidkit.encoders.visual.i3d_names import i3d_converters
from vidkit.encoders.visual.resnet3d import Design, ResNet3d, same_times
from vidkit.encoders.visual.video_net import (
    VideoEncoder,
    VideoRecipe,
    mmaction2_recipes,
    pyslowfast_recipes,
    usv_recipes,
)
from vidkit.encoders.weights import fixed_random, load_into
from vidkit.registry import ENCODERS

Variant = Literal["pyslowfast", "mmaction2", "mmaction2_heavy"]

_EVERY_SECOND = ((3, 3, 3), (3, 1, 3, 1), (3, 1, 3, 1, 3, 1), (1, 3, 1))
_STEM = (5, 7, 7)
DESIGNS = {
    "pyslowfast": Design(_STEM, _EVERY_SECOND, has_pool2=True),
    "mmaction2": Design(_STEM, _EVERY_SECOND, stem_stride=(2, 2, 2), pool_stride=(2, 2, 2), has_pool2=True),
    "mmaction2_heavy": Design(_STEM, same_times(3, 3, 3, 3), has_pool2=True),
}
"""Variant -> network."""

_PYSLOWFAST = pyslowfast_recipes(8, 8) | usv_recipes(8, 8)
_MMACTION2 = mmaction2_recipes(32, 2) | usv_recipes(8, 8)
I3D_RECIPES: dict[str, dict[str, VideoRecipe]] = {
    "pyslowfast": _PYSLOWFAST,
    "mmaction2": _MMACTION2,
    "mmaction2_heavy": _MMACTION2,
}
"""Variant -> name -> what is read of a clip; see ``video_net`` for whose each is."""


@ENCODERS.register_module()
class I3D(VideoEncoder):
    """I3D with ResNet-50: 2048 channels, averaged over all frames and places.

    "Quo Vadis, Action Recognition?" (https://arxiv.org/abs/1705.07750) as Wang et al. made it of ResNet-50
    ("Non-local Neural Networks", https://arxiv.org/abs/1711.07971). Features called "I3D" may also come from
    the Inception network of the first paper (1024 channels), which this is not.

    | variant | first strides over time | kernels over time | reads | weights with 400 classes |
    |---|---|---|---|---|
    | `pyslowfast` | 1, then 2 after stage 1 | in every second block | 8 frames, interval 8 | 28.04 M |
    | `mmaction2` | 2, 2, then 2 after stage 1 | in every second block | 32 frames, interval 2 | 28.04 M |
    | `mmaction2_heavy` | 1, then 2 after stage 1 | in every block | 32 frames, interval 2 | 33.02 M |

    `pyslowfast` is I3D_8x8_R50 of facebookresearch/SlowFast@287ec00 and pytorchvideo; the others are of
    open-mmlab/mmaction2@4d6c934 (32x2x1 and heavy-32x2x1). The USV-1.0 baseline reads 8 frames, of which
    `mmaction2` leaves 1, so that paper cannot mean that one; it does not say which it means.

    Args:
        variant: As in the table.
        recipe: Name in ``I3D_RECIPES`` of the variant; None takes its first.
        weights: File of weights from the variant's tool, or of a 2-D ResNet-50, which is inflated; None draws
            them.
        trust: Whether a pickle may run code while it is read. Only for files that you made yourself.

    Raises:
        ValueError: If a name is unknown, or the weights do not fit.
        FileNotFoundError: If there are no such weights.

    Example:
        >>> encoder = I3D()
        >>> encoder.dim, encoder.recipe.num_frames
        (2048, 8)
    """

    def __init__(
        self,
        *,
        variant: Variant = "pyslowfast",
        recipe: str | None = None,
        weights: str | None = None,
        trust: bool = False,
    ) -> None:
        design = one_of(DESIGNS, variant, "variant of I3D")
        super().__init__(I3D_RECIPES[variant], recipe)
        self.variant = variant
        with fixed_random(f"I3D {variant}"):
            self.backbone = ResNet3d(design)
        self.dim = self.backbone.dim
        if weights is not None:
            converters = i3d_converters(variant, self.backbone.state_dict())
            owner = f"I3D of variant {variant!r}"
            load_into(self.backbone, weights, converters=converters, owner=owner, trust=trust)
        self.eval()

    def features(self, video: Tensor) -> Tensor:
        """Return the pooled last feature map: pixels (M, 3, L, h, w) -> (M, 2048)."""
        pooled: Tensor = self.backbone(video).mean((2, 3, 4))
        return pooled

    def arguments(self) -> dict[str, Any]:
        """Return the variant and the recipe."""
        return {"variant": self.variant, "recipe": self.recipe_name}
