"""Annotations of YouTube Highlights and TVSum, in the JSON lines that the field passes on.

Shapes: N annotated clips, A annotators.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vidkit.data.rows import checked_numbers, checked_rows

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
    keys = ("vid", "domain", "match", "clip", "fps", "duration")
    for place, row in checked_rows(path, keys, unique="vid"):
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
    for place, row in checked_rows(path, ("vid", "domain", "label"), unique="vid"):
        labels = checked_numbers(row["label"], place, "label", num_axes=2)
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
