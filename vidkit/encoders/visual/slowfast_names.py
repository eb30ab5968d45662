"""The names that public tools give to the weights of SlowFast -> ours.

PySlowFast, Caffe2 and pytorchvideo name one network (see ``pyslowfast_names``), mmaction2 another:

| mmaction2 | ours |
|---|---|
| `backbone.slow_path.conv1.conv`, `.bn` | `slow.conv1`, `slow.bn1` |
| `backbone.fast_path.layer1.0.` and so on as its ResNets | `fast.layer1.0.` |
| `backbone.slow_path.conv1_lateral.conv` | `laterals.0.conv` |
| `backbone.slow_path.layer1_lateral.conv` | `laterals.1.conv` |
| `cls_head.fc_cls` | (dropped) |

Names were read in open-mmlab/mmaction2@4d6c934.
"""

from __future__ import annotations

import re

from vidkit.encoders.visual.pyslowfast_names import pyslowfast_converters
from vidkit.encoders.visual.resnet_names import mmaction2_resnet
from vidkit.encoders.weights import Converter, State

PATHS = ("slow.", "fast.")


def mmaction2_slowfast(state: State) -> State:
    """Return a SlowFast of mmaction2 with our names, without its classifier.

    Args:
        state: Weights by mmaction2's names, with or without ``backbone.`` in front.

    Example:
        >>> import torch
        >>> list(mmaction2_slowfast({"backbone.slow_path.layer2_lateral.conv.weight": torch.ones(1)}))
        ['laterals.2.conv.weight']
    """
    renamed = {}
    for name, value in mmaction2_resnet(state).items():
        name = re.sub(r"^slow_path\.conv1_lateral\.", "laterals.0.", name)
        name = re.sub(r"^slow_path\.layer(\d)_lateral\.", r"laterals.\1.", name)
        renamed[re.sub(r"^(slow|fast)_path\.", r"\1.", name)] = value
    return renamed


SLOWFAST_NAMES: dict[str, dict[str, Converter]] = {
    "pyslowfast": pyslowfast_converters("SlowFast", PATHS),
    "mmaction2": {"mmaction2 SlowFast": mmaction2_slowfast},
}
"""Family of networks -> scheme -> converter."""
