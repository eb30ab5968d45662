"""Repurposing metrics on hand-worked and empty cases, against plain formulas, and on the released files."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from vidkit.data import RepurposedVideo, read_repurpose10k
from vidkit.evaluation import num_allowed_clips, repurposing_metrics

Clips = tuple[np.ndarray, np.ndarray]
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)


def _video(segments: list[list[float]], seconds: float = 600.0) -> RepurposedVideo:
    return RepurposedVideo("a", 0.0, seconds, np.array(segments, dtype=float).reshape(-1, 2))


def _clips(segments: list[list[float]], scores: list[float] | None = None) -> Clips:
    rows = np.array(segments, dtype=float).reshape(-1, 2)
    return rows, np.linspace(1, 0, len(rows)) if scores is None else np.array(scores, dtype=float)


def _metrics(segments: list[list[float]], annotated: list[list[float]], **options: list[Clips]) -> dict:
    return repurposing_metrics([(_clips(segments), _video(annotated))], **options)


def _iou(one: list[float], other: list[float]) -> float:
    intersection = max(0.0, min(one[1], other[1]) - max(one[0], other[0]))
    union = one[1] - one[0] + other[1] - other[0] - intersection
    return intersection / union if union > 0 else 0.0


def _reference_matches(
    ranked: list[list[float]], annotated: list[list[float]], threshold: float
) -> list[bool]:
    free, hits = list(range(len(annotated))), []
    for clip in ranked:
        reached = [index for index in free if _iou(clip, annotated[index]) >= threshold]
        hits.append(bool(reached))
        if reached:
            free.remove(max(reached, key=lambda index: _iou(clip, annotated[index])))
    return hits


def _reference_ap(hits: list[bool], num_annotated: int) -> float:
    """Area under the precision-recall curve of PASCAL VOC 2010: devkit, VOCap.m."""
    found = np.cumsum(hits)
    recall = [0.0, *(found / num_annotated), 1.0]
    precision = [0.0, *(found / np.arange(1, len(hits) + 1)), 0.0]
    for index in range(len(precision) - 2, -1, -1):
        precision[index] = max(precision[index], precision[index + 1])
    return sum((recall[i] - recall[i - 1]) * precision[i] for i in range(1, len(recall)))


def _random_results(seed: int) -> tuple[list[tuple[Clips, RepurposedVideo]], list[Clips]]:
    rng = np.random.default_rng(seed)
    results, candidates = [], []
    for _ in range(12):
        starts = rng.uniform(0, 200, rng.integers(1, 6))
        annotated = np.stack([starts, starts + rng.uniform(10, 90, len(starts))], axis=1)
        near = annotated[rng.integers(0, len(annotated), 40)] + rng.normal(0, 6, (40, 2))
        ranked = np.sort(near, axis=1)
        scores = rng.permutation(40) / 40.0
        chosen = np.argsort(-scores)[: rng.integers(0, 6)]
        video = RepurposedVideo("a", 0.0, float(rng.uniform(300, 1800)), annotated)
        results.append(((ranked[chosen], scores[chosen]), video))
        candidates.append((ranked, scores))
    return results, candidates


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_the_definitions_on_random_clips(seed: int) -> None:
    results, candidates = _random_results(seed)
    metrics = repurposing_metrics(results, candidates=candidates)
    for t in THRESHOLDS:
        columns: dict[str, list[float]] = {name: [] for name in ("tIoU", "recall", "F1", "unique", "AP")}
        for ((clips, scores), video), (ranked, ranked_scores) in zip(results, candidates):
            annotated = video.segments.tolist()
            hits = [max(_iou(clip, other) for other in annotated) >= t for clip in clips.tolist()]
            found = [any(_iou(clip, other) >= t for clip in clips.tolist()) for other in annotated]
            precision, recall = sum(hits) / max(len(hits), 1), sum(found) / len(found)
            columns["tIoU"].append(precision)
            columns["recall"].append(recall)
            columns["F1"].append(2 * precision * recall / (precision + recall) if precision else 0.0)
            taken = _reference_matches(clips[np.argsort(-scores)].tolist(), annotated, t)
            columns["unique"].append(sum(taken) / max(len(taken), 1))
            taken = _reference_matches(ranked[np.argsort(-ranked_scores)].tolist(), annotated, t)
            columns["AP"].append(_reference_ap(taken, len(annotated)))
        for name, values in columns.items():
            assert metrics[f"{name}@{t}"] == pytest.approx(np.mean(values), abs=1e-12), (name, t)
    assert metrics["average"] == pytest.approx(np.mean([metrics[f"tIoU@{t}"] for t in THRESHOLDS]))


def test_the_keys_are_those_that_are_promised_in_their_order() -> None:
    kinds = ("recall", "F1", "unique", "AP")
    expected = [*(f"tIoU@{t}" for t in THRESHOLDS), "average"]
    expected += [*(f"{kind}@{t}" for kind in kinds for t in THRESHOLDS), "recall_cap", "by_length"]
    assert list(_metrics([[0, 40]], [[0, 40]])) == expected


def test_perfect_clips_score_one() -> None:
    metrics = _metrics([[0, 40], [100, 150]], [[100, 150], [0, 40]])
    for name, value in metrics.items():
        if name != "by_length":
            assert value == 1.0, name


def test_no_clips_score_nothing() -> None:
    metrics = _metrics([], [[0, 40]])
    assert {name for name, value in metrics.items() if value != 0} == {"recall_cap", "by_length"}
    results = [(_clips([]), _video([[0, 40]])), (_clips([[0, 40]]), _video([[0, 40]]))]
    assert repurposing_metrics(results)["tIoU@0.9"] == 0.5  # the video without clips counts


def test_where_nothing_is_annotated_nothing_is_right() -> None:
    for segments in ([[0.0, 40.0]], []):
        metrics = _metrics(segments, [])
        assert {name for name, value in metrics.items() if value != 0} == {"by_length"}


def test_an_overlap_of_exactly_the_threshold_reaches_it() -> None:
    for threshold in THRESHOLDS:
        metrics = _metrics([[0, 100 * threshold]], [[0, 100]])
        reached = [t for t in THRESHOLDS if metrics[f"tIoU@{t}"] == 1]
        assert reached == [t for t in THRESHOLDS if t <= threshold]


def test_nine_copies_of_a_right_clip_are_precise_and_nothing_else() -> None:
    annotated = [[100.0 * index, 100.0 * index + 50] for index in range(10)]
    metrics = _metrics([[0, 50]] * 9, annotated)
    assert metrics["tIoU@0.9"] == 1
    assert metrics["recall@0.9"] == pytest.approx(0.1)
    assert metrics["F1@0.9"] == pytest.approx(2 * 0.1 / 1.1)
    assert metrics["unique@0.9"] == pytest.approx(1 / 9)
    assert metrics["AP@0.9"] == pytest.approx(0.1)


def test_the_best_scored_clip_takes_the_annotated_one() -> None:
    """[0, 10] is nearer to the first annotated clip; scored higher it leaves the second to [0, 8]."""
    annotated = [[0, 10], [0, 7]]
    for scores, unique in (([0.9, 0.1], 1.0), ([0.1, 0.9], 0.5)):
        results = [(_clips([[0, 10], [0, 8.5]], scores), _video(annotated))]
        # [0, 8.5]: 0.85 with [0, 10], 0.824 with [0, 7]; [0, 10]: 1 and 0.7
        assert repurposing_metrics(results)["unique@0.8"] == unique


def test_equal_scores_keep_the_order_of_the_list() -> None:
    wrong_first = _clips([[200, 240], [0, 40]], [0.5, 0.5])
    right_first = _clips([[0, 40], [200, 240]], [0.5, 0.5])
    values = [repurposing_metrics([(c, _video([[0, 40]]))])["AP@0.5"] for c in (wrong_first, right_first)]
    assert values == [0.5, 1.0]


def test_average_precision_looks_at_the_candidates() -> None:
    annotated, ranked = [[0, 40], [100, 140]], _clips([[0, 40], [300, 340], [100, 140]])
    metrics = _metrics([[0, 40]], annotated, candidates=[ranked])
    assert metrics["recall@0.5"] == 0.5
    assert metrics["AP@0.5"] == pytest.approx((1 + 2 / 3) / 2)
    assert _metrics([[0, 40]], annotated)["AP@0.5"] == 0.5


def test_the_number_of_clips_follows_the_minutes_without_cutting_them() -> None:
    seconds = [1, 59, 200, 201, 600, 600.01, 1800, 3600, 7200]
    assert [num_allowed_clips(value) for value in seconds] == [1, 1, 1, 2, 3, 4, 9, 18, 36]
    for minutes in range(1, 400):
        assert num_allowed_clips(60.0 * minutes) == -(-3 * minutes // 10)
        assert num_allowed_clips(60.0 * minutes, clips_per_minute=0.1) == -(-minutes // 10)


def test_the_recall_cap_is_what_so_many_clips_can_reach() -> None:
    annotated = [[100.0 * index, 100.0 * index + 50] for index in range(5)]
    results = [(_clips([]), _video(annotated)), (_clips([]), _video(annotated[:2]))]
    assert repurposing_metrics(results)["recall_cap"] == pytest.approx((3 / 5 + 1) / 2)
    assert _metrics(annotated[:3], annotated)["recall@0.9"] == _metrics([], annotated)["recall_cap"]


def test_the_table_by_length_splits_the_videos() -> None:
    right, wrong = _clips([[0, 40]]), _clips([[50, 90]])
    results = [
        (clips, _video([[0, 40]], seconds))
        for clips, seconds in ((right, 5.0), (wrong, 600.0), (right, 600.1), (wrong, 1800.0), (right, 3700.0))
    ]
    table = repurposing_metrics(results)["by_length"]
    assert {name: (row["videos"], row["average"]) for name, row in table.items()} == {
        "0-10 min": (2, 0.5),
        "10-20 min": (1, 1.0),
        "20-30 min": (1, 0.0),
        "60-70 min": (1, 1.0),
    }
    kinds = [f"{kind}@{t}" for kind in ("tIoU", "recall", "F1", "AP") for t in THRESHOLDS]
    assert set(table["0-10 min"]) == {"videos", "average", *kinds}


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        ((np.zeros((1, 2)), np.zeros(2)), "video a: 1 clips need as many finite scores"),
        ((np.zeros((1, 2)), np.array([math.nan])), "video a: 1 clips need as many finite scores"),
        (
            (np.array([[0, math.nan]]), np.zeros(1)),
            "video a: predicted clips must be finite and start before",
        ),
        ((np.array([[2, 1]]), np.zeros(1)), "video a: predicted clips must be finite and start before"),
        ((np.zeros((1, 3)), np.zeros(1)), "video a: predicted clips must be rows of start and end"),
    ],
)
def test_clips_that_cannot_be_scored_are_refused(clips: Clips, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        repurposing_metrics([(clips, _video([[0, 40]]))])
    with pytest.raises(ValueError, match=message):
        repurposing_metrics([(_clips([]), _video([[0, 40]]))], candidates=[clips])


def test_what_is_not_complete_is_refused() -> None:
    with pytest.raises(ValueError, match="the ground truth has no videos"):
        repurposing_metrics([])
    with pytest.raises(ValueError, match="0 lists of candidates for 1 videos"):
        _metrics([], [[0, 40]], candidates=[])
    with pytest.raises(ValueError, match="video a: the annotation tells no end"):
        repurposing_metrics([(_clips([]), RepurposedVideo("a", 0.0, None, np.zeros((0, 2))))])


def test_the_cap_is_reached_by_as_many_annotated_clips(real_data: Path) -> None:
    videos = read_repurpose10k(real_data / "repurpose10k" / "val.json")
    results = []
    for video in videos:
        first = video.segments[: math.ceil(0.3 * (video.end_seconds - video.start_seconds) / 60 - 1e-9)]
        results.append(((first, np.ones(len(first))), video))
    metrics = repurposing_metrics(results)
    assert metrics["recall@0.9"] == pytest.approx(metrics["recall_cap"])
    assert metrics["average"] == 1.0
