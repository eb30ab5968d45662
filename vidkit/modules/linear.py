"""Linear layers through the fastest kernels of this machine.

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
    if not _has_choice(x, weight):
        return F.linear(x, weight, bias)
    is_training = torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad)
    kernel = _KERNELS[_fastest(cache_folder() / "linear.json", torch.get_num_threads(), is_training)]
    return kernel(x, weight, bias)


def _has_choice(x: Tensor, weight: Tensor) -> bool:
    return (
        x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and x.numel() * len(weight) >= _LEAST_PRODUCTS
        and torch.backends.cpu.get_cpu_capability() == "AVX512"
        and torch.backends.mkldnn.is_available()
        and not torch.is_autocast_enabled("cpu")  # half precision runs through oneDNN anyway
        and not torch.compiler.is_compiling()
    )


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


def _seconds(name: str, is_training: bool) -> float:
    rows, width, num_outputs = _MEASURED
    with torch.inference_mode(False), torch.set_grad_enabled(is_training):
        inputs = [  # no random numbers: a choice must not change those of the training
            torch.full(shape, 0.5, requires_grad=is_training)
            for shape in ((rows, width), (num_outputs, width), (num_outputs,))
        ]
        start = time.perf_counter()
        y = _KERNELS[name](*inputs)
        if is_training:
            torch.autograd.grad(y.square().sum(), inputs)
        return time.perf_counter() - start


def _as_convolution(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """oneDNN's convolution with a kernel of one pixel, over the rows as pixels of one column."""
    rows = x.reshape(-1, x.shape[-1])
    pixels = rows[None, :, None].permute(0, 3, 1, 2)  # (1, I, N, 1), channels innermost in memory
    y = F.conv2d(pixels, weight[:, :, None, None], bias)
    return y.permute(0, 2, 3, 1).reshape(*x.shape[:-1], len(weight))


class _InnerProduct(torch.autograd.Function):
    """oneDNN's inner product, which torch has without its gradients."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(rows, weight)
        return _inner_product(rows, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight = ctx.saved_tensors
        (gradient,) = gradients
        needs_rows, needs_weight, needs_bias = ctx.needs_input_grad
        return (
            _inner_product(gradient, weight.T) if needs_rows else None,
            _inner_product(gradient.T, rows.T) if needs_weight else None,
            gradient.sum(dim=0) if needs_bias else None,
        )


def _as_inner_product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    rows = x.reshape(-1, x.shape[-1])
    y: Tensor = _InnerProduct.apply(rows, weight, bias)  # type: ignore[no-untyped-call]
    return y.view(*x.shape[:-1], len(weight))


def _inner_product(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")
    return product


_KERNELS: dict[str, Callable[[Tensor, Tensor, Tensor | None], Tensor]] = {
    "default": F.linear,
    "convolution": _as_convolution,
    "inner_product": _as_inner_product,
}
