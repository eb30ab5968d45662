"""The names of PySlowFast, Caffe2 and pytorchvideo for 3-D ResNets and SlowFast -> ours.

| PySlowFast | Caffe2 | pytorchvideo | ours |
|---|---|---|---|
| `s1.pathway0_stem.conv`, `.bn` | `conv1`, `res_conv1_bn` | `blocks.0.conv`, `.norm` | `conv1`, `bn1` |
| `s2.pathway0_res0` | `res2_0` | `blocks.1.res_blocks.0` | `layer1.0` |
| its `branch1`, `branch1_bn` | `branch1`, `_bn` | `branch1_conv`, `branch1_norm` | `downsample.0`, `.1` |
| its `branch2.a`, `.a_bn` | `branch2a`, `_bn` | `branch2.conv_a`, `.norm_a` | `conv1`, `bn1` |
| `s1_fuse` | `t_pool1_subsample` | `blocks.0.multipathway_fusion` | `laterals.0` |
| `s2_fuse` | `t_res2_2_branch2c_bn_subsample` | `blocks.1.multipathway_fusion` | `laterals.1` |
| its `conv_f2s`, `bn` | (none), `_bn` | `conv_fast_to_slow`, `norm` | `conv`, `bn` |
| `pathway1` | `t_` in front | `multipathway_blocks.1` | `fast.` in front, `slow.` for 0 |
| `head.projection` | `pred` | `blocks.6.proj` | (dropped) |

Caffe2 calls weight, bias, mean and variance of a norm `s`, `b`, `rm` and `riv`; `riv` is the variance as it
is, not its inverse. Names were read in facebookresearch/SlowFast@287ec00 and
facebookresearch/pytorchvideo@f3142bb. A name that no tool uses stays as it is, so that loading refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from vidkit.encoders.weights import Converter, State

_CAFFE2_PARTS = {
    "w": "weight",
    "b": "bias",
    "bn_s": "weight",
    "bn_b": "bias",
    "bn_rm": "running_mean",
    "bn_riv": "running_var",
}
_CONVS = {"a": "1", "b": "2", "c": "3"}
_SINGLE_STAGES = {1: 2, 3: 3, 4: 4, 5: 5}  # pytorchvideo's blocks of I3D; block 2 is a pooling
_TWO_STAGES = {1: 2, 2: 3, 3: 4, 4: 5}  # of SlowFast


def caffe2_to_pyslowfast(name: str) -> str | None:
    """Return PySlowFast's name of a blob; None if it belongs to the optimiser.

    Example:
        >>> caffe2_to_pyslowfast("t_res3_3_branch2c_bn_subsample_bn_riv")
        's3_fuse.bn.running_var'
    """
    if name.endswith("_momentum") or name in ("lr", "model_iter"):
        return None
    match = re.fullmatch(f"(t_)?(.+?)_({'|'.join(_CAFFE2_PARTS)})", name)
    if match is None:
        return name
    path, is_norm = "pathway1" if match[1] else "pathway0", match[3].startswith("bn_")
    base, part = match[2], _CAFFE2_PARTS[match[3]]
    if base == "pred":
        return f"head.projection.{part}"
    if base in ("conv1", "res_conv1"):
        return f"s1.{path}_stem.{'bn' if is_norm else 'conv'}.{part}"
    if fuse := re.fullmatch(r"pool(1)_subsample|res(\d)_\d+_branch2c_bn_subsample", base):
        return f"s{fuse[1] or fuse[2]}_fuse.{'bn' if is_norm else 'conv_f2s'}.{part}"
    if block := re.fullmatch(r"res(\d)_(\d+)_branch(\d)([abc]?)", base):
        branch = f"branch{block[3]}" + (f".{block[4]}" if block[4] else "")
        return f"s{block[1]}.{path}_res{block[2]}.{branch}{'_bn' if is_norm else ''}.{part}"
    return name


def pytorchvideo_to_pyslowfast(name: str, stages: Mapping[int, int]) -> str:
    """Return PySlowFast's name of a weight of pytorchvideo.

    Args:
        name: Weight of I3D or SlowFast.
        stages: Number of a block -> number of PySlowFast's stage.

    Example:
        >>> pytorchvideo_to_pyslowfast("blocks.1.res_blocks.0.branch2.norm_a.bias", {1: 2})
        's2.pathway0_res0.branch2.a_bn.bias'
    """
    match = re.fullmatch(r"blocks\.(\d)\.(.+)", name)
    if match is None:
        return name
    number, rest = int(match[1]), match[2]
    if rest.startswith("proj."):
        return rest.replace("proj.", "head.projection.")
    stage = 1 if number == 0 else stages.get(number)
    if stage is None:
        return name
    rest = rest.replace("conv_fast_to_slow.", "conv_f2s.").replace("branch1_conv.", "branch1.")
    rest = rest.replace("branch1_norm.", "branch1_bn.")
    rest = re.sub(r"branch2\.conv_([abc])\.", r"branch2.\1.", rest)
    rest = re.sub(r"branch2\.norm_([abc])\.", r"branch2.\1_bn.", rest)
    if rest.startswith("multipathway_fusion."):
        return f"s{stage}_fuse." + rest.removeprefix("multipathway_fusion.").replace("norm.", "bn.")
    path = "0"
    if two := re.fullmatch(r"multipathway_blocks\.(\d)\.(.+)", rest):
        path, rest = two[1], two[2]
    if number == 0:
        return f"s1.pathway{path}_stem." + rest.replace("norm.", "bn.")
    return f"s{stage}.pathway{path}_res" + rest.removeprefix("res_blocks.")


def pyslowfast_to_ours(name: str, paths: tuple[str, ...]) -> str | None:
    """Return our name of a weight of PySlowFast; None for the classifier.

    Args:
        name: Weight of I3D or SlowFast.
        paths: What stands in front of the weights of each pathway.

    Example:
        >>> pyslowfast_to_ours("s2.pathway0_res0.branch1_bn.bias", ("",))
        'layer1.0.downsample.1.bias'
    """
    if name.startswith("head."):
        return None
    if fuse := re.fullmatch(r"s(\d)_fuse\.(conv_f2s|bn)\.(\w+)", name):
        return f"laterals.{int(fuse[1]) - 1}.{'bn' if fuse[2] == 'bn' else 'conv'}.{fuse[3]}"
    match = re.fullmatch(r"s(\d)\.pathway(\d)_(stem|res\d+)\.(.+)\.(\w+)", name)
    if match is None or int(match[2]) >= len(paths):
        return name
    path, layer, part = paths[int(match[2])], match[4], match[5]
    if match[3] == "stem":
        return f"{path}{layer}1.{part}"
    block = f"{path}layer{int(match[1]) - 1}.{match[3].removeprefix('res')}"
    if layer in ("branch1", "branch1_bn"):
        return f"{block}.downsample.{int(layer.endswith('_bn'))}.{part}"
    if conv := re.fullmatch(r"branch2\.([abc])(_bn)?", layer):
        return f"{block}.{'bn' if conv[2] else 'conv'}{_CONVS[conv[1]]}.{part}"
    return name


def pyslowfast_converters(kind: str, paths: tuple[str, ...]) -> dict[str, Converter]:
    """Return what turns the three schemes of a network into our names, without its classifier.

    Args:
        kind: "ResNet" or "SlowFast", as the schemes are called.
        paths: What stands in front of the weights of each pathway.
    """
    stages = _TWO_STAGES if kind == "SlowFast" else _SINGLE_STAGES

    def from_pyslowfast(state: State) -> State:
        named = ((pyslowfast_to_ours(name, paths), value) for name, value in state.items())
        return {name: value for name, value in named if name is not None}

    def from_caffe2(state: State) -> State:
        named = ((caffe2_to_pyslowfast(name), value) for name, value in state.items())
        return from_pyslowfast({name: value for name, value in named if name is not None})

    def from_pytorchvideo(state: State) -> State:
        named = ((pytorchvideo_to_pyslowfast(name, stages), value) for name, value in state.items())
        return from_pyslowfast(dict(named))

    return {
        f"PySlowFast {kind}": from_pyslowfast,
        f"caffe2 {kind}": from_caffe2,
        f"pytorchvideo {kind}": from_pytorchvideo,
    }
