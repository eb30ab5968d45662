"""The metrics of moments as a run reports them, against those of the files that it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vidkit.data import MomentAnnotation, VideoSample, read_moment_lines, read_qvhighlights
from vidkit.evaluation.protocols import evaluate_files
from vidkit.files import write_json_lines
from vidkit.tasks.moment_retrieval import MomentMetric


def _row(qid: int, *, duration: float = 20, judged: bool = True) -> dict[str, Any]:
    row: dict[str, Any] = dict(qid=qid, query="a cat", vid="v", duration=duration, relevant_windows=[[2, 6]])
    if judged:
        row.update(relevant_clip_ids=[1, 2], saliency_scores=[[4, 4, 4], [2, 3, 2]])
    return row


def _sample(annotation: MomentAnnotation, saliency: list[float], clip_seconds: float = 2.0) -> dict[str, Any]:
    sample = VideoSample(
        metainfo=dict(
            video_id=annotation.video_id,
            duration_seconds=annotation.duration_seconds,
            clip_seconds=clip_seconds,
            annotation=annotation,
        )
    )
    sample.pred_segments = torch.tensor([[2.0, 6.0], [2.0, 7.0], [10.0, 14.0]])
    sample.pred_scores = torch.tensor([0.9, 0.8, 0.3])
    sample.pred_saliency = torch.tensor(saliency)
    result: dict[str, Any] = sample.to_dict()
    return result


def _annotations(tmp_path: Path, *rows: dict[str, Any]) -> list[MomentAnnotation]:
    write_json_lines(tmp_path / "gt.jsonl", rows)
    return read_qvhighlights(tmp_path / "gt.jsonl")


def _computed(metric: MomentMetric, samples: list[dict[str, Any]]) -> dict[str, float]:
    for sample in samples:
        metric.process(None, [sample])
    return metric.compute_metrics(metric.results)


def test_the_numbers_are_those_of_the_written_file_and_flat(tmp_path: Path) -> None:
    first, second = _annotations(tmp_path, _row(1), _row(2))
    metric = MomentMetric()
    values = _computed(metric, [_sample(first, [0, 5, 3.0, *[-1] * 7]), _sample(second, [9.0, *[0] * 9])])
    write_json_lines(tmp_path / "predictions.jsonl", metric.predictions)
    table = evaluate_files("qvhighlights", tmp_path / "predictions.jsonl", tmp_path / "gt.jsonl")
    for name, value in table["brief"].items():
        assert values.get(name) == value
    assert values["MR-full-mAP"] == values["full/MR-mAP/average"] == 100.0
    assert values["HL-min-VeryGood-Hit1"] == values["HL-min-VeryGood/HL-Hit1"] == 50.0
    assert list(metric.predictions[0]) == [
        *("qid", "query", "vid", "pred_relevant_windows", "pred_saliency_scores")
    ]
    assert metric.predictions[0]["pred_relevant_windows"][0] == pytest.approx([2.0, 6.0, 0.9])


def test_lengths_that_no_moment_has_are_left_out(tmp_path: Path) -> None:
    (annotation,) = _annotations(tmp_path, _row(1))
    values = _computed(MomentMetric(), [_sample(annotation, [0.0] * 10)])
    assert not [name for name in values if "long" in name or "middle" in name]
    assert {type(value) for value in values.values()} == {float}


def test_windows_without_judgements_are_measured_alone(tmp_path: Path) -> None:
    (annotation,) = _annotations(tmp_path, _row(1, judged=False))
    with pytest.warns(UserWarning, match="the ground truth has no saliency_scores"):
        values = _computed(MomentMetric(), [_sample(annotation, [0.0] * 10)])
    assert not [name for name in values if name.startswith("HL")]


@pytest.mark.parametrize(
    ("saliency", "clip_seconds", "duration", "expected"),
    [
        ([1.0, 2.0, 3.0, 4.0], 2.0, 10.0, [1, 2, 3, 4, 4]),  # a clip without features
        ([1.0, 2.0, 3.0], 2.0, 5.0, [1, 2]),  # the last clip is not judged
        ([1.0, 2.0, 3.0, 4.0], 1.0, 4.0, [1.5, 3.5]),
        ([0.5], 2.0, 1.2, [0.5]),
    ],
)
def test_there_is_a_score_for_every_judged_clip(
    tmp_path: Path, saliency: list[float], clip_seconds: float, duration: float, expected: list[float]
) -> None:
    (annotation,) = _annotations(
        tmp_path, {**_row(1, duration=duration, judged=False), "relevant_windows": [[0, 1]]}
    )
    metric = MomentMetric()
    metric.process(None, [_sample(annotation, saliency, clip_seconds)])
    assert metric.results[0][1]["pred_saliency_scores"] == expected


def test_charades_is_measured_after_the_nms_that_is_asked_for(tmp_path: Path) -> None:
    write_json_lines(tmp_path / "gt.jsonl", [{**_row(1, judged=False), "relevant_windows": [[10, 14]]}])
    (annotation,) = read_moment_lines(tmp_path / "gt.jsonl", clip_seconds=None)
    sample = _sample(annotation, [0.0] * 10)
    for nms, sigma in (("none", None), ("gaussian", 0.5)):
        metric = MomentMetric(protocol="charades_sta", nms=nms, sigma=sigma)
        values = _computed(metric, [sample])
        assert values == {"Rank1@0.5": 0.0, "Rank1@0.7": 0.0, "Rank5@0.5": 1.0, "Rank5@0.7": 1.0}
        assert len(metric.predictions[0]["pred_relevant_windows"]) == 3  # NMS is left to the evaluation
        write_json_lines(tmp_path / "predictions.jsonl", metric.predictions)
        files = tmp_path / "predictions.jsonl", tmp_path / "gt.jsonl"
        assert evaluate_files("charades_sta", *files, nms=nms, sigma=sigma) == values


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(protocol="tvsum"), "unknown protocol 'tvsum'; known: qvhighlights, charades_sta"),
        (dict(nms="gaussian"), "nms 'gaussian' belongs to charades_sta; QVHighlights takes moments"),
        (dict(protocol="charades_sta", nms="x"), "unknown nms 'x'"),
        (dict(protocol="charades_sta", sigma=1.0), "sigma belongs to nms gaussian"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MomentMetric(**settings)


def test_the_shipped_predictions_give_the_shipped_numbers(real_data: Path) -> None:
    folder = real_data / "qvhighlights"
    annotations = {str(a.query_id): a for a in read_qvhighlights(folder / "highlight_val_release.jsonl")}
    metric = MomentMetric()
    lines = (folder / "moment_detr_sample_val_preds.jsonl").read_text().splitlines()
    shorter = []
    for row in map(json.loads, lines):
        annotation = annotations[str(row["qid"])]
        windows = np.array(row["pred_relevant_windows"])
        sample = dict(
            annotation=annotation,
            clip_seconds=2.0,
            pred_segments=torch.from_numpy(windows[:, :2]),
            pred_scores=torch.from_numpy(windows[:, 2]),
            pred_saliency=torch.tensor(row["pred_saliency_scores"], dtype=torch.float64),
        )
        assert annotation.saliency is not None
        shorter.append(len(row["pred_saliency_scores"]) < len(annotation.saliency))
        metric.process(None, [sample])
    values = metric.compute_metrics(metric.results)
    official = json.loads((folder / "moment_detr_sample_val_preds_metrics.json").read_text())
    moments = [(name, value) for name, value in official["brief"].items() if name.startswith("MR")]
    assert [values[name] for name, _ in moments] == [value for _, value in moments]
    # 13 sentences lack the score of the last clip, for which the official evaluation takes 0.
    assert sum(shorter) == 13
    assert values["HL-min-VeryGood-Hit1"] == pytest.approx(official["brief"]["HL-min-VeryGood-Hit1"], abs=0.1)
    assert values["HL-min-VeryGood-mAP"] == pytest.approx(official["brief"]["HL-min-VeryGood-mAP"], abs=0.05)
