"""What vidkit writes beside a folder in the layout of others: which encoders, in which order, at which clips.

The official layouts hold bare arrays, so nothing in them says what made them. ``vidkit.json`` does, for the
folders that vidkit wrote; readers compare it with what they expect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vidkit.files import read_json, write_json

ORIGIN = "vidkit.json"
_KEYS = ("layout", "clip_seconds", "files")


def write_origin(
    folder: Path, *, layout: str, clip_seconds: float, files: Mapping[str, tuple[str, Mapping[str, Any]]]
) -> None:
    """Write which encoders made the features of a folder.

    Args:
        folder: The folder of feature files.
        layout: Name of the layout.
        clip_seconds: Length of a clip.
        files: Pattern of file names -> name of the encoder in the store, and the sidecar of one of its
            features.
    """
    said = ("encoder", "modality", "dim", "arguments", "recipe", "weights", "fingerprint")
    told = {
        pattern: {
            "order": [name],
            "dim": sidecar["dim"],
            "encoders": [{key: sidecar.get(key) for key in said}],
        }
        for pattern, (name, sidecar) in files.items()
    }
    write_json(folder / ORIGIN, {"layout": layout, "clip_seconds": clip_seconds, "files": told})


def read_origin(folder: Path) -> dict[str, Any] | None:
    """Return what ``write_origin`` wrote, or None for a folder that vidkit did not write.

    Raises:
        ValueError: If the file is damaged.
    """
    path = folder / ORIGIN
    if not path.is_file():
        return None
    origin = read_json(path)
    if not isinstance(origin, dict) or any(key not in origin for key in _KEYS):
        raise ValueError(f"{path} does not say {', '.join(_KEYS)}; write it again: vidkit features convert")
    return origin


def check_origin(
    folder: Path,
    pattern: str,
    *,
    dim: int | None,
    clip_seconds: float | None,
    order: Sequence[str] | None,
) -> None:
    """Check a folder that vidkit wrote against what a reader expects; None and the folders of others pass.

    Args:
        folder: The folder of feature files.
        pattern: Which of its files.
        dim: Channels.
        clip_seconds: Length of a clip.
        order: Names of the encoders whose channels stand side by side, the first first.

    Raises:
        ValueError: If the folder holds something else.
    """
    origin = read_origin(folder)
    if origin is None:
        return
    files = origin["files"].get(pattern)
    if files is None:
        raise ValueError(
            f"{folder} holds {', '.join(origin['files'])}, not {pattern}; give one of these patterns"
        )
    held = "|".join(files["order"])
    if dim is not None and files["dim"] != dim:
        raise ValueError(
            f"{folder} holds {files['dim']} channels of {held}, expected {dim}; set the encoder's dim to "
            f"{files['dim']} or read another folder"
        )
    if clip_seconds is not None and origin["clip_seconds"] != clip_seconds:
        raise ValueError(
            f"{folder} holds features of clips of {origin['clip_seconds']} s, expected {clip_seconds} s; "
            f"extract them again with --clip-seconds {clip_seconds}"
        )
    if order is not None and list(order) != files["order"]:
        raise ValueError(
            f"{folder} holds {held}, expected {'|'.join(order)}; name the encoders in its order, "
            "or convert the features again from those"
        )
