"""Annotations of YouTube Highlights and TVSum: the JSON lines that the field passes on, and UMT's JSON.

Shapes: N annotated clips, A annotators.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.data.rows import checked_numbers, checked_rows
from vidkit.files import read_json

TVSUM_CLIP_SECONDS = 2.0
_NUM_ANNOTATORS = 20


@dataclass(frozen=True)
class HighlightAnnotation:
    """One video with a judgement per clip.

    Args:
        video_id: Name of the video.
        domain: Category, such as "dog" or "BK"; benchmarks average over them.
        clips: Start and end of every clip in seconds, (N, 2); clips may overlap.
        labels: Judgement of every annotator, (N, A): 0 or 1 for YouTube Highlights, 1 to 5 for TVSum.
        duration_seconds: Length of the video.
        query: What the file says the video is about: its title in TVSum, its domain in YouTube Highlights.
    """

    video_id: str
    domain: str
    clips: np.ndarray
    labels: np.ndarray
    duration_seconds: float
    query: str | None = None


def read_youtube_highlights(path: str | Path) -> list[HighlightAnnotation]:
    """Return the annotations of a YouTube Highlights file; a clip is positive where ``match`` is 1.

    A name that ends in .json is UMT's form, one object with the fields by video; it has the number of frames
    instead of the duration.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line lacks a field, or its lists differ in length; the message names the line.
    """
    annotations = []
    keys = ("vid", "domain", "match", "clip", "fps", "duration")
    for place, row in _rows(path, keys):
        frames = checked_numbers(row["clip"], place, "clip", num_axes=2)
        match = checked_numbers(row["match"], place, "match", num_axes=1)
        fps, duration = (
            float(checked_numbers(row[key], place, key, num_axes=0)) for key in ("fps", "duration")
        )
        if frames.shape[1] != 2:
            raise ValueError(
                f"{place}: clip must be a list of [first, last) frames, got rows of {frames.shape[1]}"
            )
        if len(frames) != len(match):
            raise ValueError(f"{place}: {len(frames)} clips but {len(match)} labels; they must be as many")
        if fps <= 0:
            raise ValueError(f"{place}: fps is {row['fps']}, it must be positive")
        labels = (match > 0).astype(np.float64)[:, None]
        annotation = HighlightAnnotation(
            str(row["vid"]), row["domain"], frames / fps, labels, duration, _query(row)
        )
        annotations.append(annotation)
    return annotations


def read_tvsum(path: str | Path) -> list[HighlightAnnotation]:
    """Return the annotations of a TVSum file.

    Its ``duration`` is the number of 2-second clips, not of seconds. A name that ends in .json is UMT's form,
    one object with ``anno``, ``title`` and ``domain`` by video.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line lacks a field or an annotator; the message names the line.
    """
    annotations = []
    for place, row in _rows(path, ("vid", "domain", "label")):
        labels = checked_numbers(row["label"], place, "label", num_axes=2)
        if labels.shape[1] != _NUM_ANNOTATORS:
            raise ValueError(f"{place}: labels of shape {labels.shape}; TVSum has (clips, {_NUM_ANNOTATORS})")
        starts = np.arange(len(labels)) * TVSUM_CLIP_SECONDS
        clips = np.stack([starts, starts + TVSUM_CLIP_SECONDS], axis=1)
        annotation = HighlightAnnotation(
            str(row["vid"]), row["domain"], clips, labels, len(labels) * TVSUM_CLIP_SECONDS, _query(row)
        )
        annotations.append(annotation)
    return annotations


def _rows(path: str | Path, keys: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    """Return (place for messages, row) of every video, each with these keys, from either form."""
    if Path(path).suffix.lower() != ".json":
        return checked_rows(path, keys, unique="vid")
    videos = read_json(path)
    if not isinstance(videos, dict) or not all(isinstance(fields, dict) for fields in videos.values()):
        raise ValueError(f"{path} must hold one object with the fields of each video by its id")
    rows = []
    for video_id, fields in videos.items():
        place = f"{path}, video {video_id!r}"
        row = {"vid": video_id, **fields}
        for key, other in (("label", "anno"), ("query", "title")):
            if key not in row and other in row:
                row[key] = row[other]
        if "duration" not in row and row.get("frames") and row.get("fps"):
            row["duration"] = row["frames"] / row["fps"]
        missing = [key for key in keys if key not in row]
        if missing:
            raise ValueError(
                f"{place}: {', '.join(map(repr, missing))} missing; it has {', '.join(fields)}; add it, or "
                "take the JSON lines"
            )
        rows.append((place, row))
    return rows


def _query(row: dict[str, Any]) -> str | None:
    return str(row["query"]).strip() or None if row.get("query") is not None else None


HIGHLIGHT_READERS = {"youtube_highlights": read_youtube_highlights, "tvsum": read_tvsum}
"""What reads the annotations of a benchmark."""
