"""The caption files of videos, as text features remember them: other captions make other features."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

_SUFFIXES = (".srt", ".vtt", ".json")


class CaptionFiles:
    """What lies in a folder of captions, and beside videos, under their names; each folder is listed once.

    Args:
        folder: Captions that go before those beside the videos; None for no such folder.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "a.en.srt").write_text("")
        >>> [file["name"] for file in CaptionFiles().of(folder / "a.mp4")]
        ['a.en.srt']
        >>> CaptionFiles().of(folder / "b.mp4")
        []
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._by_stem: dict[Path, dict[str, list[dict[str, Any]]]] = {}

    def of(self, video: Path) -> list[dict[str, Any]]:
        """Return name, size in bytes and time of change of the files, those of the folder first.

        An empty list says that captions can come from the video alone.
        """
        beside = self._in(video.parent, video.stem)
        return beside if self._folder is None else self._in(self._folder, video.stem) + beside

    def _in(self, folder: Path, stem: str) -> list[dict[str, Any]]:
        if folder not in self._by_stem:
            self._by_stem[folder] = _listing(folder)
        return self._by_stem[folder].get(stem, [])


def _listing(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the caption files by each stem that they may belong to: talk.en.srt to talk and to talk.en."""
    found: dict[str, list[dict[str, Any]]] = {}
    with os.scandir(folder) as entries:
        files = sorted((entry for entry in entries if entry.is_file()), key=lambda entry: entry.name)
    for entry in files:
        stem, suffix = os.path.splitext(entry.name)
        if suffix.lower() not in _SUFFIXES:
            continue
        state = entry.stat()
        said = {"name": entry.name, "size": state.st_size, "mtime_ns": state.st_mtime_ns}
        parts = stem.split(".")
        stems = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
        for each in stems[-1:] if suffix.lower() == ".json" else stems:  # transcripts name no language
            found.setdefault(each, []).append(said)
    return found
