"""The predictor: what it gives to a task's inference, and what it does about captions."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from vidkit.apis import Predictor
from vidkit.data import VideoSample
from vidkit.encoders import Encoder, HashedText, PixelVisual, Precomputed
from vidkit.media import Caption, MediaError, VideoWriter, speech
from vidkit.registry import ConfigError

SRT = "1\n00:00:00,000 --> 00:00:01,000\nHello.\n"
SAID = (Caption(0.0, 1.0, "Hello."),)


class Recorder:
    """An inference that finds the whole video and keeps what it was given."""

    task = "repurposing"
    clip_seconds = 1.0

    def __init__(self, encoders: Mapping[str, Encoder], *, uses_captions: bool = True) -> None:
        self.uses_captions = uses_captions
        self.given: list[dict[str, Any]] = []
        self._encoders = dict(encoders)

    def encoders(self) -> dict[str, Encoder]:
        return self._encoders

    def check_query(self, query: str | None) -> None:
        pass

    def predict(
        self,
        features: Mapping[str, np.ndarray],
        *,
        video_id: str,
        duration_seconds: float,
        query: str | None = None,
        captions: Sequence[Caption] = (),
        aspect_ratio: float | None = None,
    ) -> VideoSample:
        rows = {name: np.array(array) for name, array in features.items()}
        self.given.append(dict(rows=rows, captions=tuple(captions), aspect_ratio=aspect_ratio))
        meta = dict(video_id=video_id, duration_seconds=duration_seconds, clip_seconds=1.0)
        sample = VideoSample(metainfo=meta)
        sample.pred_segments = torch.tensor([[0.0, duration_seconds]])
        sample.pred_scores = torch.ones(1)
        sample.pred_saliency = torch.ones(2)
        sample.pred_details = [{"title": "All of it"}]
        sample.pred_modality_saliency = {"text": torch.tensor([0.123456, 1.0])}
        sample.pred_note = "nothing to add"
        return sample


class Whisper:
    """A model that says "Hello there." in every video."""

    supported_languages = ("en",)

    def transcribe(self, audio: Any, **_: Any) -> tuple[Any, Any]:
        words = [SimpleNamespace(start=0.5, end=1.0, word=" Hello there.")]
        segment = SimpleNamespace(start=0.5, end=1.0, text=" Hello there.", words=words)
        return iter([segment]), SimpleNamespace(language="en")


def _video(path: Path) -> Path:
    with VideoWriter(path, width=64, height=48, fps=5, sample_rate_hz=8000) as writer:
        for number in range(10):
            writer.write_frame(np.full((48, 64, 3), 20 * number, np.uint8))
        writer.write_audio(np.full(16_000, 0.1, np.float32))
    return path


@pytest.fixture
def no_whisper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)


@pytest.mark.usefixtures("no_whisper")
def test_a_task_gets_captions_and_the_shape_of_the_picture(tmp_path: Path) -> None:
    video, inference = _video(tmp_path / "talk.mp4"), Recorder({"visual": PixelVisual()})
    (tmp_path / "talk.srt").write_text(SRT)
    prediction = Predictor(inference)(video)
    assert inference.given[0]["captions"] == prediction.captions == SAID
    assert inference.given[0]["aspect_ratio"] == pytest.approx(64 / 48)
    assert prediction.segments[0].title == "All of it"
    assert prediction.curves == {"text": (0.1235, 1.0)}
    assert prediction.note == "nothing to add"


@pytest.mark.usefixtures("no_whisper")
def test_only_a_model_that_reads_text_misses_captions(tmp_path: Path) -> None:
    video, inference = _video(tmp_path / "talk.mp4"), Recorder({"visual": PixelVisual()})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prediction = Predictor(inference)(video)
    assert prediction.captions == ()
    with pytest.warns(UserWarning, match=r"the video has no captions and is read as silent: talk\.mp4"):
        prediction = Predictor(Recorder({"text": HashedText()}))(video)
    assert prediction.captions == ()


@pytest.mark.usefixtures("no_whisper")
def test_one_warning_counts_all_silent_videos_and_the_others_are_heard(tmp_path: Path) -> None:
    videos = [_video(tmp_path / f"{name}.mp4") for name in "abc"]
    (tmp_path / "b.srt").write_text(SRT)
    inference = Recorder({"text": HashedText()})
    with pytest.warns(UserWarning, match=r"2 of 3 videos have no captions and are read as silent") as told:
        predictions, failed = Predictor(inference).predict_many(videos)
    assert len(told) == 1
    assert not failed
    assert [prediction.captions for prediction in predictions] == [(), SAID, ()]
    assert [given["rows"]["text"].any() for given in inference.given] == [False, True, False]


def test_what_is_heard_is_read_by_the_model_and_kept_with_the_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speech, "load_whisper", lambda name, *, offline: Whisper())
    video, inference = _video(tmp_path / "talk.mp4"), Recorder({"text": HashedText()})
    told: list[tuple[float, str]] = []
    for _ in range(2):
        predictions, failed = Predictor(inference).predict_many(
            [video], features=tmp_path / "features", tell=lambda share, text: told.append((share, text))
        )
        assert not failed
        assert predictions[0].captions == (Caption(0.5, 1.0, "Hello there."),)
        monkeypatch.setattr(speech, "load_whisper", None)  # the second time nothing is heard anew
    expected = HashedText()(["Hello there.", "[empty]"]).numpy()
    np.testing.assert_array_equal(inference.given[0]["rows"]["text"], expected)
    assert not list(tmp_path.glob("*.srt"))
    first = told[: told.index((1.0, "talk.mp4")) + 1]
    assert first[0] == (0.0, "speech of talk.mp4")
    assert [share for share, _ in first] == sorted(share for share, _ in first)


@pytest.mark.usefixtures("no_whisper")
def test_broken_captions_fail_the_video_for_a_task_that_uses_them_alone(tmp_path: Path) -> None:
    video = _video(tmp_path / "talk.mp4")
    (tmp_path / "talk.srt").write_text("1\n00:00:0x --> nonsense\n")
    with pytest.raises(MediaError, match=r"talk\.srt, line 2"):
        Predictor(Recorder({"visual": PixelVisual()}))(video)
    prediction = Predictor(Recorder({"visual": PixelVisual()}, uses_captions=False))(video)
    assert prediction.captions is None


def test_features_that_exist_read_no_raw_video(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model.text_encoder is Precomputed\(384\), which cannot read"):
        Predictor(Recorder({"text": Precomputed(384, modality="text")})).predict_many([tmp_path / "a.mp4"])


def test_two_videos_of_one_name_are_refused_before_any_is_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two videos have the id 'a'"):
        Predictor(Recorder({"text": HashedText()})).predict_many(
            [tmp_path / "a.mp4", tmp_path / "b" / "a.mp4"]
        )
