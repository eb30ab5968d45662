"""The names that public tools give to the weights of 2-D ResNets -> those of torchvision and timm.

| tool | conv and norm of a block | shortcut | in front | classifier |
|---|---|---|---|---|
| torchvision, timm | `conv1`, `bn1` | `downsample.0`, `.1` | | `fc` |
| mmaction2, mmcls | `conv1.conv`, `conv1.bn` | `downsample.conv`, `.bn` | `backbone.` | `cls_head.fc_cls` |
| tsn-pytorch, mit-han-lab | as torchvision | as torchvision | `module.base_model.` | `module.new_fc` |

The first releases of mmaction name them as torchvision does, behind `backbone.`. Temporal shift adds
`.net` to the first conv of a block, in mmaction2 (`conv1.conv.net`) as in mit-han-lab (`conv1.net`). Names
and shapes were read in open-mmlab/mmaction2@4d6c934, yjxiong/tsn-pytorch and
mit-han-lab/temporal-shift-module.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from vidkit.encoders.weights import State

_CLASSIFIERS = re.compile(r"^(fc|new_fc|cls_head|head|classifier)\.")


def torchvision_resnet(state: State) -> State:
    """Return the weights of torchvision or timm without the classifier."""
    return {name: value for name, value in state.items() if not _CLASSIFIERS.match(name)}


def mmaction2_resnet(state: State) -> State:
    """Return a ResNet of mmaction2 or mmcls, also one with temporal shift, with torchvision's names.

    Works for kernels of any number of dimensions. The classifier is left out.

    Args:
        state: Weights by mmaction2's names, with or without ``backbone.`` in front.

    Example:
        >>> import torch
        >>> list(mmaction2_resnet({"backbone.layer1.0.downsample.bn.weight": torch.ones(1)}))
        ['layer1.0.downsample.1.weight']
    """
    renamed = {}
    for name, value in torchvision_resnet(state).items():
        name = name.removeprefix("backbone.")
        name = re.sub(r"downsample\.conv\.", "downsample.0.", name)
        name = re.sub(r"downsample\.bn\.", "downsample.1.", name)
        name = re.sub(r"conv(\d)\.conv\.(net\.)?", r"conv\1.", name)
        name = re.sub(r"conv(\d)\.bn\.", r"bn\1.", name)
        renamed[name] = value
    return renamed


def tsn_pytorch_resnet(state: State) -> State:
    """Return a ResNet of tsn-pytorch or mit-han-lab's TSM with torchvision's names, without the classifier.

    Args:
        state: Weights with ``base_model.`` in front.
    """
    renamed = {}
    for name, value in torchvision_resnet(state).items():
        name = name.removeprefix("base_model.")
        renamed[re.sub(r"\.conv1\.net\.", ".conv1.", name)] = value
    return torchvision_resnet(renamed)


RESNET_NAMES: dict[str, Callable[[State], State]] = {
    "torchvision ResNet": torchvision_resnet,
    "mmaction2 ResNet": mmaction2_resnet,
    "mmaction 0.x ResNet": mmaction2_resnet,
    "tsn-pytorch ResNet": tsn_pytorch_resnet,
}
"""Scheme -> converter, for 2-D ResNets without temporal shift."""
