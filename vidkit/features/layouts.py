"""Features that others have extracted: their files and folders, read-only.

Shapes: T clips (or words), D channels.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.features.npy_header import npy_header, parse_npy_header
from vidkit.features.origin import check_origin
from vidkit.features.sidecar import num_clips_of
from vidkit.registry.builder import nearest

KNOWN_KEYS = ("features", "last_hidden_state", "token")
"""Of the .npz files of QVHighlights, its video and its words, and of the words of TVSum."""

_ID = "{video_id}"
_MAGIC = {".npy": b"\x93NUMPY", ".npz": b"PK\x03\x04"}
_HEAD_BYTES = 4096  # of a member of an .npz file; a head is a hundred bytes


def read_features(path: str | Path, *, key: str | None = None) -> NDArray[np.float32]:
    """Return the features in a .npy or .npz file, (T, D) float32; .npy of float32 is memory-mapped.

    Args:
        path: File of float16, float32 or float64 numbers.
        key: Which array of an .npz file; by default the first of ``KNOWN_KEYS`` that it has, else the only
            one.

    Raises:
        FileNotFoundError: If there is no such file.
        KeyError: If an .npz file has no such key, or several and none of the known.
        ValueError: If it is no such file, holds pickled objects, or no array of numbers with two axes.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no such feature file: {path}")
    if path.suffix not in (".npy", ".npz"):
        raise ValueError(f"{path} is not a feature file by its suffix; known: .npy, .npz")
    try:
        array = _load(path, key)
    except (ValueError, zipfile.BadZipFile, EOFError) as error:
        if "object" in str(error).lower():
            raise ValueError(
                f"{path} holds pickled objects, which can run any code when they are loaded; save it again "
                "as a plain array of numbers: numpy.save(path, numpy.stack(list(array)))"
            ) from error
        raise ValueError(f"{path} is not a whole {path.suffix} file ({error})") from error
    if array.ndim != 2 or not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"{path} holds {array.dtype} of shape {array.shape}, not features (T, D)")
    return array.astype(np.float32, copy=False)


def features_header(path: str | Path, *, key: str | None = None) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and type of the array in a .npy or .npz file without reading the array.

    Args:
        path: The file.
        key: Which array of an .npz file; see ``read_features``.

    Raises:
        FileNotFoundError: If there is no such file.
        KeyError: If an .npz file has no such key, or several and none of the known.
        ValueError: If it is not a whole file of its kind.
    """
    path = Path(path)
    if path.suffix != ".npz":
        return npy_header(path)
    if not path.is_file():
        raise FileNotFoundError(f"no such feature file: {path}")
    try:
        with zipfile.ZipFile(path) as file:
            keys = [name.removesuffix(".npy") for name in file.namelist() if name.endswith(".npy")]
            with file.open(f"{_chosen_key(path, keys, key)}.npy") as member:
                shape, dtype, _ = parse_npy_header(member.read(_HEAD_BYTES))
    except (ValueError, zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"{path} is not a whole .npz file ({error})") from error
    return shape, dtype


class FeatureFolder(Mapping[str, NDArray[np.float32]]):
    """A folder of feature files, one per video: a mapping from video_id to (T, D) float32.

    Args:
        path: The folder.
        dim: Channels that every file must have; None takes what is there.
        pattern: Name of a file, ``{video_id}`` in it: "{video_id}.npy" of Repurpose-10K, "{video_id}.npz" of
            QVHighlights, "{video_id}_rgb.npy" of UMT.
        key: Which array of .npz files; see ``read_features``.
        clip_seconds: Length of a clip. Folders that vidkit wrote with another one are refused, and so are
            features that do not cover their video, where its length is known: see ``check_length``.
        order: Names of the encoders whose channels stand side by side. Folders that vidkit wrote from others,
            or in another order, are refused; those of others do not say.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If the pattern does not hold ``{video_id}`` once, or no .npy or .npz files; if vidkit
            wrote the folder with another width, clip length or order.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> np.save(folder / "abc_rgb.npy", np.zeros((7, 4), np.float16))
        >>> FeatureFolder(folder, dim=4, pattern="{video_id}_rgb.npy")["abc"].shape
        (7, 4)
    """

    def __init__(
        self,
        path: str | Path,
        *,
        dim: int | None = None,
        pattern: str = "{video_id}.npy",
        key: str | None = None,
        clip_seconds: float | None = None,
        order: Sequence[str] | None = None,
    ) -> None:
        self.folder = Path(path)
        if not self.folder.is_dir():
            raise FileNotFoundError(f"no such feature folder: {path}")
        if pattern.count(_ID) != 1 or not pattern.endswith((".npy", ".npz")):
            raise ValueError(f'pattern must hold "{_ID}" once and end in .npy or .npz, got {pattern!r}')
        check_origin(self.folder, pattern, dim=dim, clip_seconds=clip_seconds, order=order)
        self.dim = dim
        self.key = key
        self.clip_seconds = clip_seconds
        self._before, self._after = pattern.split(_ID)

    def video_ids(self) -> list[str]:
        """Return the sorted ids of the videos that have a file."""
        before, after = self._before, self._after
        names = (file.relative_to(self.folder).as_posix() for file in self.folder.rglob("*"))
        return sorted(
            name[len(before) : len(name) - len(after)]
            for name in names
            if name.startswith(before)
            and name.endswith(after)
            and "/" not in name[len(before) :]
            and len(name) > len(before + after)
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self.video_ids())

    def __len__(self) -> int:
        return len(self.video_ids())

    def __contains__(self, video_id: object) -> bool:
        return isinstance(video_id, str) and self.path(video_id).is_file()

    def __getitem__(self, video_id: str) -> NDArray[np.float32]:
        """Return the features of a video, (T, D).

        Raises:
            KeyError: If it has no file.
            ValueError: If the file cannot be read, or has another width than ``dim``.
        """
        path = self.path(video_id)
        if not path.is_file():
            near = nearest(video_id, self.video_ids())
            raise KeyError(f"no features of video {video_id!r}: {path} is missing{near}")
        features = read_features(path, key=self.key)
        if self.dim is not None and features.shape[1] != self.dim:
            raise ValueError(
                f"{path} has {features.shape[1]} channels, expected {self.dim}; set the encoder's dim to "
                f"{features.shape[1]} or read another folder"
            )
        return features

    def check_length(self, video_id: str, duration_seconds: float) -> None:
        """Check that the features of a video cover it: one clip more or less is rounding.

        Raises:
            KeyError: If it has no file.
            ValueError: If they do not, or ``clip_seconds`` is not known.
        """
        if self.clip_seconds is None:
            raise ValueError(f"how long a clip of {self.folder} is must be given; set clip_seconds")
        num, expected = len(self[video_id]), num_clips_of(duration_seconds, self.clip_seconds)
        if abs(num - expected) > 1:
            raise ValueError(
                f"features of {video_id!r} in {self.folder} have {num} clips of {self.clip_seconds} s, "
                f"the video of {duration_seconds:.1f} s has {expected}; extract them again, or set the "
                "clip_seconds with which they were made"
            )

    def path(self, video_id: str) -> Path:
        """Return the file of a video, which need not be there."""
        return self.folder / f"{self._before}{video_id}{self._after}"


def _load(path: Path, key: str | None) -> NDArray[Any]:
    with path.open("rb") as file:  # numpy takes anything else for a pickle
        if not file.read(8).startswith(_MAGIC[path.suffix]):
            raise ValueError("it does not begin like one")
    if path.suffix == ".npy":
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        return array
    with np.load(path, allow_pickle=False) as arrays:
        chosen: NDArray[Any] = arrays[_chosen_key(path, list(arrays), key)]
        return chosen


def _chosen_key(path: Path, keys: Sequence[str], key: str | None) -> str:
    """Return which array of an .npz file is read."""
    wanted = [key] if key is not None else [*KNOWN_KEYS, *(keys if len(keys) == 1 else [])]
    found = next((k for k in wanted if k in keys), None)
    if found is None:
        raise KeyError(f"{path} has no array {' or '.join(map(repr, wanted))}; its keys: {', '.join(keys)}")
    return found
