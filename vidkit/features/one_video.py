"""The features of one video: those of all encoders, its frames decoded once.

Shapes: N clips of a batch, D channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vidkit.encoders.base import AudioRecipe, Encoder, VisualRecipe
from vidkit.features.npy_writer import NpyWriter
from vidkit.features.sidecar import make_sidecar, num_clips_of
from vidkit.features.store import FeatureStore
from vidkit.features.windows import FrameWindows, audio_windows
from vidkit.media.captions import captions_per_clip, find_captions
from vidkit.media.errors import DamagedError, MediaError, NoAudioStreamError
from vidkit.media.multi_stream import FrameRequest, stream_many
from vidkit.media.reader import VideoReader, open_video

FRAMES_PER_CHUNK = 16
_CAPTION_SUFFIXES = (".srt", ".vtt", ".json")
_AUDIO_WORK = 0.1  # of the work on the pictures; for the progress alone


def extract_video(
    path: Path,
    encoders: Mapping[str, Encoder],
    store: FeatureStore,
    *,
    clip_seconds: float,
    batch_size: int,
    overwrite: bool = False,
    on_fraction: Callable[[float], None] = lambda fraction: None,
) -> None:
    """Write the features of one video into the store, those of one encoder whole or not at all.

    Encoders whose input is missing (sound, captions) are left out, the others are written, and then the
    error is raised.

    Args:
        path: The video; its stem is the video_id.
        encoders: By the name of their folder, in eval mode.
        store: Where to.
        clip_seconds: Length of a clip.
        batch_size: Clips that an encoder gets at once, at most.
        overwrite: Whether features of another recipe may be replaced.
        on_fraction: Called with the part of the work that is done, in [0, 1]; it may raise to stop.

    Raises:
        MediaError: If the video cannot be read, or lacks what an encoder needs.
        OSError: If the features cannot be written.
    """
    with open_video(path, on_damage="error") as reader:
        problems = _missing_inputs(reader, encoders)
        job = _Job(path, reader, store, clip_seconds, batch_size, overwrite)
        passes: list[tuple[float, Iterator[float]]] = []
        if visual := _of(encoders, "visual"):
            passes.append((1.0, _extract_visual(job, visual)))
        for name, encoder in _of(encoders, "audio").items():
            if "audio" not in problems:
                passes.append((_AUDIO_WORK, _extract_audio(job, name, encoder)))
        for name, encoder in _of(encoders, "text").items():
            if "text" not in problems:
                passes.append((_AUDIO_WORK, _extract_text(job, name, encoder)))
        _run(passes, on_fraction)
    if problems:
        kind = type(next(iter(problems.values()))) if len(problems) == 1 else MediaError
        raise kind("; ".join(map(str, problems.values())))


@dataclass(frozen=True)
class _Job:
    path: Path
    reader: VideoReader
    store: FeatureStore
    clip_seconds: float
    batch_size: int
    overwrite: bool

    @property
    def duration_seconds(self) -> float:
        return self.reader.info.duration_seconds

    @property
    def num_clips(self) -> int:
        return num_clips_of(self.duration_seconds, self.clip_seconds)

    @contextmanager
    def writing(self, name: str, encoder: Encoder) -> Iterator[NpyWriter]:
        sidecar = make_sidecar(
            encoder,
            clip_seconds=self.clip_seconds,
            duration_seconds=self.duration_seconds,
            source=self.path,
        )
        features = self.store.encoder(name)
        with features.writing(self.path.stem, sidecar, overwrite=self.overwrite) as writer:
            yield writer


def _missing_inputs(reader: VideoReader, encoders: Mapping[str, Encoder]) -> dict[str, MediaError]:
    """Return an error for each modality that an encoder needs and the video lacks."""
    problems: dict[str, MediaError] = {}
    path = reader.info.path
    if (names := ", ".join(_of(encoders, "audio"))) and not reader.info.has_audio:
        problems["audio"] = NoAudioStreamError(
            f"{path} has no sound track, which {names} needs; leave the audio encoder out for silent videos"
        )
    if (names := ", ".join(_of(encoders, "text"))) and not _may_have_captions(reader):
        problems["text"] = MediaError(
            f"{path} has no captions, which {names} needs; put {path.stem}.srt beside it "
            f"(an empty one says that nobody speaks), or leave {names} out"
        )
    return problems


def _may_have_captions(reader: VideoReader) -> bool:
    path = reader.info.path
    beside = (file.name for file in path.parent.iterdir() if file.suffix.lower() in _CAPTION_SUFFIXES)
    return bool(reader.info.text_streams) or any(name.startswith(f"{path.stem}.") for name in beside)


def _run(passes: Sequence[tuple[float, Iterator[float]]], on_fraction: Callable[[float], None]) -> None:
    """Run the passes one after another; each yields the part of it that is done."""
    total = sum(work for work, _ in passes)
    before = 0.0
    for work, parts in passes:
        for part in parts:
            on_fraction((before + work * part) / total)
        before += work


def _extract_visual(job: _Job, encoders: Mapping[str, Encoder]) -> Iterator[float]:
    requests, windows = {}, {}
    for name, encoder in encoders.items():
        assert isinstance(encoder.recipe, VisualRecipe)
        windows[name] = FrameWindows(
            encoder.recipe,
            num_clips=job.num_clips,
            clip_seconds=job.clip_seconds,
            duration_seconds=job.duration_seconds,
            source_fps=job.reader.info.fps,
            batch_size=job.batch_size,
        )
        requests[name] = FrameRequest(windows[name].times, encoder.recipe.decode_size)
    num_frames = sum(len(window.times) for window in windows.values())
    num_seen = 0
    with ExitStack() as stack:
        writers = {name: stack.enter_context(job.writing(name, encoders[name])) for name in encoders}
        for name, frames in stream_many(job.reader, requests, chunk=FRAMES_PER_CHUNK):
            for batch in windows[name].push(frames.data):
                writers[name].append(_encode(encoders[name], torch.from_numpy(batch)))
            num_seen += len(frames)
            yield num_seen / num_frames
        if not all(window.is_done for window in windows.values()):
            raise DamagedError(
                f"{job.path}: its frames end before its duration of {job.duration_seconds:.2f} s; "
                "get an undamaged copy"
            )


def _extract_audio(job: _Job, name: str, encoder: Encoder) -> Iterator[float]:
    assert isinstance(encoder.recipe, AudioRecipe)
    batches = audio_windows(
        job.reader.stream_audio(encoder.recipe.sample_rate_hz),
        encoder.recipe,
        num_clips=job.num_clips,
        clip_seconds=job.clip_seconds,
        batch_size=job.batch_size,
    )
    with job.writing(name, encoder) as writer:
        for batch in batches:
            writer.append(_encode(encoder, torch.from_numpy(batch)))
            yield writer.num_rows / job.num_clips


def _extract_text(job: _Job, name: str, encoder: Encoder) -> Iterator[float]:
    """A sentence that spans several clips is encoded once and copied to them."""
    texts = captions_per_clip(find_captions(job.path), job.num_clips, job.clip_seconds)
    sentences = list(dict.fromkeys(texts))
    row_of = {sentence: row for row, sentence in enumerate(sentences)}
    size = job.batch_size
    batches = (sentences[i : i + size] for i in range(0, len(sentences), size))
    vectors = np.concatenate([_encode(encoder, batch) for batch in batches])
    with job.writing(name, encoder) as writer:
        writer.append(vectors[[row_of[text] for text in texts]])
        yield 1.0


def _encode(encoder: Encoder, clips: Any) -> NDArray[np.float32]:
    """Return the vectors of a batch of clips, (N, D)."""
    if isinstance(clips, torch.Tensor):
        state = next(chain(encoder.parameters(), encoder.buffers()), None)
        clips = clips if state is None else clips.to(state.device)
    with torch.inference_mode():
        vectors: NDArray[np.float32] = encoder(clips).float().cpu().numpy()
    return vectors


def _of(encoders: Mapping[str, Encoder], modality: str) -> dict[str, Encoder]:
    return {name: encoder for name, encoder in encoders.items() if encoder.modality == modality}
