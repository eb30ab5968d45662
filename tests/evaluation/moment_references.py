"""The rules of QVHighlights' evaluation once more: plain loops, and scikit-learn's precision-recall curve.

Rows are lines of the official files, as dicts. Where the official script stops (a query without windows), a
miss and an average precision of 0 stand, as vidkit's protocol has it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import precision_recall_curve

Row = dict[str, Any]

TIOU = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
RANGES = {"short": (0, 10), "middle": (10, 30), "long": (30, 150), "full": (-1, float("inf"))}
LEVELS = {"Fair": 2, "Good": 3, "VeryGood": 4}


def reference_metrics(predictions: list[Row], truth: list[Row]) -> Row:
    """Return all numbers, in percent and unrounded, nested as in the official JSON but for ``brief``."""
    by_qid = {row["qid"]: row for row in predictions}
    pairs = [(by_qid[row["qid"]], row) for row in truth]
    return {**reference_moments(pairs), **reference_highlights(pairs)}


def reference_moments(pairs: list[tuple[Row, Row]]) -> Row:
    """Return ``{"full": {"MR-mAP": ..., "MR-R1": ...}, ...}``."""
    table = {}
    for name, (low, high) in RANGES.items():
        precisions, firsts = [], []
        for prediction, row in pairs:
            annotated = [w for w in row["relevant_windows"] if low < w[1] - w[0] <= high]
            if annotated:
                windows = prediction["pred_relevant_windows"]
                precisions.append([reference_average_precision(windows, annotated, t) for t in TIOU])
                firsts.append(max(reference_tiou(windows[0], w) for w in annotated) if windows else 0.0)
        columns = [100 * float(np.mean(column)) for column in zip(*precisions)]
        table[name] = {
            "MR-mAP": {**dict(zip(map(str, TIOU), columns)), "average": float(np.mean(columns))},
            "MR-R1": {str(t): 100 * float(np.mean([value >= t for value in firsts])) for t in TIOU},
        }
    return table


def reference_tiou(window: list[float], other: list[float]) -> float:
    """Intersection over union of [start, end, ...]."""
    shared = max(0.0, min(window[1], other[1]) - max(window[0], other[0]))
    union = (window[1] - window[0]) + (other[1] - other[0]) - shared
    return shared / union if union > 0 else 0.0


def reference_average_precision(
    windows: list[list[float]], annotated: list[list[float]], threshold: float
) -> float:
    """VOC 2011 over the first ten windows of the file; of equally near moments the later one is taken."""
    taken: set[int] = set()
    hits = []
    for window in sorted(windows[:10], key=lambda window: -window[2]):
        nearest = sorted(
            ((reference_tiou(window, other), index) for index, other in enumerate(annotated)), reverse=True
        )
        found = next((i for value, i in nearest if value >= threshold and i not in taken), None)
        hits.append(found is not None)
        taken |= {found} - {None}
    points = [(sum(hits[:n]) / len(annotated), sum(hits[:n]) / n) for n in range(1, len(hits) + 1)]
    area, reached = 0.0, 0.0
    for recall, _ in points:
        area += (recall - reached) * max(precision for other, precision in points if other >= recall)
        reached = recall
    return area


def reference_highlights(pairs: list[tuple[Row, Row]]) -> Row:
    """Return ``{"HL-min-Fair": {"HL-mAP", "HL-Hit1"}, ...}``, by a curve per query, annotator and level."""
    table = {}
    for name, level in LEVELS.items():
        precisions, hits = [], []
        for prediction, row in pairs:
            judged = np.zeros((int(row["duration"] / 2), 3))
            judged[row["relevant_clip_ids"]] = row["saliency_scores"]
            positive = judged >= level
            scores = prediction["pred_saliency_scores"]
            best = scores.index(max(scores)) if scores else len(positive)
            hits.append(best < len(positive) and positive[best].any())
            fitted = np.array([*scores, *[0.0] * len(positive)][: len(positive)])
            precisions += [reference_tied_precision(column, fitted) for column in positive.T]
        table[f"HL-min-{name}"] = {
            "HL-mAP": 100 * float(np.mean(precisions)),
            "HL-Hit1": 100 * float(np.mean(hits)),
        }
    return table


def reference_tied_precision(positive: np.ndarray, scores: np.ndarray) -> float:
    """Mean of the interpolated precision over the points of scikit-learn's curve at which recall changes."""
    if not positive.any():
        return 0.0
    precision, recall, _ = precision_recall_curve(positive, scores)  # from high recall to low
    return float(np.maximum.accumulate(precision)[np.flatnonzero(np.diff(recall))].mean())


def random_rows(
    count: int, seed: int, *, num_moments: tuple[int, ...] = (1, 1, 1, 2, 2, 3, 5, 12, 25)
) -> tuple[list[Row], list[Row]]:
    """Return predictions and ground truth with everything that is easy to get wrong.

    Queries with as many moments as one of ``num_moments``, at random; windows near them and far, copies,
    of no length, out of order, beyond the video, more than ten or none; equal scores; saliency with ties,
    negative, too short, too long, or empty.
    """
    rng = np.random.default_rng(seed)
    predictions, truth = [], []
    for qid in range(count):
        num_clips = int(rng.integers(60, 76))
        edges = np.sort(rng.choice(num_clips + 1, 2 * int(rng.choice(num_moments)), replace=False))
        moments = 2 * edges.reshape(-1, 2)
        clips = [clip for start, end in edges.reshape(-1, 2) for clip in range(start, end)]
        truth.append(
            dict(
                qid=qid,
                query=f"sentence {qid}",
                vid=f"video_{qid}",
                duration=2 * num_clips,
                relevant_windows=moments.tolist(),
                relevant_clip_ids=list(map(int, clips)),
                saliency_scores=rng.integers(0, 5, (len(clips), 3)).tolist(),
            )
        )
        near = moments[rng.integers(0, len(moments), 8)] + rng.choice([0, 0, 0, 2, 1.5, -2], (8, 2))
        far = rng.uniform(0, 2 * num_clips + 10, (5, 2)).round(1)
        windows = np.sort(np.concatenate([near, near[:2], far, far[:1, [0, 0]]]), axis=1)
        scores = rng.choice([0.1, 0.2, 0.5, 0.9, -1.0], len(windows))
        kept = rng.permutation(len(windows))[: int(rng.choice([0, 1, 5, 10, 16]))]
        length = max(0, num_clips + int(rng.choice([0, 0, 0, -1, 1, 10, -50, -100])))
        saliency = (rng.normal(size=length) - rng.choice([0, 5])).round(int(rng.integers(0, 4)))
        predictions.append(
            dict(
                qid=qid,
                query=f"sentence {qid}",
                vid=f"video_{qid}",
                pred_relevant_windows=[[*map(float, windows[i]), float(scores[i])] for i in kept],
                pred_saliency_scores=saliency.tolist(),
            )
        )
    order = rng.permutation(count)  # predictions come in any order
    return [predictions[i] for i in order], truth
