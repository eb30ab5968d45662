"""Moments and highlights of a sentence: one annotated query of a video, in JSON lines.

Shapes: N moments, T clips, K relevant clips, A annotators.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.data.rows import checked_numbers, checked_rows

MAX_SALIENCY = 4.0


@dataclass(frozen=True)
class MomentAnnotation:
    """One sentence about one video, and where in the video it is true.

    Args:
        query_id: What predictions name it by.
        video_id: Name of the video.
        query: The sentence.
        duration_seconds: Length of the video; None where the file does not say.
        moments: Start and end in seconds, (N, 2), in the order of the file; None without ground truth.
        relevant_clips: Indices of the clips that belong to the sentence, int (K,), in the order of the file;
            None where the file does not say.
        saliency: Judgement of every annotator, (T, A), from 0 (very bad) to 4 (very good), 0 where a clip is
            not relevant; None if nobody judged.
        clip_seconds: Length of the clips of ``relevant_clips`` and ``saliency``; None where there are none.
    """

    query_id: int | str
    video_id: str
    query: str
    duration_seconds: float | None
    moments: np.ndarray | None = None
    relevant_clips: np.ndarray | None = None
    saliency: np.ndarray | None = None
    clip_seconds: float | None = None


def read_moment_lines(path: str | Path, *, clip_seconds: float | None) -> list[MomentAnnotation]:
    """Return the annotations of lines in the form of QVHighlights.

    A line has qid, query, duration (seconds) and vid; and, where they are known, relevant_windows
    ([[start, end], ...] in seconds), relevant_clip_ids and saliency_scores (for each of these clips a number
    from 0 to 4 of every annotator). A key that is null counts as absent.

    Args:
        path: JSON lines.
        clip_seconds: Length of the clips that relevant_clip_ids count; None leaves the keys of clips unread.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line breaks the form, contradicts itself or repeats a qid, or if clips have different
            numbers of annotators; the message says which line.
    """
    annotations = []
    num_annotators: int | None = None
    for place, row in checked_rows(path, ("qid", "query", "duration", "vid"), unique="qid"):
        query_id = checked_query_id(row["qid"], place)
        query = checked_query(row["query"], place)
        duration = float(checked_numbers(row["duration"], place, "duration", num_axes=0))
        if duration <= 0:
            raise ValueError(f"{place}: duration is {row['duration']}; it must be above 0 seconds")
        moments = _moments(row.get("relevant_windows"), duration, place)
        clips = saliency = None
        if clip_seconds is not None:
            num_clips = int(duration / clip_seconds)
            clips = _clips(row.get("relevant_clip_ids"), num_clips, place)
            saliency = _saliency(row.get("saliency_scores"), clips, num_clips, place)
        if saliency is not None:
            num_annotators = num_annotators or saliency.shape[1]
            if saliency.shape[1] != num_annotators:
                raise ValueError(
                    f"{place}: {saliency.shape[1]} annotators, but {num_annotators} in the lines before; "
                    "every clip needs as many"
                )
        annotations.append(
            MomentAnnotation(
                query_id, str(row["vid"]), query, duration, moments, clips, saliency, clip_seconds
            )
        )
    return annotations


def checked_query_id(value: Any, place: str) -> int | str:
    """Return a qid: an integer, or a text that is not empty."""
    if isinstance(value, bool) or not isinstance(value, (int, str)) or value == "":
        raise ValueError(f"{place}: qid is {value!r}; it must be an integer or a text")
    return value


def checked_query(value: Any, place: str) -> str:
    """Return a sentence that is not empty, without spaces round it."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{place}: query is {value!r}; it must be a sentence")
    return value.strip()


def _moments(value: Any, duration: float, place: str) -> np.ndarray | None:
    """Return moments within the video, each longer than nothing, (N, 2), N >= 1."""
    if value is None:
        return None
    moments = checked_numbers(value, place, "relevant_windows", num_axes=2)
    if moments.shape[1] != 2:
        raise ValueError(f"{place}: relevant_windows are [start, end] in seconds, got {value[0]}")
    for window, (start, end) in zip(value, moments, strict=True):
        if start >= end:
            raise ValueError(
                f"{place}: the window {window} is inverted or empty; its start lies before its end"
            )
        if start < 0 or end > duration:
            raise ValueError(
                f"{place}: the window {window} leaves the video, which lasts {duration:g} s; cut it"
            )
    return moments


def _clips(value: Any, num_clips: int, place: str) -> np.ndarray | None:
    """Return distinct indices of clips, (K,) int."""
    if value is None:
        return None
    ids = checked_numbers(value, place, "relevant_clip_ids", num_axes=1)
    wrong = ids[(ids % 1 != 0) | (ids < 0) | (ids >= num_clips)]
    if len(wrong):
        raise ValueError(
            f"{place}: relevant_clip_ids has {wrong[0]:g}; the video has {num_clips} clips, counted from 0"
        )
    if len(np.unique(ids)) < len(ids):
        raise ValueError(f"{place}: relevant_clip_ids names a clip twice; name each once")
    return ids.astype(np.int64)


def _saliency(value: Any, clips: np.ndarray | None, num_clips: int, place: str) -> np.ndarray | None:
    """Return the judgements spread over all clips, (T, A)."""
    if value is None:
        return None
    if clips is None:
        raise ValueError(f"{place}: saliency_scores without relevant_clip_ids; say which clips they judge")
    scores = checked_numbers(value, place, "saliency_scores", num_axes=2)  # (K, A)
    if len(scores) != len(clips):
        raise ValueError(
            f"{place}: {len(scores)} saliency_scores for {len(clips)} relevant_clip_ids; they must be as many"
        )
    if not scores.size:
        raise ValueError(f"{place}: saliency_scores without annotators; give each clip one number or more")
    if scores.min() < 0 or scores.max() > MAX_SALIENCY:
        raise ValueError(
            f"{place}: saliency_scores go from 0 (very bad) to {MAX_SALIENCY:g} (very good), got "
            f"{scores.min():g} to {scores.max():g}"
        )
    saliency = np.zeros((num_clips, scores.shape[1]))
    saliency[clips] = scores
    return saliency
