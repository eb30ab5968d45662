"""The weights in a TorchScript archive, read as data: none of its code is compiled or run.

``torch.jit.load`` runs what an archive brings (``__setstate__``), and its code may write files. The weights
stand apart from the code: ``data.pkl`` says which tensor every attribute is, ``data/`` holds their numbers.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

_DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


def is_torch_script(path: Path) -> bool:
    """Return whether a zip file is a TorchScript archive, by the code and constants that only those hold."""
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name or name.endswith("/constants.pkl") for name in archive.namelist())


def read_torch_script(path: Path) -> dict[str, Tensor]:
    """Return the parameters and buffers of a TorchScript archive by name, as ``state_dict`` names them.

    Raises:
        ValueError: If the archive is damaged, or holds objects other than modules and tensors.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            root = next(name for name in archive.namelist() if name.endswith("/data.pkl"))[: -len("data.pkl")]
            module = _Unpickler(archive, root).load()
    except pickle.UnpicklingError as error:
        raise ValueError(f"{path} was refused: {error}; vidkit reads only data") from error
    except (
        StopIteration,
        KeyError,
        EOFError,
        IndexError,
        ValueError,
        RuntimeError,
        zipfile.BadZipFile,
    ) as error:
        raise ValueError(f"{path} is no readable TorchScript archive, or is cut short: {error}") from error
    return dict(_tensors(module, ""))


class _Module:
    """A module of the archive: its attributes, whatever its class."""

    def __setstate__(self, state: Any) -> None:
        self.attributes = state if isinstance(state, dict) else {}


class _Unpickler(pickle.Unpickler):
    """Unpickles modules as ``_Module``, tensors, numbers, strings and containers, nothing else."""

    def __init__(self, archive: zipfile.ZipFile, root: str) -> None:
        super().__init__(io.BytesIO(archive.read(f"{root}data.pkl")))
        self._archive = archive
        self._root = root
        if f"{root}byteorder" in archive.namelist() and archive.read(f"{root}byteorder") != b"little":
            raise ValueError("its numbers are big-endian; save it again on a usual machine")

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "__torch__":
            return _Module
        if (module, name) in {("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_parameter")}:
            return _tensor if name == "_rebuild_tensor_v2" else _first
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        if module == "torch.jit._pickle" and name.startswith(("build_", "restore_type_tag")):
            return _first
        if (module, name) == ("collections", "OrderedDict"):
            return dict
        raise pickle.UnpicklingError(f"it holds {module}.{name}, which is code, not data")

    def persistent_load(self, pid: Any) -> Tensor:
        """Return the numbers of a storage, flat."""
        _, dtype, key, *_ = pid
        numbers = bytearray(self._archive.read(f"{self._root}data/{key}"))
        return torch.frombuffer(numbers, dtype=dtype) if numbers else torch.empty(0, dtype=dtype)


def _tensor(storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> Tensor:
    return storage.as_strided(size, stride, offset)


def _first(value: Any, *_: Any) -> Any:
    return value


def _tensors(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, _Module):
        for attribute, inner in value.attributes.items():
            yield from _tensors(inner, f"{name}.{attribute}" if name else str(attribute))
