"""Which topics each part of a model recognises, what it gains over another, and the page that shows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vidkit.cli import app
from vidkit.evaluation.topic_comparison import compare_parts, read_parts
from vidkit.export.topic_report import part_name, write_topic_report
from vidkit.files import write_json_lines

LABELS = {"v1": "a", "v2": "a", "v3": "b", "v4": "c", "v5": "c"}
SAID = {
    "visual": {"v1": "a", "v2": "b", "v3": "b", "v4": "b", "v5": "b"},
    "audio": {"v1": "a", "v4": "c"},  # the others have no sound
    "fused": {"v1": "a", "v2": "a", "v3": "a", "v4": "c", "v5": "b"},
}


def test_accuracy_is_that_of_each_topic_the_easiest_first() -> None:
    parts = compare_parts(LABELS, SAID)
    assert parts["visual"].accuracy == {"a": 0.5, "b": 1.0, "c": 0.0}
    assert parts["visual"].easiest == ["b", "a", "c"]
    assert parts["visual"].hardest == ["c", "a", "b"]
    assert parts["visual"].mca == pytest.approx(0.5)
    assert list(parts) == list(SAID)


def test_a_part_counts_over_the_videos_of_which_it_says_something() -> None:
    audio = compare_parts(LABELS, SAID, base="visual")["audio"]
    assert (audio.num_videos, audio.mca, audio.accuracy) == (2, 1.0, {"a": 1.0, "c": 1.0})
    assert audio.gains == (("c", 1.0), ("a", 0.5))


def test_gains_and_losses_are_against_the_base() -> None:
    parts = compare_parts(LABELS, SAID, base="visual")
    assert parts["fused"].gains == (("a", 0.5), ("c", 0.5))
    assert parts["fused"].losses == (("b", -1.0),)
    assert (parts["visual"].gains, parts["visual"].losses) == ((), ())
    assert compare_parts(LABELS, SAID)["fused"].gains == ()


def test_confusions_are_the_largest_shares_of_a_topic_that_get_another() -> None:
    confusions = compare_parts(LABELS, SAID)["visual"].confusions
    assert confusions == (("c", "b", 1.0), ("a", "b", 0.5))


def test_a_part_that_says_nothing_is_told() -> None:
    with pytest.raises(ValueError, match="there are no videos"):
        compare_parts(LABELS, {"audio": {}})


def _write(folder: Path) -> tuple[Path, Path]:
    rows = [
        dict(
            video_id=video,
            label=SAID["fused"][video],
            part_labels={part: SAID[part][video] for part in ("visual", "audio") if video in SAID[part]},
        )
        for video in LABELS
    ]
    write_json_lines(folder / "topics.jsonl", rows)
    truth = [dict(video_id=video, label=label) for video, label in LABELS.items()]
    write_json_lines(folder / "truth.jsonl", truth)
    return folder / "topics.jsonl", folder / "truth.jsonl"


def test_parts_are_read_from_what_a_test_writes(tmp_path: Path) -> None:
    assert read_parts(_write(tmp_path)[0]) == SAID


def test_predictions_of_any_tool_have_one_part(tmp_path: Path) -> None:
    write_json_lines(tmp_path / "other.jsonl", [dict(video_id="v1", scores=dict(a=0.1, b=0.9))])
    assert read_parts(tmp_path / "other.jsonl") == {"fused": {"v1": "b"}}
    write_json_lines(tmp_path / "wrong.jsonl", [dict(video_id="v1")])
    with pytest.raises(ValueError, match=r"line 1: a line of topics has scores or a label"):
        read_parts(tmp_path / "wrong.jsonl")


def test_the_page_shows_every_part_and_escapes_names(tmp_path: Path) -> None:
    labels, said = {"v": "<b>"}, {"visual": {"v": "<b>"}, "fused": {"v": "x & y"}}
    parts = compare_parts(labels, said, base="visual")
    write_topic_report(tmp_path / "page.html", parts, title="Topics of <i>", base="visual")
    page = (tmp_path / "page.html").read_text()
    assert "<b>" not in page
    assert "<i>" not in page
    assert "&lt;b&gt; → x &amp; y" in page
    assert "Losses over Picture" in page
    assert "http" not in page  # nothing comes from a network
    assert part_name("visual+text") == "Picture + Words"


def test_evaluate_writes_the_page_of_topics_alone(tmp_path: Path) -> None:
    predictions, truth = map(str, _write(tmp_path))
    page = tmp_path / "page.html"
    run = CliRunner().invoke(app, ["evaluate", "usv_topics", predictions, truth, "--report", str(page)])
    assert run.exit_code == 0
    assert json.loads(run.stdout)["mca"] == pytest.approx((1.0 + 0.0 + 0.5) / 3)
    assert "All together" in page.read_text()
    wrong = CliRunner().invoke(app, ["evaluate", "tvsum", predictions, truth, "--report", str(page)])
    assert wrong.exit_code == 2
    assert "tvsum takes no --report, which belongs to usv_topics" in wrong.output
