"""Annotations of YouTube Highlights and TVSum, in the JSON lines that the field passes on.

Shapes: N annotated clips, A annotators.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.files import read_json_lines

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
    """

    video_id: str
    domain: str
    clips: np.ndarray
    labels: np.ndarray
    duration_seconds: float


def read_youtube_highlights(path: str | Path) -> list[HighlightAnnotation]:
    """Return the annotations of a YouTube Highlights file; a clip is positive where ``match`` is 1.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line lacks a field, or its lists differ in length; the message names the line.
    """
    annotations = []
    for place, row in _rows(path, ("vid", "domain", "match", "clip", "fps", "duration")):
        frames = _numbers(row["clip"], place, "clip", num_axes=2)
        match = _numbers(row["match"], place, "match", num_axes=1)
        fps, duration = (float(_numbers(row[key], place, key, num_axes=0)) for key in ("fps", "duration"))
        if frames.shape[1] != 2:
            raise ValueError(
                f"{place}: clip must be a list of [first, last) frames, got rows of {frames.shape[1]}"
            )
        if len(frames) != len(match):
            raise ValueError(f"{place}: {len(frames)} clips but {len(match)} labels; they must be as many")
        if fps <= 0:
            raise ValueError(f"{place}: fps is {row['fps']}, it must be positive")
        labels = (match > 0).astype(np.float64)[:, None]
        annotation = HighlightAnnotation(str(row["vid"]), row["domain"], frames / fps, labels, duration)
        annotations.append(annotation)
    return annotations


def read_tvsum(path: str | Path) -> list[HighlightAnnotation]:
    """Return the annotations of a TVSum file.

    Its ``duration`` is the number of 2-second clips, not of seconds.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line lacks a field or an annotator; the message names the line.
    """
    annotations = []
    for place, row in _rows(path, ("vid", "domain", "label")):
        labels = _numbers(row["label"], place, "label", num_axes=2)
        if labels.shape[1] != _NUM_ANNOTATORS:
            raise ValueError(f"{place}: labels of shape {labels.shape}; TVSum has (clips, {_NUM_ANNOTATORS})")
        starts = np.arange(len(labels)) * TVSUM_CLIP_SECONDS
        clips = np.stack([starts, starts + TVSUM_CLIP_SECONDS], axis=1)
        annotation = HighlightAnnotation(
            str(row["vid"]), row["domain"], clips, labels, len(labels) * TVSUM_CLIP_SECONDS
        )
        annotations.append(annotation)
    return annotations


HIGHLIGHT_READERS = {"youtube_highlights": read_youtube_highlights, "tvsum": read_tvsum}
"""What reads the annotations of a benchmark."""


def _rows(path: str | Path, keys: tuple[str, ...]) -> list[tuple[str, dict[str, Any]]]:
    """Return (place for messages, row) of every line that is not empty."""
    rows = []
    seen: set[str] = set()
    for number, row in enumerate(read_json_lines(path), start=1):
        place = f"{path}, entry {number}"
        if not isinstance(row, dict):
            raise ValueError(
                f"{place}: an object with {', '.join(keys)} must stand there, got {type(row).__name__}"
            )
        missing = [key for key in keys if key not in row]
        if missing:
            raise ValueError(f"{place}: {', '.join(map(repr, missing))} missing; it has {', '.join(row)}")
        if str(row["vid"]) in seen:
            raise ValueError(f"{place}: video {row['vid']!r} stands twice")
        seen.add(str(row["vid"]))
        rows.append((place, row))
    return rows


def _numbers(value: Any, place: str, key: str, *, num_axes: int) -> np.ndarray:
    """Return ``value`` as finite numbers with so many axes."""
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.full((), np.nan)
    if numbers.ndim != num_axes or not np.isfinite(numbers).all():
        form = ("a number", "a list of numbers", "a list of rows of numbers, all of one length")[num_axes]
        raise ValueError(f"{place}: {key} must be {form}")
    return numbers
