"""The numbers of QVHighlights: the official ones, hand-worked ones, and those of the rules in plain loops."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from moment_references import (
    random_rows,
    reference_average_precision,
    reference_highlights,
    reference_metrics,
    reference_tied_precision,
    reference_tiou,
)

from vidkit.data import read_qvhighlights
from vidkit.evaluation import moment_prediction, qvhighlights_metrics
from vidkit.evaluation.moments import THRESHOLDS, average_precisions, first_overlaps, moment_overlaps
from vidkit.evaluation.protocols import evaluate_files
from vidkit.evaluation.saliency import tied_average_precisions
from vidkit.files import read_json_lines, write_json_lines

Row = dict[str, Any]


def _metrics(tmp_path: Path, predictions: list[Row], truth: list[Row]) -> Row:
    write_json_lines(tmp_path / "truth.jsonl", truth)
    annotations = read_qvhighlights(tmp_path / "truth.jsonl")
    return qvhighlights_metrics([moment_prediction(row) for row in predictions], annotations)


def _truth(**change: Any) -> Row:
    """Ten seconds, five clips; the moment [2, 6] with clips 1 and 2."""
    row = dict(
        qid=1,
        query="a cat",
        vid="a",
        duration=10,
        relevant_windows=[[2, 6]],
        relevant_clip_ids=[1, 2],
        saliency_scores=[[4, 2, 0], [3, 2, 1]],
    )
    return {**row, **change}


def _prediction(windows: list[list[float]], saliency: list[float], qid: int = 1) -> Row:
    return dict(qid=qid, pred_relevant_windows=windows, pred_saliency_scores=saliency)


def _leaves(table: Row, *path: str) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for key, value in table.items():
        found |= _leaves(value, *path, key) if isinstance(value, dict) else {(*path, key): value}
    return found


@pytest.fixture(scope="module")
def val(real_data: Path) -> list[Row]:
    return read_json_lines(real_data / "qvhighlights" / "highlight_val_release.jsonl")


def _as_predictions(truth: list[Row], windows: Any, saliency: Any) -> list[Row]:
    return [
        dict(qid=r["qid"], pred_relevant_windows=windows(r), pred_saliency_scores=saliency(r)) for r in truth
    ]


def test_all_104_official_numbers_in_the_official_order(real_data: Path) -> None:
    folder = real_data / "qvhighlights"
    with pytest.warns(UserWarning, match="2 of 15500 predicted windows leave their video"):
        table = evaluate_files(
            "qvhighlights",
            folder / "moment_detr_sample_val_preds.jsonl",
            folder / "highlight_val_release.jsonl",
        )
    official = (folder / "moment_detr_sample_val_preds_metrics.json").read_text(encoding="utf-8")
    assert json.dumps(table, indent=4) == official.strip()
    assert len(_leaves(table)) == 104


def test_a_perfect_prediction_of_val(val: list[Row], tmp_path: Path) -> None:
    """More than ten windows, and windows of other lengths, keep it below 100."""

    def summed(row: Row) -> list[float]:
        scores = np.zeros(row["duration"] // 2)
        scores[row["relevant_clip_ids"]] = np.sum(row["saliency_scores"], axis=1)
        return scores.tolist()

    predictions = _as_predictions(val, lambda row: [[*w, 1.0] for w in row["relevant_windows"]], summed)
    table = _metrics(tmp_path, predictions, val)
    average = {name: table[name]["MR-mAP"]["average"] for name in ("short", "middle", "long", "full")}
    assert average == {"short": 79.75, "middle": 89.80, "long": 92.73, "full": 99.76}
    assert set(table["full"]["MR-R1"].values()) == {100.0}
    assert [table[f"HL-min-{x}"]["HL-mAP"] for x in ("Fair", "Good", "VeryGood")] == [97.14, 88.27, 60.81]
    assert table["brief"]["HL-min-VeryGood-Hit1"] == 95.68


def test_a_constant_prediction_of_val(val: list[Row], tmp_path: Path) -> None:
    predictions = _as_predictions(val, lambda row: [[0, row["duration"], 1]], lambda row: [0.5] * 75)
    table = _metrics(tmp_path, predictions, val)
    assert [table[f"HL-min-{x}"]["HL-mAP"] for x in ("Fair", "Good", "VeryGood")] == [24.78, 19.45, 11.04]
    assert table["brief"]["HL-min-VeryGood-Hit1"] == 14.97
    brief = [table["brief"][f"MR-full-{name}"] for name in ("R1@0.5", "R1@0.7", "mAP")]
    assert brief == [9.03, 6.06, 5.58]


def test_an_empty_prediction_of_val(val: list[Row], tmp_path: Path) -> None:
    table = _metrics(tmp_path, _as_predictions(val, lambda row: [], lambda row: []), val)
    assert set(_leaves({name: table[name] for name in ("short", "middle", "long", "full")}).values()) == {0.0}
    assert table["HL-min-Fair"] == {"HL-mAP": 24.78, "HL-Hit1": 0.0}  # zeros rank nothing: the positive rate


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_the_rules_in_plain_loops(seed: int, tmp_path: Path) -> None:
    predictions, truth = random_rows(40, seed)
    with pytest.warns(UserWarning, match="leave their video"):
        table = _metrics(tmp_path, predictions, truth)
    expected = _leaves(reference_metrics(predictions, truth))
    got = _leaves({name: value for name, value in table.items() if name != "brief"})
    assert got.keys() == expected.keys()
    for path, value in expected.items():
        assert got[path] == pytest.approx(value, abs=0.005001), path


@pytest.mark.parametrize("seed", range(3))
def test_each_query_agrees_with_the_rules_in_plain_loops(seed: int) -> None:
    predictions, truth = random_rows(80, seed + 10)
    windows = {row["qid"]: row["pred_relevant_windows"] for row in predictions}
    arrays = [np.array(windows[row["qid"]]).reshape(-1, 3) for row in truth]
    overlaps = moment_overlaps(
        [(array[:, :2], array[:, 2]) for array in arrays], [np.array(r["relevant_windows"]) for r in truth]
    )
    precisions, firsts = average_precisions(overlaps), first_overlaps(overlaps)
    for query, row in enumerate(truth):
        listed, annotated = windows[row["qid"]], row["relevant_windows"]
        expected = [reference_average_precision(listed, annotated, t) for t in THRESHOLDS]
        np.testing.assert_allclose(precisions[query], expected, atol=1e-12)
        first = max(reference_tiou(listed[0], other) for other in annotated) if listed else 0.0
        assert firsts[query] == pytest.approx(first, abs=1e-12)


def test_overlapping_moments_are_taken_once_each() -> None:
    """Annotated moments that overlap, which QVHighlights has not; a moment reached by many predictions."""
    rng = np.random.default_rng(0)
    windows = [np.sort(rng.integers(0, 12, (10, 2)), axis=1).astype(float) for _ in range(300)]
    annotated = [
        np.sort(rng.integers(0, 12, (4, 2)), axis=1).astype(float) + np.array([0, 1]) for _ in range(300)
    ]
    scores = rng.random((300, 10)).round(1)
    precisions = average_precisions(moment_overlaps(list(zip(windows, scores)), annotated))
    for query in range(300):
        rows = np.column_stack([windows[query], scores[query]]).tolist()
        expected = [reference_average_precision(rows, annotated[query].tolist(), t) for t in THRESHOLDS]
        np.testing.assert_allclose(precisions[query], expected, atol=1e-12)


@pytest.mark.parametrize("decimals", [0, 1, 6])
def test_tied_precision_agrees_with_the_curve_of_scikit_learn(decimals: int) -> None:
    rng = np.random.default_rng(decimals)
    num_clips = rng.integers(1, 40, 100)
    is_clip = np.arange(40) < num_clips[:, None]
    scores = rng.normal(size=(100, 40)).round(decimals)
    labels = (rng.random((100, 2, 40)) < rng.random((100, 1, 1))) & is_clip[:, None]
    precisions = tied_average_precisions(scores, labels, is_clip)
    for query, length in enumerate(num_clips):
        for row in range(2):
            expected = reference_tied_precision(labels[query, row, :length], scores[query, :length])
            assert precisions[query, row] == pytest.approx(expected, abs=1e-12)


def test_recall_takes_the_first_listed_window_and_precision_the_best_scored(tmp_path: Path) -> None:
    table = _metrics(tmp_path, [_prediction([[0, 1, 0.1], [2, 6, 0.9]], [1])], [_truth()])
    assert table["full"]["MR-R1"]["0.5"] == 0.0
    assert table["full"]["MR-mAP"]["0.95"] == 100.0


def test_precision_sees_the_first_ten_windows_of_the_file(tmp_path: Path) -> None:
    far = [[8, 10, 0.1]] * 9
    for before, expected in ((far, 100.0), ([*far, [8, 10, 0.1]], 0.0)):
        table = _metrics(tmp_path, [_prediction([*before, [2, 6, 0.9]], [1])], [_truth()])
        assert table["full"]["MR-mAP"]["0.5"] == expected


def test_equal_scores_keep_the_order_of_the_file(tmp_path: Path) -> None:
    for windows, expected in (([[2, 6, 1], [8, 10, 1]], 100.0), ([[8, 10, 1], [2, 6, 1]], 50.0)):
        table = _metrics(tmp_path, [_prediction(windows, [1])], [_truth()])
        assert table["full"]["MR-mAP"]["0.5"] == expected


def test_hits_on_moments_of_other_lengths_count_against_a_split(tmp_path: Path) -> None:
    truth = _truth(duration=60, relevant_windows=[[0, 4], [20, 60]])
    table = _metrics(tmp_path, [_prediction([[20, 60, 0.9], [0, 4, 0.1]], [1])], [truth])
    assert table["full"]["MR-mAP"]["0.5"] == table["long"]["MR-mAP"]["0.5"] == 100.0
    assert table["short"]["MR-mAP"]["0.5"] == 50.0
    assert table["short"]["MR-R1"]["0.5"] == 0.0


@pytest.mark.parametrize(
    ("seconds", "split"), [(2, "short"), (10, "short"), (12, "middle"), (30, "middle"), (32, "long")]
)
def test_a_split_includes_its_upper_length(seconds: int, split: str, tmp_path: Path) -> None:
    truth = _truth(duration=60, relevant_windows=[[0, seconds]])
    table = _metrics(tmp_path, [_prediction([[0, seconds, 1]], [1])], [truth])
    others = {"short", "middle", "long"} - {split}
    assert table[split]["MR-mAP"]["average"] == table["full"]["MR-mAP"]["average"] == 100.0
    assert {table[name]["MR-mAP"]["average"] for name in others} == {None}
    assert {table["brief"][f"MR-{name}-mAP"] for name in others} == {None}
    assert {table[name]["MR-R1"]["0.5"] for name in others} == {None}


def test_a_window_of_no_length_finds_nothing(tmp_path: Path) -> None:
    table = _metrics(tmp_path, [_prediction([[3, 3, 0.9], [2, 6, 0.1]], [1])], [_truth()])
    assert table["full"]["MR-R1"]["0.5"] == 0.0
    assert table["full"]["MR-mAP"]["0.5"] == 50.0


@pytest.mark.parametrize(
    ("saliency", "hit", "precision"),
    [
        # Fair: annotators 1 and 2 call clips 1 and 2 highlights, annotator 3 none: his 0 is in the mean.
        ([0, 2, 1, 0, 0], 100.0, 100 * 2 / 3),  # perfect
        ([0, 0, 0, 0, 0], 0.0, 100 * 2 / 3 * 2 / 5),  # constant: the positive rate; the first clip is no hit
        ([], 0.0, 100 * 2 / 3 * 2 / 5),  # nothing: zeros
        # Filled with zeros: clips 2, 3, 4 tie before clip 1; precision 1/3, then 2/4, interpolated 1/2.
        ([-2, -1], 100.0, 100 * 2 / 3 * 1 / 2),
        ([1, 5, 5, 1, 1, 9], 0.0, 100 * 2 / 3),  # the best clip lies after the end; precision sees five
        ([1, 5, 5, 1, 1, 2], 100.0, 100 * 2 / 3),  # longer, the best clip inside
    ],
)
def test_saliency_that_is_short_long_or_tied(
    saliency: list[float], hit: float, precision: float, tmp_path: Path
) -> None:
    table = _metrics(tmp_path, [_prediction([], saliency)], [_truth()])
    assert table["HL-min-Fair"] == {"HL-mAP": round(precision, 2), "HL-Hit1": hit}


def test_the_levels_are_two_three_and_four(tmp_path: Path) -> None:
    table = _metrics(tmp_path, [_prediction([], [0, 0, 1, 0, 0])], [_truth()])
    assert [table[f"HL-min-{x}"]["HL-Hit1"] for x in ("Fair", "Good", "VeryGood")] == [100.0, 100.0, 0.0]


def test_only_what_the_first_prediction_has_is_scored(tmp_path: Path) -> None:
    truth = [_truth(), _truth(qid=2)]
    whole = [_prediction([[2, 6, 1]], [0, 1, 0, 0, 0], qid) for qid in (1, 2)]
    moments = [{k: v for k, v in row.items() if k != "pred_saliency_scores"} for row in whole]
    saliency = [{k: v for k, v in row.items() if k != "pred_relevant_windows"} for row in whole]
    full = _metrics(tmp_path, whole, truth)
    of_moments = {k: v for k, v in full["brief"].items() if k.startswith("MR")}
    of_saliency = {k: v for k, v in full["brief"].items() if k.startswith("HL")}
    assert list(full) == ["brief", "HL-min-Fair", "HL-min-Good", "HL-min-VeryGood", *sorted(full)[4:]]
    assert _metrics(tmp_path, moments, truth)["brief"] == of_moments
    assert _metrics(tmp_path, saliency, truth)["brief"] == of_saliency
    with pytest.warns(
        UserWarning, match="pred_relevant_windows are not scored: the first prediction has none"
    ):
        assert _metrics(tmp_path, [saliency[0], whole[1]], truth)["brief"] == of_saliency


def test_own_data_without_saliency_is_scored_by_its_moments(tmp_path: Path) -> None:
    truth = {k: v for k, v in _truth().items() if k not in ("saliency_scores", "relevant_clip_ids")}
    with pytest.warns(UserWarning, match="pred_saliency_scores are not scored: the ground truth has no sal"):
        table = _metrics(tmp_path, [_prediction([[2, 6, 1]], [1])], [truth])
    assert all(key.startswith("MR") for key in table["brief"])


def test_one_annotator_is_enough(tmp_path: Path) -> None:
    truth = _truth(saliency_scores=[[4], [2]])
    table = _metrics(tmp_path, [_prediction([], [0, 0, 1, 0, 0])], [truth])
    assert table["HL-min-VeryGood"] == {"HL-mAP": 20.0, "HL-Hit1": 0.0}  # clip 1 enters with all others
    assert table["HL-min-Fair"] == {"HL-mAP": 70.0, "HL-Hit1": 100.0}  # (1 + 2/5) / 2


def test_windows_beyond_the_video_are_scored_as_given(tmp_path: Path) -> None:
    truth = _truth(relevant_windows=[[0, 10]])
    with pytest.warns(
        UserWarning, match="2 of 3 predicted windows leave their video; they are scored as given"
    ):
        table = _metrics(tmp_path, [_prediction([[0, 20, 1], [-1, 9, 0.5], [0, 10, 0.1]], [1])], [truth])
    assert table["full"]["MR-R1"] == {str(t): 100.0 if t <= 0.5 else 0.0 for t in THRESHOLDS.tolist()}


def test_inputs_are_left_alone(tmp_path: Path) -> None:
    predictions, truth = random_rows(5, 0)
    kept = copy.deepcopy(predictions)
    with pytest.warns(UserWarning, match="leave their video"):
        _metrics(tmp_path, predictions, truth)
    assert predictions == kept


@pytest.mark.slow
def test_is_ten_times_faster_than_a_curve_per_query_and_annotator(tmp_path: Path) -> None:
    """Reading and all metrics on our side, the curves of saliency alone on the other."""
    predictions, truth = random_rows(1550, 0)
    write_json_lines(tmp_path / "truth.jsonl", truth)
    write_json_lines(tmp_path / "predictions.jsonl", predictions)
    start = time.process_time()
    with pytest.warns(UserWarning, match="leave their video"):
        evaluate_files("qvhighlights", tmp_path / "predictions.jsonl", tmp_path / "truth.jsonl")
    ours = time.process_time() - start
    by_qid = {row["qid"]: row for row in predictions}
    start = time.process_time()
    reference_highlights([(by_qid[row["qid"]], row) for row in truth])
    assert time.process_time() - start > 10 * ours
