"""`vidkit predict` with an MMCT of random weights: from a raw video to clips, lines and a page."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from vidkit import apis
from vidkit.cli import app
from vidkit.engine import load_config
from vidkit.export import read_predictions
from vidkit.features.sidecar import make_sidecar
from vidkit.features.store import FeatureStore
from vidkit.media import VideoWriter
from vidkit.registry import MODELS

CONFIG = """
model = dict(
    type="MMCT",
    visual_encoder=dict(type="PixelVisual"),
    audio_encoder=dict(type="LogMelAudio"),
    text_encoder=dict(type="HashedText"),
    dim=16,
    num_heads=2,
    feedforward_dim=32,
    num_self_layers=1,
    num_caption_layers=1,
    num_fusion_layers=1,
    guider=dict(type="AlignmentGuider", modalities=["visual", "audio", "text"]),
    loss=dict(type="MMCTLoss"),
    selection=dict(type="ClipSelection", threshold=0.0, min_seconds=1.0),
)
inference = dict(type="RepurposingInference")
"""
SRT = "1\n00:00:00,000 --> 00:00:04,000\nThis is how bees\n\n2\n00:00:04,000 --> 00:00:08,000\nkeep warm.\n"


@pytest.fixture(autouse=True)
def _no_whisper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.py"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def checkpoint(config: Path, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    model = MODELS.build(load_config(config).model, path="model")
    torch.save({"state_dict": model.state_dict()}, tmp_path / "model.pth")
    return tmp_path / "model.pth"


def _video(path: Path, *, seconds: int, sound: bool = True) -> Path:
    with VideoWriter(path, width=64, height=36, fps=5, sample_rate_hz=8000 if sound else None) as writer:
        for number in range(5 * seconds):
            writer.write_frame(np.full((36, 64, 3), 7 * number % 256, np.uint8))
        if sound:
            writer.write_audio(np.full(8000 * seconds, 0.1, np.float32))
    return path


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["predict", *map(str, arguments)])


def test_a_video_becomes_clips_with_titles_reasons_crops_and_a_page(
    config: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    video, out = _video(tmp_path / "talk.mp4", seconds=8), tmp_path / "predictions"
    (tmp_path / "talk.srt").write_text(SRT)
    result = _run(config, checkpoint, video, "--clips", "--report", "--quiet")
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    (prediction,) = read_predictions(out / "predictions.jsonl")
    (segment,) = prediction.segments
    assert segment.title == "This is how bees keep warm."
    assert set(segment.extra["modality_scores"]) == {"visual", "audio", "text", "fused"}
    assert segment.extra["vertical_crop"][0]["width"] == pytest.approx(9 / 16 / (64 / 36), abs=1e-4)
    assert {name: len(curve) for name, curve in prediction.curves.items()} == dict(visual=8, audio=8, text=8)
    assert [caption.text for caption in prediction.captions or ()] == ["This is how bees", "keep warm."]
    (clip,) = (out / "clips").iterdir()
    with av.open(str(clip)) as container:
        assert container.metadata["title"] == "This is how bees keep warm."
    page = (out / "report.html").read_text()
    assert page.count("This is how bees keep warm.") >= 2
    assert all(f"<span>{name}</span>" in page for name in ("Picture", "Sound", "Words"))


def test_a_video_without_captions_is_read_as_silent_and_that_is_said(
    config: Path, checkpoint: Path, tmp_path: Path
) -> None:
    result = _run(config, checkpoint, _video(tmp_path / "talk.mp4", seconds=5), "--quiet")
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("warning: the video has no captions and is read as silent: talk.mp4; put")
    assert result.stderr.count("\n") == 1
    line = json.loads(result.stdout)
    assert line["captions"] == []
    assert "title" not in line["segments"][0]
    assert not list(tmp_path.glob("*.srt"))


def test_a_video_without_a_clip_is_named_with_the_option_that_gives_one(
    config: Path, checkpoint: Path, tmp_path: Path
) -> None:
    video = _video(tmp_path / "talk.mp4", seconds=5)
    (tmp_path / "talk.srt").write_text("")
    options = ("--cfg-options", "model.selection.threshold=0.99")
    result = _run(config, checkpoint, video, "--quiet", *options)
    assert result.exit_code == 0
    assert result.stderr.startswith(f"warning: {video}: no clip: the highest score is 0.")
    assert "lower it: --cfg-options model.selection.threshold=0." in result.stderr
    assert json.loads(result.stdout)["segments"] == []


def test_a_video_without_sound_names_the_way_out(config: Path, checkpoint: Path, tmp_path: Path) -> None:
    video = _video(tmp_path / "silent.mp4", seconds=5, sound=False)
    (tmp_path / "silent.srt").write_text("")
    result = _run(config, checkpoint, video)
    assert result.exit_code == 1
    assert "has no sound track, which LogMelAudio would read" in result.stderr
    assert "train and predict with --cfg-options model.audio_encoder=None" in result.stderr


def test_features_are_kept_in_the_folder_that_is_named(
    config: Path, checkpoint: Path, tmp_path: Path
) -> None:
    video, features = _video(tmp_path / "talk.mp4", seconds=5), tmp_path / "features"
    (tmp_path / "talk.srt").write_text("")
    lines, times = [], []
    for _ in range(2):
        result = _run(config, checkpoint, video, "--features", features, "--quiet")
        lines.append(json.loads(result.stdout))
        times.append((features / "PixelVisual" / "talk.npy").stat().st_mtime_ns)
    assert lines[0] == lines[1]
    assert times[0] == times[1]


def test_three_hours_are_predicted_from_their_features(
    config: Path, checkpoint: Path, tmp_path: Path
) -> None:
    inference = apis.load(config, checkpoint).inference
    seconds, random, store = 10_800, np.random.default_rng(0), FeatureStore(tmp_path / "features")
    for encoder in {encoder.store_name: encoder for encoder in inference.encoders().values()}.values():
        rows = random.normal(size=(seconds, encoder.dim)).astype(np.float32)
        sidecar = make_sidecar(encoder, clip_seconds=1.0, duration_seconds=seconds)
        store.encoder(encoder).put("talk", rows, sidecar)
    features = {name: store[encoder]["talk"] for name, encoder in inference.encoders().items()}
    sample = inference.predict(features, video_id="talk", duration_seconds=seconds, aspect_ratio=16 / 9)
    assert len(sample.pred_saliency) == seconds
    assert torch.isfinite(sample.pred_saliency).all()
    assert 1 <= len(sample.pred_segments) <= 54
