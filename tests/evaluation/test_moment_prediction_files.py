"""Files of predicted moments: what is wrong is said with file and line, to Python and on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from vidkit.cli import app
from vidkit.data import MomentAnnotation
from vidkit.evaluation import MomentPrediction, moment_prediction, qvhighlights_metrics
from vidkit.evaluation.protocols import evaluate_files

TRUTH = dict(
    qid=1,
    query="a cat",
    vid="a",
    duration=10,
    relevant_windows=[[2, 6]],
    relevant_clip_ids=[1, 2],
    saliency_scores=[[4, 2, 0], [3, 2, 1]],
)
RIGHT = dict(
    qid=1, query="a cat", vid="a", pred_relevant_windows=[[2, 6, 0.9]], pred_saliency_scores=[0, 1, 1, 0, 0]
)


def _changed(**change: Any) -> dict[str, Any]:
    return {**RIGHT, **change}


def _without(key: str, row: dict[str, Any] = RIGHT) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}


def _files(tmp_path: Path, rows: list[Any], truth: list[Any]) -> list[Path]:
    files = []
    for name, lines in (("predictions.jsonl", rows), ("truth.jsonl", truth)):
        text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        (tmp_path / name).write_text(text)
        files.append(tmp_path / name)
    return files


def _command(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


WRONG = [
    ("{not json", "predictions.jsonl, line 1: not valid JSON"),
    ([1], "line 1: an object with qid must stand there, got list"),
    (
        _without("qid"),
        "line 1: 'qid' missing; it has query, vid, pred_relevant_windows, pred_saliency_scores",
    ),
    (_changed(qid=None), "line 1: qid is None; it must be an integer or a text"),
    (_changed(qid=1.0), "line 1: qid is 1.0; it must be an integer or a text"),
    (_changed(qid=True), "line 1: qid is True; it must be an integer or a text"),
    (_changed(qid=9), "line 1: qid 9 is not in the ground truth; predict its 1 queries alone"),
    (
        _changed(pred_relevant_windows=[[6, 2, 0.9]]),
        r"line 1: the window \[6, 2, 0.9\] ends before it starts",
    ),
    (
        _changed(pred_relevant_windows=[[2, 6]]),
        r"line 1: pred_relevant_windows are \[start, end, score\], got \[2, 6\]",
    ),
    (
        _changed(pred_relevant_windows=[[2, 6, "a"]]),
        "line 1: pred_relevant_windows must be a list of rows of finite",
    ),
    (
        _changed(pred_relevant_windows=[[2, 6, None]]),
        "line 1: pred_relevant_windows must be a list of rows of finite",
    ),
    (
        _changed(pred_relevant_windows=[[2, 6, 1], [2]]),
        "line 1: pred_relevant_windows must be a list of rows of fin",
    ),
    (_changed(pred_relevant_windows=None), "line 1: pred_relevant_windows must be a list of rows of finite"),
    (
        '{"qid": 1, "pred_relevant_windows": [[2, 6, NaN]]}',
        "line 1: pred_relevant_windows must be a list of rows",
    ),
    (
        '{"qid": 1, "pred_relevant_windows": [[2, Infinity, 1]]}',
        "line 1: pred_relevant_windows must be a list of",
    ),
    (
        '{"qid": 1, "pred_relevant_windows": [], "pred_saliency_scores": [NaN]}',
        "line 1: pred_saliency_scores must",
    ),
    (_changed(pred_saliency_scores=["1"]), "line 1: pred_saliency_scores must be a list of finite numbers"),
    (_changed(pred_saliency_scores=3), "line 1: pred_saliency_scores must be a list of finite numbers"),
]


@pytest.mark.parametrize("protocol", ["qvhighlights", "charades_sta"])
@pytest.mark.parametrize(("row", "message"), WRONG)
def test_a_wrong_line_is_named(protocol: str, row: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate_files(protocol, *_files(tmp_path, [row], [TRUTH]))


def test_the_number_of_the_line_counts_empty_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"predictions.jsonl, line 4: qid is ''"):
        evaluate_files("qvhighlights", *_files(tmp_path, ["", RIGHT, "  ", _changed(qid="")], [TRUTH]))


@pytest.mark.parametrize("again", [1, "1"])
def test_a_query_that_stands_twice_is_refused(again: object, tmp_path: Path) -> None:
    files = _files(tmp_path, [RIGHT, _changed(qid=again)], [TRUTH])
    with pytest.raises(ValueError, match=f"line 2: qid {again!r} stands twice, first in line 1; keep one"):
        evaluate_files("qvhighlights", *files)


def test_a_qid_may_be_written_as_a_text(tmp_path: Path) -> None:
    tables = [evaluate_files("qvhighlights", *_files(tmp_path, [_changed(qid=q)], [TRUTH])) for q in (1, "1")]
    assert tables[0] == tables[1]


def test_missing_queries_are_counted_and_named(tmp_path: Path) -> None:
    truth = [TRUTH, {**TRUTH, "qid": 2}, {**TRUTH, "qid": "b"}]
    with pytest.raises(
        ValueError, match="2 of 3 queries have no prediction, first qid 2; predict exactly those"
    ):
        evaluate_files("qvhighlights", *_files(tmp_path, [RIGHT], truth))


def test_empty_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"predictions.jsonl has no predictions; give one line per query"):
        evaluate_files("qvhighlights", *_files(tmp_path, [], [TRUTH]))
    with pytest.raises(ValueError, match="the ground truth has no queries"):
        evaluate_files("qvhighlights", *_files(tmp_path, [RIGHT], []))


@pytest.mark.parametrize("key", ["pred_relevant_windows", "pred_saliency_scores"])
def test_what_the_first_line_has_is_needed_in_every_line(key: str, tmp_path: Path) -> None:
    rows = [RIGHT, _without(key, _changed(qid=2))]
    with pytest.raises(ValueError, match=f"line 2: {key} missing; give it in every line, or in none"):
        evaluate_files("qvhighlights", *_files(tmp_path, rows, [TRUTH, {**TRUTH, "qid": 2}]))


def test_ground_truth_for_some_queries_alone_is_refused(tmp_path: Path) -> None:
    truth = [TRUTH, _without("relevant_windows", {**TRUTH, "qid": 2})]
    with pytest.raises(
        ValueError, match="1 of 2 queries of the ground truth have no relevant_windows, first qid 2"
    ):
        evaluate_files("qvhighlights", *_files(tmp_path, [RIGHT, _changed(qid=2)], truth))


def test_a_test_file_without_ground_truth_is_refused(tmp_path: Path) -> None:
    row = _without("pred_saliency_scores")
    truth = [dict(qid=1, query="a cat", vid="a", duration=10)]
    with (
        pytest.warns(
            UserWarning, match="pred_relevant_windows are not scored: the ground truth has no relevant_w"
        ),
        pytest.raises(
            ValueError, match="nothing to score: predictions and ground truth share neither windows"
        ),
    ):
        evaluate_files("qvhighlights", *_files(tmp_path, [row], truth))


def test_predictions_from_python_are_checked_too() -> None:
    annotation = MomentAnnotation(1, "a", "a cat", 10.0)
    with pytest.raises(ValueError, match="predictions: qid 1 stands twice; keep one"):
        qvhighlights_metrics([MomentPrediction(1), MomentPrediction(1)], [annotation])
    with pytest.raises(ValueError, match="here: qid is None"):
        moment_prediction({}, "here")


def test_options_of_another_protocol_are_refused(tmp_path: Path) -> None:
    files = _files(tmp_path, [RIGHT], [TRUTH])
    message = "qvhighlights takes no sigma, which belongs to charades_sta; leave it out"
    with pytest.raises(ValueError, match=message):
        evaluate_files("qvhighlights", *files, sigma=0.5)
    with pytest.raises(ValueError, match="charades_sta takes no top, which belongs to none; leave it out"):
        evaluate_files("charades_sta", *files, top=5)
    result = _command("qvhighlights", *files, "--sigma", 0.5)
    assert (result.exit_code, result.stderr) == (2, f"error: {message}\n")


def test_the_command_prints_the_official_object_and_writes_it(tmp_path: Path) -> None:
    files = _files(tmp_path, [RIGHT], [TRUTH])
    result = _command("qvhighlights", *files, "--out", tmp_path / "metrics.json")
    assert result.exit_code == 0, result.output
    table = json.loads(result.stdout)
    assert table == json.loads((tmp_path / "metrics.json").read_text())
    assert list(table)[:2] == ["brief", "HL-min-Fair"]
    assert list(table["brief"])[:3] == ["MR-full-R1@0.5", "MR-full-R1@0.7", "MR-full-mAP"]
    assert table["brief"]["MR-short-mAP"] == 100.0
    assert table["brief"]["MR-long-mAP"] is None


def test_the_command_suppresses_as_it_is_told(tmp_path: Path) -> None:
    windows = [[0, 3 + n / 10, 0.9 - n / 100] for n in range(6)] + [[2, 6, 0.1]]
    files = _files(
        tmp_path, [_changed(pred_relevant_windows=windows)], [{**TRUTH, "relevant_windows": [[2, 6]]}]
    )
    found = {}
    for options in (
        (),
        ("--nms", "none"),
        ("--nms", "hard", "--threshold", "0.5"),
        ("--nms", "gaussian", "--sigma", 0.01),
    ):
        result = _command("charades_sta", *files, *options)
        assert result.exit_code == 0, result.output
        found[options[:2]] = json.loads(result.stdout)["Rank5@0.7"]
    assert list(found.values()) == [0.0, 0.0, 1.0, 1.0]
    assert _command("charades_sta", *files, "--nms", "soft").exit_code == 2


def test_the_command_counts_windows_beyond_the_video_in_one_warning(tmp_path: Path) -> None:
    windows = [[2, 6, 0.9], [5, 11, 0.8], [-2, 3, 0.7]]
    result = _command("qvhighlights", *_files(tmp_path, [_changed(pred_relevant_windows=windows)], [TRUTH]))
    assert result.exit_code == 0
    assert result.stderr == "warning: 2 of 3 predicted windows leave their video; they are scored as given\n"


def test_the_command_says_what_is_wrong_in_one_sentence(tmp_path: Path) -> None:
    files = _files(tmp_path, [_changed(pred_relevant_windows=[[6, 2, 0.9]])], [TRUTH])
    result = _command("qvhighlights", *files)
    assert result.exit_code == 2
    assert (
        result.stderr
        == f"error: {files[0]}, line 1: the window [6, 2, 0.9] ends before it starts; swap start and end\n"
    )
    assert not result.stdout
