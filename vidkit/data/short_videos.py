"""Lists of short videos with topic, title and subtitle: the form of USV-1.0, and one's own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidkit.data.repurpose10k import checked_video_id
from vidkit.data.tables import table_rows
from vidkit.registry.builder import nearest

_TEXTS = ("label", "title", "subtitle")
_ALIASES = {"label": "topic"}


@dataclass(frozen=True)
class ShortVideo:
    """One short video.

    Args:
        video_id: Its name, which names features of it too.
        path: Where the file is.
        topic: Its class; None where nobody said.
        title: What its author calls it; None where nobody said.
        subtitle: What is written or said in it; None where nobody looked, "" where there is nothing.
    """

    video_id: str
    path: Path
    topic: str | None = None
    title: str | None = None
    subtitle: str | None = None


def read_short_videos(
    path: str | Path, *, root: str | Path | None = None, topics: Collection[str] | None = None
) -> list[ShortVideo]:
    """Return the videos of a table, .csv or .jsonl, in its order.

    A row has ``path``; and, where they are known, ``video_id`` (else the stem of the path), ``label`` or
    ``topic``, ``title`` and ``subtitle``. Other columns are not read.

    Args:
        path: The table.
        root: Folder from which relative paths count; None for the folder of the table.
        topics: The classes, one of which every topic must be; None takes any.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a row lacks its path, repeats a video, holds something else than text, or names an
            unknown topic; the message names the file and the line.
    """
    folder = Path(path).parent if root is None else Path(root)
    videos: dict[str, ShortVideo] = {}
    places: dict[str, str] = {}
    for place, row in table_rows(path, ("path",), optional=("video_id", *_TEXTS)):
        source = _text(row["path"], place, "path")
        assert source is not None
        video_id = checked_video_id(str(row.get("video_id") or Path(source).stem), place)
        if video_id in videos:
            raise ValueError(
                f"{place}: video {video_id!r} stands twice, first in {places[video_id]}; keep one, or give "
                "each its own video_id"
            )
        texts = {key: _text(row.get(key, row.get(_ALIASES.get(key, key))), place, key) for key in _TEXTS}
        topic = texts["label"] or None
        if topics is not None and topic is not None and topic not in topics:
            hint = nearest(topic, topics) or ";"
            raise ValueError(
                f"{place}: unknown topic {topic!r}{hint} there are {len(topics)}: "
                f"{', '.join(sorted(topics)[:5])}, ..."
            )
        places[video_id] = place
        videos[video_id] = ShortVideo(video_id, folder / source, topic, texts["title"], texts["subtitle"])
    return list(videos.values())


def _text(value: Any, place: str, key: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(f"{place}: {key} is {value!r}; it must be a text")
    return value.strip()
