"""Prediction files of any tool: what is wrong is said with file and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vidkit.evaluation.protocols import evaluate_files

TRUTH = dict(vid="a", domain="dog", match=[1, -1], clip=[[0, 50], [50, 100]], fps=25.0, duration=4.0)


def _lines(path: Path, rows: list[Any]) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


def _evaluate(tmp_path: Path, rows: list[Any], truth: list[Any] | None = None) -> dict[str, Any]:
    predictions = _lines(tmp_path / "predictions.jsonl", rows)
    ground_truth = _lines(tmp_path / "truth.jsonl", truth or [TRUTH])
    return evaluate_files("youtube_highlights", predictions, ground_truth)


def test_a_right_file_is_scored(tmp_path: Path) -> None:
    table = _evaluate(tmp_path, [dict(vid="a", domain="dog", pred_saliency_scores=[0.9, 0.1])])
    assert table == {"dog": {"mAP": 1.0}, "average": 1.0}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{not json", r"predictions.jsonl, line 1: not valid JSON"),
        (["a"], "predictions.jsonl, line 1: an object with vid, pred_saliency_scores must stand"),
        (dict(vid="a"), "predictions.jsonl, line 1: 'pred_saliency_scores' missing; it has vid"),
        (dict(vid="a", pred_saliency_scores=[1, "x"]), "must be a list of finite numbers"),
        ('{"vid": "a", "pred_saliency_scores": [NaN, 1]}', "must be a list of finite numbers"),
        (dict(vid="a", pred_saliency_scores=[1]), "line 1: 1 scores for the 2 clips of video 'a'"),
        (dict(vid="b", pred_saliency_scores=[1, 2]), "line 1: video 'b' is not annotated"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, row: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _evaluate(tmp_path, [row])


def test_a_repeated_video_is_refused(tmp_path: Path) -> None:
    row = dict(vid="a", pred_saliency_scores=[1, 2])
    with pytest.raises(ValueError, match="line 2: video 'a' stands twice, first in line 1"):
        _evaluate(tmp_path, [row, row])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(match=[1]), "truth.jsonl, line 1: 2 clips but 1 labels"),
        (dict(fps=0), "fps is 0, it must be positive"),
        (dict(fps="x"), "line 1: fps must be a finite number"),
        (dict(duration=None), "line 1: duration must be a finite number"),
        (dict(match=["x", 1]), "line 1: match must be a list of finite numbers"),
        (dict(clip=[0, 50, 50, 100]), "line 1: clip must be a list of rows of finite numbers"),
        (dict(clip=[[0], [1]]), r"clip must be a list of \[first, last\) frames"),
    ],
)
def test_a_wrong_ground_truth_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    rows = [dict(vid="a", pred_saliency_scores=[1, 2])]
    with pytest.raises(ValueError, match=message):
        _evaluate(tmp_path, rows, [{**TRUTH, **change}])


def test_a_repeated_video_of_the_ground_truth_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"truth.jsonl, line 2: video 'a' stands twice"):
        _evaluate(tmp_path, [dict(vid="a", pred_saliency_scores=[1, 2])], [TRUTH, TRUTH])


def test_a_missing_field_of_the_ground_truth_is_named(tmp_path: Path) -> None:
    truth = {key: value for key, value in TRUTH.items() if key != "fps"}
    with pytest.raises(ValueError, match="line 1: 'fps' missing"):
        _evaluate(tmp_path, [dict(vid="a", pred_saliency_scores=[1, 2])], [truth])


def test_tvsum_needs_twenty_annotators(tmp_path: Path) -> None:
    truth = _lines(tmp_path / "truth.jsonl", [dict(vid="a", domain="BK", label=[[1, 2]])])
    predictions = _lines(tmp_path / "predictions.jsonl", [dict(vid="a", pred_saliency_scores=[1])])
    with pytest.raises(ValueError, match=r"labels of shape \(1, 2\); TVSum has \(clips, 20\)"):
        evaluate_files("tvsum", predictions, truth)


def test_an_unknown_protocol_gets_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"unknown protocol 'tvsumm'; did you mean 'tvsum'\?"):
        evaluate_files("tvsumm", tmp_path, tmp_path)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file"):
        evaluate_files("tvsum", tmp_path / "a.jsonl", tmp_path / "b.jsonl")
