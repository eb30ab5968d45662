"""How an encoder runs on this machine: precision, memory layout, kernels, compilation.

The fastest way differs between processors, so it is measured once, remembered, and can be fixed. All ways of
one precision agree up to rounding.
"""

from __future__ import annotations

import copy
import itertools
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from vidkit.encoders.base import Encoder
from vidkit.measured import cache_folder, key_of, machine, recall, remember

Precision = Literal["float32", "bfloat16"]

_REPEATS = 2
_SECONDS_A_RUN = 0.5
_WORTH = 0.95  # a way must take at most this share of the best one's time before it is preferred
_FLAGS = ("channels_last", "onednn", "compiled")


@dataclass(frozen=True)
class Execution:
    """A way to run an encoder.

    Args:
        precision: Of weights and activations; features are float32 all the same.
        channels_last: Whether convolutions keep the channels innermost in memory.
        onednn: Whether linear layers run through oneDNN with packed weights instead of MKL; on a CPU only.
        compiled: Whether ``torch.compile`` runs, with frozen weights; takes a minute and a C++ compiler.
    """

    precision: Precision = "float32"
    channels_last: bool = False
    onednn: bool = False
    compiled: bool = False

    def __str__(self) -> str:
        """Return the words of ``parse_execution``: the precision, then what is switched on."""
        return "+".join([self.precision, *(flag for flag in _FLAGS if getattr(self, flag))])


PLAIN = Execution()


def parse_execution(text: str) -> Execution | Precision:
    """Return what ``--execution`` says: a way to run, or a precision whose fastest way is to be measured.

    ``auto`` is float32, measured; ``auto+bfloat16`` is bfloat16, measured; ``plain`` switches nothing on;
    else words joined by "+": float32 or bfloat16, channels_last, onednn, compiled.

    Raises:
        ValueError: If a word is unknown.

    Example:
        >>> parse_execution("bfloat16+channels_last")
        Execution(precision='bfloat16', channels_last=True, onednn=False, compiled=False)
        >>> parse_execution("auto")
        'float32'
    """
    words = text.split("+")
    known = ("auto", "plain", *get_args(Precision), *_FLAGS)
    if unknown := [word for word in words if word not in known]:
        raise ValueError(f"unknown execution {unknown[0]!r} in {text!r}; known words: {', '.join(known)}")
    precision: Precision = "bfloat16" if "bfloat16" in words else "float32"
    if "auto" in words:
        if fixed := [word for word in words if word in _FLAGS]:
            raise ValueError(f"execution {text!r}: auto measures, so {fixed[0]} cannot be fixed with it")
        return precision
    return Execution(precision, **{flag: flag in words for flag in _FLAGS})


def usable_device(device: str | torch.device) -> torch.device:
    """Return the device that a user has named.

    Raises:
        ValueError: If there is no such kind of device, or none here.
    """
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"unknown device {str(device)!r}; give cpu, cuda or cuda:N") from error
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"there is no device {found} here (GPUs: {torch.cuda.device_count()}); give cpu, or leave it out"
        )
    return found


class EncodeRunner:
    """Runs an encoder's ``encode`` in one way, without gradients.

    Args:
        encoder: Stays as it is, but for the device; a way that changes weights works on a copy of them.
        execution: The way.
        device: Where to run; None leaves the encoder where it is.

    Raises:
        ValueError: If the machine cannot run it that way.
    """

    def __init__(
        self, encoder: Encoder, *, execution: Execution = PLAIN, device: str | torch.device | None = None
    ) -> None:
        self.encoder = encoder.eval()
        if device is not None:
            encoder.to(device)
        self.execution = execution
        check_possible(encoder, execution)
        module = encoder if execution == PLAIN else _converted(encoder, execution)
        self._encode: Callable[[Any], Tensor] = module.encode
        self._sequence: Callable[[Any], Tensor] = module.sequence
        if execution.compiled:
            self._encode, self._sequence = _compiled(module.encode), _compiled(module.sequence)

    def __call__(self, inputs: Any) -> Tensor:
        """Return the features of what ``preprocess`` gave: float32 (N, dim), on the encoder's device."""
        with self._without_gradients():
            features: Tensor = self._encode(inputs)
        return features.float()

    def sequence(self, inputs: Any) -> Tensor:
        """Return the many vectors of each piece of sound: float32 (N, T, dim), on the encoder's device."""
        with self._without_gradients():
            vectors: Tensor = self._sequence(inputs)
        return vectors.float()

    def _without_gradients(self) -> AbstractContextManager[Any]:
        return torch.no_grad() if self.execution.compiled else torch.inference_mode()


def fastest_execution(encoder: Encoder, inputs: Any, precision: Precision = "float32") -> Execution:
    """Return the fastest way to run ``encoder`` on ``inputs``, measured here or remembered from before.

    Measured are memory layouts and kernels on a few rows, some seconds in all. ``torch.compile`` takes
    longer than many a job and is not tried. Encoders without weights run plainly. What was measured is kept
    in ``$VIDKIT_CACHE/execution.json`` (else ``~/.cache/vidkit``) for this processor, thread count, torch
    version, encoder and shape.

    Args:
        encoder: Stands on its device.
        inputs: A batch of the shape to come, what ``preprocess`` gave.
        precision: Of all ways that are tried.
    """
    if not any(True for _ in encoder.parameters()):
        return PLAIN
    key = _key(encoder, inputs, precision)
    path = cache_folder() / "execution.json"
    if isinstance(entry := recall(path, key), dict):
        return Execution(**entry)
    inputs = _few(encoder, inputs)
    times: dict[Execution, float] = {}
    for execution in _ways(encoder, precision):
        runner = EncodeRunner(encoder, execution=execution)
        runner(inputs)
        times[execution] = min(_seconds(runner, inputs) for _ in range(_REPEATS))
    plainest, best = next(iter(times)), min(times, key=times.__getitem__)
    chosen = best if times[best] < _WORTH * times[plainest] else plainest
    remember(path, key, asdict(chosen))
    return chosen


def _few(encoder: Encoder, inputs: Any) -> Any:
    """Return as many rows as run in about ``_SECONDS_A_RUN``, at least one."""
    runner = EncodeRunner(encoder)
    runner(inputs[:1])
    seconds = _seconds(runner, inputs[:1])
    return inputs[: max(1, int(_SECONDS_A_RUN / max(seconds, 1e-6)))]


def _ways(encoder: Encoder, precision: Precision) -> Iterator[Execution]:
    device = next(encoder.parameters()).device
    kinds = {type(module) for module in encoder.modules()}
    layouts = [False, True] if kinds & {nn.Conv2d, nn.Conv3d} else [False]
    kernels = [False, True] if nn.Linear in kinds and _onednn_is_steady(device, precision) else [False]
    for channels_last, onednn in itertools.product(layouts, kernels):
        yield Execution(precision, channels_last=channels_last, onednn=onednn)


def check_possible(encoder: Encoder, execution: Execution) -> None:
    """Check what can be known without trying.

    Raises:
        ValueError: If the machine cannot run the encoder that way.
    """
    device = next((parameter.device for parameter in encoder.parameters()), torch.device("cpu"))
    if execution.onednn and not _has_onednn(device):
        raise ValueError(
            f"execution {execution}: onednn runs on a CPU, and the encoder is on {device}; drop it"
        )
    if execution.onednn and execution.precision == "bfloat16" and not _packs_bfloat16():
        raise ValueError(f"execution {execution}: this processor packs no bfloat16; drop onednn")
    compilers = (os.environ.get("CXX", ""), "g++", "clang++", "c++")
    if execution.compiled and device.type == "cpu" and not any(map(shutil.which, filter(None, compilers))):
        raise ValueError(
            f"execution {execution}: torch.compile needs a C++ compiler (g++), none is here; drop it"
        )


def _has_onednn(device: torch.device) -> bool:
    return device.type == "cpu" and torch.backends.mkldnn.is_available()


def _onednn_is_steady(device: torch.device, precision: Precision) -> bool:
    """Return whether oneDNN gives a row of a batch the same bits wherever it stands.

    Without AVX-512 its kernels for the last rows of a batch differ from those for the first (seen on AVX2),
    so that a video's features would depend on the others; there it runs only if somebody asks for it.
    """
    has_wide_vectors = torch.backends.cpu.get_cpu_capability() == "AVX512"
    return _has_onednn(device) and has_wide_vectors and (precision == "float32" or _packs_bfloat16())


def _packs_bfloat16() -> bool:
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _seconds(runner: EncodeRunner, inputs: Any) -> float:
    start = time.perf_counter()
    features = runner(inputs)
    if features.is_cuda:
        torch.cuda.synchronize(features.device)
    return time.perf_counter() - start


def _compiled(function: Callable[[Any], Tensor]) -> Callable[[Any], Tensor]:
    compiled: Callable[[Any], Tensor] = torch.compile(function, dynamic=False, options={"freezing": True})
    return compiled


def _converted(encoder: Encoder, execution: Execution) -> Encoder:
    """Return a copy of the encoder that runs as ``execution`` says."""
    module = copy.deepcopy(encoder)
    if execution.precision == "bfloat16":
        _to_bfloat16(module)
    if execution.channels_last:
        for part in module.modules():
            if isinstance(part, nn.Conv2d):
                part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            elif isinstance(part, nn.Conv3d):
                part.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    if execution.onednn:
        _use_onednn(module)
    return module


def _to_bfloat16(module: nn.Module) -> None:
    """Convert the weights and the statistics of batch norms; windows and mel filters keep float32."""
    for parameter in module.parameters():
        parameter.data = parameter.data.to(torch.bfloat16)
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.to(torch.bfloat16)


class _PackedLinear(nn.Module):
    """A linear layer through oneDNN, its weights packed once."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), None)
        self.bias = linear.bias

    def forward(self, values: Tensor) -> Tensor:
        result: Tensor = torch.ops.mkldnn._linear_pointwise(values, self.weight, self.bias, "none", [], "")
        return result


def _use_onednn(module: nn.Module) -> None:
    for name, child in module.named_children():
        if type(child) is nn.Linear:
            setattr(module, name, _PackedLinear(child))
        else:
            _use_onednn(child)


def _key(encoder: Encoder, inputs: Any, precision: Precision) -> str:
    shape = list(inputs.shape[1:]) if isinstance(inputs, Tensor) else []
    device = next(encoder.parameters()).device
    return key_of(*machine(device), precision, shape, type(encoder).__name__, encoder.arguments())
