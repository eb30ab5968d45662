"""Reading one video for all encoders: what the models are to be called with, in order.

Everything here runs in a reading thread: decoding and ``Encoder.preprocess``. Shapes: N clips of a block,
D channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vidkit.encoders.base import AudioRecipe, Encoder, SequenceRecipe, VisualRecipe
from vidkit.features.sidecar import num_clips_of
from vidkit.features.windows import FrameWindows, audio_pieces, audio_windows, clip_means
from vidkit.media.captions import captions_per_clip, find_captions
from vidkit.media.errors import DamagedError, MediaError, NoAudioStreamError, NoVideoStreamError
from vidkit.media.multi_stream import FrameRequest, stream_many
from vidkit.media.reader import VideoReader, open_video

Rows = NDArray[np.float32]

FRAMES_PER_CHUNK = 4
# Clips of a block. They are fixed, so that what ``preprocess`` gets depends on the video alone.
VISUAL_BLOCK = 8
AUDIO_BLOCK = 32
SENTENCES_PER_CALL = 32
_CAPTION_SUFFIXES = (".srt", ".vtt", ".json")
_AUDIO_WORK = 0.1  # of the work on the pictures; for the progress alone


@dataclass(frozen=True)
class Opened:
    """The video can be read by the encoders in ``names``; those in ``lacking`` miss an input, and why."""

    names: tuple[str, ...]
    lacking: Mapping[str, MediaError]
    duration_seconds: float


@dataclass(frozen=True)
class Clips:
    """The next clips for an encoder: any rows may share a call with them, those of other videos too.

    Args:
        name: Of the encoder.
        inputs: What ``preprocess`` gave, first axis N.
        fraction: The part of the video that is read, in [0, 1].
    """

    name: str
    inputs: Any
    fraction: float


@dataclass(frozen=True)
class Calls:
    """The next clips for an encoder whose calls depend on the video alone.

    Args:
        name: Of the encoder.
        inputs: One for each call.
        rows: Makes the features of the clips, (N, D), of what the calls gave.
        fraction: The part of the video that is read, in [0, 1].
    """

    name: str
    inputs: Sequence[Any]
    rows: Callable[[Sequence[Rows]], Rows]
    fraction: float


Message = Opened | Clips | Calls


def read_video(
    path: Path, encoders: Mapping[str, Encoder], *, clip_seconds: float, captions: Path | None = None
) -> Iterator[Message]:
    """Yield what the encoders are to be called with, pictures first; memory does not grow with the length.

    Args:
        path: The video.
        encoders: By the name of their folder.
        clip_seconds: Length of a clip.
        captions: Folder of captions that go before those beside the video.

    Raises:
        MediaError: If the video cannot be read.
        ValueError: If an encoder cannot read it with this clip length.
    """
    with open_video(path, on_damage="error") as reader:
        lacking = _missing_inputs(reader, encoders, captions)
        readable = {name: encoder for name, encoder in encoders.items() if name not in lacking}
        duration = reader.info.duration_seconds
        yield Opened(tuple(readable), lacking, duration)
        film = _Film(path, reader, num_clips_of(duration, clip_seconds), clip_seconds, captions)
        passes: list[tuple[float, Iterator[Clips | Calls]]] = []
        if visual := _of(readable, "visual"):
            passes.append((1.0, _read_pictures(film, visual)))
        for name, encoder in _of(readable, "audio").items():
            is_sequence = isinstance(encoder.recipe, SequenceRecipe)
            read = _read_pieces if is_sequence else _read_sound
            passes.append((_AUDIO_WORK, read(film, name, encoder)))
        for name, encoder in _of(readable, "text").items():
            passes.append((_AUDIO_WORK, _read_text(film, name, encoder)))
        yield from _in_turn(passes)


@dataclass(frozen=True)
class _Film:
    path: Path
    reader: VideoReader
    num_clips: int
    clip_seconds: float
    captions: Path | None


def _in_turn(passes: Sequence[tuple[float, Iterator[Clips | Calls]]]) -> Iterator[Clips | Calls]:
    """Yield from one pass after the other; their own fractions become those of the whole."""
    total = sum(work for work, _ in passes)
    before = 0.0
    for work, messages in passes:
        for message in messages:
            fraction = min(1.0, (before + work * message.fraction) / total)
            yield type(message)(**{**vars(message), "fraction": fraction})
        before += work


def _missing_inputs(
    reader: VideoReader, encoders: Mapping[str, Encoder], captions: Path | None
) -> dict[str, MediaError]:
    """Return an error for each encoder that needs what the video lacks."""
    problems: dict[str, MediaError] = {}
    path = reader.info.path
    visual, audio, text = (_of(encoders, modality) for modality in ("visual", "audio", "text"))
    if visual and not reader.info.video_streams:
        error: MediaError = NoVideoStreamError(
            f"{path} has sound but no moving pictures, which {', '.join(visual)} would read; "
            "leave the visual encoder out for sound alone"
        )
        problems.update(dict.fromkeys(visual, error))
    if audio and not reader.info.has_audio:
        error = NoAudioStreamError(
            f"{path} has no sound track, which {', '.join(audio)} would read; "
            "leave the audio encoder out for silent videos (of a model: train and predict with "
            "--cfg-options model.audio_encoder=None)"
        )
        problems.update(dict.fromkeys(audio, error))
    if text and not _may_have_captions(reader, captions):
        names = ", ".join(text)
        error = MediaError(
            f"{path} has no captions, which {names} would read; put {path.stem}.srt beside it "
            f"(an empty one says that nobody speaks), or leave {names} out"
        )
        problems.update(dict.fromkeys(text, error))
    return problems


def _may_have_captions(reader: VideoReader, captions: Path | None) -> bool:
    path = reader.info.path
    folders = [path.parent] if captions is None else [captions, path.parent]
    files = (file for folder in folders for file in folder.iterdir())
    return bool(reader.info.text_streams) or any(
        file.suffix.lower() in _CAPTION_SUFFIXES and file.name.startswith(f"{path.stem}.") for file in files
    )


def _read_pictures(film: _Film, encoders: Mapping[str, Encoder]) -> Iterator[Clips]:
    requests, windows = {}, {}
    duration = film.reader.info.duration_seconds
    for name, encoder in encoders.items():
        assert isinstance(encoder.recipe, VisualRecipe)
        windows[name] = FrameWindows(
            encoder.recipe,
            num_clips=film.num_clips,
            clip_seconds=film.clip_seconds,
            duration_seconds=duration,
            source_fps=film.reader.info.fps,
            batch_size=VISUAL_BLOCK,
        )
        requests[name] = FrameRequest(windows[name].times, encoder.recipe.decode_size)
    num_frames = sum(len(window.times) for window in windows.values())
    num_seen = 0
    for name, frames in stream_many(film.reader, requests, chunk=FRAMES_PER_CHUNK):
        num_seen += len(frames)
        for batch in windows[name].push(frames.data):
            yield Clips(name, encoders[name].preprocess(torch.from_numpy(batch)), num_seen / num_frames)
    if not all(window.is_done for window in windows.values()):
        raise DamagedError(
            f"{film.path}: its frames end before its duration of {duration:.2f} s; get an undamaged copy"
        )


def _read_sound(film: _Film, name: str, encoder: Encoder) -> Iterator[Clips]:
    assert isinstance(encoder.recipe, AudioRecipe)
    batches = audio_windows(
        film.reader.stream_audio(encoder.recipe.sample_rate_hz),
        encoder.recipe,
        num_clips=film.num_clips,
        clip_seconds=film.clip_seconds,
        batch_size=AUDIO_BLOCK,
    )
    num_seen = 0
    for batch in batches:
        num_seen += len(batch)
        yield Clips(name, encoder.preprocess(torch.from_numpy(batch)), num_seen / film.num_clips)


def _read_pieces(film: _Film, name: str, encoder: Encoder) -> Iterator[Calls]:
    """A piece is a call of its own: the last one of a file has another length than the others."""
    assert isinstance(encoder.recipe, SequenceRecipe)
    pieces = audio_pieces(
        film.reader.stream_audio(encoder.recipe.sample_rate_hz),
        encoder.recipe,
        num_clips=film.num_clips,
        clip_seconds=film.clip_seconds,
    )
    num_seen = 0
    for sounds, num_clips in pieces:
        num_seen += num_clips
        inputs = [encoder.preprocess(torch.from_numpy(sound)[None]) for sound in sounds]
        rows = partial(clip_means, num_clips=num_clips)
        yield Calls(name, inputs, rows, num_seen / film.num_clips)


def _read_text(film: _Film, name: str, encoder: Encoder) -> Iterator[Calls]:
    """A sentence that spans several clips is encoded once and copied to them.

    Sentences of different videos share no call: an encoder pads the short ones to the longest beside them.
    """
    captions = find_captions(film.path, folder=film.captions)
    texts = captions_per_clip(captions, film.num_clips, film.clip_seconds)
    sentences = list(dict.fromkeys(texts))
    row_of = {sentence: row for row, sentence in enumerate(sentences)}
    starts = range(0, len(sentences), SENTENCES_PER_CALL)
    inputs = [encoder.preprocess(sentences[i : i + SENTENCES_PER_CALL]) for i in starts]
    index = [row_of[text] for text in texts]
    yield Calls(name, inputs, lambda vectors: np.concatenate(vectors)[index], 1.0)


def _of(encoders: Mapping[str, Encoder], modality: str) -> dict[str, Encoder]:
    return {name: encoder for name, encoder in encoders.items() if encoder.modality == modality}
