"""Metrics of video repurposing: the tIoU precision of Repurpose-10K, and what stands beside it.

Section "Evaluation Metrics" of "Video Repurposing from User Generated Content: A Large-scale Dataset and
Benchmark" (Wu et al., AAAI 2025) and its released code. Copies of one right clip do not lower that precision;
recall, F1 and the precision without duplicates show them.

Shapes: K predicted and N annotated clips of a video. A clip is (start, end) in seconds of its video.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from vidkit.data.repurpose10k import RepurposedVideo
from vidkit.overlap import check_moments, temporal_iou

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
CLIPS_PER_MINUTE = 0.3  # three clips every ten minutes, the paper's mean over the training videos
_MINUTES_PER_ROW = 10  # of the table by length
_KINDS = ("tIoU", "recall", "F1", "unique", "AP", "recall_cap")  # in the order of the answer
_IN_TABLE = {"average", *(f"{kind}@{t}" for kind in ("tIoU", "recall", "F1", "AP") for t in THRESHOLDS)}

ScoredClips = tuple[np.ndarray, np.ndarray]
"""Clips in seconds, (K, 2), and their scores, (K,)."""


def num_allowed_clips(duration_seconds: float, *, clips_per_minute: float = CLIPS_PER_MINUTE) -> int:
    """Return how many clips a video may give: ceil(clips per minute x minutes), at least 1.

    The minutes are not truncated, where the released code takes whole ones.

    Example:
        >>> num_allowed_clips(600.0), num_allowed_clips(601.0), num_allowed_clips(5.0)
        (3, 4, 1)
    """
    exact = clips_per_minute * duration_seconds / 60
    return max(1, math.ceil(exact - 1e-9))  # 0.3 x 10 minutes are 3 clips, whatever the rounding


def repurposing_metrics(
    results: Sequence[tuple[ScoredClips, RepurposedVideo]], *, candidates: Sequence[ScoredClips] | None = None
) -> dict[str, float | dict[str, dict[str, float]]]:
    """Return the metrics of predicted clips, all fractions, each a mean over videos.

    With t in 0.5, 0.6, 0.7, 0.8, 0.9, and a pair reaching t when its tIoU is at least t:

    ===============  ===================================================================================
    ``tIoU@t``       share of the predicted clips that reach t with some annotated clip (the paper's)
    ``average``      mean of the five ``tIoU@t``
    ``recall@t``     share of the annotated clips that reach t with some predicted clip
    ``F1@t``         harmonic mean of the two above in one video, 0 where both are 0
    ``unique@t``     precision without duplicates: the predicted clips, best score first, each take the
                     annotated clip of largest tIoU among those that reach t and are not taken; the share
                     that finds one
    ``AP@t``         average precision of the candidates, matched in the same way: the area under
                     precision over recall with precision made non-increasing from the right and every
                     point counted (as PASCAL VOC since 2010)
    ``recall_cap``   highest recall that ``num_allowed_clips`` clips can have: min(k, N) / N
    ``by_length``    ``{"0-10 min": {...}, ...}``: ``videos``, and ``tIoU@t``, ``recall@t``, ``F1@t``,
                     ``AP@t``, ``average`` over the videos of that length; 10 minutes sharp are in the
                     first row
    ===============  ===================================================================================

    A video without predicted clips counts 0 in all but the cap (and the AP, if it has candidates); one
    without annotated clips counts 0 in all. Of equal scores the clip that stands earlier comes first.

    Args:
        results: Predicted clips and annotation of every video.
        candidates: What AP looks at, for every video: the whole ranking, before it was cut to a few clips.
            The predicted clips by default.

    Raises:
        ValueError: If there is no video, the lists are not as long, or a clip or score is not usable.

    Example:
        >>> video = RepurposedVideo("a", 0.0, 600.0, np.array([[0.0, 40.0], [100.0, 140.0]]))
        >>> clips = np.array([[0.0, 40.0], [0.0, 40.0]]), np.array([0.9, 0.8])
        >>> metrics = repurposing_metrics([(clips, video)])
        >>> metrics["tIoU@0.5"], metrics["recall@0.5"], metrics["unique@0.5"], metrics["AP@0.5"]
        (1.0, 0.5, 0.5, 0.5)
    """
    if not results:
        raise ValueError("the ground truth has no videos")
    if candidates is not None and len(candidates) != len(results):
        raise ValueError(f"{len(candidates)} lists of candidates for {len(results)} videos; give one a video")
    rows, rows_of_length = [], defaultdict(list)
    for index, (clips, video) in enumerate(results):
        row = _video_metrics(clips, clips if candidates is None else candidates[index], video)
        rows.append(row)
        rows_of_length[_length_row(_duration(video))].append(row)
    metrics: dict[str, float | dict[str, dict[str, float]]] = {**_means(rows)}
    metrics["by_length"] = {
        f"{_MINUTES_PER_ROW * row}-{_MINUTES_PER_ROW * (row + 1)} min": {
            "videos": len(rows_of_length[row]),
            **{name: value for name, value in _means(rows_of_length[row]).items() if name in _IN_TABLE},
        }
        for row in sorted(rows_of_length)
    }
    return metrics


def _video_metrics(clips: ScoredClips, candidates: ScoredClips, video: RepurposedVideo) -> dict[str, float]:
    annotated = check_moments(video.segments, f"video {video.video_id}: annotated clips")
    overlap = temporal_iou(_best_first(clips, video.video_id), annotated)  # (K, N)
    same = candidates is clips
    ranked = overlap if same else temporal_iou(_best_first(candidates, video.video_id), annotated)
    row = {}
    for threshold in THRESHOLDS:
        reached = overlap >= threshold
        is_right, is_found = np.any(reached, axis=1), np.any(reached, axis=0)  # (K,), (N,)
        precision, recall = _share(is_right), _share(is_found)
        takes = _takes_a_clip(overlap, threshold)
        ranked_takes = takes if same else _takes_a_clip(ranked, threshold)
        row[f"tIoU@{threshold}"] = precision
        row[f"recall@{threshold}"] = recall
        row[f"F1@{threshold}"] = 2 * precision * recall / ((precision + recall) or 1.0)
        row[f"unique@{threshold}"] = _share(takes)
        row[f"AP@{threshold}"] = _average_precision(ranked_takes, len(annotated))
    num_clips = num_allowed_clips(_duration(video))
    row["recall_cap"] = min(num_clips, len(annotated)) / max(len(annotated), 1)
    return row


def _best_first(clips: ScoredClips, video_id: str) -> np.ndarray:
    """Return the checked clips by falling score, (K, 2)."""
    segments = check_moments(clips[0], f"video {video_id}: predicted clips")
    scores = np.asarray(clips[1], dtype=np.float64)
    if scores.shape != (len(segments),) or not np.isfinite(scores).all():
        raise ValueError(f"video {video_id}: {len(segments)} clips need as many finite scores, got {scores}")
    if not (np.isfinite(segments).all() and (segments[:, 0] <= segments[:, 1]).all()):
        raise ValueError(f"video {video_id}: predicted clips must be finite and start before they end")
    ordered: np.ndarray = segments[np.argsort(-scores, kind="stable")]
    return ordered


def _takes_a_clip(overlap: np.ndarray, threshold: float) -> np.ndarray:
    """Return which of the ranked clips takes an annotated one for itself, bool (K,)."""
    free = np.where(overlap >= threshold, overlap, 0.0)  # (K, N)
    takes = np.zeros(len(free), dtype=bool)
    while free.any():
        clip = int(free.any(axis=1).argmax())
        takes[clip] = True
        free[:, free[clip].argmax()] = 0.0
        free[clip] = 0.0
    return takes


def _average_precision(takes: np.ndarray, num_annotated: int) -> float:
    """Return the area under the precision-recall curve, all points, with the right-hand maximum."""
    ranks = np.flatnonzero(takes) + 1
    if not len(ranks):
        return 0.0
    precision = np.arange(1, len(ranks) + 1) / ranks  # each of these clips adds 1 / N of recall
    return float(np.maximum.accumulate(precision[::-1]).sum() / num_annotated)


def _share(is_right: np.ndarray) -> float:
    return float(is_right.mean()) if len(is_right) else 0.0


def _means(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the mean of every metric, and ``average`` behind the five it is the mean of."""
    means = {name: float(np.mean([row[name] for row in rows])) for name in sorted(rows[0], key=_place)}
    precisions = {name: value for name, value in means.items() if name.startswith("tIoU@")}
    return {**precisions, "average": float(np.mean(list(precisions.values()))), **means}


def _place(name: str) -> int:
    return _KINDS.index(name.split("@")[0])


def _duration(video: RepurposedVideo) -> float:
    seconds = video.duration_seconds
    if seconds is None:
        raise ValueError(f"video {video.video_id}: the annotation tells no end; the metric needs the length")
    return float(seconds)


def _length_row(duration_seconds: float) -> int:
    """Return the row of the table by length, counted from 0; a row includes its upper end."""
    return max(0, math.ceil(duration_seconds / 60 / _MINUTES_PER_ROW) - 1)
