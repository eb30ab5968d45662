"""Scoring the prediction files of any tool by the rules of a benchmark."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from vidkit.data.highlights import HIGHLIGHT_READERS
from vidkit.evaluation.highlights import HIGHLIGHT_METRICS
from vidkit.files import read_json_lines
from vidkit.registry.builder import nearest


def evaluate_files(protocol: str, predictions: str | Path, ground_truth: str | Path) -> dict[str, Any]:
    """Return the metrics of a prediction file.

    Args:
        protocol: A name in ``PROTOCOLS``.
        predictions: JSON lines in the form of the protocol.
        ground_truth: The annotations of the benchmark.

    Raises:
        ValueError: If the protocol is unknown or a file breaks its form; the message names the line.
        FileNotFoundError: If a file is missing.
    """
    if protocol not in PROTOCOLS:
        hint = nearest(protocol, PROTOCOLS) or ";"
        raise ValueError(f"unknown protocol {protocol!r}{hint} known: {', '.join(PROTOCOLS)}")
    return PROTOCOLS[protocol](Path(predictions), Path(ground_truth))


def read_saliency(path: Path) -> dict[str, list[float]]:
    """Return the scores by video of lines ``{"vid", "domain", "pred_saliency_scores"}``.

    Raises:
        ValueError: If a line lacks a key, repeats a video or holds what is no finite number.
    """
    scores: dict[str, list[float]] = {}
    for number, row in enumerate(read_json_lines(path), start=1):
        place = f"{path}, entry {number}"
        if not isinstance(row, dict) or not {"vid", "pred_saliency_scores"} <= row.keys():
            raise ValueError(
                f'{place}: a line is {{"vid": ..., "domain": ..., "pred_saliency_scores": [...]}}'
            )
        values = row["pred_saliency_scores"]
        if not isinstance(values, list) or not all(_is_finite(value) for value in values):
            raise ValueError(f"{place}: pred_saliency_scores must be a list of finite numbers, one per clip")
        if str(row["vid"]) in scores:
            raise ValueError(f"{place}: video {row['vid']!r} stands twice; predict it once")
        scores[str(row["vid"])] = [float(value) for value in values]
    return scores


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _highlights(protocol: str, predictions: Path, ground_truth: Path) -> dict[str, Any]:
    annotations = HIGHLIGHT_READERS[protocol](ground_truth)
    return dict(HIGHLIGHT_METRICS[protocol](read_saliency(predictions), annotations))


PROTOCOLS: dict[str, Callable[[Path, Path], dict[str, Any]]] = {
    protocol: partial(_highlights, protocol) for protocol in HIGHLIGHT_METRICS
}
"""What scores the prediction file of a benchmark."""
