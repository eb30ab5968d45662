"""Prediction files of Repurpose-10K: which line answers which entry, and what is wrong with a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from vidkit.cli import app
from vidkit.evaluation.protocols import evaluate_files


def _entry(video_id: str, time_range: list[float], segments: list[list[float]]) -> dict[str, Any]:
    return dict(youtube_id=video_id, timeRange=time_range, segments=segments)


def _line(video_id: str, segments: list[list[float]], **others: Any) -> dict[str, Any]:
    clips = [dict(start=start, end=end, score=1.0) for start, end in segments]
    return dict(video_id=video_id, segments=clips, **others)


TRUTH = [
    _entry("one", [0, 300.0], [[10, 50]]),
    _entry("two", [0, 1800], [[100, 140]]),
    _entry("two", [1800, 2000.5], [[1810, 1850]]),
]
RIGHT = [
    _line("two", [[10, 50]], time_range=[1800.0, 2000.5]),
    _line("one", [[10, 50]]),
    _line("two", [[100, 140]], time_range=[0.0, 1800]),
]


def _evaluate(tmp_path: Path, rows: list[Any], truth: list[Any] | None = None) -> dict[str, Any]:
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    (tmp_path / "clips.jsonl").write_text(text)
    (tmp_path / "truth.json").write_text(json.dumps(TRUTH if truth is None else truth))
    return evaluate_files("repurpose10k", tmp_path / "clips.jsonl", tmp_path / "truth.json")


def test_lines_in_any_order_answer_their_chunks_by_number(tmp_path: Path) -> None:
    metrics = _evaluate(tmp_path, RIGHT)
    assert list(metrics)[:4] == ["videos", "clips", "mean_clip_seconds", "tIoU@0.5"]
    assert (metrics["videos"], metrics["clips"], metrics["mean_clip_seconds"]) == (3, 3, 40.0)
    assert metrics["average"] == 1.0


def test_the_lines_of_a_repeated_chunk_answer_its_entries_in_order(tmp_path: Path) -> None:
    truth = [
        _entry("a", [0, 600], [[0, 40]]),
        _entry("b", [0, 600], [[0, 40]]),
        _entry("a", [0, 600.0], [[100, 140]]),
    ]
    lines = [_line("a", [[0, 40]]), _line("a", [[100, 140]], time_range=[0, 600]), _line("b", [[0, 40]])]
    assert _evaluate(tmp_path, lines, truth)["tIoU@0.9"] == 1.0
    assert _evaluate(tmp_path, [lines[1], lines[0], lines[2]], truth)["tIoU@0.9"] == pytest.approx(1 / 3)


def test_candidates_are_ranked_and_other_keys_and_empty_lines_ignored(tmp_path: Path) -> None:
    candidates = [dict(start=200, end=240, score=0.9), dict(start=10, end=50, score=0.3)]
    row = {"video_id": "one", "segments": [], "candidates": candidates, "path": "one.mp4", "saliency": [0]}
    metrics = _evaluate(tmp_path, [json.dumps(row), "", "   "], TRUTH[:1])
    assert (metrics["tIoU@0.5"], metrics["AP@0.5"]) == (0.0, 0.5)


def test_windows_beyond_the_video_are_scored_as_they_are_and_counted_once(tmp_path: Path) -> None:
    truth = [_entry("one", [0, 300], [[250, 300]])]
    with pytest.warns(UserWarning, match="2 of 3 windows reach beyond their video") as caught:
        metrics = _evaluate(tmp_path, [_line("one", [[250, 350], [-40, 10], [250, 300]])], truth)
    assert len(caught) == 1
    # Clipped to 300 s the first would reach 0.9; as it is, 50 of 100 s.
    assert (metrics["tIoU@0.5"], metrics["tIoU@0.6"]) == (pytest.approx(2 / 3), pytest.approx(1 / 3))


def test_a_window_of_no_length_is_wrong_and_no_error(tmp_path: Path) -> None:
    assert _evaluate(tmp_path, [_line("one", [[10, 10]])], TRUTH[:1])["tIoU@0.5"] == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{not json", "not valid JSON"),
        ("[1]", "a line is"),
        ('{"video_id": "one"}', "a line is"),
        ('{"segments": []}', "a line is"),
        (_line("three", []), "video 'three' is not annotated"),
        (
            _line("two", []),
            r"video 'two' has 2 chunks; say which by time_range, \[0, 1800\], \[1800, 2000.5\]",
        ),
        (_line("two", [], time_range=[0, 1801]), r"has no chunk \[0, 1801\]; it has \[0, 1800\], \[1800"),
        (_line("two", [], time_range=["0", "1800"]), "time_range must be a list of finite numbers"),
        (_line("two", [], time_range=[0]), r"has no chunk \[0\]"),
        (_line("one", [[50, 10]]), r"segments has a window \[50, 10\]; it must start before it ends"),
        (
            _line("one", [[float("nan"), 10]]),
            "start, end and score of segments must be a list of rows of finite",
        ),
        (
            _line("one", [[10, float("inf")]]),
            "start, end and score of segments must be a list of rows of finite",
        ),
        (
            '{"video_id": "one", "segments": [{"start": 1, "end": 2, "score": NaN}]}',
            "start, end and score of segments must be",
        ),
        ('{"video_id": "one", "segments": [{"start": 1, "end": 2}]}', "segments without 'score'"),
        ('{"video_id": "one", "segments": [[1, 2]]}', 'segments must be a list of {"start", "end", "score"}'),
        ('{"video_id": "one", "segments": null}', "segments must be a list"),
        (
            '{"video_id": "one", "segments": [], "candidates": [{"start": 2, "end": 1, "score": 1}]}',
            "candidates has a window",
        ),
        (
            _line("one", []),
            r"video 'one' \[0, 300\] has more lines than the ground truth has entries of it \(1\)",
        ),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: Any, message: str) -> None:
    with pytest.raises(ValueError, match=rf"clips\.jsonl, line 3: .*{message}"):
        _evaluate(tmp_path, [RIGHT[1], "", line] if "more lines" in message else ["", "", line])


def test_missing_entries_are_counted_and_the_first_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError,
        match=r"2 of 3 entries .* have no prediction, first video 'two' \[0, 1800\]; give a line",
    ):
        _evaluate(tmp_path, [RIGHT[1]])
    twice = [TRUTH[0], TRUTH[0]]
    with pytest.raises(ValueError, match="1 of 2 entries of the ground truth have no prediction"):
        _evaluate(tmp_path, [RIGHT[1]], twice)


def test_the_command_prints_one_object_and_says_what_is_wrong(tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in ("clips.jsonl", "truth.json")]
    _evaluate(tmp_path, RIGHT)
    result = CliRunner().invoke(app, ["evaluate", "repurpose10k", *files])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["tIoU@0.9"] == 1.0
    (tmp_path / "clips.jsonl").write_text(json.dumps(_line("one", [[50, 10]])))
    result = CliRunner().invoke(app, ["evaluate", "repurpose10k", *files])
    assert result.exit_code == 2
    assert "clips.jsonl, line 1: segments has a window [50, 10]" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("split", "counts"),
    [
        ("val", (1121, 11921, 39.47, 0.646)),
        pytest.param("test", (1122, 12025, 39.44, 0.638), marks=pytest.mark.slow),
    ],
)
def test_the_released_files_as_their_own_prediction(
    tmp_path: Path, real_data: Path, split: str, counts: tuple[int, int, float, float]
) -> None:
    truth = json.loads((real_data / "repurpose10k" / f"{split}.json").read_text())
    rows = [
        _line(entry["youtube_id"], entry["segmentsOffset"], time_range=[float(t) for t in entry["timeRange"]])
        for entry in truth
    ]
    metrics = _evaluate(tmp_path, rows, truth)
    assert (metrics["videos"], metrics["clips"]) == counts[:2]
    assert metrics["mean_clip_seconds"] == pytest.approx(counts[2], abs=0.005)
    assert metrics["recall_cap"] == pytest.approx(counts[3], abs=0.0005)
    assert list(metrics["by_length"]) == ["0-10 min", "10-20 min", "20-30 min"]
    assert sum(row["videos"] for row in metrics["by_length"].values()) == counts[0]
    for threshold in (0.5, 0.6, 0.7, 0.8, 0.9):
        for kind in ("tIoU", "recall", "F1", "unique", "AP"):
            assert metrics[f"{kind}@{threshold}"] == 1.0
