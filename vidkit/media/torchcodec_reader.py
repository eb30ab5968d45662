"""Frames through torchcodec >= 0.15, which needs the FFmpeg libraries of the system.

Every frame's timestamp is compared with that of its packet. Sound comes through PyAV.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.media.errors import BackendMissingError, DamagedError
from vidkit.media.indexed_reader import IndexedReader
from vidkit.media.info import Probe
from vidkit.media.reader import OnDamage

MIN_VERSION = (0, 15)  # earlier ones return wrong frames of files with an edit list, silently
TOLERANCE_SECONDS = 1e-4


class TorchCodecReader(IndexedReader):
    """Decodes with torchcodec, seeking exactly.

    Raises:
        BackendMissingError: If torchcodec is not installed, too old, or finds no FFmpeg libraries.
        DamagedError: If torchcodec refuses the file, or a frame is not the one that was asked for.
    """

    def __init__(self, probe: Probe, on_damage: OnDamage) -> None:
        super().__init__(probe, on_damage)
        decoder = _decoder_class()
        self._decoder: Any = None
        if self.info.video_stream is None:
            return
        try:
            self._decoder = decoder(
                str(self.info.path),
                stream_index=self.info.video_stream,
                dimension_order="NHWC",
                num_ffmpeg_threads=0,
                seek_mode="exact",
            )
        except (RuntimeError, ValueError) as error:
            raise self._refused(error) from error

    def close(self) -> None:
        """Close the decoder."""
        self._decoder = None

    def _table(self) -> Sequence[float]:
        times: list[float] = self.frame_times.tolist()
        return times

    def _decode(self, numbers: list[int]) -> NDArray[np.uint8]:
        times = self.frame_times[numbers]
        try:
            batch = self._decoder.get_frames_at(indices=numbers)
        except (RuntimeError, ValueError, IndexError) as error:
            raise self._refused(error) from error
        found = batch.pts_seconds.numpy() - self.info.start_seconds
        errors = np.abs(found - times)
        if errors.max() > TOLERANCE_SECONDS:
            worst = int(errors.argmax())
            raise DamagedError(
                f"{self.info.path}: torchcodec returned the frame at {found[worst]:.3f} s for "
                f'{times[worst]:.3f} s; use backend="pyav"'
            )
        return np.asarray(batch.data.numpy(), np.uint8)

    def _refused(self, error: Exception) -> DamagedError:
        reason = str(error).strip().splitlines()[0]
        return DamagedError(f'{self.info.path}: torchcodec cannot read it ({reason}); use backend="pyav"')


@cache
def _decoder_class() -> Any:
    """Import torchcodec and return its ``VideoDecoder``."""
    if importlib.util.find_spec("torchcodec") is None:
        raise _missing("it is not installed", "install torchcodec>=0.15")
    _preload_cuda_libraries()
    try:
        torchcodec = importlib.import_module("torchcodec")
        decoders = importlib.import_module("torchcodec.decoders")
    except (ImportError, OSError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise _missing(reason, "install the shared libraries of FFmpeg 4 to 8") from error
    version = tuple(int(part) for part in re.findall(r"\d+", torchcodec.__version__)[:2])
    if version < MIN_VERSION:
        raise _missing(f"version {torchcodec.__version__} returns wrong frames", "install torchcodec>=0.15")
    return decoders.VideoDecoder


def _preload_cuda_libraries() -> None:
    """Load NVIDIA's run-time compiler from its wheel: torchcodec's builds for CUDA want it on any machine.

    torch finds these libraries by itself, the dynamic linker does not.
    """
    spec = importlib.util.find_spec("nvidia")
    importlib.import_module("torch")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        for library in sorted(Path(folder).glob("cu*/lib/libnvrtc.so.*")):
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)


def _missing(reason: str, way_out: str) -> BackendMissingError:
    return BackendMissingError(
        f'backend "torchcodec" cannot be used: {reason.rstrip(".")}; {way_out} or use backend="pyav"'
    )
