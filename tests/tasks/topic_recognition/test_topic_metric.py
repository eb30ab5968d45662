"""The metric of topic recognition: what the pure function gives, by modality too, and the lines of a file."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from sklearn.metrics import balanced_accuracy_score, top_k_accuracy_score

from vidkit.data import VideoSample
from vidkit.data.usv_taxonomy import USV_TAXONOMY, USV_TOPICS
from vidkit.evaluation import mean_class_accuracy
from vidkit.evaluation.protocols import evaluate_files
from vidkit.files import write_json_lines
from vidkit.tasks.topic_recognition.metric import TopicMetric

TOPICS = ("a", "b", "c", "d", "e", "f", "g")


def _samples(topics: tuple[str, ...] = TOPICS, num_videos: int = 60, seed: int = 0) -> list[VideoSample]:
    rng = np.random.default_rng(seed)
    samples = []
    for number in range(num_videos):
        label = topics[number % len(topics) if number < len(topics) else rng.integers(len(topics))]
        logits = rng.normal(size=(2, len(topics))) * 6
        logits[0, topics.index(label)] += 6
        scores = torch.from_numpy(logits).float().softmax(dim=1)
        sample = VideoSample(metainfo=dict(video_id=f"v{number}", label=label))
        sample.pred_label = (scores[0] + 0.5 * scores[1]) / 1.5
        sample.pred_modality_scores = {"visual": scores[0]}
        if number % 3:
            sample.pred_modality_scores["audio"] = scores[1]
        sample.pred_modality_weights = {"visual": 1.0, "audio": 0.5}
        sample.pred_topics = topics
        samples.append(sample)
    return samples


def _run(samples: list[VideoSample]) -> tuple[dict[str, float], TopicMetric]:
    metric = TopicMetric()
    evaluator = Evaluator([metric])
    evaluator.process(data_samples=samples)
    return evaluator.evaluate(len(samples)), metric


def test_agrees_with_sklearn_for_the_fused_scores_and_each_modality() -> None:
    samples = _samples()
    metrics, _ = _run(samples)
    truth = [TOPICS.index(sample.label) for sample in samples]
    fused = torch.stack([sample.pred_label for sample in samples]).numpy()
    assert metrics["mca"] == pytest.approx(balanced_accuracy_score(truth, fused.argmax(1)))
    assert metrics["top1"] == pytest.approx(np.mean(fused.argmax(1) == truth))
    assert metrics["top5"] == pytest.approx(top_k_accuracy_score(truth, fused, k=5))
    alone = (metrics["visual/mca"], metrics["audio/mca"])
    assert metrics["average"] == pytest.approx((metrics["mca"] + sum(alone)) / 3)
    for name in ("visual", "audio"):
        own = [n for n, sample in enumerate(samples) if name in sample.pred_modality_scores]
        scores = torch.stack([samples[n].pred_modality_scores[name] for n in own]).numpy()
        expected = balanced_accuracy_score([truth[n] for n in own], scores.argmax(1))
        assert metrics[f"{name}/mca"] == pytest.approx(expected)


def test_of_one_modality_the_average_is_its_accuracy() -> None:
    samples = _samples()
    for sample in samples:
        sample.pred_modality_scores = {"visual": sample.pred_label}
        sample.pred_modality_weights = {"visual": 1.0}
    metrics, _ = _run(samples)
    assert sorted(metrics) == ["average", "mca", "top1", "top5"]
    assert metrics["average"] == metrics["mca"]


def test_any_two_of_three_modalities_are_fused_with_their_weights() -> None:
    samples = _samples()
    weights = {"visual": 1.0, "audio": 0.5, "text": 0.25}
    rng = np.random.default_rng(3)
    for sample in samples:
        sample.pred_modality_scores["text"] = torch.from_numpy(rng.dirichlet(np.ones(7))).float()
        sample.pred_modality_weights = weights
    metrics, metric = _run(samples)
    truth = [TOPICS.index(sample.label) for sample in samples]
    for pair in (("visual", "audio"), ("visual", "text"), ("audio", "text")):
        fused = [
            sum(weights[name] * sample.pred_modality_scores.get(name, torch.zeros(7)) for name in pair)
            for sample in samples
        ]
        predicted = [int(scores.argmax()) for scores in fused]
        assert metrics[f"{'+'.join(pair)}/mca"] == pytest.approx(balanced_accuracy_score(truth, predicted))
    labels = metric.predictions[0]["part_labels"]  # the first video has no sound
    assert list(labels) == ["visual", "text", "visual+audio", "visual+text", "audio+text"]
    assert labels["visual+audio"] == labels["visual"]


def test_mean_class_accuracy_agrees_with_sklearn() -> None:
    rng = np.random.default_rng(1)
    truth, predicted = rng.integers(2, 9, 50), rng.integers(0, 12, 50)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sklearn's, of classes that nothing is in
        expected = balanced_accuracy_score(truth, predicted)
    assert mean_class_accuracy(predicted, truth) == pytest.approx(expected)


def test_what_is_written_scores_as_what_was_measured(tmp_path: Path) -> None:
    samples = _samples()
    metrics, metric = _run(samples)
    write_json_lines(tmp_path / "predictions.jsonl", metric.predictions)
    rows = [dict(video_id=sample.video_id, label=sample.label) for sample in samples]
    write_json_lines(tmp_path / "truth.jsonl", rows)
    scored = evaluate_files("usv_topics", tmp_path / "predictions.jsonl", tmp_path / "truth.jsonl")
    for name in ("mca", "top1", "top5"):
        assert scored[name] == metrics[name]
    first = metric.predictions[0]
    assert list(first["scores"]) == list(TOPICS)
    assert first["label"] == max(first["scores"], key=first["scores"].__getitem__)
    assert first["part_labels"].keys() == samples[0].pred_modality_scores.keys()


def test_the_topics_of_usv_give_macro_topics() -> None:
    metrics, _ = _run(_samples(USV_TOPICS, num_videos=212))
    assert len(USV_TAXONOMY) == 32
    assert metrics["mca"] < metrics["macro/mca"] < 1.0  # the right macro topic is the easier question


def test_a_topic_without_a_video_takes_no_part_and_is_told() -> None:
    samples = [sample for sample in _samples() if sample.label != "c"]
    with pytest.warns(UserWarning, match="1 of 7 topics have no video here, first 'c'; they take no part"):
        metrics, _ = _run(samples)
    fused = torch.stack([sample.pred_label for sample in samples]).argmax(dim=1)
    hits: dict[str, list[bool]] = {}
    for sample, best in zip(samples, fused.tolist()):
        hits.setdefault(sample.label, []).append(TOPICS[best] == sample.label)
    assert metrics["mca"] == pytest.approx(np.mean([np.mean(values) for values in hits.values()]))


def test_videos_without_a_topic_are_predicted_and_not_scored() -> None:
    samples = _samples()
    expected, _ = _run(samples)
    unknown = _samples(num_videos=1)[0]
    unknown.set_metainfo(dict(video_id="unknown", label=None))
    with pytest.warns(UserWarning, match="1 of 61 videos have no topic"):
        metrics, metric = _run([*samples, unknown])
    assert metrics == expected
    assert metric.predictions[-1]["video_id"] == "unknown"


def test_videos_that_nobody_labelled_cannot_be_scored() -> None:
    samples: list[Any] = _samples(num_videos=2)
    for sample in samples:
        sample.set_metainfo(dict(label=None))
    with pytest.raises(ValueError, match="none of the 2 videos has a topic; give the table a column label"):
        _run(samples)


def test_a_topic_that_the_model_does_not_know_is_told() -> None:
    samples = _samples(num_videos=2)
    samples[0].set_metainfo(dict(label="z"))
    with pytest.raises(ValueError, match="the label 'z' is none of the 7 topics"):
        _run(samples)
