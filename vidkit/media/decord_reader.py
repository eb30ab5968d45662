"""Frames through decord, for those who must match features that were made with it.

decord is no longer maintained: docs/media.md has the table of files that it cannot read or reads wrongly.
Its frames are numbered, so those of a file in which it counts other frames than are shown are refused.
Sound comes through PyAV.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.media.errors import BackendMissingError, DamagedError
from vidkit.media.indexed_reader import IndexedReader
from vidkit.media.info import Probe
from vidkit.media.reader import OnDamage


class DecordReader(IndexedReader):
    """Decodes with decord.

    Raises:
        BackendMissingError: If decord is not installed.
        DamagedError: If decord refuses the file, or counts other frames than are shown.
        ValueError: If a video stream other than the default one is chosen, which decord cannot read.
    """

    def __init__(self, probe: Probe, on_damage: OnDamage) -> None:
        super().__init__(probe, on_damage)
        try:
            import decord
        except ImportError as error:
            raise BackendMissingError(
                f'backend "decord" cannot be used: {error}; install decord or use backend="pyav"'
            ) from error
        self._error = decord.DECORDError
        self._reader: Any = None
        if self.info.video_stream is None:
            return
        if probe.chosen:
            raise ValueError('backend "decord" reads only the default video stream; use backend="pyav"')
        try:
            self._reader = decord.VideoReader(str(self.info.path), ctx=decord.cpu(0))
        except self._error as error:
            raise self._refused(error) from error
        num_frames, num_shown = len(self._reader), len(self.frame_times)
        if num_frames != num_shown:
            raise DamagedError(
                f"{self.info.path}: decord counts {num_frames} frames where {num_shown} are shown, and would "
                f'return wrong ones; use backend="pyav"'
            )

    def close(self) -> None:
        """Free decord's buffers."""
        self._reader = None

    def _table(self) -> Sequence[float]:
        times: list[float] = self.frame_times.tolist()  # decord's own are wrong in AVI files
        return times

    def _decode(self, numbers: list[int]) -> NDArray[np.uint8]:
        try:
            batch = self._reader.get_batch(numbers).asnumpy()
        except self._error as error:
            raise self._refused(error) from error
        return np.asarray(batch, np.uint8)

    def _refused(self, error: Exception) -> DamagedError:
        reason = str(error).strip().splitlines()[-1]
        return DamagedError(f'{self.info.path}: decord cannot read it ({reason}); use backend="pyav"')
