"""What a model of short videos reads of a raw video, as its test data is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.data.clip_sampling import FrameSampler, SoundSampler
from vidkit.data.crops import Crop
from vidkit.data.raw_clips import FrameViews, SoundViews, Span
from vidkit.data.raw_videos import joined_captions
from vidkit.encoders.base import AudioRecipe, Encoder, FeatureRecipe
from vidkit.media import Caption, VideoReader, find_captions, read_captions
from vidkit.media.captions import write_srt
from vidkit.media.ocr import OcrEngine
from vidkit.media.screen_text import read_screen_text
from vidkit.registry import ConfigError

_WORDS = {"visual": "pictures", "audio": "sound", "text": "text"}
_TEXTS = ".screen_text"  # in the folder of features: what was read on the screen


class VideoInputs:
    """Reads pictures, sound and text of raw videos.

    Text is that of the captions beside the video or in its file; else what is written on the screen, once a
    second, where there is a program that reads it; else nobody knows it.

    Args:
        encoders: Of the model, by modality. Only these modalities are read.
        frames: Which frames are read; needed where the model reads pictures.
        crop: What is cut out of them; needed likewise.
        short_side: To so many pixels frames are scaled while they are decoded.
        sound: Which stretches of sound are read; needed where the model reads sound.
        ocr: Reads the screen; None reads none.

    Raises:
        ConfigError: If an argument is missing that the model needs, or it reads features that exist.
    """

    def __init__(
        self,
        encoders: Mapping[str, Encoder],
        *,
        frames: FrameSampler | None,
        crop: Crop | None,
        short_side: int,
        sound: SoundSampler | None,
        ocr: OcrEngine | None,
    ) -> None:
        self.modalities = tuple(encoders)
        self.ocr = ocr
        self.frames: FrameViews | None = None
        self.sound: SoundViews | None = None
        for name, encoder in encoders.items():
            if isinstance(encoder.recipe, FeatureRecipe):
                raise ConfigError(
                    f"the encoder of {_WORDS[name]} is Precomputed({encoder.dim}), which cannot read a raw "
                    "video; name the encoder that made the features, with its weights"
                )
            if name == "visual":
                if frames is None or crop is None:
                    raise ConfigError("the model reads pictures; give inference frames and crop")
                self.frames = FrameViews(frames, crop, short_side)
            elif name == "audio":
                if sound is None:
                    raise ConfigError("the model reads sound; give inference sound")
                assert isinstance(encoder.recipe, AudioRecipe)
                self.sound = SoundViews(sound, encoder.recipe)

    def captions(self, path: Path, *, cache: Path | None = None) -> list[Caption] | None:
        """Return what is said or written in a video; None where nobody knows.

        The screen is read only for a model that reads text.

        Args:
            path: The video.
            cache: Folder in which the screen text is kept; None forgets it.

        Raises:
            ValueError: If the captions cannot be read.
        """
        return find_captions(path) or self._screen_text(path, cache)

    def read(
        self, video: VideoReader, captions: Sequence[Caption] | None, span: Span | None = None
    ) -> dict[str, Any]:
        """Return what the model reads, by modality; None where the video lacks it.

        Pictures are uint8 (V, F, S, S, 3), sound float32 (V, samples), text a str, as of ``ShortVideos``.

        Args:
            video: Open.
            captions: Those of the video.
            span: The part that is read as if it were all of it; None for all. Where nothing is said in it, it
                lacks text.

        Raises:
            MediaError: If a part that is needed cannot be decoded.
        """
        found: dict[str, Any] = dict.fromkeys(self.modalities)
        if self.frames is not None and video.info.video_stream is not None:
            found["visual"] = self.frames.read(video, _no_draw, span)
        if self.sound is not None and video.info.has_audio:
            found["audio"] = self.sound.read(video, _no_draw, span)
        if "text" in found and captions is not None:
            said = captions if span is None else captions_within(captions, span)
            if said or span is None:
                found["text"] = joined_captions(said)
        return found

    def words(self) -> str:
        """Return what the model reads, in words."""
        return ", ".join(_WORDS[name] for name in self.modalities)

    def _screen_text(self, path: Path, cache: Path | None) -> list[Caption] | None:
        if self.ocr is None or "text" not in self.modalities:
            return None
        kept = None if cache is None else cache / _TEXTS / f"{path.stem}.srt"
        if kept is not None and kept.is_file() and kept.stat().st_mtime >= path.stat().st_mtime:
            return read_captions(kept)
        captions = read_screen_text(path, engine=self.ocr)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_srt(kept, captions)
        return captions


def captions_within(captions: Sequence[Caption], span: Span) -> list[Caption]:
    """Return the captions whose middle lies in a span."""
    return [caption for caption in captions if span[0] <= (caption.start + caption.end) / 2 < span[1]]


def note_of_lacking(inputs: Mapping[str, Any]) -> str | None:
    """Return in words what a video lacks of what a model reads, and what is left; None if nothing.

    Example:
        >>> note_of_lacking({"visual": "something", "audio": None})
        'it has no sound, so pictures alone decided'
    """
    absent = " and ".join(_WORDS[name] for name, value in inputs.items() if value is None)
    left = " and ".join(_WORDS[name] for name, value in inputs.items() if value is not None)
    if not absent:
        return None
    return f"it has no {absent}, " + (f"so {left} alone decided" if left else "so every topic is as likely")


def _no_draw(purpose: str) -> np.random.Generator:
    """Return the same numbers for every video, for a config whose ``inference`` samples at random."""
    return np.random.default_rng(0)
