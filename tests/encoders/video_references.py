"""The networks over time once more, in plain functions, by the names of the public tools.

A reference draws each weight when it first names it. So one call gives both the output and a complete
checkpoint of that tool, made without vidkit's networks and name maps.
"""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidkit.encoders import Encoder

NUM_BLOCKS = (3, 4, 6, 3)
I3D_KERNELS = ((3, 3, 3), (3, 1, 3, 1), (3, 1, 3, 1, 3, 1), (1, 3, 1))


class Weights(dict[str, Tensor]):
    """A checkpoint that draws what it lacks, as trained networks have it: outputs stay near 1."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)

    def draw(self, name: str, shape: tuple[int, ...], *, mean: float = 0.0, std: float = 1.0) -> Tensor:
        if name not in self:
            self[name] = mean + std * torch.randn(shape, generator=self.generator)
        return self[name]


def conv(w: Weights, x: Tensor, name: str, num_out: int, kernel: Any, stride: Any = 1) -> Tensor:
    """A convolution without bias, padded by half of its kernel."""
    fan_in = x.shape[1] * torch.Size(kernel).numel()
    weight = w.draw(f"{name}.weight", (num_out, x.shape[1], *kernel), std=(2 / fan_in) ** 0.5)
    run = F.conv3d if len(kernel) == 3 else F.conv2d
    return run(x, weight, stride=stride, padding=[k // 2 for k in kernel])


def norm(w: Weights, x: Tensor, name: str, eps: float = 1e-5) -> Tensor:
    """A batch norm in evaluation."""
    mean = w.draw(f"{name}.running_mean", (x.shape[1],), std=0.1)
    variance = w.draw(f"{name}.running_var", (x.shape[1],), mean=1.0, std=0.05).abs_()
    weight = w.draw(f"{name}.weight", (x.shape[1],), mean=0.7, std=0.1)
    bias = w.draw(f"{name}.bias", (x.shape[1],), std=0.1)
    return F.batch_norm(x, mean, variance, weight, bias, eps=eps)


def pyslowfast_block(w: Weights, x: Tensor, name: str, width: int, time: int, stride: int) -> Tensor:
    """``ResBlock`` of slowfast/models/resnet_helper.py."""
    y = norm(w, conv(w, x, f"{name}.branch2.a", width, (time, 1, 1)), f"{name}.branch2.a_bn").relu()
    y = conv(w, y, f"{name}.branch2.b", width, (1, 3, 3), (1, stride, stride))
    y = norm(w, y, f"{name}.branch2.b_bn").relu()
    y = norm(w, conv(w, y, f"{name}.branch2.c", 4 * width, (1, 1, 1)), f"{name}.branch2.c_bn")
    if x.shape[1] != 4 * width or stride != 1:
        x = conv(w, x, f"{name}.branch1", 4 * width, (1, 1, 1), (1, stride, stride))
        x = norm(w, x, f"{name}.branch1_bn")
    return (x + y).relu()


def pyslowfast_stem(w: Weights, x: Tensor, path: int, width: int, time: int) -> Tensor:
    x = conv(w, x, f"s1.pathway{path}_stem.conv", width, (time, 7, 7), (1, 2, 2))
    return F.max_pool3d(norm(w, x, f"s1.pathway{path}_stem.bn").relu(), (1, 3, 3), (1, 2, 2), (0, 1, 1))


def pyslowfast_slowfast(video: Tensor, w: Weights, *, alpha: int, fusion_kernel: int) -> Tensor:
    """``SlowFast`` of slowfast/models/video_model_builder.py up to its classifier: slow, then fast."""
    num_frames = video.shape[2]
    picks = torch.linspace(0, num_frames - 1, num_frames // alpha).long()
    paths = [pyslowfast_stem(w, video[:, :, picks], 0, 64, 1), pyslowfast_stem(w, video, 1, 8, 5)]
    for stage in range(4):
        name = f"s{stage + 1}_fuse"
        fused = conv(
            w, paths[1], f"{name}.conv_f2s", 2 * paths[1].shape[1], (fusion_kernel, 1, 1), (alpha, 1, 1)
        )
        paths[0] = torch.cat([paths[0], norm(w, fused, f"{name}.bn").relu()], 1)
        for path, (width, times) in enumerate([(64, (1, 1, 3, 3)), (8, (3, 3, 3, 3))]):
            for b in range(NUM_BLOCKS[stage]):
                name = f"s{stage + 2}.pathway{path}_res{b}"
                stride = 2 if stage and not b else 1
                paths[path] = pyslowfast_block(w, paths[path], name, width * 2**stage, times[stage], stride)
    w.draw("head.projection.weight", (400, 2304))
    w.draw("head.projection.bias", (400,))
    return torch.cat([path.mean((2, 3, 4)) for path in paths], 1)


def pyslowfast_i3d(video: Tensor, w: Weights) -> Tensor:
    """``ResNet`` with ``ARCH: i3d`` up to its classifier."""
    x = pyslowfast_stem(w, video, 0, 64, 5)
    for stage in range(4):
        for b, time in enumerate(I3D_KERNELS[stage]):
            stride = 2 if stage and not b else 1
            x = pyslowfast_block(w, x, f"s{stage + 2}.pathway0_res{b}", 64 * 2**stage, time, stride)
        if stage == 0:
            x = F.max_pool3d(x, (2, 1, 1), (2, 1, 1))
    w.draw("head.projection.weight", (400, 2048))
    w.draw("head.projection.bias", (400,))
    return x.mean((2, 3, 4))


def mmaction2_conv(w: Weights, x: Tensor, name: str, num_out: int, kernel: Any, stride: Any = 1) -> Tensor:
    """``ConvModule`` without its activation."""
    return norm(w, conv(w, x, f"{name}.conv", num_out, kernel, stride), f"{name}.bn")


def mmaction2_conv2plus1d(
    w: Weights, x: Tensor, name: str, num_out: int, kernel: Any, stride: Any = 1
) -> Tensor:
    """``ConvModule`` with ``Conv2plus1d`` and norms of epsilon 1e-3, without its activation."""
    stride = (stride, stride, stride) if isinstance(stride, int) else stride
    area, num_in = kernel[1] * kernel[2], x.shape[1]
    middle = int(3 * (num_in * num_out * area) / (num_in * area + 3 * num_out))
    x = conv(w, x, f"{name}.conv.conv_s", middle, (1, *kernel[1:]), (1, *stride[1:]))
    x = norm(w, x, f"{name}.conv.bn_s").relu()
    x = conv(w, x, f"{name}.conv.conv_t", num_out, (kernel[0], 1, 1), (stride[0], 1, 1))
    return norm(w, x, f"{name}.bn", eps=1e-3)


def mmaction2_block(
    w: Weights, x: Tensor, name: str, width: int, time: int, stride: Any, make: Any = mmaction2_conv
) -> Tensor:
    """``Bottleneck3d`` of mmaction/models/backbones/resnet3d.py, inflated by 3x1x1."""
    y = make(w, x, f"{name}.conv1", width, (time, 1, 1)).relu()
    y = make(w, y, f"{name}.conv2", width, (1, 3, 3), stride).relu()
    y = make(w, y, f"{name}.conv3", 4 * width, (1, 1, 1))
    if x.shape[1] != 4 * width or tuple(stride) != (1, 1, 1):
        x = make(w, x, f"{name}.downsample", 4 * width, (1, 1, 1), stride)
    return (x + y).relu()


def mmaction2_i3d(video: Tensor, w: Weights, *, stem_stride: int, kernels: Any) -> Tensor:
    """``ResNet3d`` with ``with_pool2``; the stem and its pooling have the same stride over time."""
    x = mmaction2_conv(w, video, "backbone.conv1", 64, (5, 7, 7), (stem_stride, 2, 2)).relu()
    x = F.max_pool3d(x, (1, 3, 3), (stem_stride, 2, 2), (0, 1, 1))
    for stage in range(4):
        for b, time in enumerate(kernels[stage]):
            stride = (1, 2, 2) if stage and not b else (1, 1, 1)
            x = mmaction2_block(w, x, f"backbone.layer{stage + 1}.{b}", 64 * 2**stage, time, stride)
        if stage == 0:
            x = F.max_pool3d(x, (2, 1, 1), (2, 1, 1))
    w.draw("cls_head.fc_cls.weight", (400, 2048))
    w.draw("cls_head.fc_cls.bias", (400,))
    return x.mean((2, 3, 4))


def mmaction2_slowfast(video: Tensor, w: Weights, *, alpha: int, fusion_kernel: int) -> Tensor:
    """``ResNet3dSlowFast``: slow, then fast."""
    slow = F.interpolate(video, mode="nearest", scale_factor=(1.0 / alpha, 1.0, 1.0))
    paths = []
    for x, path, width, time in ((slow, "slow", 64, 1), (video, "fast", 8, 5)):
        x = mmaction2_conv(w, x, f"backbone.{path}_path.conv1", width, (time, 7, 7), (1, 2, 2)).relu()
        paths.append(F.max_pool3d(x, (1, 3, 3), (1, 2, 2), (0, 1, 1)))
    for stage in range(4):
        name = f"backbone.slow_path.{f'layer{stage}' if stage else 'conv1'}_lateral.conv"
        fused = conv(w, paths[1], name, 2 * paths[1].shape[1], (fusion_kernel, 1, 1), (alpha, 1, 1))
        paths[0] = torch.cat([paths[0], fused], 1)
        for p, (path, width, times) in enumerate([("slow", 64, (1, 1, 3, 3)), ("fast", 8, (3, 3, 3, 3))]):
            for b in range(NUM_BLOCKS[stage]):
                stride = (1, 2, 2) if stage and not b else (1, 1, 1)
                name = f"backbone.{path}_path.layer{stage + 1}.{b}"
                paths[p] = mmaction2_block(w, paths[p], name, width * 2**stage, times[stage], stride)
    w.draw("cls_head.fc_cls.weight", (400, 2304))
    w.draw("cls_head.fc_cls.bias", (400,))
    return torch.cat([path.mean((2, 3, 4)) for path in paths], 1)


def mmaction2_r2plus1d(video: Tensor, w: Weights) -> Tensor:
    """``ResNet2Plus1d(depth=50)`` with the settings of mmaction2's R(2+1)D-34."""
    x = mmaction2_conv2plus1d(w, video, "backbone.conv1", 64, (3, 7, 7), (1, 2, 2)).relu()
    x = F.max_pool3d(x, (1, 3, 3), (1, 2, 2), (0, 1, 1))
    for stage in range(4):
        for b in range(NUM_BLOCKS[stage]):
            stride = (2, 2, 2) if stage and not b else (1, 1, 1)
            name = f"backbone.layer{stage + 1}.{b}"
            x = mmaction2_block(w, x, name, 64 * 2**stage, 3, stride, mmaction2_conv2plus1d)
    w.draw("cls_head.fc_cls.weight", (400, 2048))
    w.draw("cls_head.fc_cls.bias", (400,))
    return x.mean((2, 3, 4))


def pytorchvideo_r2plus1d(video: Tensor, w: Weights) -> Tensor:
    """``create_r2plus1d`` of pytorchvideo/models/r2plus1d.py: over time first, no pooling behind the stem."""
    x = norm(w, conv(w, video, "blocks.0.conv", 64, (1, 7, 7), (1, 2, 2)), "blocks.0.norm").relu()
    for stage in range(4):
        width, time_stride = 64 * 2**stage, (1, 1, 2, 2)[stage]
        for b in range(NUM_BLOCKS[stage]):
            time, space = (1, 1) if b else (time_stride, 2)
            name = f"blocks.{stage + 1}.res_blocks.{b}"
            y = norm(
                w, conv(w, x, f"{name}.branch2.conv_a", width, (1, 1, 1)), f"{name}.branch2.norm_a"
            ).relu()
            y = conv(w, y, f"{name}.branch2.conv_b.conv_t", width, (3, 1, 1), (time, 1, 1))
            y = norm(w, y, f"{name}.branch2.conv_b.norm").relu()
            y = conv(w, y, f"{name}.branch2.conv_b.conv_xy", width, (1, 3, 3), (1, space, space))
            y = norm(w, y, f"{name}.branch2.norm_b").relu()
            y = norm(w, conv(w, y, f"{name}.branch2.conv_c", 4 * width, (1, 1, 1)), f"{name}.branch2.norm_c")
            if not b:
                x = conv(w, x, f"{name}.branch1_conv", 4 * width, (1, 1, 1), (time, space, space))
                x = norm(w, x, f"{name}.branch1_norm")
            x = (x + y).relu()
    w.draw("blocks.5.proj.weight", (400, 2048))
    w.draw("blocks.5.proj.bias", (400,))
    return x.mean((2, 3, 4))


def to_caffe2(name: str) -> str:
    """Return the blob that PySlowFast's converter would turn into this name."""
    name = re.sub(r"s(\d)_fuse\.", lambda m: _fused_blob(int(m[1])), name)
    name = re.sub(r"^s1\.pathway(\d)_stem\.conv", lambda m: "t_" * int(m[1]) + "conv1", name)
    name = re.sub(r"^s1\.pathway(\d)_stem\.bn", lambda m: "t_" * int(m[1]) + "res_conv1_bn", name)
    name = re.sub(r"^s(\d)\.pathway(\d)_res(\d+)\.", lambda m: "t_" * int(m[2]) + f"res{m[1]}_{m[3]}_", name)
    name = re.sub(r"branch2\.([abc])", r"branch2\1", name).replace("head.projection", "pred")
    name = name.replace("_conv_f2s", "")
    for ours, blob in (("weight", "s"), ("bias", "b"), ("running_mean", "rm"), ("running_var", "riv")):
        name = re.sub(rf"bn\.{ours}$", f"bn_{blob}", name)
    return name.replace(".weight", "_w").replace(".bias", "_b")


def _fused_blob(stage: int) -> str:
    last = NUM_BLOCKS[stage - 2] - 1
    return "t_pool1_subsample_" if stage == 1 else f"t_res{stage}_{last}_branch2c_bn_subsample_"


def to_pytorchvideo(name: str, *, num_paths: int) -> str:
    """Return the name in pytorchvideo, whose I3D has a pooling in place of block 2."""
    if name.startswith("head"):
        return name.replace("head.projection", "blocks.6.proj")
    stage = int(name[1])
    block = stage - 1 if num_paths == 2 or stage < 3 else stage
    path = re.search(r"pathway(\d)", name)
    inside = f"multipathway_blocks.{path[1]}." if path and num_paths == 2 else ""
    name = re.sub(r"^s\d_fuse\.", f"blocks.{block}.multipathway_fusion.", name)
    name = re.sub(r"^s1\.pathway\d_stem\.", f"blocks.0.{inside}", name)
    name = re.sub(r"^s\d\.pathway\d_res(\d+)\.", rf"blocks.{block}.{inside}res_blocks.\1.", name)
    name = re.sub(r"branch2\.([abc])_bn", r"branch2.norm_\1", name)
    name = re.sub(r"branch2\.([abc])\.", r"branch2.conv_\1.", name)
    name = name.replace("branch1_bn", "branch1_norm").replace("branch1.", "branch1_conv.")
    return name.replace(".bn.", ".norm.").replace("conv_f2s", "conv_fast_to_slow")


def save(path: Path, state: dict[str, Tensor], place: str | None) -> str:
    """Write a checkpoint as the tools do, and return its path."""
    torch.save({place: dict(state), "epoch": 7} if place else dict(state), path)
    return str(path)


def save_caffe2(path: Path, state: dict[str, Tensor]) -> str:
    """Write the blobs of a PySlowFast checkpoint with what Caffe2's optimiser adds, and return its path."""
    blobs = {to_caffe2(name): value.numpy() for name, value in state.items()}
    extra = {"conv1_w_momentum": blobs["conv1_w"], "lr": blobs["conv1_w"][:1, 0, 0, 0, 0], "model_iter": 5}
    with path.open("wb") as file:
        pickle.dump({"blobs": {**blobs, **extra}}, file)
    return str(path)


def randomised(encoder: Encoder, seed: int = 0) -> Encoder:
    """Return the encoder with norms as after training, so that no layer's part in the result vanishes."""
    generator = torch.Generator().manual_seed(seed)
    for module in encoder.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.BatchNorm3d)):
            shape = module.weight.shape
            module.weight.data = 0.7 + 0.1 * torch.randn(shape, generator=generator)
            module.bias.data = 0.1 * torch.randn(shape, generator=generator)
            module.running_mean = 0.1 * torch.randn(shape, generator=generator)
            module.running_var = (1 + 0.05 * torch.randn(shape, generator=generator)).abs()
        elif isinstance(module, (nn.Conv2d, nn.Conv3d)):
            std = (2 / module.weight[0].numel()) ** 0.5
            module.weight.data = std * torch.randn(module.weight.shape, generator=generator)
    return encoder.eval()


def count_operations(network: nn.Module, run: Any) -> tuple[int, int]:
    """Return the multiplications of all convolutions in a call, and the values that pass the norms."""
    total = [0, 0]

    def conv_hook(module: nn.Module, _: Any, output: Tensor) -> None:
        total[0] += output.numel() * module.weight[0].numel()  # type: ignore[index, operator, union-attr]

    def norm_hook(module: nn.Module, _: Any, output: Tensor) -> None:
        total[1] += output.numel()

    handles = []
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Conv3d)):
            handles.append(module.register_forward_hook(conv_hook))
        elif isinstance(module, (nn.BatchNorm2d, nn.BatchNorm3d)):
            handles.append(module.register_forward_hook(norm_hook))
    run()
    for handle in handles:
        handle.remove()
    return total[0], total[1]
