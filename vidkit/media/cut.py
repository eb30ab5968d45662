"""Segments of a video -> clips on disk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vidkit.media.span import Source, examine
from vidkit.media.stream_copy import copy_streams
from vidkit.media.transcode import transcode

_CRF = 20  # x264's scale; 18 is taken for lossless by eye, 23 is its default
_END_TOLERANCE_SECONDS = 0.1  # durations in headers are rounded, and sound and picture end at different times
_VERTICAL = (9, 16)


@dataclass(frozen=True)
class WrittenClip:
    """A clip on disk.

    Attributes:
        path: The file.
        start: Where it really begins in the source, in seconds: at the first frame in the segment, or
            with ``mode="fast"`` at the key frame at or before it.
        end: Where its last picture ends, in seconds of the source.
        num_frames: Number of its pictures.
        has_audio: Whether it has sound.
    """

    path: Path
    start: float
    end: float
    num_frames: int
    has_audio: bool


def cut_clips(
    path: str | Path,
    segments: Sequence[tuple[float, float]],
    out_dir: str | Path,
    *,
    mode: Literal["accurate", "fast"] = "accurate",
    vertical: bool = False,
    titles: Sequence[str | None] = (),
) -> list[WrittenClip]:
    """Write each segment of a video to ``<out_dir>/<stem>_<index>_<start>s.mp4``, in the order given.

    The index counts from 000 and the start is the segment's. An existing file of that name is replaced.

    Args:
        path: The video.
        segments: (start, end) in seconds from the first shown frame, start < end.
        out_dir: The folder; it is made if need be.
        mode: "accurate" encodes anew (H.264, AAC) exactly the frames whose time is in [start, end),
            upright, with the sound in sync. "fast" copies the coded streams from the key frame at or
            before ``start`` on: quick and without loss, but the clip begins and ends as the coding
            allows; ``WrittenClip`` says where. Where no frame begins within half a second of ``start``
            (stills), an accurate clip begins with the one on the screen.
        vertical: Crop to 9:16 round the centre; for "accurate" only.
        titles: What the files say as their title, one for each segment or none; None for a clip without.

    Returns:
        What was written, one for each segment.

    Raises:
        FileNotFoundError: If there is no such video.
        MediaError: If it cannot be decoded.
        ValueError: If a segment is not within the video or an argument is wrong; nothing is written then.
        OSError: If a clip cannot be written, as on a full disk; clips written before it stay.
    """
    if mode not in ("accurate", "fast"):
        raise ValueError(f"unknown mode {mode!r}; known: 'accurate', 'fast'")
    if vertical and mode == "fast":
        raise ValueError("mode='fast' copies the pictures as they are and cannot crop; use mode='accurate'")
    if titles and len(titles) != len(segments):
        raise ValueError(f"{len(segments)} segments have {len(titles)} titles; give one for each, or none")
    source = examine(path)
    for index, (start, end) in enumerate(segments):
        _check_segment(index, start, end, source)
    out_dir = Path(out_dir)
    width, height = _clip_size(source, vertical)
    clips = []
    for index, ((start, end), title) in enumerate(zip(segments, titles or [None] * len(segments))):
        target = out_dir / f"{source.path.stem}_{index:03d}_{start:.1f}s.mp4"
        if mode == "fast":
            written = copy_streams(source, target, start=start, end=end, title=title)
        else:
            written = transcode(
                source,
                target,
                start=start,
                end=end,
                width=width,
                height=height,
                square_pixels=vertical,
                crf=_CRF,
                title=title,
            )
        clips.append(WrittenClip(target, written.start, written.end, written.num_frames, written.has_audio))
    return clips


def _check_segment(index: int, start: float, end: float, source: Source) -> None:
    if not (math.isfinite(start) and math.isfinite(end)):
        raise ValueError(f"segment {index} is ({start}, {end}); give finite seconds")
    if start >= end:
        raise ValueError(f"segment {index} is {start} to {end} s; its end must lie after its start")
    if start < 0:
        raise ValueError(f"segment {index} starts at {start} s; a video starts at 0")
    duration = source.end_seconds
    if duration is None:
        return
    if start >= duration or end > duration + _END_TOLERANCE_SECONDS:
        raise ValueError(
            f"segment {index} is {start} to {end} s; {source.path} lasts {duration:.3f} s, shorten or drop it"
        )


def _clip_size(source: Source, vertical: bool) -> tuple[int, int]:
    """Return the even size (width, height) of accurate clips."""
    if not vertical:
        return _even(source.width), _even(source.height)
    width, height = source.square_width, source.height
    across, down = _VERTICAL
    if width * down > height * across:
        return _nearest_even(height * across / down, width), _even(height)
    return _even(width), _nearest_even(width * down / across, height)


def _even(size: int) -> int:
    return max(size - size % 2, 2)  # 4:2:0 halves both sides


def _nearest_even(size: float, limit: int) -> int:
    return max(min(2 * round(size / 2), _even(limit)), 2)
