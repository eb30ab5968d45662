"""Raw videos to topics: the scores are those of a test on the same files, and what is missing is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vidkit import apis
from vidkit.apis import Predictor
from vidkit.data import video_inputs
from vidkit.data.clip_sampling import SegmentMiddleFrames, UniformSound
from vidkit.data.crops import WholeFrames
from vidkit.encoders import HashedText, LogMelAudio, PixelVisual, Precomputed
from vidkit.engine import load_config
from vidkit.evaluation.protocols import evaluate_files
from vidkit.files import write_json_lines
from vidkit.media import Caption, MediaError, VideoWriter
from vidkit.registry import ConfigError
from vidkit.tasks.topic_recognition import MMFNet, TopicBranch, TopicInference, inference

TOPICS = ["bright", "dark"]
SRT = "1\n00:00:00,000 --> 00:00:01,000\nHello.\n"


def _write(path: Path, *, level: int, frames: int = 20, has_sound: bool = True) -> Path:
    random = np.random.default_rng(level)
    rate = dict(sample_rate_hz=16000) if has_sound else {}
    with VideoWriter(path, width=64, height=36, fps=10, **rate) as writer:  # type: ignore[arg-type]
        for _ in range(frames):
            writer.write_frame(np.full((36, 64, 3), level, np.uint8))
        if has_sound:
            writer.write_audio(random.normal(0, 0.1, 1600 * frames).astype(np.float32))
    return path


def _net() -> MMFNet:
    torch.manual_seed(0)
    encoders = [PixelVisual(size=(2, 2)), LogMelAudio(num_mels=8), HashedText(dim=8)]
    branches = {encoder.modality: TopicBranch(encoder, topics=TOPICS) for encoder in encoders}
    for branch in branches.values():
        torch.nn.init.normal_(branch.classifier.weight)
    return MMFNet(branches)


def _inference(**options: Any) -> TopicInference:
    given: dict[str, Any] = dict(frames=SegmentMiddleFrames(4), crop=WholeFrames(), sound=UniformSound(3))
    return TopicInference(**{"model": _net(), **given, "short_side": 36, "ocr": None, **options})


def test_a_video_gets_topics_and_what_each_modality_says(tmp_path: Path) -> None:
    video = _write(tmp_path / "a.mp4", level=200)
    (tmp_path / "a.srt").write_text(SRT)
    prediction = Predictor(_inference())(video)
    row = prediction.to_json()
    assert row["task"] == "topic_recognition"
    assert list(row["scores"]) == TOPICS
    assert sum(row["scores"].values()) == pytest.approx(1.0, abs=1e-5)
    assert row["label"] == max(TOPICS, key=row["scores"].__getitem__)
    said = row["modality_scores"]
    assert list(said) == ["visual", "audio", "text"]
    for topic in TOPICS:
        fused = (said["visual"][topic] + 0.5 * said["audio"][topic] + 0.5 * said["text"][topic]) / 2
        assert row["scores"][topic] == pytest.approx(fused, rel=1e-4)
    (segment,) = prediction.segments
    assert (segment.start, segment.end, segment.title) == (0.0, pytest.approx(2.0), row["label"])
    assert prediction.note is None
    assert json.loads(json.dumps(row)) == row


@pytest.mark.parametrize(
    ("has_sound", "words", "note"),
    [
        (True, None, "it has no text, so pictures and sound alone decided"),
        (False, "Hello.", "it has no sound, so pictures and text alone decided"),
        (False, None, "it has no sound and text, so pictures alone decided"),
    ],
)
def test_what_a_video_lacks_is_told_and_leaves_the_others_alone(
    has_sound: bool, words: str | None, note: str, tmp_path: Path
) -> None:
    other = _write(tmp_path / "other.mp4", level=90)
    video = _write(tmp_path / "a.mp4", level=200, has_sound=has_sound)
    if words is not None:
        (tmp_path / "a.srt").write_text(SRT)
    (alone,), _ = Predictor(_inference()).predict_many([other])
    (first, second), failed = Predictor(_inference()).predict_many([video, other])
    assert not failed
    assert first.note == note
    assert second == alone


def test_an_empty_caption_file_says_that_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = _write(tmp_path / "a.mp4", level=200)
    monkeypatch.setattr(inference, "load_ocr", lambda name: name)
    monkeypatch.setattr(video_inputs, "read_screen_text", lambda path, engine: [])
    prediction = Predictor(_inference(ocr="rapidocr"))(video)
    assert prediction.note is None  # the empty text was read
    assert list(prediction.extra["modality_scores"]) == ["visual", "audio", "text"]


def test_a_video_of_fewer_frames_than_are_read_repeats_them(tmp_path: Path) -> None:
    video = _write(tmp_path / "a.mp4", level=200, frames=2)
    prediction = Predictor(_inference(frames=SegmentMiddleFrames(8)))(video)
    assert prediction.extra["label"] in TOPICS


def test_the_screen_is_read_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = _write(tmp_path / "a.mp4", level=200)
    read: list[Path] = []

    def reader(path: Path, *, engine: Any) -> list[Caption]:
        read.append(path)
        return [Caption(0, 1, "Hello."), Caption(1, 2, "Hello.")]

    monkeypatch.setattr(inference, "load_ocr", lambda name: name)
    monkeypatch.setattr(video_inputs, "read_screen_text", reader)
    predictor = Predictor(_inference(ocr="rapidocr"))
    first, _ = predictor.predict_many([video], features=tmp_path / "features")
    again, _ = predictor.predict_many([video], features=tmp_path / "features")
    assert read == [video]
    assert again == first
    (tmp_path / "a.srt").write_text(SRT)
    captioned, _ = Predictor(_inference()).predict_many([video])
    assert captioned[0].extra == first[0].extra  # repeats in a row are one


def test_without_a_program_that_reads_the_screen_there_is_no_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> None:
        raise ImportError("no module named rapidocr")

    monkeypatch.setattr(inference, "load_ocr", absent)
    video = _write(tmp_path / "a.mp4", level=200)
    with pytest.warns(
        UserWarning, match="no module named rapidocr; videos without captions count as without"
    ):
        predictor = Predictor(_inference(ocr="rapidocr"))
    prediction = predictor(video)
    assert prediction.note == "it has no text, so pictures and sound alone decided"


def test_what_is_no_video_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.mp4"
    wrong.write_bytes(b"no video")
    video = _write(tmp_path / "a.mp4", level=200)
    told: list[tuple[float, str]] = []
    predictions, failed = Predictor(_inference()).predict_many(
        [wrong, video], tell=lambda share, text: told.append((share, text))
    )
    assert [prediction.video_id for prediction in predictions] == ["a"]
    assert list(failed) == [wrong]
    assert told == [(0.0, "wrong.mp4"), (0.5, "a.mp4")]
    with pytest.raises(MediaError):
        Predictor(_inference())(wrong)


def test_topics_answer_no_query(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="topic_recognition takes no --query"):
        Predictor(_inference())(tmp_path / "a.mp4", query="a dog")


def test_what_the_model_reads_must_be_said() -> None:
    with pytest.raises(ConfigError, match="the model reads pictures; give inference frames and crop"):
        _inference(crop=None)
    with pytest.raises(ConfigError, match="the model reads sound; give inference sound"):
        _inference(sound=None)
    with pytest.raises(ConfigError, match=r"the encoder of pictures is Precomputed\(4\), which cannot read"):
        _inference(model=TopicBranch(Precomputed(4), topics=TOPICS))


def test_from_files_to_topics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Train the default on files, test it, predict the same files: the scores are those of the test."""
    monkeypatch.setenv("VIDKIT_DATA", str(tmp_path))
    folder = tmp_path / "short_videos"
    folder.mkdir()
    rows = ["path,label,subtitle"]
    for number in range(4):
        topic = TOPICS[number % 2]
        _write(folder / f"{number}.mp4", level=200 if topic == "bright" else 20, has_sound=number != 3)
        (folder / f"{number}.srt").write_text(SRT.replace("Hello.", f"It is {topic}."))
        rows.append(f"{number}.mp4,{topic},It is {topic}.")
    for split in ("train", "val"):
        (folder / f"{split}.csv").write_text("\n".join(rows))
    small = [
        "model.branches.visual.encoder=dict(type='PixelVisual', size=(2, 2))",
        "model.branches.audio.encoder=dict(type='LogMelAudio', num_mels=8)",
        "model.branches.text.encoder=dict(type='HashedText', dim=16)",
        "optim_wrapper.optimizer.lr=0.05",
        "param_scheduler=[]",
        "train_cfg.max_epochs=8",
        "train_cfg.val_interval=8",
        "default_hooks.checkpoint.interval=8",
        "train_dataloader.persistent_workers=False",
    ]
    for split in ("train", "val", "test"):
        data = f"{split}_dataloader"
        small += [
            f"{data}.num_workers=0",
            f"{data}.dataset.short_side=36",
            f"{data}.dataset.crop=dict(type='WholeFrames')",
        ]
    config = load_config("topic_recognition/mmf_net_videos", small)
    apis.train(config, work_dir=tmp_path / "run", quiet=True)
    checkpoint = tmp_path / "run" / "best.pth"
    metrics, lines = apis.test(config, checkpoint, quiet=True)
    assert metrics["visual/mca"] == metrics["text/mca"] == metrics["mca"] == 1.0
    write_json_lines(tmp_path / "predictions.jsonl", lines)
    labels = [dict(video_id=str(n), label=TOPICS[n % 2]) for n in range(4)]
    write_json_lines(tmp_path / "truth.jsonl", labels)
    scored = evaluate_files("usv_topics", tmp_path / "predictions.jsonl", tmp_path / "truth.jsonl")
    assert scored["mca"] == metrics["mca"]
    predictions, failed = apis.load(config, checkpoint).predict_many(sorted(folder.glob("*.mp4")))
    assert not failed
    for prediction, line in zip(predictions, lines, strict=True):
        assert prediction.extra["label"] == line["label"]
        assert prediction.extra["scores"] == pytest.approx(line["scores"], rel=1e-3)
    assert predictions[3].note == "it has no sound, so pictures and text alone decided"
