"""The names that public tools give to the weights of I3D-ResNet-50 and R(2+1)D-50 -> ours.

I3D: PySlowFast, Caffe2 and pytorchvideo as in ``pyslowfast_names``; mmaction2 as its 2-D ResNets. The weights
of a 2-D ResNet-50 are inflated. R(2+1)D:

| mmaction2 | pytorchvideo, below `blocks.1.res_blocks.0.branch2` | ours |
|---|---|---|
| `layer1.0.conv1.conv`, `.bn` | `conv_a`, `norm_a` | `layer1.0.conv1`, `bn1` |
| `layer1.0.conv2.conv.conv_s` | `conv_b.conv_xy` | `layer1.0.conv2.spatial` |
| `layer1.0.conv2.conv.bn_s` | `conv_b.norm` | `layer1.0.conv2.bn` |
| `layer1.0.conv2.conv.conv_t` | `conv_b.conv_t` | `layer1.0.conv2.temporal` |

In pytorchvideo's R(2+1)D the stages are `blocks.1` to `blocks.4` and the classifier is `blocks.5.proj`.
Names were read in open-mmlab/mmaction2@4d6c934 and facebookresearch/pytorchvideo@f3142bb.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from vidkit.encoders.visual.pyslowfast_names import (
    pyslowfast_converters,
    pyslowfast_to_ours,
    pytorchvideo_to_pyslowfast,
)
from vidkit.encoders.visual.resnet_names import RESNET_NAMES, mmaction2_resnet
from vidkit.encoders.weights import Converter, State

_R2PLUS1D_STAGES = {1: 2, 2: 3, 3: 4, 4: 5}


def inflated(state: State, like: Mapping[str, Tensor]) -> State:
    """Return the weights of a 2-D network for a 3-D one: each kernel repeated over time and divided by it.

    A picture that stands still so gives what the 2-D network gives (where no border is near). Weights that
    are 3-D already stay as they are. Section 2.1 of "Quo Vadis, Action Recognition?"
    (https://arxiv.org/abs/1705.07750).

    Args:
        state: Weights by our names.
        like: The 3-D network's weights, for the length of its kernels.
    """
    weights = {}
    for name, value in state.items():
        if value.ndim == 4 and name in like and like[name].ndim == 5:
            time = like[name].shape[2]
            value = value[:, :, None].repeat(1, 1, time, 1, 1) / time
        weights[name] = value
    return weights


def i3d_converters(variant: str, like: Mapping[str, Tensor]) -> dict[str, Converter]:
    """Return what turns each scheme into our names of I3D.

    The weights of `pyslowfast` and `mmaction2` have the same shapes and go with other strides, so each
    variant loads its own tool's.

    Args:
        variant: "pyslowfast", or one of mmaction2's.
        like: The network's own weights, into which 2-D ones are inflated.
    """

    def inflating(convert: Converter) -> Converter:
        return lambda state: inflated(convert(state), like)

    converters = {scheme: inflating(convert) for scheme, convert in RESNET_NAMES.items()}
    if variant == "pyslowfast":
        del converters["mmaction2 ResNet"]
        return {**pyslowfast_converters("ResNet", ("",)), **converters}
    return converters


def pytorchvideo_r2plus1d(state: State) -> State:
    """Return an R(2+1)D of pytorchvideo with our names, without its classifier.

    Example:
        >>> import torch
        >>> name = "blocks.1.res_blocks.0.branch2.conv_b.conv_xy.weight"
        >>> list(pytorchvideo_r2plus1d({name: torch.ones(1)}))
        ['layer1.0.conv2.spatial.weight']
    """
    parts = {"conv_xy": "spatial", "norm": "bn", "conv_t": "temporal"}
    renamed = {}
    for name, value in state.items():
        split = re.fullmatch(r"(.+\.branch2\.conv_b)\.(conv_xy|norm|conv_t)\.(\w+)", name)
        whole = f"{split[1]}.{split[3]}" if split else name
        ours = pyslowfast_to_ours(pytorchvideo_to_pyslowfast(whole, _R2PLUS1D_STAGES), ("",))
        if ours is not None:
            base, _, part = ours.rpartition(".")
            renamed[f"{base}.{parts[split[2]]}.{part}" if split else ours] = value
    return renamed


def mmaction2_r2plus1d(state: State) -> State:
    """Return an R(2+1)D of mmaction2 with our names, without its classifier.

    Example:
        >>> import torch
        >>> list(mmaction2_r2plus1d({"backbone.layer1.0.conv2.conv.bn_s.bias": torch.ones(1)}))
        ['layer1.0.conv2.bn.bias']
    """
    parts = {"conv_s": "spatial", "bn_s": "bn", "conv_t": "temporal"}
    renamed = {}
    for name, value in mmaction2_resnet(state).items():
        renamed[re.sub(r"\.(conv_s|bn_s|conv_t)\.", lambda m: f".{parts[m[1]]}.", name)] = value
    return renamed


R2PLUS1D_NAMES: dict[str, dict[str, Converter]] = {
    "pytorchvideo": {"pytorchvideo R(2+1)D": pytorchvideo_r2plus1d},
    "mmaction2": {"mmaction2 R(2+1)D": mmaction2_r2plus1d},
    "usv": {"mmaction2 R(2+1)D": mmaction2_r2plus1d},
}
"""Variant -> scheme -> converter. Weights of `usv` are expected as mmaction2 would name them."""
