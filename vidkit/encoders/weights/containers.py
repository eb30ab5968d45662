"""The files in which weights are published -> named tensors, without running what is in them."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from vidkit.checkpoints import read_checkpoint
from vidkit.encoders.weights.torch_script import is_torch_script, read_torch_script

State = dict[str, Tensor]
Container = Literal["torch", "TorchScript", "safetensors", "pickle"]

# Where the tools put the weights: mmengine and most others, PANNs and Swin, PySlowFast and pytorchvideo,
# s3prl, Caffe2.
_PLACES = ("state_dict", "model", "model_state", "model_state_dict", "Transformer", "blobs")
# What wrappers put in front of every name.
_WRAPPERS = ("module.", "_orig_mod.", "model.")


def read_weights(path: str | Path, *, trust: bool = False) -> State:
    """Return the weights in a file by name, on the CPU, in the precision of the file.

    Reads what ``torch.save`` writes (also with the optimiser and settings of the known tools), safetensors,
    TorchScript archives and the pickles of Caffe2. The prefix of a wrapper that stands before every name is
    taken off.

    Args:
        path: The file.
        trust: Whether a pickle may run code while it is read. Only for files that you made yourself.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such file, is cut short, or holds objects other than data.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}; give the file of a checkpoint")
    content = _content(path, trust=trust)
    for place in _PLACES:
        inner = content.get(place)
        if isinstance(inner, Mapping) and any(map(_is_numbers, inner.values())):
            content = dict(inner)
            break
    state = {str(name): _tensor(value) for name, value in content.items() if _is_numbers(value)}
    if not state:
        found = ", ".join(map(str, list(content)[:5])) or "nothing"
        raise ValueError(f"{path} holds no named tensors; it holds: {found}")
    while wrapper := next((w for w in _WRAPPERS if all(name.startswith(w) for name in state)), None):
        state = {name.removeprefix(wrapper): value for name, value in state.items()}
    return state


def _is_numbers(value: Any) -> bool:
    return isinstance(value, Tensor) or (isinstance(value, np.ndarray) and value.dtype.kind in "biuf")


def _tensor(value: Tensor | np.ndarray[Any, Any]) -> Tensor:
    return value if isinstance(value, Tensor) else torch.from_numpy(np.array(value))


def _content(path: Path, *, trust: bool) -> Mapping[str, Any]:
    container = container_of(path)
    if container == "safetensors":
        return _safetensors(path)
    if container == "TorchScript":
        return read_torch_script(path)
    if container == "pickle":
        return _plain_pickle(path, trust=trust)
    return read_checkpoint(path, trust=trust)


def container_of(path: Path) -> Container:
    """Return what kind of file it is, by its first bytes and its parts; the name counts for little.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.pt"
        >>> torch.save({"weight": torch.ones(1)}, path)
        >>> container_of(path)
        'torch'
    """
    with path.open("rb") as file:
        head = file.read(9)
    if path.suffix == ".safetensors" or head[8:9] == b"{":
        return "safetensors"
    if zipfile.is_zipfile(path):
        return "TorchScript" if is_torch_script(path) else "torch"
    is_cut_zip = head.startswith(b"PK")
    return "torch" if is_cut_zip or _is_legacy_torch(path) else "pickle"


def _safetensors(path: Path) -> State:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise ValueError(f"{path} is no readable safetensors file, or is cut short: {error}") from error


def _is_legacy_torch(path: Path) -> bool:
    """Whether ``torch.save`` wrote the file before it wrote zip archives: its magic number comes first."""
    with path.open("rb") as file:
        try:
            number = _ArrayUnpickler(file).load()
        except _BROKEN:
            return False
    return bool(isinstance(number, int))


class _ForbiddenError(pickle.UnpicklingError):
    """A pickle names something other than data."""


# What unpickling raises on bytes that are no pickle, or not a whole one.
_BROKEN = (
    pickle.UnpicklingError,
    EOFError,
    ValueError,  # UnicodeDecodeError too
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    MemoryError,
    ImportError,
)


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickles containers, strings, numbers and numpy arrays, nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return the few functions that rebuild arrays; refuse everything else."""
        place = module.replace("numpy._core", "numpy.core")
        if (place, name) in {("numpy.core.multiarray", "_reconstruct"), ("numpy.core.multiarray", "scalar")}:
            return super().find_class(_multiarray(), name)
        if (module, name) in {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")}:
            return super().find_class(module, name)
        if (module, name) == ("collections", "OrderedDict"):
            return super().find_class(module, name)
        raise _ForbiddenError(f"it holds {module}.{name}, which is code, not data")


def _multiarray() -> str:
    return (
        "numpy.core.multiarray" if np.lib.NumpyVersion(np.__version__) < "2.0.0" else "numpy._core.multiarray"
    )


def _plain_pickle(path: Path, *, trust: bool) -> Mapping[str, Any]:
    unpickler = pickle.Unpickler if trust else _ArrayUnpickler
    with path.open("rb") as file:
        try:
            content = unpickler(file, encoding="latin1").load()  # Python 2 wrote those of Caffe2
        except _ForbiddenError as error:
            raise ValueError(
                f"{path} was refused: {error}; vidkit reads only data; if you made it yourself: trust=True"
            ) from error
        except _BROKEN as error:
            raise ValueError(
                f"{path} is no file of weights that vidkit knows, or is cut short: {error}"
            ) from error
    if not isinstance(content, Mapping):
        raise ValueError(f"{path} holds a {type(content).__name__}, not named arrays")
    return content
