"""What the backends share that find frames by number: decord and torchcodec."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from vidkit.media.picture import resize_rgb
from vidkit.media.reader import Picture, VideoReader
from vidkit.sizes import FfmpegScale, Size

BATCH = 16  # frames that are decoded in one call; bounds the memory


class IndexedReader(VideoReader):
    """Chooses frame numbers by a table of times, and decodes them in small batches."""

    @abstractmethod
    def _table(self) -> Sequence[float]:
        """Return the times of all frames as the backend tells them, increasing."""

    @abstractmethod
    def _decode(self, numbers: list[int]) -> NDArray[np.uint8]:
        """Return frames by increasing number, upright RGB (N, H, W, 3)."""

    def _pick(self, limits: Iterator[float], size: Size | None, *, repeat_last: bool) -> Iterator[Picture]:
        table = self._table()
        while batch := list(islice(limits, BATCH)):
            numbers = [max(0, bisect_right(table, limit) - 1) for limit in batch]
            unique = sorted(set(numbers))
            pictures = dict(zip(unique, self._decode(unique)))
            for number in numbers:
                yield self._sized(pictures[number], size), table[number]

    def _every(self, size: Size | None) -> Iterator[Picture]:
        table = self._table()
        for first in range(0, len(table), BATCH):
            numbers = list(range(first, min(first + BATCH, len(table))))
            for number, pixels in zip(numbers, self._decode(numbers)):
                yield self._sized(pixels, size), table[number]

    @staticmethod
    def _sized(pixels: NDArray[np.uint8], size: Size | None) -> NDArray[np.uint8]:
        if isinstance(size, FfmpegScale):
            raise ValueError(
                "ffmpeg's scaler works on the coded colours, and this backend gives RGB; "
                'open the video with backend="pyav"'
            )
        return pixels if size is None else resize_rgb(pixels, size)
