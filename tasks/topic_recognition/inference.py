"""From a raw short video to its topics, and what each modality says."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

from vidkit.data import VideoSample
from vidkit.data.clip_sampling import FrameSampler, SoundSampler
from vidkit.data.crops import Crop
from vidkit.data.video_inputs import VideoInputs, note_of_lacking
from vidkit.encoders.base import Encoder
from vidkit.media import open_video
from vidkit.media.ocr import EngineName, OcrEngine, load_ocr
from vidkit.registry import TASKS
from vidkit.tasks.topic_recognition.metric import best_topic, topic_scores


@TASKS.register_module()
class TopicInference:
    """Topics of a raw video, by a trained branch or MMF-Net.

    A video is read as the test data is, with the same frames, crops and stretches of sound, unless the config
    says others for ``inference``; so a file gets the scores that it gets in a test. Text is that of the
    captions beside the video or in its file; else what is written on the screen, once a second, where ``ocr``
    names a program that is installed, else a warning says so, and the video counts as one without text.

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
        engine = _loaded(ocr) if "text" in self.encoders() else None
        self._inputs = VideoInputs(
            self.encoders(), frames=frames, crop=crop, short_side=short_side, sound=sound, ocr=engine
        )

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
        captions = self._inputs.captions(path, cache=cache)
        with open_video(path, on_damage="error") as video:
            duration = video.info.duration_seconds
            read = self._inputs.read(video, captions)
        sample = VideoSample(
            metainfo=dict(video_id=path.stem, duration_seconds=duration, clip_seconds=duration)
        )
        batch = dict(inputs={name: [value] for name, value in read.items()}, data_samples=[sample])
        with torch.inference_mode():
            (sample,) = self.model.eval().val_step(batch)
        return _described(sample, note_of_lacking(read))


def _loaded(ocr: EngineName | None) -> OcrEngine | None:
    """Return the program that reads the screen; None, after a warning, where it is not installed."""
    if ocr is None:
        return None
    try:
        return load_ocr(ocr)
    except ImportError as error:
        warnings.warn(f"{error}; videos without captions count as without text", stacklevel=3)
        return None


def _described(sample: VideoSample, note: str | None) -> VideoSample:
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
    if note is not None:
        sample.pred_note = note
    return sample
