"""ResNet-50 over space and time, as I3D, R(2+1)D and SlowFast build it.

Weights have the names of torchvision's ResNet: ``conv1``, ``bn1``, ``layer{1-4}.{block}.conv{1-3}``,
``bn{1-3}`` and ``downsample.{0,1}``. A convolution that is split into one over space and one over time has
``spatial``, ``bn`` and ``temporal`` below its name.

Shapes: N windows, C channels, T frames, H x W pixels; a kernel or stride is (time, height, width).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

Triple = tuple[int, int, int]
MakeConv = Callable[[int, int, Triple, Triple], nn.Module]  # in, out, kernel, stride -> a convolution

NUM_BLOCKS = (3, 4, 6, 3)  # of ResNet-50
EXPANSION = 4  # channels of a stage in units of the width of its blocks


def conv3d(num_in: int, num_out: int, kernel: Triple, stride: Triple) -> nn.Module:
    """Return a plain convolution without bias, padded so that stride 1 keeps the size.

    Its weights are drawn as PySlowFast and mmaction2 draw them for training from scratch: normal, with
    variance 2 / (num_out * size of the kernel).
    """
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    conv = nn.Conv3d(num_in, num_out, kernel, stride, padding, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return conv


def spatial_first(num_in: int, num_out: int, kernel: Triple, stride: Triple) -> nn.Module:
    """Return a convolution over space, norm, ReLU, then one over time: the factors of R(2+1)D.

    Section 3.5 of "A Closer Look at Spatiotemporal Convolutions for Action Recognition"
    (https://arxiv.org/abs/1711.11248), with as many middle channels as keep the number of weights. They are
    counted as in open-mmlab/mmaction2@4d6c934, with a temporal kernel of 3 whatever it is.
    """
    area = kernel[1] * kernel[2]
    middle = 3 * num_in * num_out * area // (num_in * area + 3 * num_out)
    spatial = conv3d(num_in, middle, (1, kernel[1], kernel[2]), (1, stride[1], stride[2]))
    temporal = conv3d(middle, num_out, (kernel[0], 1, 1), (stride[0], 1, 1))
    return _in_order(spatial=spatial, bn=nn.BatchNorm3d(middle), relu=nn.ReLU(), temporal=temporal)


def temporal_first(num_in: int, num_out: int, kernel: Triple, stride: Triple) -> nn.Module:
    """Return a convolution over time, norm, ReLU, then one over space, ``num_out`` channels in the middle.

    The order of facebookresearch/pytorchvideo@b62fab6, whose R(2+1)D leaves ``conv_xy_first`` at False.
    """
    temporal = conv3d(num_in, num_out, (kernel[0], 1, 1), (stride[0], 1, 1))
    spatial = conv3d(num_out, num_out, (1, kernel[1], kernel[2]), (1, stride[1], stride[2]))
    return _in_order(temporal=temporal, bn=nn.BatchNorm3d(num_out), relu=nn.ReLU(), spatial=spatial)


def if_over_time(make: MakeConv) -> MakeConv:
    """Return what makes convolutions with ``make`` if they reach over several frames, else plain ones."""

    def make_conv(num_in: int, num_out: int, kernel: Triple, stride: Triple) -> nn.Module:
        return (make if kernel[0] > 1 else conv3d)(num_in, num_out, kernel, stride)

    return make_conv


@dataclass(frozen=True)
class Design:
    """What distinguishes one ResNet-50 over time from another.

    Args:
        stem_kernel, stem_stride: Of the first convolution.
        pool_stride: Of the max-pooling (1, 3, 3) after it; None has no pooling.
        conv1_times: For each stage, the temporal kernel of ``conv1`` of each of its blocks.
        conv2_time: Temporal kernel of every ``conv2``.
        spatial_strides, temporal_strides: Of the first block of each stage.
        has_pool2: Whether a max-pooling (2, 1, 1) halves the frames after the first stage.
        make_conv: Makes the convolutions.
        eps: Of the norms outside of split convolutions.
        width: Channels of the stem.
    """

    stem_kernel: Triple
    conv1_times: tuple[tuple[int, ...], ...]
    stem_stride: Triple = (1, 2, 2)
    pool_stride: Triple | None = (1, 2, 2)
    conv2_time: int = 1
    spatial_strides: tuple[int, int, int, int] = (1, 2, 2, 2)
    temporal_strides: tuple[int, int, int, int] = (1, 1, 1, 1)
    has_pool2: bool = False
    make_conv: MakeConv = conv3d
    eps: float = 1e-5
    width: int = 64


def same_times(*times: int) -> tuple[tuple[int, ...], ...]:
    """Return ``conv1_times`` with one temporal kernel per stage.

    Example:
        >>> same_times(1, 1, 3, 3)[0]
        (1, 1, 1)
    """
    return tuple((time,) * blocks for time, blocks in zip(times, NUM_BLOCKS, strict=True))


class Bottleneck3d(nn.Module):
    """Residual block: 1 x 1 (over time in some), 3 x 3 with the stride, 1 x 1.

    Args:
        num_in: Channels that come.
        width: Channels between; ``EXPANSION`` times as many go out.
        conv1_time: Temporal kernel of the first convolution.
        stride: Of the second convolution and the shortcut.
        design: The network's.
    """

    def __init__(self, num_in: int, width: int, *, conv1_time: int, stride: Triple, design: Design) -> None:
        super().__init__()
        make, num_out, one = design.make_conv, EXPANSION * width, (1, 1, 1)
        self.conv1 = make(num_in, width, (conv1_time, 1, 1), one)
        self.bn1 = nn.BatchNorm3d(width, design.eps)
        self.conv2 = make(width, width, (design.conv2_time, 3, 3), stride)
        self.bn2 = nn.BatchNorm3d(width, design.eps)
        self.conv3 = make(width, num_out, one, one)
        self.bn3 = nn.BatchNorm3d(num_out, design.eps)
        self.relu = nn.ReLU()
        self.downsample: nn.Module | None = None
        if num_in != num_out or stride != one:
            shortcut = make(num_in, num_out, one, stride)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm3d(num_out, design.eps))

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, 4 * width, T', H', W') for (N, num_in, T, H, W)."""
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.relu(self.bn2(self.conv2(residual)))
        residual = self.bn3(self.conv3(residual))
        shortcut = x if self.downsample is None else self.downsample(x)
        out: Tensor = self.relu(residual + shortcut)
        return out


class ResNet3d(nn.Module):
    """ResNet-50 over time, without the pooling and the classifier at its end.

    Args:
        design: Its kernels and strides.
        num_lateral: Channels that another network adds to what enters each stage, for each channel of ours.
    """

    def __init__(self, design: Design, *, num_lateral: float = 0.0) -> None:
        super().__init__()
        self.conv1 = design.make_conv(3, design.width, design.stem_kernel, design.stem_stride)
        self.bn1 = nn.BatchNorm3d(design.width, design.eps)
        self.relu = nn.ReLU()
        self.pool1 = (
            nn.MaxPool3d((1, 3, 3), design.pool_stride, (0, 1, 1)) if design.pool_stride else nn.Identity()
        )
        self.pool2 = nn.MaxPool3d((2, 1, 1)) if design.has_pool2 else nn.Identity()
        num_in, stages = design.width, []
        for stage in range(4):
            width = design.width * 2**stage
            space = design.spatial_strides[stage]
            stride = (design.temporal_strides[stage], space, space)
            num_in += round(num_lateral * num_in)
            blocks = []
            for time in design.conv1_times[stage]:
                blocks.append(Bottleneck3d(num_in, width, conv1_time=time, stride=stride, design=design))
                num_in, stride = EXPANSION * width, (1, 1, 1)
            stages.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.dim = num_in

    def stem(self, x: Tensor) -> Tensor:
        """Return (N, width, T', H / 4, W / 4), or H / 2 without pooling, for pixels (N, 3, T, H, W)."""
        pooled: Tensor = self.pool1(self.relu(self.bn1(self.conv1(x))))
        return pooled

    @property
    def stages(self) -> tuple[nn.Module, ...]:
        """The four stages."""
        return (self.layer1, self.layer2, self.layer3, self.layer4)

    def forward(self, x: Tensor) -> Tensor:
        """Return the last feature map, (N, dim, T', H', W'), for pixels (N, 3, T, H, W)."""
        x = self.pool2(self.layer1(self.stem(x)))
        out: Tensor = self.layer4(self.layer3(self.layer2(x)))
        return out


def _in_order(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))
