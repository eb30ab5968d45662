"""What an index consists of: one small file, replaced in one step by every change.

A change writes new files beside the old ones and then the manifest. A program that is killed before leaves
files that no manifest names; the next writer removes them.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from vidkit.files import read_json, write_json
from vidkit.retrieval.approximate import INDEX_KINDS, IndexKind

FORMAT = 1
MANIFEST = "manifest.json"
SEGMENTS = "segments"
LOCK = "writer.lock"


@dataclass(frozen=True)
class Manifest:
    """What an index consists of.

    Attributes:
        dim: Channels.
        encoder: What makes the vectors, as JSON; "fingerprint" in it changes whenever they may.
        kind: Of the index, as its maker wants it.
        target_recall: Of the 10 nearest.
        generation: Grows by one with every change.
        next_id: The id of the next vector; ids are never given twice.
        segments: Names of folders, the largest part first.
        removed: Name of the file of removed ids, None without any.
    """

    dim: int
    encoder: dict[str, Any]
    kind: IndexKind = "auto"
    target_recall: float = 0.95
    generation: int = 0
    next_id: int = 0
    segments: list[str] = field(default_factory=list)
    removed: str | None = None


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of an index.

    Raises:
        FileNotFoundError: If there is no index.
        ValueError: If the manifest is damaged, or of a newer vidkit.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(
            f"no index at {folder}; make one with: vidkit index build --text-only --out {folder} VIDEOS"
        )
    wrong = f"{path} is damaged%s; put back a copy of it, or build the index again"
    try:
        values = read_json(path)
    except ValueError as error:
        raise ValueError(wrong % f" ({error})") from error
    if not isinstance(values, dict):
        raise ValueError(wrong % "")
    if values.get("format") != FORMAT:
        raise ValueError(
            f"{path} has the format {values.get('format')!r}, this vidkit reads {FORMAT}; update vidkit, or "
            "build the index again"
        )
    try:
        manifest = Manifest(**{each.name: values[each.name] for each in fields(Manifest)})
    except KeyError as error:
        raise ValueError(wrong % f" (no {error.args[0]})") from error
    if not _is_right(manifest):
        raise ValueError(wrong % " (a value is of the wrong type)")
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest of an index in one step.

    Raises:
        OSError: If the disk is full or not writable.
    """
    write_json(folder / MANIFEST, {"format": FORMAT, **asdict(manifest)})


def remove_leftovers(folder: Path, manifest: Manifest) -> None:
    """Remove the files that the manifest does not name; only for who holds the lock of writers.

    What another program has open may stay, on systems that do not let it go.
    """
    for path in folder.glob(f".{Path(MANIFEST).stem}.*"):
        path.unlink(missing_ok=True)
    for path in folder.glob("*removed-*.npy"):
        if path.name != manifest.removed:
            with suppress(PermissionError):
                path.unlink(missing_ok=True)
    if (folder / SEGMENTS).is_dir():
        for path in (folder / SEGMENTS).iterdir():
            if path.name not in manifest.segments:
                shutil.rmtree(path, ignore_errors=True)


def _is_right(manifest: Manifest) -> bool:
    numbers = (manifest.dim, manifest.generation, manifest.next_id)
    return (
        all(isinstance(number, int) and number >= 0 for number in numbers)
        and isinstance(manifest.encoder, dict)
        and manifest.kind in INDEX_KINDS
        and isinstance(manifest.target_recall, float | int)
        and isinstance(manifest.segments, list)
        and all(isinstance(name, str) and "/" not in name for name in manifest.segments)
        and isinstance(manifest.removed, str | None)
    )
