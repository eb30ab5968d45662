"""What could not be extracted, and why: ``<root>/<encoder>/.failed/<video_id>.json``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vidkit.features.sidecar import is_same_source
from vidkit.files import read_json, write_json

FOLDER = ".failed"


def record_failure(
    folder: Path, video_id: str, reason: str, *, source: Mapping[str, Any], sidecar: Mapping[str, Any]
) -> None:
    """Write down why an encoder's features of a video could not be made.

    Args:
        folder: Of the encoder in the feature store.
        video_id: The video.
        reason: One sentence.
        source: Of ``source_of``; the path alone if there is no such file.
        sidecar: What made the features, or would have; its fingerprint and clip length are kept.

    Raises:
        OSError: If the disk is full or not writable.
    """
    record = {
        "reason": reason,
        "source": dict(source),
        "fingerprint": sidecar["fingerprint"],
        "clip_seconds": sidecar["clip_seconds"],
    }
    write_json(_path(folder, video_id), record)


def known_failure(
    folder: Path, video_id: str, *, source: Mapping[str, Any], sidecar: Mapping[str, Any]
) -> str | None:
    """Return why this file has failed before with this encoder; None if it has not, or either has changed.

    A damaged record says nothing: the video is tried again.
    """
    try:
        record = read_json(_path(folder, video_id))
    except (FileNotFoundError, ValueError):
        return None
    is_same = all(record.get(key) == sidecar[key] for key in ("fingerprint", "clip_seconds"))
    return str(record["reason"]) if is_same and is_same_source(record.get("source"), source) else None


def forget_failure(folder: Path, video_id: str) -> None:
    """Remove the record of a video, if there is one."""
    _path(folder, video_id).unlink(missing_ok=True)


def failed_ids(folder: Path) -> set[str]:
    """Return the ids of the videos whose features could not be made."""
    return {path.stem for path in (folder / FOLDER).glob("[!.]*.json")}


def _path(folder: Path, video_id: str) -> Path:
    return folder / FOLDER / f"{video_id}.json"
