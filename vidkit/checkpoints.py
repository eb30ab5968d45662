"""Reading checkpoints without running what is in them.

``torch.load`` unpickles; a pickle may call anything. So every file is read as data, with a short list of
harmless classes that the checkpoints of training tools hold beside their weights. Everything else is refused.
"""

from __future__ import annotations

import argparse
import collections
import importlib
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

# numpy moved the functions that rebuild its arrays in version 2.
_NUMPY_REBUILD = importlib.import_module(
    "numpy.core.multiarray" if np.lib.NumpyVersion(np.__version__) < "2.0.0" else "numpy._core.multiarray"
)
_NUMPY_TYPES = "float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool"


def _attribute(owner: Any, name: str) -> Any:
    """Stand in for ``getattr`` in a checkpoint: mmengine's loss history names its own methods by it."""
    if owner is not HistoryBuffer or name not in ("min", "max", "current", "mean"):
        raise pickle.UnpicklingError(f"Unsupported global: GLOBAL builtins.getattr of {name!r}")
    return getattr(owner, name)


ALLOWED = [
    HistoryBuffer,
    (_attribute, "builtins.getattr"),
    (_NUMPY_REBUILD._reconstruct, "numpy.core.multiarray._reconstruct"),
    (_NUMPY_REBUILD._reconstruct, "numpy._core.multiarray._reconstruct"),
    (_NUMPY_REBUILD.scalar, "numpy.core.multiarray.scalar"),
    (_NUMPY_REBUILD.scalar, "numpy._core.multiarray.scalar"),
    np.ndarray,
    np.dtype,
    *(type(np.dtype(name)) for name in _NUMPY_TYPES.split(" ")),
    argparse.Namespace,
    collections.defaultdict,
    dict,
    list,
]
"""What a checkpoint may hold beside tensors, numbers, strings and containers."""


def read_checkpoint(
    path: str | Path, map_location: str | torch.device | None = "cpu", *, trust: bool = False
) -> dict[str, Any]:
    """Return the content of a checkpoint file.

    Args:
        path: A file that ``torch.save`` wrote.
        map_location: Device of the tensors.
        trust: Whether the file may run code while it is read. Only for files that you made yourself.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no checkpoint, or holds objects other than data.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}; give the .pth file that `vidkit train` wrote")
    try:
        with torch.serialization.safe_globals(ALLOWED):
            content = torch.load(path, map_location=map_location, weights_only=not trust)
    except pickle.UnpicklingError as error:
        raise ValueError(f"{path} was refused: {_reason(error)}; vidkit reads only data") from error
    except (RuntimeError, EOFError, KeyError, UnicodeDecodeError, OSError) as error:
        raise ValueError(f"{path} is no readable checkpoint, or is cut short: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds a {type(content).__name__}, not a checkpoint with a state_dict")
    return content


def state_dict_of(checkpoint: dict[str, Any], *, prefix: str = "") -> dict[str, torch.Tensor]:
    """Return the weights of a checkpoint whose names start with ``prefix``, without it.

    Raises:
        ValueError: If no weight has the prefix; the message gives the prefixes that occur.
    """
    weights = checkpoint.get("state_dict", checkpoint)
    if not isinstance(weights, dict) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in weights.items()
    ):
        raise ValueError(
            "the checkpoint holds no state_dict of named tensors; give a file that training wrote"
        )
    weights = {key.removeprefix("module."): value for key, value in weights.items()}
    chosen = {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}
    if not chosen:
        known = sorted({key.split(".")[0] + "." for key in weights})
        raise ValueError(
            f"the checkpoint has no weights under {prefix!r}; it has: {', '.join(known) or 'none'}"
        )
    return chosen


def load_weights(module: torch.nn.Module, weights: dict[str, torch.Tensor], *, source: str) -> None:
    """Load ``weights`` into ``module``, every one of them.

    Raises:
        ValueError: If a weight is missing, left over or of another shape; the message names them.
    """
    if problems := misfits(module, weights):
        raise ValueError(
            f"{source} does not fit {type(module).__name__}: {problems}; use the config it was trained with"
        )
    module.load_state_dict(weights)


def misfits(module: torch.nn.Module, weights: Mapping[str, torch.Tensor]) -> str | None:
    """Return in words which weights are missing, left over or of another shape, or None if all fit."""
    own = module.state_dict()
    missing = sorted(own.keys() - weights.keys())
    unexpected = sorted(weights.keys() - own.keys())
    reshaped = [
        f"{key} {tuple(weights[key].shape)} for {tuple(own[key].shape)}"
        for key in sorted(own.keys() & weights.keys())
        if weights[key].shape != own[key].shape
    ]
    problems = [
        f"{len(names)} {what}: {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}"
        for what, names in (("missing", missing), ("unexpected", unexpected), ("of another shape", reshaped))
        if names
    ]
    return "; ".join(problems) or None


def _reason(error: pickle.UnpicklingError) -> str:
    """Return the name of the forbidden object out of torch's long message."""
    text = str(error)
    for marker in ("Unsupported global: GLOBAL ", "unsupported GLOBAL ", "Unsupported class "):
        if marker in text:
            return f"it holds {text.split(marker)[1].split()[0]}, which is code, not data"
    return "it holds more than tensors and plain data"
