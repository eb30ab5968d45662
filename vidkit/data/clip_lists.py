"""Clips of one's own videos: a list of (path, start, end), as csv or as JSON lines.

Shapes: N clips.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.data.modality_features import TOLERANCE_SECONDS
from vidkit.data.repurpose10k import (
    CHUNK_SECONDS,
    RepurposedVideo,
    checked_segments,
    checked_video_id,
)
from vidkit.data.tables import table_rows

_KEYS = ("path", "start", "end")


@dataclass
class _Rows:
    """What the rows of one video say, and where they stand."""

    path: str
    places: list[str] = field(default_factory=list)
    clips: list[tuple[float, float]] = field(default_factory=list)
    duration_seconds: float | None = None


def read_clip_list(path: str | Path) -> list[RepurposedVideo]:
    """Return the videos of a list of clips, in the order in which they first stand.

    A row is ``path,start,end`` in seconds, with a header line in a .csv file and as an object in a .jsonl
    file; ``duration``, the length of the video in seconds, may join, and other columns are not read. All rows
    of a path are one video, whose id is the stem of the path.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is of another kind, or a row lacks a column, holds no clip, or names a video
            whose stem another one has; the message names the file and the line.
    """
    path = Path(path)
    videos: dict[str, _Rows] = {}
    for place, row in table_rows(path, _KEYS, optional=("duration",)):
        source = str(row["path"]).strip()
        video_id = checked_video_id(Path(source).stem, place)
        video = videos.setdefault(video_id, _Rows(source))
        if os.path.normpath(video.path) != os.path.normpath(source):
            raise ValueError(
                f"{place}: {source!r} and {video.path!r} have one stem, {video_id!r}, which names the "
                "features of both; rename one of the files"
            )
        duration = _duration(row.get("duration"), place)
        if video.duration_seconds is None:
            video.duration_seconds = duration
        elif duration is not None and duration != video.duration_seconds:
            raise ValueError(
                f"{place}: {source!r} lasts {duration:g} s here and {video.duration_seconds:g} s before; "
                "give one duration"
            )
        video.places.append(place)
        video.clips.append((_number(row["start"], place, "start"), _number(row["end"], place, "end")))
    return [_video(video_id, rows, path.parent) for video_id, rows in videos.items()]


def chunks_of(video: RepurposedVideo, duration_seconds: float) -> list[RepurposedVideo]:
    """Return a video in chunks of 1800 s, the last of which may be shorter, as the data set has them.

    A clip that crosses a border belongs to the chunk that holds its larger part (the earlier one of two equal
    parts), and is clipped to it. Chunks without clips are kept: nobody wanted anything of them.

    Args:
        video: A whole video.
        duration_seconds: Its length, > 0. Clips that end up to 2 s later are clipped to it.

    Raises:
        ValueError: If a clip ends later than that.

    Example:
        >>> video = RepurposedVideo("talk", 0.0, None, np.array([[10.0, 50.0], [1790.0, 1830.0]]))
        >>> [(chunk.end_seconds, chunk.segments.tolist()) for chunk in chunks_of(video, 2000.0)]
        [(1800.0, [[10.0, 50.0]]), (2000.0, [[0.0, 30.0]])]
    """
    place = f"clips of {video.video_id!r}"
    segments = checked_segments(
        video.segments, place, start=0.0, end=duration_seconds, slack=TOLERANCE_SECONDS
    )
    starts = np.arange(math.ceil(duration_seconds / CHUNK_SECONDS)) * CHUNK_SECONDS
    ends = np.minimum(starts + CHUNK_SECONDS, duration_seconds)
    clipped = segments[:, None].clip(starts[:, None], ends[:, None])  # (N, chunks, 2)
    owner = (clipped[..., 1] - clipped[..., 0]).argmax(axis=1)
    return [
        RepurposedVideo(
            video.video_id,
            float(start),
            float(end),
            clipped[owner == number, number] - start,
            is_last=number == len(starts) - 1,
            path=video.path,
        )
        for number, (start, end) in enumerate(zip(starts, ends))
    ]


def _video(video_id: str, rows: _Rows, folder: Path) -> RepurposedVideo:
    end = math.inf if rows.duration_seconds is None else rows.duration_seconds
    for place, clip in zip(rows.places, rows.clips):
        checked_segments([clip], place, start=0.0, end=end, key=repr(rows.path))
    segments = np.asarray(rows.clips, dtype=np.float64)
    beside = folder / rows.path  # a relative path counts from where the command runs, or from the list
    path = beside if not Path(rows.path).exists() and beside.exists() else rows.path
    return RepurposedVideo(video_id, 0.0, rows.duration_seconds, segments, path=str(path))


def _duration(value: Any, place: str) -> float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    seconds = _number(value, place, "duration")
    if seconds == 0:
        raise ValueError(f"{place}: duration must be above 0 seconds; leave it empty if it is not known")
    return seconds


def _number(value: Any, place: str, key: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{place}: {key} must be a number of seconds >= 0, got {value!r}")
    return number
