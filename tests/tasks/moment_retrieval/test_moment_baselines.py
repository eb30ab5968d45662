"""Guesses without a model: what they are, and the figures that they get on the benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vidkit.data import (
    MomentAnnotation,
    VideoSample,
    read_charades_sta,
    read_qvhighlights,
    read_tvsum,
    read_youtube_highlights,
)
from vidkit.engine import load_config
from vidkit.evaluation import tvsum_map, youtube_highlights_map
from vidkit.files import write_json_lines
from vidkit.registry import BASELINES
from vidkit.sweeps import baseline_metrics
from vidkit.tasks.moment_retrieval import MomentMetric
from vidkit.tasks.moment_retrieval.baselines import (
    constant_saliency,
    first_part,
    random_moments,
    random_saliency,
    whole_video,
)


def test_the_constant_guesses() -> None:
    moments, scores = whole_video(120.0)
    assert (moments.tolist(), scores.tolist()) == ([[0, 120]], [1])
    moments, _ = first_part(50.0, share=0.2)
    assert moments.tolist() == [[0, 10]]
    assert constant_saliency(3).tolist() == [0, 0, 0]


def test_what_is_drawn_follows_sample_and_seed() -> None:
    for draw in (
        lambda **drawn: random_moments(10.0, **drawn)[0],
        lambda **drawn: random_moments(10.0, **drawn)[1],
        lambda **drawn: random_saliency(40, **drawn),
    ):
        first = draw(sample_id="a")
        assert np.array_equal(first, draw(sample_id="a"))
        assert not np.array_equal(first, draw(sample_id="b"))
        assert not np.array_equal(first, draw(sample_id="a", seed=1))


def test_random_moments_lie_in_the_video_best_first() -> None:
    moments, scores = random_moments(30.0, sample_id="a", num_moments=500)
    assert (moments[:, 0] < moments[:, 1]).all()
    assert 0 <= moments.min() < moments.max() <= 30
    assert (np.diff(scores) <= 0).all()
    assert np.diff(moments).mean() == pytest.approx(10, abs=1)  # two uniform points are a third apart


def _sample(annotation: MomentAnnotation, clip_seconds: float = 2.0) -> tuple[VideoSample, dict[str, Any]]:
    meta = dict(
        video_id=annotation.video_id,
        query_id=annotation.query_id,
        duration_seconds=annotation.duration_seconds,
        clip_seconds=clip_seconds,
        annotation=annotation,
    )
    clips = torch.zeros(int(annotation.duration_seconds / clip_seconds), 1)
    return VideoSample(metainfo=meta), {"text": torch.zeros(3, 1), "visual": clips}


def test_queries_of_one_video_get_other_random_moments() -> None:
    guess = BASELINES.build(dict(type="RandomMoments", seed=0))
    samples = [guess(*_sample(MomentAnnotation(qid, "v", "a cat", 20.0))) for qid in (1, 2)]
    assert not torch.equal(samples[0].pred_segments, samples[1].pred_segments)
    assert {len(sample.pred_saliency) for sample in samples} == {10}


def _metrics(name: str, annotations: list[MomentAnnotation], **settings: Any) -> dict[str, float]:
    guess, metric = BASELINES.build(dict(type=name, seed=0)), MomentMetric(**settings)
    metric.process(None, [guess(*_sample(annotation)).to_dict() for annotation in annotations])
    return metric.compute_metrics(metric.results)


def test_the_whole_video_gets_the_known_figures_of_qvhighlights(real_data: Path) -> None:
    annotations = read_qvhighlights(real_data / "qvhighlights" / "highlight_val_release.jsonl")
    metrics = _metrics("WholeVideo", annotations)
    names = ("MR-full-R1@0.5", "MR-full-R1@0.7", "MR-full-mAP", "HL-min-VeryGood-mAP", "HL-min-VeryGood-Hit1")
    assert [metrics[name] for name in names] == [9.03, 6.06, 5.58, 11.04, 14.97]


def test_the_first_part_gets_the_known_figures_of_charades(real_data: Path) -> None:
    annotations = read_charades_sta(real_data / "charades_sta" / "charades_test_release.jsonl")
    metrics = _metrics("FirstPart", annotations, protocol="charades_sta")
    assert metrics["Rank1@0.5"] == pytest.approx(0.3065, abs=5e-5)
    assert metrics["Rank1@0.7"] == pytest.approx(0.1516, abs=5e-5)


def test_random_moments_get_the_figures_of_the_docs(real_data: Path) -> None:
    """Means of five seeds stand in docs/moment_retrieval.md; one seed is as near as seeds differ."""
    metrics = _metrics(
        "RandomMoments", read_qvhighlights(real_data / "qvhighlights" / "highlight_val_release.jsonl")
    )
    names = ("MR-full-R1@0.5", "MR-full-R1@0.7", "MR-full-mAP", "HL-min-VeryGood-mAP", "HL-min-VeryGood-Hit1")
    assert [metrics[name] for name in names] == pytest.approx([8.7, 2.5, 5.8, 15.3, 21.4], abs=1.5)
    annotations = read_charades_sta(real_data / "charades_sta" / "charades_test_release.jsonl")
    metrics = _metrics("RandomMoments", annotations, protocol="charades_sta", nms="gaussian")
    names = ("Rank1@0.5", "Rank1@0.7", "Rank5@0.5", "Rank5@0.7")
    assert [metrics[name] for name in names] == pytest.approx([0.115, 0.031, 0.431, 0.144], abs=0.015)


def test_a_constant_saliency_ranks_the_clips_by_time(real_data: Path) -> None:
    tvsum = read_tvsum(real_data / "tvsum" / "tvsum_val_release.jsonl")
    youtube = read_youtube_highlights(real_data / "youtube_highlight" / "youtube_highlight_val_release.jsonl")
    of_tvsum, of_youtube = (
        {a.video_id: constant_saliency(len(a.clips)) for a in annotations} for annotations in (tvsum, youtube)
    )
    assert tvsum_map(of_tvsum, tvsum)["average"]["top5_mAP"] == pytest.approx(0.361, abs=5e-4)
    assert youtube_highlights_map(of_youtube, youtube)["average"] == pytest.approx(0.522, abs=5e-4)


def test_random_saliency_is_near_the_known_figures_of_highlights(real_data: Path) -> None:
    tvsum = read_tvsum(real_data / "tvsum" / "tvsum_val_release.jsonl")
    youtube = read_youtube_highlights(real_data / "youtube_highlight" / "youtube_highlight_val_release.jsonl")
    averages = []
    for seed in range(10):
        of_tvsum, of_youtube = (
            {a.video_id: random_saliency(len(a.clips), sample_id=a.video_id, seed=seed) for a in annotations}
            for annotations in (tvsum, youtube)
        )
        averages.append(
            (
                tvsum_map(of_tvsum, tvsum)["average"]["top5_mAP"],
                youtube_highlights_map(of_youtube, youtube)["average"],
            )
        )
    assert np.mean(averages, axis=0) == pytest.approx([0.426, 0.504], abs=0.03)


def test_a_sweep_puts_them_beside_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDKIT_DATA", str(tmp_path))
    root = tmp_path / "qvhighlights"
    rows = [
        dict(
            qid=qid,
            vid=f"v{qid}",
            query="a cat",
            duration=20,
            relevant_windows=[[0, 20 if qid else 8]],
            relevant_clip_ids=[0, 1],
            saliency_scores=[[4, 4, 4], [2, 3, 2]],
        )
        for qid in range(2)
    ]
    write_json_lines(root / "highlight_test_with_gt.jsonl", rows)
    for row in rows:
        for name, shape in (("clips", (10, 3)), ("words", (2, 3))):
            key = row["vid"] if name == "clips" else f"qid{row['qid']}"
            (root / "features" / name).mkdir(parents=True, exist_ok=True)
            np.save(root / "features" / name / f"{key}.npy", np.zeros(shape, np.float32))
    options = [
        "model.visual_encoder=dict(type='Precomputed', dim=3, modality='visual', name='clips')",
        "model.text_encoder=dict(type='Precomputed', dim=3, modality='text', name='words')",
        "model.audio_encoder=None",
        "model.dim=16",
    ]
    guesses = baseline_metrics(load_config("moment_retrieval/umt_qvhighlights", options), [3, 4])
    assert {name: len(metrics) for name, metrics in guesses.items()} == {
        "whole video, constant saliency": 1,
        "first 30 %, constant saliency": 1,
        "random moments, random saliency": 2,
    }
    first, second = guesses["random moments, random saliency"]
    assert first["MR-full-R1@0.5"] in (0, 50, 100)
    assert first != second
    (whole,), (part,) = (guesses[f"{name}, constant saliency"] for name in ("whole video", "first 30 %"))
    assert (whole["MR-full-R1@0.5"], part["MR-full-R1@0.5"]) == (50, 50)  # [0, 20] and [0, 8], not the other
    assert whole["HL-min-VeryGood-Hit1"] == 100  # of clips that are alike, the first
