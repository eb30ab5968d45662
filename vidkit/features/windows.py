"""What each clip reads, cut out of one pass over the file in bounded memory.

Shapes: T clips, F frames a clip, U different frame times, S samples a window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from vidkit.encoders.base import AudioRecipe, VisualRecipe

# Raw frames of one batch of clips: 16 clips of 32 frames at 224 x 224, or ten single 4K frames.
MAX_BATCH_BYTES = 256 * 2**20


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
        clip_bytes = self._index.shape[1] * self._frames[0].nbytes if self._frames else 1
        size = max(1, min(self._batch_size, MAX_BATCH_BYTES // clip_bytes))
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
