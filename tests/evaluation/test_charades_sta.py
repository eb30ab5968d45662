"""Recall on Charades-STA: hand-worked cases, UMT's rule in plain loops, a known baseline on the real file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from moment_references import reference_tiou

from vidkit.data import MomentAnnotation, read_charades_sta
from vidkit.evaluation import MomentPrediction, charades_sta_metrics
from vidkit.evaluation.charades_sta import ranking
from vidkit.evaluation.protocols import evaluate_files
from vidkit.files import write_json_lines


def _annotation(query_id: int, moments: list[list[float]], duration: float = 30.0) -> MomentAnnotation:
    return MomentAnnotation(query_id, "a", "a sentence", duration, np.array(moments))


def _prediction(query_id: int, windows: list[list[float]]) -> MomentPrediction:
    array = np.array(windows, dtype=np.float64).reshape(-1, 3)
    return MomentPrediction(query_id, array[:, :2], array[:, 2])


def _reference_recall(windows: list[list[float]], truth: list[float], sigma: float | None) -> list[bool]:
    """UMT's evaluation of one query: R1@0.5, R1@0.7, R5@0.5, R5@0.7."""
    left, picked = [list(window) for window in windows], []
    while left:
        best = max(left, key=lambda window: window[2])  # the first of equals
        left.remove(best)
        picked.append(best)
        for window in left:
            window[2] *= 1.0 if sigma is None else math.exp(-(reference_tiou(best, window) ** 2) / sigma)
    return [
        any(reference_tiou(window, truth) >= threshold for window in picked[:n])
        for n in (1, 5)
        for threshold in (0.5, 0.7)
    ]


@pytest.mark.parametrize("sigma", [None, 0.5, 0.1])
def test_agrees_with_umt_in_plain_loops(sigma: float | None) -> None:
    rng = np.random.default_rng(0)
    predictions, annotations, expected = [], [], []
    for query_id in range(150):
        truth = np.sort(rng.uniform(0, 30, 2))
        windows = np.sort(truth + rng.normal(0, 4, (int(rng.integers(1, 25)), 2)), axis=1)
        rows = np.column_stack([windows, rng.random(len(windows)).round(2)])
        predictions.append(_prediction(query_id, rows.tolist()))
        annotations.append(_annotation(query_id, [truth.tolist()], duration=100.0))
        expected.append(_reference_recall(rows.tolist(), truth.tolist(), sigma))
    rank = ranking("none") if sigma is None else ranking("gaussian", sigma=sigma)
    with pytest.warns(UserWarning, match="leave their video"):
        table = charades_sta_metrics(predictions, annotations, rank=rank)
    assert list(table) == ["Rank1@0.5", "Rank1@0.7", "Rank5@0.5", "Rank5@0.7"]
    assert list(table.values()) == pytest.approx(np.mean(expected, axis=0).tolist(), abs=1e-12)
    assert 0.2 < table["Rank1@0.7"] < table["Rank5@0.5"] < 1.0


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ([[5, 10, 1]], [1, 1, 1, 1]),  # perfect
        ([], [0, 0, 0, 0]),
        ([[5, 15, 1]], [1, 0, 1, 0]),  # half
        ([[0, 1, 1], [5, 10, 0.5]], [0, 0, 1, 1]),
        ([[5, 10, 0.5], [0, 1, 1]], [0, 0, 1, 1]),  # ranked by score, not by place
        ([[0, 1, 1]] * 5 + [[5, 10, 0.5]], [0, 0, 0, 0]),  # sixth
        ([[5, 10, 1]] + [[0, 1, 1]] * 5, [1, 1, 1, 1]),  # of equal scores the first
        ([[7, 7, 1]], [0, 0, 0, 0]),  # no length
    ],
)
def test_hand_worked_cases(windows: list[list[float]], expected: list[float]) -> None:
    table = charades_sta_metrics([_prediction(1, windows)], [_annotation(1, [[5, 10]])])
    assert list(table.values()) == expected


def test_any_annotated_moment_counts_and_fractions_are_not_rounded() -> None:
    annotations = [_annotation(n, [[0, 5], [20, 30]]) for n in range(3)]
    table = charades_sta_metrics([_prediction(n, [[20, 30, 1]] * (n == 0)) for n in range(3)], annotations)
    assert table["Rank1@0.7"] == 1 / 3


def test_suppression_changes_what_stands_among_five() -> None:
    """Six near copies and the right window after them."""
    windows = [[0, 10 + n / 10, 0.9 - n / 100] for n in range(6)] + [[20, 30, 0.5]]
    truth = [_annotation(1, [[20, 30]])]
    for rank, expected in (
        (ranking(), 0.0),
        (ranking("gaussian", sigma=0.5), 1.0),
        (ranking("gaussian"), 1.0),
        (ranking("gaussian", sigma=100.0), 0.0),
        (ranking("linear"), 1.0),
        (ranking("linear", threshold=1.0), 0.0),
        (ranking("hard"), 1.0),
        (ranking("hard", threshold=1.0), 0.0),
    ):
        table = charades_sta_metrics([_prediction(1, windows)], truth, rank=rank)
        assert table == {"Rank1@0.5": 0.0, "Rank1@0.7": 0.0, "Rank5@0.5": expected, "Rank5@0.7": expected}


def test_the_first_third_of_every_video_beats_a_published_model(real_data: Path) -> None:
    """[0, 30 % of the video] gives R1 of 30.65 and 15.16 on the test split."""
    annotations = read_charades_sta(real_data / "charades_sta" / "charades_test_release.jsonl")
    predictions = [
        _prediction(int(a.query_id), [[0, 0.3 * (a.duration_seconds or 0), 1]]) for a in annotations
    ]
    table = charades_sta_metrics(predictions, annotations)
    assert round(100 * table["Rank1@0.5"], 2) == 30.65
    assert round(100 * table["Rank1@0.7"], 2) == 15.16


def test_the_two_forms_of_ground_truth_give_equal_numbers(tmp_path: Path) -> None:
    rows = [
        dict(qid=n, query="a dog.", vid=f"V{n}", duration=30.0, relevant_windows=[[n, n + 7.5]])
        for n in range(6)
    ]
    write_json_lines(tmp_path / "truth.jsonl", rows)
    lines = [f"V{n} {n} {n + 7.5}##a dog." for n in range(6)]
    (tmp_path / "truth.txt").write_text("\n".join(lines))
    predictions = [dict(qid=n, pred_relevant_windows=[[0, 10, 0.9], [5, 12, 0.8]]) for n in range(6)]
    write_json_lines(tmp_path / "predictions.jsonl", predictions)
    tables = [
        evaluate_files("charades_sta", tmp_path / "predictions.jsonl", tmp_path / f"truth.{form}", nms=nms)
        for form in ("txt", "jsonl")
        for nms in (None, "none")
    ]
    assert all(table == tables[0] for table in tables)
    assert 0 < tables[0]["Rank1@0.5"] < tables[0]["Rank5@0.5"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(nms="soft"), "unknown nms 'soft'; known: none, gaussian, linear, hard"),
        (dict(sigma=0.5), "sigma belongs to nms gaussian, not to nms none; leave it out"),
        (dict(nms="hard", sigma=0.5), "sigma belongs to nms gaussian, not to nms hard"),
        (
            dict(nms="gaussian", threshold=0.5),
            "threshold belongs to nms linear and hard, not to nms gaussian",
        ),
        (dict(threshold=0.5), "threshold belongs to nms linear and hard, not to nms none"),
        (dict(nms="gaussian", sigma=0.0), "sigma must be positive, got 0.0"),
        (dict(nms="gaussian", sigma=math.nan), "sigma must be positive, got nan"),
        (dict(nms="linear", threshold=1.5), r"threshold of nms linear must lie in \[0, 1\], got 1.5"),
        (dict(nms="hard", threshold=0.0), r"threshold of nms hard must lie in \(0, 1\], got 0.0"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_files_are_read(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate_files("charades_sta", tmp_path / "no_file", tmp_path / "no_file", **options)


def test_what_cannot_be_scored_is_refused() -> None:
    truth = [_annotation(1, [[0, 5]])]
    with pytest.raises(ValueError, match=r"predictions: pred_relevant_windows missing; give \[\] if there"):
        charades_sta_metrics([MomentPrediction(1)], truth)
    with pytest.raises(ValueError, match="the ground truth of qid 1 has no relevant_windows"):
        charades_sta_metrics([_prediction(1, [])], [MomentAnnotation(1, "a", "a sentence", 30.0)])
    with pytest.raises(ValueError, match="predictions: scores must be finite and not negative"):
        charades_sta_metrics([_prediction(1, [[0, 1, -1]])], truth, rank=ranking("gaussian"))
