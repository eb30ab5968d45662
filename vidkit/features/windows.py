"""What each clip reads, cut out of one pass over the file in bounded memory.

Shapes: T clips, F frames a clip, U different frame times, S samples a window, N vectors, D channels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from vidkit.encoders.base import AudioRecipe, SequenceRecipe, VisualRecipe

# Raw frames of one batch, unless a single clip has more: two frames in 4K, 24 in 720p.
MAX_BATCH_BYTES = 64 * 2**20
# Frames of one batch, unless a single clip has more: ``preprocess`` may make ten crops of each.
MAX_BATCH_FRAMES = 32
_ROUNDING = 1e-6  # of a quotient of two lengths in seconds


def clip_middles(num_clips: int, clip_seconds: float) -> NDArray[np.float64]:
    """Return the middle of each clip in seconds, shape (T,).

    Example:
        >>> clip_middles(3, 2.0).tolist()
        [1.0, 3.0, 5.0]
    """
    return (np.arange(num_clips, dtype=np.float64) + 0.5) * clip_seconds


class FrameWindows:
    """Gathers the frames of a stream into clips.

    Ask the reader for ``times``, and give the frames that come to ``push``, in the same order.

    Args:
        recipe: What the encoder reads for a clip.
        num_clips: T.
        clip_seconds: Length of a clip.
        duration_seconds: Length of the video; times outside are moved to its edges, where the first
            and the last frame stand.
        source_fps: Mean frame rate of the file.
        batch_size: Clips in a batch, at most.

    Attributes:
        times: When frames are wanted, increasing seconds, shape (U,).
    """

    def __init__(
        self,
        recipe: VisualRecipe,
        *,
        num_clips: int,
        clip_seconds: float,
        duration_seconds: float,
        source_fps: float,
        batch_size: int,
    ) -> None:
        middles = clip_middles(num_clips, clip_seconds)
        times = recipe.frame_times(middles, clip_seconds=clip_seconds, source_fps=source_fps)
        times = times.clip(0, duration_seconds)
        self.times, index = np.unique(times, return_inverse=True)
        self._index: NDArray[np.intp] = index.reshape(times.shape)  # (T, F): which of the U frames
        self._batch_size = batch_size
        self._frames: list[NDArray[np.uint8]] = []
        self._offset = 0  # the first of the U frames that is still held
        self._next_clip = 0

    def push(self, frames: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
        """Take the next frames, (n, H, W, 3); yield the batches (N, F, H, W, 3) that they complete."""
        self._frames.extend(frames)
        while len(batch := self._complete()):
            yield np.stack([self._frames[i] for i in (batch - self._offset).ravel()]).reshape(
                *batch.shape, *frames.shape[1:]
            )
            self._next_clip += len(batch)
            self._forget()

    @property
    def is_done(self) -> bool:
        """Whether every clip has come."""
        return self._next_clip == len(self._index)

    def _complete(self) -> NDArray[np.intp]:
        """Return the indices of a full batch whose frames are all here, or of the last clips; else none."""
        if self.is_done:
            return self._index[:0]
        clip_frames = self._index.shape[1]
        clip_bytes = clip_frames * self._frames[0].nbytes if self._frames else 1
        size = max(1, min(self._batch_size, MAX_BATCH_BYTES // clip_bytes, MAX_BATCH_FRAMES // clip_frames))
        batch = self._index[self._next_clip : self._next_clip + size]
        is_here = batch.max() < self._offset + len(self._frames)
        return batch if is_here else self._index[:0]

    def _forget(self) -> None:
        first = len(self.times) if self.is_done else int(self._index[self._next_clip].min())
        del self._frames[: first - self._offset]
        self._offset = first


def audio_windows(
    blocks: Iterable[NDArray[np.float32]],
    recipe: AudioRecipe,
    *,
    num_clips: int,
    clip_seconds: float,
    batch_size: int,
) -> Iterator[NDArray[np.float32]]:
    """Yield the sound round the middle of each clip, in batches (N, S).

    Args:
        blocks: The sound from 0 on at the recipe's sample rate, in pieces of any length (samples,).
        recipe: What the encoder reads for a clip.
        num_clips: T.
        clip_seconds: Length of a clip.
        batch_size: Clips in a batch, at most.

    Where a window reaches beyond the sound, in front or behind, there are zeros.
    """
    length = recipe.num_samples
    middles = clip_middles(num_clips, clip_seconds) * recipe.sample_rate_hz
    starts = np.round(middles - length / 2).astype(np.int64)
    offset = min(int(starts[0]), 0)  # the time of buffer[0] in samples; silence in front of the file
    buffer = np.zeros(-offset, np.float32)
    pending = 0
    for block in chain(blocks, [None]):  # None: the sound is over
        is_last = block is None
        if block is not None:
            buffer = np.concatenate([buffer, block])
        end = offset + len(buffer)
        while pending < num_clips:
            batch = starts[pending : pending + batch_size]
            if batch[-1] + length > end:
                if not is_last:
                    break
                missing = int(batch[-1]) + length - end
                buffer = np.concatenate([buffer, np.zeros(missing, np.float32)])
                end += missing
            yield buffer[(batch - offset)[:, None] + np.arange(length)]
            pending += len(batch)
        first = min(int(starts[pending]) if pending < num_clips else end, end)
        buffer = buffer[max(first - offset, 0) :]
        offset = max(first, offset)


def audio_pieces(
    blocks: Iterable[NDArray[np.float32]], recipe: SequenceRecipe, *, num_clips: int, clip_seconds: float
) -> Iterator[tuple[list[NDArray[np.float32]], int]]:
    """Yield the sound in pieces of at most ``window_seconds``, each with the number of clips it covers.

    A piece begins and ends where a clip does: it holds as many whole clips as fit. A clip that is longer
    than the window comes in equal pieces, together. Behind the end of the sound the last clip is silent.

    Args:
        blocks: The sound from 0 on at the recipe's sample rate, in pieces of any length (samples,).
        recipe: What the encoder reads.
        num_clips: T.
        clip_seconds: Length of a clip.
    """
    ratio = recipe.window_seconds / clip_seconds
    clips_per_piece = max(1, math.floor(ratio + _ROUNDING))
    pieces_per_clip = max(1, math.ceil(1 / ratio - _ROUNDING))
    source = iter(blocks)
    buffer, offset = np.zeros(0, np.float32), 0  # the time of buffer[0] in samples
    for first in range(0, num_clips, clips_per_piece):
        count = min(clips_per_piece, num_clips - first)
        places = first + count * np.arange(pieces_per_clip + 1) / pieces_per_clip
        edges = np.round(places * clip_seconds * recipe.sample_rate_hz).astype(int) - offset
        while len(buffer) < edges[-1]:
            block = next(source, None)
            buffer = np.concatenate(
                [buffer, np.zeros(edges[-1] - len(buffer), np.float32) if block is None else block]
            )
        yield [buffer[start:end].copy() for start, end in pairwise(edges)], count
        buffer, offset = buffer[edges[-1] :], offset + int(edges[-1])
    for _ in source:  # to its end, where damage is reported
        pass


def clip_means(vectors: Sequence[NDArray[np.float32]], num_clips: int) -> NDArray[np.float32]:
    """Return the mean of the vectors inside each clip, (T, D).

    Args:
        vectors: Evenly spaced over T clips, in one or several pieces (N, D).
        num_clips: T.

    Raises:
        ValueError: If a clip is so short that no vector lies in its stretch.

    Example:
        >>> clip_means([np.array([[1.0], [3.0], [5.0], [5.0]])], 2).tolist()
        [[2.0], [5.0]]
    """
    joined = np.concatenate(vectors)
    clip_of = (np.arange(len(joined)) + 0.5) * num_clips / len(joined)
    first = np.searchsorted(clip_of, np.arange(num_clips + 1))  # the first vector of each clip
    counts = np.diff(first)
    if not counts.all():
        raise ValueError(
            f"the encoder gives {len(joined)} vectors for {num_clips} clips, and each clip needs one; make "
            f"clip_seconds at least {num_clips / len(joined):.3g} times as long"
        )
    sums = np.add.reduceat(joined, first[:-1], axis=0, dtype=np.float64)
    return (sums / counts[:, None]).astype(np.float32)
