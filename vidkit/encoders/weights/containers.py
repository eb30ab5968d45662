"""The files in which weights are published -> named tensors, without running what is in them."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vidkit.checkpoints import read_checkpoint

State = dict[str, Tensor]

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
        if isinstance(inner, Mapping) and any(
            isinstance(value, (Tensor, np.ndarray)) for value in inner.values()
        ):
            content = dict(inner)
            break
    state = {
        str(name): torch.from_numpy(np.array(value)) if isinstance(value, np.ndarray) else value
        for name, value in content.items()
        if isinstance(value, (Tensor, np.ndarray))
    }
    if not state:
        found = ", ".join(map(str, list(content)[:5])) or "nothing"
        raise ValueError(f"{path} holds no named tensors; it holds: {found}")
    while wrapper := next((w for w in _WRAPPERS if all(name.startswith(w) for name in state)), None):
        state = {name.removeprefix(wrapper): value for name, value in state.items()}
    return state


def _content(path: Path, *, trust: bool) -> Mapping[str, Any]:
    with path.open("rb") as file:
        head = file.read(9)
    if path.suffix == ".safetensors" or head[8:9] == b"{":
        return _safetensors(path)
    if zipfile.is_zipfile(path):
        if _is_torch_script(path):
            return _torch_script(path)
    elif head[:1] == b"\x80" and not _is_legacy_torch(path):
        return _plain_pickle(path)
    return read_checkpoint(path, trust=trust)


def _safetensors(path: Path) -> State:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise ValueError(f"{path} is no readable safetensors file, or is cut short: {error}") from error


def _is_torch_script(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name or name.endswith("/constants.pkl") for name in archive.namelist())


def _torch_script(path: Path) -> State:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of TorchScript as a whole; its files stay
        try:
            module = torch.jit.load(str(path), map_location="cpu")
        except RuntimeError as error:
            raise ValueError(f"{path} is no readable TorchScript archive: {error}") from error
    return dict(module.state_dict())


def _is_legacy_torch(path: Path) -> bool:
    """Whether ``torch.save`` wrote the file before it wrote zip archives: its magic number comes first."""
    with path.open("rb") as file:
        try:
            number = _ArrayUnpickler(file).load()
        except (pickle.UnpicklingError, EOFError, ValueError, AttributeError, UnicodeDecodeError):
            return False
    return bool(isinstance(number, int))


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickles containers, strings, numbers and numpy arrays, nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return the few functions that rebuild arrays; refuse everything else."""
        place = module.replace("numpy._core", "numpy.core")
        if (place, name) in {("numpy.core.multiarray", "_reconstruct"), ("numpy.core.multiarray", "scalar")}:
            return super().find_class(module if module.startswith("numpy._core") else _multiarray(), name)
        if (module, name) in {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")}:
            return super().find_class(module, name)
        if (module, name) == ("collections", "OrderedDict"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it holds {module}.{name}, which is code, not data")


def _multiarray() -> str:
    return (
        "numpy.core.multiarray" if np.lib.NumpyVersion(np.__version__) < "2.0.0" else "numpy._core.multiarray"
    )


def _plain_pickle(path: Path) -> Mapping[str, Any]:
    with path.open("rb") as file:
        try:
            content = _ArrayUnpickler(file, encoding="latin1").load()
        except pickle.UnpicklingError as error:
            raise ValueError(f"{path} was refused: {error}; vidkit reads only data") from error
        except (EOFError, ValueError, AttributeError, IndexError, KeyError) as error:
            raise ValueError(f"{path} is no readable pickle, or is cut short: {error}") from error
    if not isinstance(content, Mapping):
        raise ValueError(f"{path} holds a {type(content).__name__}, not named arrays")
    return content
