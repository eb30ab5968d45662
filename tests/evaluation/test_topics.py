"""Topic metrics on hand-worked cases and against scikit-learn, and their prediction files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, top_k_accuracy_score

from vidkit.data.usv_taxonomy import USV_MACRO_TOPICS, USV_TAXONOMY, USV_TOPICS
from vidkit.evaluation import topic_metrics
from vidkit.evaluation.protocols import evaluate_files

TRUTH = [("a", "yoga"), ("b", "yoga"), ("c", "tennis"), ("d", "opera")]


def _lines(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _evaluate(folder: Path, rows: list[Any], truth: list[tuple[str, str]] | None = None) -> dict[str, Any]:
    labels = [dict(video_id=name, label=label) for name, label in truth or TRUTH]
    predictions, ground_truth = _lines(folder / "p.jsonl", rows), _lines(folder / "t.jsonl", labels)
    return evaluate_files("usv_topics", predictions, ground_truth)


def _labelled(**labels: str) -> list[dict[str, str]]:
    return [dict(video_id=name, label=label) for name, label in labels.items()]


def _scored(**changes: Any) -> list[dict[str, Any]]:
    rows = {name: {"yoga": 0.2, "tennis": 0.1, "opera": 0.0, label: 0.7} for name, label in TRUTH}
    return [dict(video_id=name, scores=scores) for name, scores in {**rows, **changes}.items()]


def test_the_taxonomy_has_the_counts_of_the_paper() -> None:
    assert len(USV_TAXONOMY) == 32
    assert len(USV_TOPICS) == len(set(USV_TOPICS)) == len(USV_MACRO_TOPICS) == 212
    assert USV_MACRO_TOPICS["billiard"] == "sports"


@pytest.mark.parametrize("seed", [0, 1])
def test_accuracies_are_those_of_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    topics = [f"topic {index}" for index in range(9)]
    truth = random.choice(9, 200, p=np.arange(1, 10) / 45)
    scores = random.random((200, 9)) + 0.3 * np.eye(9)[truth]
    metrics = topic_metrics(scores, [topics[index] for index in truth], topics)
    assert metrics["mca"] == pytest.approx(balanced_accuracy_score(truth, scores.argmax(axis=1)))
    assert metrics["top1"] == pytest.approx(top_k_accuracy_score(truth, scores, k=1, labels=range(9)))
    assert metrics["top5"] == pytest.approx(top_k_accuracy_score(truth, scores, k=5, labels=range(9)))
    assert sum(row["videos"] for row in metrics["topics"].values()) == 200


def test_classes_macro_topics_and_confusions_are_counted_by_hand(tmp_path: Path) -> None:
    """Yoga: one of two; tennis: taken for yoga, the same macro topic; opera: right."""
    metrics = _evaluate(tmp_path, _labelled(a="yoga", b="opera", c="yoga", d="opera"))
    assert metrics["videos"] == 4
    assert metrics["mca"] == pytest.approx((0.5 + 0.0 + 1.0) / 3)
    assert metrics["top1"] == 0.5
    assert "top5" not in metrics
    assert metrics["topics"]["tennis"] == {"videos": 1, "accuracy": 0.0}
    assert metrics["macro"]["sports"] == {"videos": 3, "mca": 0.25, "macro_accuracy": pytest.approx(2 / 3)}
    assert metrics["macro"]["culture and art"] == {"videos": 1, "mca": 1.0, "macro_accuracy": 1.0}
    assert metrics["confusions"] == [
        {"label": "tennis", "predicted": "yoga", "share": 1.0},
        {"label": "yoga", "predicted": "opera", "share": 0.5},
    ]


def test_scores_and_their_best_labels_agree_and_topics_of_ones_own_have_no_macro_topics(
    tmp_path: Path,
) -> None:
    metrics = _evaluate(tmp_path, _scored(c={"yoga": 0.2, "tennis": 0.1, "opera": 0.0}))
    labels = _evaluate(tmp_path, _labelled(a="yoga", b="yoga", c="yoga", d="opera"))
    assert metrics.pop("top5") == 1.0
    assert metrics == labels
    own = _evaluate(tmp_path, _labelled(x="space", y="ocean"), [("x", "space"), ("y", "ocean")])
    assert own["mca"] == 1.0
    assert "macro" not in own


def test_equal_scores_are_won_by_the_first_topic() -> None:
    metrics = topic_metrics(np.ones((2, 6)), ["a", "f"], list("abcdef"))
    assert metrics["top1"] == 0.5
    assert metrics["top5"] == 0.5


def test_a_scored_topic_without_videos_is_told_and_leaves_the_mean_alone(tmp_path: Path) -> None:
    rows = [{**row, "scores": {**row["scores"], "magic": 0.05}} for row in _scored()]
    with pytest.warns(UserWarning, match="1 of 4 scored topics have no video in .*, first 'magic'"):
        assert _evaluate(tmp_path, rows)["mca"] == 1.0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (_labelled(a="yoga", b="yoga", c="tenis", d="opera"), "line 3: 'tenis' is no topic.* mean 'tennis'"),
        (_labelled(a="yoga", b="yoga", c="tennis"), "1 of 4 annotated videos have no prediction, first 'd'"),
        (_labelled(z="yoga"), "line 1: video 'z' is not annotated"),
        ([*_labelled(a="yoga"), *_labelled(a="yoga")], "line 2: video_id 'a' stands twice"),
        ([dict(video_id="a")], "line 1: neither scores nor label"),
        (_labelled(a="", b="yoga", c="tennis", d="opera"), "line 1: label is ''; it must be the name"),
        ([*_scored()[:3], *_labelled(d="opera")], "line 4: some lines have scores and some only a label"),
        (_scored(b={"yoga": 1.0, "tennis": 0.0}), "line 2: no score of topic 'opera'"),
        (_scored(a={"yoga": 1.0, "opera": 0.0, "tenis": 1}), "no score of topic 'tennis'.* 'tenis'"),
        (_scored(b={"yoga": 1, "tennis": 0, "opera": 0, "magic": 0}), "line 2: .* no topic 'magic'"),
        (_scored(b=[1, 2]), "line 2: scores must be an object"),
        (_scored(d={"yoga": float("nan"), "tennis": 0, "opera": 0}), "line 4: scores must be .* finite"),
    ],
)
def test_a_wrong_line_is_named(rows: list[Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        _evaluate(tmp_path, rows)


def test_a_file_without_lines_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no lines"):
        evaluate_files("usv_topics", _lines(tmp_path / "p.jsonl", []), _lines(tmp_path / "t.jsonl", []))


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        (np.zeros((0, 2)), [], "there are no videos"),
        (np.zeros((1, 3)), ["a"], r"\(videos, topics\) = \(1, 2\), got \(1, 3\)"),
        (np.zeros((1, 2)), ["c"], "the label 'c' is none of the 2 topics"),
    ],
)
def test_sizes_that_do_not_fit_are_told(scores: np.ndarray, labels: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        topic_metrics(scores, labels, ["a", "b"])
