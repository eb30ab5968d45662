"""A small MMF-Net learns the topics of synthetic videos from their files, and names those of new files."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidkit import apis
from vidkit.data.short_videos import read_short_videos
from vidkit.data.synth import generate

CONFIG = "topic_recognition/mmf_net_synthetic"
CHANCE = 1 / 8  # of the topics of the set


@pytest.mark.slow
def test_learns_topics_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDKIT_DATA", str(tmp_path))
    data = tmp_path / "synthetic"
    generate(data, num_videos=48, seconds=3.0, seed=12)
    apis.train(CONFIG, work_dir=tmp_path / "run", options=["train_cfg.max_epochs=20"], quiet=True)
    checkpoint = tmp_path / "run" / "best.pth"
    metrics, _ = apis.test(CONFIG, checkpoint, quiet=True)
    assert metrics["mca"] >= 0.8
    assert metrics["visual/mca"] >= 3 * CHANCE
    assert metrics["audio/mca"] >= 0.6
    assert metrics["text/mca"] >= 0.8
    videos = read_short_videos(data / "annotations" / "usv_test.jsonl", root=data)
    predictions, failed = apis.load(CONFIG, checkpoint).predict_many([video.path for video in videos])
    assert not failed
    right = [
        prediction.extra["label"] == video.topic
        for prediction, video in zip(predictions, videos, strict=True)
    ]
    assert sum(right) >= 0.8 * len(right)
