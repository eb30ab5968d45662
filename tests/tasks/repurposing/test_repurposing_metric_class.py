"""The metric of the runner gives what the pure function does, and the rows that `vidkit evaluate` reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator

from vidkit.data import RepurposedVideo, VideoSample
from vidkit.evaluation import repurposing_metrics
from vidkit.evaluation.protocols import evaluate_files
from vidkit.files import write_json_lines
from vidkit.registry import METRICS
from vidkit.tasks.repurposing.metric import RepurposingMetric

ENTRIES = [
    ("a", (0.0, 700.0), 4),
    ("b", (1800.0, 3000.5), 7),
    ("b", (0.0, 1800.0), 3),
    ("a", (0.0, 700.0), 2),
]
"""Video, chunk, annotated clips; the first and the last are one chunk, annotated twice."""


def _sample(video_id: str, time_range: tuple[float, float], num_clips: int, seed: int) -> VideoSample:
    rng = np.random.default_rng(seed)
    starts = rng.uniform(0, 600, num_clips)
    annotated = np.stack([starts, starts + rng.uniform(10, 90, num_clips)], axis=1)
    length = time_range[1] - time_range[0]
    ranked = annotated[rng.integers(0, num_clips, 30)] + rng.normal(0, 8, (30, 2))
    ranked = np.sort(ranked, axis=1).clip(0, length)
    scores = np.sort(rng.random(30))[::-1].copy()
    meta = dict(video_id=video_id, time_range=time_range, duration_seconds=length - 1, clip_seconds=1.0)
    sample = VideoSample(metainfo=meta)
    sample.gt_segments = torch.from_numpy(annotated).float()
    sample.pred_segments, sample.pred_scores = (
        torch.from_numpy(ranked[:5]).float(),
        torch.from_numpy(scores[:5]).float(),
    )
    sample.pred_candidates = torch.from_numpy(ranked).float()
    sample.pred_candidate_scores = torch.from_numpy(scores).float()
    return sample


def _samples() -> list[VideoSample]:
    return [_sample(*entry, seed) for seed, entry in enumerate(ENTRIES)]


def _run(samples: list[VideoSample]) -> tuple[dict[str, float], RepurposingMetric]:
    metric = METRICS.build(dict(type="RepurposingMetric"))
    evaluator = Evaluator([metric])
    for first in range(0, len(samples), 2):
        evaluator.process(data_samples=samples[first : first + 2])
    return evaluator.evaluate(len(samples)), metric


def test_the_values_are_those_of_the_pure_function() -> None:
    samples = _samples()
    metrics, _ = _run(samples)
    pairs = [
        (
            (s.pred_segments.numpy(), s.pred_scores.numpy()),
            RepurposedVideo(s.video_id, *s.time_range, s.gt_segments.double().numpy()),
        )
        for s in samples
    ]
    candidates = [(s.pred_candidates.numpy(), s.pred_candidate_scores.numpy()) for s in samples]
    expected = repurposing_metrics(pairs, candidates=candidates)
    table = expected.pop("by_length")
    assert expected == {name: value for name, value in metrics.items() if "/" not in name}
    assert table["20-30 min"]["videos"] == metrics["20-30 min/videos"] == 2
    assert table["10-20 min"]["average"] == metrics["10-20 min/average"]
    assert all(np.isscalar(value) for value in metrics.values())
    assert 0 < metrics["average"] < 1


def test_evaluate_gives_the_same_figures_from_the_rows(tmp_path: Path) -> None:
    samples = _samples()
    metrics, metric = _run(samples)
    write_json_lines(tmp_path / "clips.jsonl", metric.predictions)
    truth = [
        dict(
            youtube_id=s.video_id,
            timeRange=list(s.time_range),
            segments=(s.gt_segments.double() + s.time_range[0]).tolist(),
        )
        for s in samples
    ]
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    evaluated = evaluate_files("repurpose10k", tmp_path / "clips.jsonl", tmp_path / "truth.json")
    assert evaluated["videos"] == len(samples)
    for name, value in metrics.items():
        if "/" not in name:
            assert evaluated[name] == pytest.approx(value, abs=1e-9), name


def test_a_row_says_which_chunk_and_what_was_found() -> None:
    _, metric = _run(_samples())
    row = metric.predictions[1]
    assert list(row) == ["video_id", "time_range", "duration", "segments", "candidates"]
    assert (row["video_id"], row["time_range"], row["duration"]) == ("b", [1800, 3000.5], 1200.5)
    assert (len(row["segments"]), len(row["candidates"])) == (5, 30)
    assert row["segments"][0] == row["candidates"][0]
    assert set(row["segments"][0]) == {"start", "end", "score"}


@pytest.mark.parametrize("order", [[3, 1, 0, 2], [2, 3, 0, 1]])
def test_the_order_of_the_samples_changes_no_figure(order: list[int]) -> None:
    samples = _samples()
    metrics, _ = _run(samples)
    others: dict[str, Any]
    others, _ = _run([samples[index] for index in order])
    assert others == pytest.approx(metrics, abs=1e-12)


def test_chunks_of_which_nobody_made_a_clip_are_predicted_but_not_judged() -> None:
    empty = _sample("c", (0.0, 700.0), 3, seed=9)
    empty.gt_segments = torch.zeros(0, 2)
    expected, _ = _run(_samples())
    metrics, metric = _run([*_samples(), empty])
    assert metrics == expected
    assert [row["video_id"] for row in metric.predictions][-1] == "c"
    assert _run([empty])[0]["average"] == 0.0


def test_a_video_without_clips_is_a_row_without_segments() -> None:
    sample = _samples()[0]
    sample.pred_segments = sample.pred_candidates = torch.zeros(0, 2)
    sample.pred_scores = sample.pred_candidate_scores = torch.zeros(0)
    metrics, metric = _run([sample])
    assert metrics["average"] == 0
    assert metric.predictions[0]["segments"] == metric.predictions[0]["candidates"] == []
