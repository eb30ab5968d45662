"""Scoring the prediction files of any tool by the rules of a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.data.charades_sta import read_charades_sta
from vidkit.data.highlights import HIGHLIGHT_READERS
from vidkit.data.qvhighlights import read_qvhighlights
from vidkit.data.rows import checked_numbers, checked_rows
from vidkit.evaluation.charades_sta import charades_sta_metrics, ranking
from vidkit.evaluation.highlights import HIGHLIGHT_METRICS
from vidkit.evaluation.moment_predictions import read_moment_predictions
from vidkit.evaluation.qvhighlights import qvhighlights_metrics
from vidkit.evaluation.repurposing_files import evaluate_repurposing
from vidkit.evaluation.retrieval_files import evaluate_retrieval
from vidkit.evaluation.topic_files import evaluate_topics
from vidkit.registry.builder import nearest


def evaluate_files(
    protocol: str, predictions: str | Path, ground_truth: str | Path, **options: str | float | None
) -> dict[str, Any]:
    """Return the metrics of a prediction file.

    Args:
        protocol: A name in ``PROTOCOLS``.
        predictions: JSON lines in the form of the protocol.
        ground_truth: The annotations of the benchmark.
        options: What ``OPTIONS`` lists for the protocol; None counts as not given.

    Raises:
        ValueError: If the protocol is unknown, takes no such option, or a file breaks its form; the message
            names the line.
        FileNotFoundError: If a file is missing.
    """
    if protocol not in PROTOCOLS:
        hint = nearest(protocol, PROTOCOLS) or ";"
        raise ValueError(f"unknown protocol {protocol!r}{hint} known: {', '.join(PROTOCOLS)}")
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if name not in OPTIONS.get(protocol, ()):
            takers = [taker for taker, names in OPTIONS.items() if name in names]
            raise ValueError(
                f"{protocol} takes no {name}, which belongs to {' and '.join(takers) or 'none'}; leave it out"
            )
    return PROTOCOLS[protocol](Path(predictions), Path(ground_truth), **given)


def read_saliency(path: Path, num_clips: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Return the scores by video of lines ``{"vid", "domain", "pred_saliency_scores"}``.

    Args:
        path: JSON lines.
        num_clips: How many clips every annotated video has.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line lacks a key, repeats a video, names one that is not annotated, or has not one
            finite number per clip; the message says which line.
    """
    scores = {}
    for place, row in checked_rows(path, ("vid", "pred_saliency_scores"), unique="vid"):
        video_id = str(row["vid"])
        if video_id not in num_clips:
            raise ValueError(
                f"{place}: video {video_id!r} is not annotated; predict exactly the annotated ones"
            )
        values = checked_numbers(row["pred_saliency_scores"], place, "pred_saliency_scores", num_axes=1)
        if len(values) != num_clips[video_id]:
            raise ValueError(
                f"{place}: {len(values)} scores for the {num_clips[video_id]} clips of video {video_id!r}; "
                "give one per clip"
            )
        scores[video_id] = values
    return scores


def _highlights(protocol: str, predictions: Path, ground_truth: Path) -> dict[str, Any]:
    annotations = HIGHLIGHT_READERS[protocol](ground_truth)
    num_clips = {annotation.video_id: len(annotation.clips) for annotation in annotations}
    return dict(HIGHLIGHT_METRICS[protocol](read_saliency(predictions, num_clips), annotations))


def _qvhighlights(predictions: Path, ground_truth: Path) -> dict[str, Any]:
    annotations = read_qvhighlights(ground_truth)
    return qvhighlights_metrics(read_moment_predictions(predictions), annotations)


def _charades_sta(
    predictions: Path,
    ground_truth: Path,
    *,
    nms: str = "none",
    sigma: float | None = None,
    threshold: float | None = None,
) -> dict[str, Any]:
    rank = ranking(nms, sigma=sigma, threshold=threshold)
    annotations = read_charades_sta(ground_truth)
    return dict(charades_sta_metrics(read_moment_predictions(predictions), annotations, rank=rank))


PROTOCOLS: dict[str, Callable[..., dict[str, Any]]] = {
    "qvhighlights": _qvhighlights,
    "charades_sta": _charades_sta,
    **{protocol: partial(_highlights, protocol) for protocol in HIGHLIGHT_METRICS},
    "repurpose10k": evaluate_repurposing,
    "usv_topics": evaluate_topics,
    "usv_retrieval": evaluate_retrieval,
}
"""What scores the prediction file of a benchmark."""

OPTIONS: dict[str, tuple[str, ...]] = {
    "charades_sta": ("nms", "sigma", "threshold"),
    "usv_retrieval": ("subsets", "seed"),
}
"""What else a protocol takes."""
