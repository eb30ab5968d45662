"""Any picture network of timm, by its name.

Shapes: N clips, F frames a clip, B pictures, D = ``dim`` channels.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from vidkit.encoders.base import VisualRecipe
from vidkit.encoders.visual.pictures import PictureEncoder, PictureRecipe
from vidkit.encoders.visual.pixels import Exact, PixelRecipe, ShorterSide
from vidkit.encoders.visual.sampling import FfmpegFps
from vidkit.encoders.weights import Converter, State, fixed_random, load_into, local_weights
from vidkit.encoders.weights.folder import weights_file
from vidkit.encoders.weights.hub import hub_folder
from vidkit.registry import ENCODERS
from vidkit.registry.builder import nearest


@ENCODERS.register_module()
class TimmVisual(PictureEncoder):
    """A network of timm without its classifier: what it pools, with the preprocessing of its weights.

    https://github.com/huggingface/pytorch-image-models. A name without a tag ("resnet50") means timm's
    default weights of that network, whose preprocessing differs from that of others; name the tag
    ("resnet50.tv_in1k" for torchvision's first).

    Recipes: "middle" reads the frame at the middle of the clip; "video_features" the one that ffmpeg's fps
    filter gives, as v-iashin/video_features does.

    Args:
        model: Name in timm, with or without a tag.
        weights: File of timm, of torchvision or of the network's authors, folder or name of the hub
            ("timm/resnet50.a1_in1k"), timm's tag ("a1_in1k"), or FILE#PREFIX of a checkpoint of vidkit; None
            draws random weights.
        recipe: "middle" or "video_features".
        trust: Whether a pickle may run code while it is read. Only for files that you made yourself.

    Raises:
        FileNotFoundError: If the weights are neither here nor on the hub.
        ValueError: If timm has no such network, its preprocessing is none that we know, the weights do not
            fit, or a name is unknown.
    """

    def __init__(
        self,
        *,
        model: str = "resnet50.a1_in1k",
        weights: str | None = None,
        recipe: str = "middle",
        trust: bool = False,
    ) -> None:
        net = timm_network(model, owner="TimmVisual")
        pixels = timm_pixels(net)
        recipes = {
            "middle": PictureRecipe(VisualRecipe(), pixels),
            "video_features": PictureRecipe(FfmpegFps(), pixels),
        }
        super().__init__(recipes, recipe)
        self.model_name = f"{net.pretrained_cfg['architecture']}.{net.pretrained_cfg['tag']}".rstrip(".")
        self.dim = timm_dim(net)
        self.model = net
        if weights is not None:
            load_timm(net, weights, owner="TimmVisual", trust=trust)
        self.eval()

    def features(self, pictures: Tensor) -> Tensor:
        """Return what the network pools, (B, D)."""
        features: Tensor = self.model(pictures)
        return features

    def arguments(self) -> dict[str, Any]:
        """Return the name with its tag, which decides on the preprocessing, and the recipe."""
        return {"model": self.model_name, "recipe": self._recipe_name}


def timm_network(model: str, *, owner: str) -> Any:
    """Return a network of timm without classifier, with random weights that are the same in every process.

    Raises:
        ValueError: If there is none of that name.
    """
    import timm

    architecture, _, tag = model.partition(".")
    if not timm.is_model(architecture):
        names = timm.list_models()
        raise ValueError(
            f"timm has no network {architecture!r}{nearest(architecture, names) or ';'} `timm.list_models()` "
            "gives all names"
        )
    known = timm.list_models(f"{architecture}.*", pretrained=True)
    if tag and model not in known:
        raise ValueError(
            f"timm knows no weights {tag!r} of {architecture}; known: {', '.join(known) or 'none'}"
        )
    with fixed_random(f"{owner} {architecture}"):
        return timm.create_model(model, pretrained=False, num_classes=0)


def timm_dim(net: Any) -> int:
    """Return the channels of what a network without classifier gives."""
    return int(getattr(net, "head_hidden_size", None) or net.num_features)


def timm_pixels(net: Any) -> PixelRecipe:
    """Return the preprocessing of a network's weights, as timm evaluates them.

    Raises:
        ValueError: If it is none that we know.
    """
    from timm.data.config import resolve_model_data_config

    config = resolve_model_data_config(net)
    _, height, width = config["input_size"]
    interpolation, mode, part = config["interpolation"], config["crop_mode"], config["crop_pct"]
    if interpolation not in ("bicubic", "bilinear") or mode not in ("center", "squash") or height != width:
        raise ValueError(
            f"{net.pretrained_cfg['architecture']} reads {height} x {width} by {interpolation!r} and crops "
            f"by {mode!r}; TimmVisual knows squares, 'bicubic' and 'bilinear', 'center' and 'squash'"
        )
    scaled = math.floor(height / part)
    return PixelRecipe(
        ShorterSide(scaled) if mode == "center" else Exact(scaled, scaled),
        interpolation,
        crop_size=(height, width),
        crop_rounding="round",
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
    )


def load_timm(
    net: Any,
    weights: str,
    *,
    owner: str,
    variant: str | None = None,
    converters: Mapping[str, Converter] | None = None,
    any_scheme: bool = True,
    trust: bool = False,
) -> None:
    """Load weights into a network of timm without classifier, all of them.

    Args:
        net: From ``timm_network``.
        weights: File, folder, catalogue name, hub name or timm's tag.
        owner: Name of the encoder, for messages.
        variant: Its variant, for messages.
        converters: Scheme -> converter, where timm's own filter for this network does not do.
        any_scheme: Whether files of other schemes are tried with timm's own filter.
        trust: Whether a pickle may run code while it is read.

    Raises:
        FileNotFoundError: If the weights are neither here nor on the hub.
        ValueError: If they do not fit.
    """
    file = local_weights(weights)
    if file is None:
        name = weights if "/" in weights else f"timm/{net.pretrained_cfg['architecture']}.{weights}"
        file = hub_folder(name, owner=owner, variant=variant)
    if file.is_dir():
        file = weights_file(file)
    load_into(
        net,
        file,
        converters=converters or {},
        otherwise=timm_converter(net) if any_scheme else None,
        owner=f"{owner} {variant or net.pretrained_cfg['architecture']}",
        trust=trust,
    )


def timm_converter(net: Any) -> Converter:
    """Return timm's own filter of the files of a network's authors; the classifier is left out."""
    convert = getattr(sys.modules[type(net).__module__], "checkpoint_filter_fn", None)
    classifiers = net.pretrained_cfg.get("classifier") or ()
    names = (classifiers,) if isinstance(classifiers, str) else tuple(classifiers)

    def filtered(state: State) -> State:
        state = convert(state, net) if convert else state
        return {
            name: value
            for name, value in state.items()
            if not name.startswith(tuple(f"{classifier}." for classifier in names))
        }

    return filtered
