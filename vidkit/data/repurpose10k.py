"""Annotations of Repurpose-10K: the stretches of long videos that people have made into clips.

Videos longer than half an hour come in chunks of half an hour, each an entry of its own. Shapes: N clips.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.data.modality_features import NeededVideo
from vidkit.features.store import check_video_id
from vidkit.files import read_json

CHUNK_SECONDS = 1800.0
"""Length of the chunks into which the data set cuts longer videos."""

ROUNDING_SECONDS = 0.01
"""The files round to hundredths, so a clip may reach so far beyond its chunk."""

_KEYS = ("youtube_id", "timeRange", "segments")


@dataclass(frozen=True)
class RepurposedVideo:
    """One video, or one chunk of a long one, with the clips that people have cut from it.

    Args:
        video_id: Name of the source video; of a file, its stem.
        start_seconds: Where the chunk begins in the source video.
        end_seconds: Where it ends; None says that the clips are of the whole video, whose length only its
            features tell.
        segments: Start and end of the clips in seconds, counted from the start of the chunk, (N, 2) float64,
            in the order of the file; clips may overlap.
        is_last: Whether the source video ends with this chunk, so that longer features are not its own.
        path: The file, if the annotation names one.
    """

    video_id: str
    start_seconds: float
    end_seconds: float | None
    segments: np.ndarray
    is_last: bool = True
    path: str | None = None

    @property
    def duration_seconds(self) -> float | None:
        """Length of the chunk; None if only its features tell."""
        return None if self.end_seconds is None else self.end_seconds - self.start_seconds

    def needed(self) -> NeededVideo:
        """Return what must be there of the source video's features."""
        reached = float(self.segments.max(initial=0.0)) if self.end_seconds is None else self.end_seconds
        return NeededVideo(
            self.video_id,
            start_seconds=self.start_seconds,
            end_seconds=self.end_seconds,
            min_seconds=reached,
            max_seconds=self.end_seconds if self.is_last else None,
            source=self.path,
        )


def read_repurpose10k(path: str | Path) -> list[RepurposedVideo]:
    """Return the entries of a released json, in its order; entries that stand twice are kept.

    ``segments`` count from the start of the source video, as does ``timeRange``. The numbers of
    ``segmentsOffset``, if they are there, must be those of ``segments`` counted from the chunk. ``coverage``
    and further keys are not read.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no list of objects, or an entry lacks a key, or has a clip that is inverted, not
            finite or outside of its chunk; the message names the file and the entry.
    """
    rows = read_json(path)
    if not isinstance(rows, list):
        raise ValueError(f"{path}: a list of videos must stand there, got {type(rows).__name__}")
    return _with_last([_video(row, f"{path}, entry {number}") for number, row in enumerate(rows, start=1)])


def checked_video_id(value: Any, place: str) -> str:
    """Return the name of a video, which can name its files.

    Raises:
        ValueError: If it cannot; the message begins with ``place``.
    """
    try:
        check_video_id(str(value))
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error
    return str(value)


def checked_segments(
    value: Any,
    place: str,
    *,
    start: float,
    end: float,
    slack: float = ROUNDING_SECONDS,
    key: str = "segments",
) -> np.ndarray:
    """Return clips as (N, 2) float64, clipped to [start, end] where they reach beyond it by up to ``slack``.

    Raises:
        ValueError: If one is no pair of finite numbers, is inverted or empty, or lies outside of
            [start, end]; the message begins with ``place``.
    """
    try:
        segments = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        segments = np.zeros(())
    if segments.size == 0 and segments.ndim == 1:
        return np.zeros((0, 2))
    if segments.ndim != 2 or segments.shape[1] != 2:
        raise ValueError(f"{place}: {key} must be a list of [start, end] in seconds, got {str(value)[:60]}")
    for first, last in segments.tolist():
        if not (math.isfinite(first) and math.isfinite(last)):
            what = "is not finite; times are numbers of seconds"
        elif first >= last:
            what = "does not end after its start; swap the two, or remove it"
        elif first < start - slack or last > end + slack or last <= start or first >= end:
            what = f"is not within [{start:g}, {end:g}]; correct its times, or the length of the video"
        else:
            continue
        raise ValueError(f"{place}: the clip [{first:g}, {last:g}] of {key} {what}")
    return segments.clip(start, end)


def _video(row: Any, place: str) -> RepurposedVideo:
    if not isinstance(row, dict):
        raise ValueError(
            f"{place}: an object with {', '.join(_KEYS)} must stand there, got {type(row).__name__}"
        )
    missing = [key for key in _KEYS if key not in row]
    if missing:
        raise ValueError(f"{place}: {', '.join(map(repr, missing))} missing; it has {', '.join(row)}")
    video_id = checked_video_id(row["youtube_id"], place)
    place = f"{place} ({video_id})"
    start, end = _time_range(row["timeRange"], place)
    segments = checked_segments(row["segments"], place, start=start, end=end) - start
    if "segmentsOffset" in row:
        told = checked_segments(
            row["segmentsOffset"], place, start=0.0, end=end - start, key="segmentsOffset"
        )
        if told.shape != segments.shape or np.abs(told - segments).max(initial=0.0) > ROUNDING_SECONDS:
            raise ValueError(
                f"{place}: segmentsOffset are not the segments counted from {start:g} s, the start of "
                "timeRange; correct one of them, or leave segmentsOffset out"
            )
    return RepurposedVideo(video_id, start, end, segments)


def _time_range(value: Any, place: str) -> tuple[float, float]:
    try:
        start, end = (float(number) for number in value)
    except (TypeError, ValueError):
        start = end = math.nan
    if not (math.isfinite(end) and 0 <= start < end):
        raise ValueError(
            f"{place}: timeRange must be [start, end] in seconds, 0 <= start < end, got {str(value)[:60]}"
        )
    return start, end


def _with_last(videos: Iterable[RepurposedVideo]) -> list[RepurposedVideo]:
    """Return the entries, those marked after which their source videos go on.

    That is so if another entry begins later, and may be so after a chunk of the full length.
    """
    videos = list(videos)
    last_start: dict[str, float] = {}
    for video in videos:
        last_start[video.video_id] = max(video.start_seconds, last_start.get(video.video_id, 0.0))
    return [
        replace(
            video,
            is_last=video.start_seconds == last_start[video.video_id]
            and video.end_seconds is not None
            and video.end_seconds - video.start_seconds < CHUNK_SECONDS,
        )
        for video in videos
    ]
