"""Swin transformers.

Shapes: N clips, F frames a clip, B pictures, D = 768, 1024 or 1536 channels.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from vidkit.encoders.base import VisualRecipe
from vidkit.encoders.options import one_of
from vidkit.encoders.visual.pictures import PictureEncoder, PictureRecipe
from vidkit.encoders.visual.pixels import Exact, PixelRecipe, ShorterSide
from vidkit.encoders.visual.sampling import ClipStarts
from vidkit.encoders.visual.timm_visual import load_timm, timm_converter, timm_dim, timm_network
from vidkit.registry import ENCODERS

_OFFICIAL = PixelRecipe(ShorterSide(256), crop_rounding="round")

RECIPES: dict[str, PictureRecipe] = {
    # The same weights are published with three preprocessings, all bicubic with ImageNet's mean and spread.
    # microsoft/Swin-Transformer evaluates with a shorter side of 256, middle 224.
    "official": PictureRecipe(VisualRecipe(), _OFFICIAL),
    # timm: 224 is 0.9 of the shorter side, rounded down to 248; middle 224.
    "timm": PictureRecipe(VisualRecipe(), PixelRecipe(ShorterSide(248), crop_rounding="round")),
    # The image processor of the folders on the hub: squeezed to 224 x 224 whole.
    "hf": PictureRecipe(VisualRecipe(), PixelRecipe(Exact(224, 224), crop=None, crop_size=None)),
    # RASL reads frames at t = 0, 0.2, 0.4, ... s: use it with clips of 0.2 s. The paper does not say how it
    # prepares them; we take the official way.
    "rasl": PictureRecipe(ClipStarts(clip_seconds=0.2), _OFFICIAL),
}
"""Name -> which frames of a clip, and how they are resized and cropped."""

VARIANTS = {
    "T": "swin_tiny_patch4_window7_224",
    "S": "swin_small_patch4_window7_224",
    "B": "swin_base_patch4_window7_224",
    "L": "swin_large_patch4_window7_224",
}
"""Name -> name in timm."""


@ENCODERS.register_module()
class Swin(PictureEncoder):
    """Swin transformer on 224 x 224: the mean of its last tokens, normalised by its last layer norm.

    "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows"
    (https://arxiv.org/abs/2103.14030); the module is that of timm. The visual feature of RASL, whose paper
    does not name the size: its number of parameters rules L out, and T and S would leave it nothing to
    interpolate, so B is likely, and the default.

    Args:
        variant: "T", "S", "B" or "L".
        weights: File of the authors ({"model": ...}), of timm, its folder or name on the hub, timm's tag
            ("ms_in1k"), or FILE#PREFIX of a checkpoint of vidkit; None draws random weights.
        recipe: One of ``RECIPES``.
        trust: Whether a pickle may run code while it is read. Only for files that you made yourself.

    Raises:
        FileNotFoundError: If the weights are neither here nor on the hub.
        ValueError: If the weights do not fit, or a name is unknown.
    """

    def __init__(
        self, *, variant: str = "B", weights: str | None = None, recipe: str = "official", trust: bool = False
    ) -> None:
        super().__init__(RECIPES, recipe)
        self.variant = variant
        self.model = timm_network(one_of(VARIANTS, variant, "variant of Swin"), owner="Swin")
        self.dim = timm_dim(self.model)
        if weights is not None:
            load_timm(
                self.model,
                weights,
                owner="Swin",
                variant=variant,
                converters={"Swin": timm_converter(self.model)},
                any_scheme=False,
                trust=trust,
            )
        self.eval()

    def features(self, pictures: Tensor) -> Tensor:
        """Return the mean of the last tokens, (B, D)."""
        features: Tensor = self.model(pictures)
        return features

    def arguments(self) -> dict[str, Any]:
        """Return variant and recipe."""
        return {"variant": self.variant, "recipe": self._recipe_name}
