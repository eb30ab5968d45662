"""The prediction files of video repurposing: JSON lines against a released json of Repurpose-10K.

A line is ``{"video_id": youtube_id, "segments": [{"start", "end", "score"}, ...]}``, its seconds counted from
the start of the chunk. ``"time_range": [start, end]`` of the chunk in its video joins where a video has
several; ``"candidates"``, in the form of the segments, may give the whole ranking. Other keys are ignored.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.data.repurpose10k import ROUNDING_SECONDS, RepurposedVideo, read_repurpose10k
from vidkit.data.rows import checked_numbers
from vidkit.evaluation.repurposing import ScoredClips, repurposing_metrics
from vidkit.files import read_numbered_json_lines

Chunk = tuple[str, float, float]  # video, and where the chunk starts and ends in it

_FORM = '{"video_id": ..., "time_range": [start, end], "segments": [{"start", "end", "score"}, ...]}'


def evaluate_repurposing(predictions: Path, ground_truth: Path) -> dict[str, Any]:
    """Return ``repurposing_metrics`` of a prediction file, with the counts of what is annotated.

    The released files repeat a few chunks with other clips: the k-th line of a chunk answers its k-th entry.
    Windows beyond their video are scored as they are, and counted in one warning.

    Raises:
        ValueError: If a line breaks the form, holds a window that is not finite or ends before it starts, or
            the lines do not answer every entry of the ground truth once.
        FileNotFoundError: If a file is missing.
    """
    videos = read_repurpose10k(ground_truth)
    lines = _read_lines(predictions, videos)
    _warn_of_windows_beyond(lines, videos)
    metrics = repurposing_metrics(
        [(clips, video) for (clips, _), video in zip(lines, videos)], candidates=[line[1] for line in lines]
    )
    lengths = np.concatenate([np.diff(video.segments, axis=1).ravel() for video in videos])
    counts = {
        "videos": len(videos),
        "clips": len(lengths),
        "mean_clip_seconds": float(lengths.mean()) if len(lengths) else 0.0,
    }
    return {**counts, **metrics}


def _read_lines(path: Path, videos: list[RepurposedVideo]) -> list[tuple[ScoredClips, ScoredClips]]:
    """Return the clips and candidates that answer each video, in the order of the videos."""
    entries: dict[Chunk, list[int]] = defaultdict(list)
    chunks: dict[str, list[Chunk]] = defaultdict(list)
    for index, video in enumerate(videos):
        chunk = _chunk(video)
        entries[chunk].append(index)
        if chunk not in chunks[video.video_id]:
            chunks[video.video_id].append(chunk)
    answers: dict[int, tuple[ScoredClips, ScoredClips]] = {}
    num_lines: dict[Chunk, int] = defaultdict(int)
    for number, row in read_numbered_json_lines(path):
        place = f"{path}, line {number}"
        if not isinstance(row, dict) or not {"video_id", "segments"} <= row.keys():
            raise ValueError(f"{place}: a line is {_FORM}")
        chunk = _answered_chunk(row, chunks, place)
        if num_lines[chunk] == len(entries[chunk]):
            raise ValueError(
                f"{place}: {_name(chunk)} has more lines than the ground truth has entries of it "
                f"({len(entries[chunk])}); remove those beyond"
            )
        clips = _scored_clips(row["segments"], place, "segments")
        ranked = _scored_clips(row["candidates"], place, "candidates") if "candidates" in row else clips
        answers[entries[chunk][num_lines[chunk]]] = clips, ranked
        num_lines[chunk] += 1
    missing = [index for index in range(len(videos)) if index not in answers]
    if missing:
        raise ValueError(
            f"{path}: {len(missing)} of {len(videos)} entries of the ground truth have no prediction, first "
            f"{_name(_chunk(videos[missing[0]]))}; give a line for each, with segments [] where none is found"
        )
    return [answers[index] for index in range(len(videos))]


def _answered_chunk(row: dict[str, Any], chunks: dict[str, list[Chunk]], place: str) -> Chunk:
    """Return which chunk of the ground truth a line means."""
    video_id = str(row["video_id"])
    known = chunks.get(video_id)
    if known is None:
        raise ValueError(f"{place}: video {video_id!r} is not annotated; predict the annotated videos alone")
    ranges = ", ".join(f"[{start:g}, {end:g}]" for _, start, end in known)
    if row.get("time_range") is None:
        if len(known) > 1:
            raise ValueError(
                f"{place}: video {video_id!r} has {len(known)} chunks; say which by time_range, {ranges}"
            )
        return known[0]
    numbers = checked_numbers(row["time_range"], place, "time_range", num_axes=1).tolist()
    for chunk in known:
        if list(chunk[1:]) == numbers:
            return chunk
    raise ValueError(f"{place}: video {video_id!r} has no chunk {row['time_range']}; it has {ranges}")


def _scored_clips(value: Any, place: str, key: str) -> ScoredClips:
    names = ("start", "end", "score")
    if not isinstance(value, list) or not all(isinstance(clip, dict) for clip in value):
        raise ValueError(f'{place}: {key} must be a list of {{"start", "end", "score"}}')
    for clip in value:
        missing = [name for name in names if name not in clip]
        if missing:
            raise ValueError(f"{place}: {key} without {missing[0]!r}; each has start, end and score")
    if not value:
        return np.zeros((0, 2)), np.zeros(0)
    rows = [[clip[name] for name in names] for clip in value]
    numbers = checked_numbers(rows, place, f"start, end and score of {key}", num_axes=2)
    inverted = numbers[numbers[:, 0] > numbers[:, 1]]
    if len(inverted):
        start, end, _ = inverted[0]
        raise ValueError(f"{place}: {key} has a window [{start:g}, {end:g}]; it must start before it ends")
    return numbers[:, :2], numbers[:, 2]


def _warn_of_windows_beyond(
    lines: list[tuple[ScoredClips, ScoredClips]], videos: list[RepurposedVideo]
) -> None:
    beyond = total = 0
    for (clips, candidates), video in zip(lines, videos):
        windows = np.unique(np.concatenate([clips[0], candidates[0]]), axis=0)
        total += len(windows)
        _, start, end = _chunk(video)
        windows_beyond = (windows < -ROUNDING_SECONDS) | (windows > end - start + ROUNDING_SECONDS)
        beyond += int(windows_beyond.any(axis=1).sum())
    if beyond:
        warnings.warn(
            f"{beyond} of {total} windows reach beyond their video; they are scored as they are", stacklevel=2
        )


def _chunk(video: RepurposedVideo) -> Chunk:
    assert video.end_seconds is not None, "a released json tells the end of every chunk"
    return video.video_id, video.start_seconds, video.end_seconds


def _name(chunk: Chunk) -> str:
    video_id, start, end = chunk
    return f"video {video_id!r} [{start:g}, {end:g}]"
