"""From a raw short video to its topics, and what each modality says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from vidkit.data import VideoSample
from vidkit.data.clip_sampling import FrameSampler, SoundSampler
from vidkit.data.crops import Crop
from vidkit.data.raw_clips import FrameViews, SoundViews, read_clips
from vidkit.data.raw_videos import joined_captions
from vidkit.encoders.base import AudioRecipe, Encoder, FeatureRecipe
from vidkit.media import Caption, find_captions, read_captions
from vidkit.media.captions import write_srt
from vidkit.media.ocr import EngineName, OcrEngine, load_ocr
from vidkit.media.screen_text import read_screen_text
from vidkit.registry import TASKS, ConfigError
from vidkit.tasks.topic_recognition.metric import best_topic, topic_scores

_WORDS = {"visual": "pictures", "audio": "sound", "text": "text"}
_TEXTS = ".screen_text"  # in the folder of features: what was read on the screen


@TASKS.register_module()
class TopicInference:
    """Topics of a raw video, by a trained branch or MMF-Net.

    A video is read as the test data is, with the same frames, crops and stretches of sound, unless the config
    says others for ``inference``; so a file gets the scores that it gets in a test. Text is that of the
    captions beside the video or in its file; else what is written on the screen, once a second, where ``ocr``
    names a program that is installed; else the video counts as one without text.

    Args:
        model: ``TopicBranch``, ``MMFNet`` or one of its kinds.
        frames: Which frames are read; needed where the model reads pictures.
        crop: What is cut out of them; needed likewise.
        short_side: To so many pixels frames are scaled while they are decoded.
        sound: Which stretches of sound are read; needed where the model reads sound.
        ocr: The program that reads the screen; None reads none.

    Raises:
        ConfigError: If an argument is missing that the model needs, or it reads features that exist.
    """

    task = "topic_recognition"
    from_test_data = ("frames", "crop", "short_side", "sound")

    def __init__(
        self,
        *,
        model: Any,
        frames: FrameSampler | None = None,
        crop: Crop | None = None,
        short_side: int = 256,
        sound: SoundSampler | None = None,
        ocr: EngineName | None = "rapidocr",
    ) -> None:
        self.model = model
        self.ocr: EngineName | None = ocr
        self._engine: OcrEngine | None = None
        self._frames: FrameViews | None = None
        self._sound: SoundViews | None = None
        for name, encoder in self.encoders().items():
            if isinstance(encoder.recipe, FeatureRecipe):
                raise ConfigError(
                    f"the encoder of {_WORDS[name]} is Precomputed({encoder.dim}), which cannot read a raw "
                    "video; name the encoder that made the features, with its weights"
                )
            if name == "visual":
                if frames is None or crop is None:
                    raise ConfigError("the model reads pictures; give inference frames and crop")
                self._frames = FrameViews(frames, crop, short_side)
            elif name == "audio":
                if sound is None:
                    raise ConfigError("the model reads sound; give inference sound")
                assert isinstance(encoder.recipe, AudioRecipe)
                self._sound = SoundViews(sound, encoder.recipe)

    def encoders(self) -> dict[str, Encoder]:
        """Return the encoders of the model, by modality."""
        encoders: dict[str, Encoder] = self.model.encoders()
        return encoders

    def check_query(self, query: str | None) -> None:
        """Check that there is no query: topics answer no sentence.

        Raises:
            ValueError: If there is one.
        """
        if query is not None:
            raise ValueError("topic_recognition takes no --query: its topics are those it was trained on")

    def predict_video(self, path: Path, *, cache: Path | None = None) -> VideoSample:
        """Return the sample of a video: one segment that is all of it, named after its best topic.

        ``pred_facts`` has ``label``, the best topic; ``scores`` by topic; and ``modality_scores``, the same
        by modality, of those that the video has. ``pred_note`` says which it lacks.

        Args:
            path: The video.
            cache: Folder in which the screen text is kept; None forgets it.

        Raises:
            FileNotFoundError: If there is no such file.
            MediaError: If it cannot be read.
            ValueError: If its captions cannot be read.
        """
        clips = read_clips(path, _no_draw, frames=self._frames, sound=self._sound)
        found = dict(visual=clips.visual, audio=clips.audio)
        if "text" in self.encoders():
            found["text"] = self._text(path, cache)  # type: ignore[assignment]  # the one str among tensors
        read = {name: found[name] for name in self.encoders()}
        sample = VideoSample(
            metainfo=dict(
                video_id=path.stem,
                duration_seconds=clips.duration_seconds,
                clip_seconds=clips.duration_seconds,
            )
        )
        batch = dict(inputs={name: [value] for name, value in read.items()}, data_samples=[sample])
        with torch.inference_mode():
            (sample,) = self.model.eval().val_step(batch)
        return _described(sample, [name for name, value in read.items() if value is None])

    def _text(self, path: Path, cache: Path | None) -> str | None:
        captions = find_captions(path) or self._screen_text(path, cache)
        return None if captions is None else joined_captions(captions)

    def _screen_text(self, path: Path, cache: Path | None) -> list[Caption] | None:
        """Return what is written on the screen; None where no program reads it, or nothing moves there."""
        if self.ocr is None:
            return None
        kept = None if cache is None else cache / _TEXTS / f"{path.stem}.srt"
        if kept is not None and kept.is_file() and kept.stat().st_mtime >= path.stat().st_mtime:
            return read_captions(kept)
        if self._engine is None:
            try:
                self._engine = load_ocr(self.ocr)
            except ImportError:
                self.ocr = None  # the note of every video says that it has no text
                return None
        captions = read_screen_text(path, engine=self._engine)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_srt(kept, captions)
        return captions


def _described(sample: VideoSample, absent: list[str]) -> VideoSample:
    """Return the sample with what files and reports say of it."""
    topics = sample.pred_topics
    scores = topic_scores(sample.pred_label.numpy(), topics)
    label = best_topic(scores)
    sample.pred_segments = torch.tensor([[0.0, sample.duration_seconds]], dtype=torch.float64)
    sample.pred_scores = sample.pred_label.max()[None]
    sample.pred_details = [{"title": label}]
    sample.pred_saliency = torch.zeros(0)
    sample.pred_facts = {
        "label": label,
        "scores": scores,
        "modality_scores": {
            name: topic_scores(own.numpy(), topics) for name, own in sample.pred_modality_scores.items()
        },
    }
    if absent:
        words = " and ".join(_WORDS[name] for name in absent)
        left = " and ".join(_WORDS[name] for name in sample.pred_modality_scores)
        rest = f"so {left} alone decided" if left else "so every topic is as likely"
        sample.pred_note = f"it has no {words}, {rest}"
    return sample


def _no_draw(purpose: str) -> np.random.Generator:
    """Return the same numbers for every video, for a config whose ``inference`` samples at random."""
    return np.random.default_rng(0)
