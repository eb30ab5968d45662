"""Raw videos become embeddings of the whole and of windows, and topics; what is missing is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vidkit.data.clip_sampling import SegmentMiddleFrames, UniformSound
from vidkit.data.crops import CenterCrop
from vidkit.data.synth import generate
from vidkit.encoders import HashedText, LogMelAudio, PixelVisual, Precomputed
from vidkit.media import VideoWriter
from vidkit.registry import ConfigError
from vidkit.tasks.video_text_retrieval import VTCL, RetrievalInference, TitleContrast
from vidkit.tasks.video_text_retrieval.inference import windows_of


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic")
    generate(folder, num_videos=1, seconds=6.0, width=160, height=90)
    return next((folder / "videos").glob("*.mp4"))


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A video without sound and captions."""
    path = tmp_path / "bare.mp4"
    with VideoWriter(path, width=64, height=48, fps=5) as writer:
        for number in range(10):
            writer.write_frame(np.full((48, 64, 3), 20 * number, np.uint8))
    return path


def _inference(
    *, modalities: str = "visual audio text", topics: Any = None, **settings: Any
) -> RetrievalInference:
    torch.manual_seed(0)
    encoders: dict[str, Any] = dict(
        visual_encoder=PixelVisual(), audio_encoder=LogMelAudio(window_seconds=2.0), text_encoder=HashedText()
    )
    model = VTCL(
        **{name: encoder for name, encoder in encoders.items() if name.split("_")[0] in modalities},
        title_encoder=HashedText(),
        loss=TitleContrast(),
        dim=16,
        topics=topics,
    )
    reading = dict(frames=SegmentMiddleFrames(4), crop=CenterCrop(48), short_side=48, sound=UniformSound(2))
    return RetrievalInference(model=model, **{**reading, **settings})


def test_a_video_has_an_embedding_of_the_whole_and_of_each_window(video: Path) -> None:
    inference = _inference()
    told: list[float] = []
    vectors, parts = inference.embed_parts(video, window_seconds=2.0, on_share=told.append)
    assert [span for span, _ in parts] == [(0.0, 6.0), (0.0, 2.0), (2.0, 4.0), (4.0, 6.0)]
    assert vectors.shape == (4, 16)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert told == [1.0]
    words = parts[0][1].split()
    assert words
    assert [word for _, text in parts[1:] for word in text.split()] == words


def test_a_window_of_all_is_the_whole_and_the_order_of_work_does_not_matter(video: Path) -> None:
    vectors, _ = _inference().embed_parts(video, window_seconds=60.0)
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)
    again, _ = _inference().embed_parts(video, window_seconds=None)
    np.testing.assert_allclose(again, vectors[:1], atol=1e-5)


def test_a_video_gets_the_topic_of_the_nearest_name(video: Path) -> None:
    inference = _inference(topics=["whale", "rocket"])
    inference.check_query(None)
    sample = inference.predict_video(video)
    scores = sample.pred_facts["scores"]
    for topic, cosine in scores.items():
        assert cosine == pytest.approx(
            float(inference.embed_text(topic) @ sample.pred_embedding.numpy()), abs=1e-5
        )
    assert sample.pred_facts["label"] == max(scores, key=scores.__getitem__)
    assert sample.pred_segments.tolist() == [[0.0, 6.0]]
    assert sample.get("pred_note") is None


def test_what_a_video_lacks_is_told_and_the_rest_is_read(bare: Path) -> None:
    sample = _inference(topics=["whale"]).predict_video(bare)
    assert sample.pred_note == "it has no sound and text, so pictures alone decided"
    assert torch.isfinite(sample.pred_embedding).all()


def test_a_video_with_nothing_to_read_is_refused(bare: Path) -> None:
    inference = _inference(modalities="text", topics=["whale"])
    with pytest.raises(ValueError, match=r"bare\.mp4 has nothing of what the model reads: text"):
        inference.embed_parts(bare, window_seconds=1.0)
    with pytest.raises(ValueError, match=r"bare\.mp4 has nothing of what the model reads: text"):
        inference.predict_video(bare)


def test_the_fingerprint_is_that_of_weights_and_of_what_is_read() -> None:
    first = _inference().fingerprint()
    assert first == _inference().fingerprint()
    assert first != _inference(frames=SegmentMiddleFrames(5)).fingerprint()
    changed = _inference()
    with torch.no_grad():
        next(changed.model.project_title.parameters()).add_(1.0)
    assert first != changed.fingerprint()


def test_what_cannot_be_asked_is_told() -> None:
    with pytest.raises(ValueError, match="finds videos by a sentence in an index: vidkit index build"):
        _inference(topics=["whale"]).check_query("a whale")
    with pytest.raises(ValueError, match="the model knows no topics to choose from; name some"):
        _inference().check_query(None)


def test_a_model_needs_to_be_told_what_to_read() -> None:
    with pytest.raises(ConfigError, match="the model reads pictures; give inference frames and crop"):
        _inference(frames=None)
    with pytest.raises(ConfigError, match="the model reads sound; give inference sound"):
        _inference(sound=None)
    model = VTCL(visual_encoder=Precomputed(4), title_encoder=HashedText(), loss=TitleContrast(), dim=8)
    with pytest.raises(ConfigError, match=r"Precomputed\(4\), which cannot read a raw video"):
        RetrievalInference(model=model)
    with pytest.raises(ValueError, match="must be above 0, got 0"):
        windows_of(5.0, 0)
