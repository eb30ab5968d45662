"""Linear layers through the fastest kernels of this machine, and behind a norm that training does not keep.

torch computes float32 linear layers on a CPU through MKL. On processors with AVX-512 oneDNN may be twice as
fast, on others neither wins, so the kernels are measured once, with and without the backward pass, and what
was chosen is remembered (``vidkit.measured``): a run that is resumed takes the same. All agree up to
rounding.

Shapes: N rows, I and O channels.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.measured import cache_folder, key_of, machine, recall, remember

_LEAST_PRODUCTS = 2**27  # of numbers in a call; below, the choice is worth no milliseconds
_MEASURED = (1024, 512, 2048)  # rows and channels: the first layer of a feed-forward network
_REPEATS = 5
_WORTH = 0.95  # kernels must take at most this share of the default's time


class Linear(nn.Linear):
    """``nn.Linear``, with its parameters and names, through the fastest kernels."""

    def forward(self, input: Tensor) -> Tensor:
        """Return (..., O) of (..., I)."""
        return linear(input, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``x @ weight.T + bias``, (..., O), as ``F.linear`` does.

    Args:
        x: (..., I).
        weight: (O, I).
        bias: (O,); None for 0.
    """
    is_training = torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad)
    kernel = _kernel(x, weight, is_training=is_training)
    if kernel == "default":
        return F.linear(x, weight, bias)
    rows = x.reshape(-1, x.shape[-1])
    y: Tensor = _Linear.apply(kernel, rows, weight, bias)  # type: ignore[no-untyped-call]
    return y if x.ndim == 2 else y.view(*x.shape[:-1], len(weight))  # a view cannot be written into freely


def normed_linear(x: Tensor, norm: nn.LayerNorm, weight: Tensor, bias: Tensor) -> Tensor:
    """Return ``linear(norm(x), weight, bias)``, (..., O).

    On a CPU training keeps ``x`` alone, which the layer norm needs anyway, and normalises it again in the
    backward pass: a sixth less memory in a transformer, for less than a hundredth of its time.

    Args:
        x: (..., I).
        norm: Over I channels, with weight and bias.
        weight: (O, I).
        bias: (O,).
    """
    is_training = torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad)
    is_plain = x.device.type == "cpu" and x.dtype == weight.dtype and not _is_mixed_or_compiled()
    if not (is_training and is_plain):
        return linear(norm(x), weight, bias)
    kernel = _kernel(x, weight, is_training=True)
    rows = x.reshape(-1, x.shape[-1])
    y: Tensor = _NormedLinear.apply(  # type: ignore[no-untyped-call]
        kernel, rows, norm.weight, norm.bias, norm.eps, weight, bias
    )
    return y if x.ndim == 2 else y.view(*x.shape[:-1], len(weight))  # a view cannot be written into freely


class _Linear(torch.autograd.Function):
    """A linear layer whose three products run through the kernels of one name."""

    @staticmethod
    def forward(ctx: Any, kernel: str, rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.kernel = kernel
        ctx.save_for_backward(rows, weight)
        return _KERNELS[kernel](rows, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight = ctx.saved_tensors
        return None, *_gradients(ctx.kernel, gradients[0], rows, weight, ctx.needs_input_grad[1:])


class _NormedLinear(torch.autograd.Function):
    """A linear layer of a layer norm, of which only the input is kept."""

    @staticmethod
    def forward(
        ctx: Any,
        kernel: str,
        rows: Tensor,
        norm_weight: Tensor,
        norm_bias: Tensor,
        eps: float,
        weight: Tensor,
        bias: Tensor,
    ) -> Tensor:
        y, mean, deviation = torch.native_layer_norm(rows, rows.shape[1:], norm_weight, norm_bias, eps)
        ctx.kernel, ctx.eps = kernel, eps
        ctx.save_for_backward(rows, norm_weight, norm_bias, mean, deviation, weight)
        return _KERNELS[kernel](y, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rows, norm_weight, norm_bias, mean, deviation, weight = ctx.saved_tensors
        _, *needs_norm, _, needs_weight, needs_bias = ctx.needs_input_grad
        y = F.layer_norm(rows, rows.shape[1:], norm_weight, norm_bias, ctx.eps)
        needs = (any(needs_norm), needs_weight, needs_bias)
        of_y, of_weight, of_bias = _gradients(ctx.kernel, gradients[0], y, weight, needs)
        of_norm: tuple[Tensor | None, ...] = (None, None, None)
        if of_y is not None:
            of_norm = torch.ops.aten.native_layer_norm_backward(
                of_y, rows, rows.shape[1:], mean, deviation, norm_weight, norm_bias, needs_norm
            )
        return None, *of_norm, None, of_weight, of_bias


def _gradients(
    kernel: str, gradient: Tensor, rows: Tensor, weight: Tensor, needs: tuple[bool, ...]
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradients of rows, weight and bias, those that are needed."""
    product = _KERNELS[kernel]
    return (
        product(gradient, weight.T, None) if needs[0] else None,
        product(gradient.T, rows.T, None) if needs[1] else None,
        gradient.sum(dim=0) if needs[2] else None,
    )


def _as_convolution(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """oneDNN's convolution with a kernel of one pixel, over the rows as pixels of one column."""
    pixels = rows[None, :, None].permute(0, 3, 1, 2)  # (1, I, N, 1), channels innermost in memory
    y = F.conv2d(pixels, weight[:, :, None, None], bias)
    return y.permute(0, 2, 3, 1).reshape(len(rows), len(weight))


def _as_inner_product(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """oneDNN's inner product."""
    y: Tensor = torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")
    return y


_KERNELS: dict[str, Callable[[Tensor, Tensor, Tensor | None], Tensor]] = {
    "default": F.linear,
    "convolution": _as_convolution,
    "inner_product": _as_inner_product,
}


def _kernel(x: Tensor, weight: Tensor, *, is_training: bool) -> str:
    """Return the name of the kernels to take: the default ones where there is nothing to choose or to win."""
    if (
        x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and x.numel() * len(weight) >= _LEAST_PRODUCTS
        and torch.backends.cpu.get_cpu_capability() == "AVX512"
        and torch.backends.mkldnn.is_available()
        and not _is_mixed_or_compiled()  # half precision runs through oneDNN anyway
    ):
        return _fastest(cache_folder() / "linear.json", torch.get_num_threads(), is_training)
    return "default"


def _is_mixed_or_compiled() -> bool:
    return torch.is_autocast_enabled("cpu") or torch.compiler.is_compiling()


@lru_cache(maxsize=16)
def _fastest(path: Path, num_threads: int, is_training: bool) -> str:
    """Return the name of the fastest kernels, remembered in a file or measured here, in about a second."""
    key = key_of(*machine(torch.device("cpu")), "linear", is_training)
    known = recall(path, key)
    if known in _KERNELS:
        return str(known)
    times = {name: float("inf") for name in _KERNELS}
    for _ in range(_REPEATS):  # in turns, so that what else runs on the machine hits all alike
        for name in _KERNELS:
            times[name] = min(times[name], _seconds(name, is_training))
    best = min(times, key=times.__getitem__)
    chosen = best if times[best] < _WORTH * times["default"] else "default"
    remember(path, key, chosen)
    return chosen


@torch.no_grad()
def _seconds(name: str, is_training: bool) -> float:
    num_rows, width, num_outputs = _MEASURED
    rows, weight, bias = (  # no random numbers: a choice must not change those of the training
        torch.full(shape, 0.5) for shape in ((num_rows, width), (num_outputs, width), (num_outputs,))
    )
    start = time.perf_counter()
    y = _KERNELS[name](rows, weight, bias)
    if is_training:
        _gradients(name, y, rows, weight, (True, True, True))
    return time.perf_counter() - start
