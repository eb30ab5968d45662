"""The image side of CLIP.

Shapes: N clips, F frames a clip, B pictures, D = 512 or 768 channels.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from vidkit.encoders.base import VisualRecipe
from vidkit.encoders.clip_folder import Activation, activation_of
from vidkit.encoders.clip_names import hugging_face_vision, vision_names
from vidkit.encoders.options import one_of
from vidkit.encoders.visual.pictures import PictureEncoder, PictureRecipe
from vidkit.encoders.visual.pixels import CLIP_MEAN, CLIP_STD, PixelRecipe, ShorterSide
from vidkit.encoders.visual.sampling import FfmpegFps
from vidkit.encoders.weights import fixed_random, load_into, local_weights
from vidkit.encoders.weights.folder import weights_file
from vidkit.encoders.weights.hub import hub_folder
from vidkit.registry import ENCODERS
from vidkit.sizes import FfmpegScale

_SIZE = 224
_PILLOW = PixelRecipe(ShorterSide(_SIZE), crop_rounding="round", mean=CLIP_MEAN, std=CLIP_STD)
_FFMPEG = PixelRecipe(None, mean=CLIP_MEAN, std=CLIP_STD)  # what is resized already is only cropped

RECIPES: dict[str, PictureRecipe] = {
    # The frame shown at the middle of the clip; OpenAI's own preprocessing: Pillow's bicubic, and the middle
    # as torchvision rounds it (transformers rounds it down where an odd number of pixels is cut off).
    "middle": PictureRecipe(VisualRecipe(), _PILLOW),
    # One frame a second. The authors publish features and no extractor and name no tool; we take what the
    # tools of that time do, ffmpeg's "fps=1", and CLIP's own preprocessing. Use it with clips of 1 s.
    "repurpose10k": PictureRecipe(FfmpegFps(clip_seconds=1.0), _PILLOW),
    # v-iashin/video_features with extraction_fps: ffmpeg's fps filter, Pillow. That tool also encodes the
    # video anew (lossy) before it reads the frames, which is not imitated: 0.1 to 0.7 grey levels.
    "video_features": PictureRecipe(FfmpegFps(), _PILLOW),
    # linjieli222/HERO_Video_Feature_Extractor, which made the features of QVHighlights, and line/lighthouse:
    # ffmpeg's fps filter, then ffmpeg's scaler instead of Pillow, then the middle. Clips of 2 s there.
    "qvhighlights_hero": PictureRecipe(FfmpegFps(decode_size=FfmpegScale(_SIZE), clip_seconds=2.0), _FFMPEG),
}
"""Name -> which frames of a clip, and how they are resized and cropped."""

VARIANTS: dict[str, dict[str, int]] = {
    "ViT-B/32": dict(hidden_size=768, num_hidden_layers=12, patch_size=32, projection_dim=512),
    "ViT-B/16": dict(hidden_size=768, num_hidden_layers=12, patch_size=16, projection_dim=512),
    "ViT-L/14": dict(hidden_size=1024, num_hidden_layers=24, patch_size=14, projection_dim=768),
}
"""Name -> sizes, named as in transformers; heads have 64 channels and the inner layers 4 times the width."""


@ENCODERS.register_module()
class CLIPVisual(PictureEncoder):
    """CLIP's image side: the class token of a vision transformer, projected, not normalised.

    "Learning Transferable Visual Models From Natural Language Supervision"
    (https://arxiv.org/abs/2103.00020); the module is that of transformers. The features of Repurpose-10K
    and of QVHighlights are of "ViT-B/32".

    Args:
        variant: One of ``VARIANTS``.
        weights: Folder of Hugging Face (both halves of CLIP or the image side alone), name on the hub, file
            of OpenAI or open_clip, or FILE#PREFIX of a checkpoint of vidkit; None draws random weights.
        recipe: One of ``RECIPES``.
        activation: "quick_gelu" of OpenAI's weights; "gelu" of most others. Of a folder, its config counts.
        trust: Whether a pickle may run code while it is read. Only for files that you made yourself.

    Raises:
        FileNotFoundError: If the weights are neither here nor on the hub.
        ValueError: If the weights do not fit, or a name is unknown.
    """

    def __init__(
        self,
        *,
        variant: str = "ViT-B/32",
        weights: str | None = None,
        recipe: str = "middle",
        activation: Activation = "quick_gelu",
        trust: bool = False,
    ) -> None:
        super().__init__(RECIPES, recipe)
        sizes = _all_sizes(one_of(VARIANTS, variant, "variant of CLIPVisual"))
        if activation not in ("quick_gelu", "gelu"):
            raise ValueError(f"activation must be 'quick_gelu' or 'gelu', got {activation!r}")
        self.variant, self.activation = variant, str(activation)
        file: Path | None = None
        if weights is not None:
            file = local_weights(weights) or hub_folder(weights, owner="CLIPVisual", variant=variant)
        if file is not None and file.is_dir():
            self.activation = activation_of(file, "vision", sizes, owner=f"CLIPVisual {variant}")
            file = weights_file(file)
        self.dim = sizes["projection_dim"]
        self.model = _build(sizes, self.activation, f"CLIPVisual {variant}")
        if file is not None:
            load_into(
                self.model,
                file,
                converters={"OpenAI CLIP": vision_names, "Hugging Face CLIP": hugging_face_vision},
                owner=f"CLIPVisual {variant}",
                trust=trust,
            )
        self.eval()

    def features(self, pictures: Tensor) -> Tensor:
        """Return the projected class token of each picture, (B, D)."""
        features: Tensor = self.model(pixel_values=pictures).image_embeds
        return features

    def arguments(self) -> dict[str, Any]:
        """Return variant, recipe and activation."""
        return {"variant": self.variant, "recipe": self._recipe_name, "activation": self.activation}


def _build(sizes: dict[str, int], activation: str, name: str) -> Any:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    with fixed_random(name):
        return CLIPVisionModelWithProjection(CLIPVisionConfig.from_dict({**sizes, "hidden_act": activation}))


def _all_sizes(variant: dict[str, int]) -> dict[str, int]:
    width = variant["hidden_size"]
    return {
        "num_attention_heads": width // 64,
        "intermediate_size": 4 * width,
        "image_size": _SIZE,
        **variant,
    }
