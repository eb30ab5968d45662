"""Frames and sound of a video file by time: the interface of all decoding backends.

All times are seconds from the first shown frame of the chosen video stream. A frame is shown from its
presentation timestamp until that of the next one.
"""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path
from types import TracebackType
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vidkit.media.audio import audio_between, audio_blocks
from vidkit.media.errors import DamagedError, DamageWarning, NoVideoStreamError, TruncatedError
from vidkit.media.info import Probe, VideoInfo, probe_file
from vidkit.media.packets import missing_at_end
from vidkit.sizes import FfmpegScale, Size

Backend = Literal["auto", "pyav", "decord", "torchcodec"]
Rule = Literal["played", "nearest", "ffmpeg_fps"]
OnDamage = Literal["warn", "error"]
Picture = tuple[NDArray[np.uint8], float]  # RGB (H, W, 3) and its time in seconds

# Times are floats and timestamps fractions: 0.29 must find the frame that is stamped 29/100.
ROUNDING_SECONDS = 1e-6


@dataclass(frozen=True)
class Frames:
    """A batch of N decoded frames.

    Attributes:
        data: uint8 RGB, shape (N, H, W, 3).
        times: Presentation time of each frame in seconds (not the time that was asked for), shape (N,).
    """

    data: NDArray[np.uint8]
    times: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.times)


def open_video(
    path: str | Path,
    *,
    backend: Backend = "auto",
    on_damage: OnDamage = "warn",
    video_stream: int | None = None,
    audio_stream: int | None = None,
    threads: int | None = None,
) -> VideoReader:
    """Open a video file; use the result as a context manager.

    Args:
        backend: Library that decodes the frames; "auto" is PyAV, which is right on every file we know.
            Sound always comes through PyAV.
        on_damage: What happens where frames or sound are missing: "warn" gives what can be decoded and
            one ``DamageWarning`` with the missing seconds, "error" raises.
        video_stream, audio_stream: Index of a stream in the file (``info.video_streams[i].index``);
            None for the default one.
        threads: Threads of PyAV that decode pictures; None for one a core. 1 takes the least work, and is
            right where other processes decode beside this one.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If an argument has an unknown value or a stream is not in the file.
        MediaError: Its kinds: not a video, empty, truncated, damaged, codec or backend missing.
    """
    _check_choice("backend", backend, get_args(Backend))
    _check_choice("on_damage", on_damage, get_args(OnDamage))
    probe = probe_file(Path(path), video_stream=video_stream, audio_stream=audio_stream)
    # The backends import this module, and their libraries are optional.
    if backend == "decord":
        from vidkit.media.decord_reader import DecordReader

        return DecordReader(probe, on_damage)
    if backend == "torchcodec":
        from vidkit.media.torchcodec_reader import TorchCodecReader

        return TorchCodecReader(probe, on_damage)
    from vidkit.media.pyav_reader import PyAVReader

    return PyAVReader(probe, on_damage, threads)


class VideoReader(ABC):
    """An open video. ``open_video`` makes it; passes over the file may be interleaved."""

    def __init__(self, probe: Probe, on_damage: OnDamage) -> None:
        self._probe = probe
        self._on_damage = on_damage

    @property
    def info(self) -> VideoInfo:
        """What the file holds."""
        return self._probe.info

    def probe(self) -> VideoInfo:
        """Return ``info``."""
        return self.info

    @property
    def frame_times(self) -> NDArray[np.float64]:
        """Times of all shown frames in seconds, increasing, shape (N,).

        The first use reads the packets of the file once, without decoding them.

        Raises:
            NoVideoStreamError: If there are no moving pictures.
        """
        self._need_video()
        return self._probe.frame_times

    def check_end(self) -> None:
        """Compare the last frame with the duration, by the packets alone, and report if frames are missing.

        Raises:
            NoVideoStreamError: If there are no moving pictures.
            TruncatedError: With ``on_damage="error"``, if the file ends early.
        """
        times = self.frame_times
        end = float(times[-1]) + 1 / self.info.fps if len(times) else 0.0
        if missing := missing_at_end(self._probe, end):
            self._report("it ends early", missing, ends_early=True)

    def frames_at(self, times: Sequence[float], *, rule: Rule = "played", size: Size | None = None) -> Frames:
        """Return one frame for each time, in the order of ``times``; duplicates are decoded once.

        Args:
            times: Seconds, in any order; before the first frame gives the first, after the last the last.
            rule: "played": the frame that is shown at the time, the last with timestamp <= time.
                "nearest": the frame with the nearest timestamp, the earlier one of two. "ffmpeg_fps":
                what the ffmpeg program's ``fps`` filter puts at output frame n, for times n / fps: the
                last frame with round(timestamp * fps) <= n, halves up, so about half a step later than
                "played". There fps is one over the smallest step between the times, of which there
                must be at least two.
            size: (height, width) of the results; None keeps the coded size. Scaling is libswscale's
                area average with exact rounding, in one step from the coded colours. ``FfmpegScale``
                scales as the ffmpeg program does; only PyAV can.

        Raises:
            ValueError: If a time is NaN or infinite, or the times do not fit "ffmpeg_fps".
            NoVideoStreamError: If there are no moving pictures.
            DamagedError, TruncatedError: With ``on_damage="error"``.
        """
        _check_choice("rule", rule, get_args(Rule))
        height, width = self._check_size(size)
        wanted = np.asarray(times, np.float64).reshape(-1)
        if not np.isfinite(wanted).all():
            raise ValueError("times must be finite numbers of seconds; some are NaN or infinite")
        limits, place = np.unique(self._limits(wanted, rule), return_inverse=True)
        data = np.empty((len(limits), height, width, 3), np.uint8)
        stamps = np.empty(len(limits), np.float64)
        for row, (pixels, time) in enumerate(self._pick(iter(limits.tolist()), size, repeat_last=True)):
            data[row], stamps[row] = pixels, time
        if np.array_equal(place, np.arange(len(limits))):  # already in order: no second copy
            return Frames(data, stamps)
        return Frames(data[place], stamps[place])

    def stream(
        self,
        *,
        fps: float | None = None,
        times: Iterable[float] | None = None,
        size: Size | None = None,
        chunk: int = 32,
    ) -> Iterator[Frames]:
        """Yield frames in order, ``chunk`` at a time; memory does not grow with the video's length.

        With ``fps``, the frames shown at n / fps, for n / fps below the duration; with ``times``
        (in order, also an endless generator), the frame shown at each; else every frame once. Where
        a damaged file ends early, the frames end there too.

        Args:
            size: As in ``frames_at``.

        Raises:
            ValueError: If fps <= 0, chunk < 1, both ``fps`` and ``times`` are given, or times decrease.
            NoVideoStreamError: If there are no moving pictures.
            DamagedError, TruncatedError: With ``on_damage="error"``, after the frames before the damage.
        """
        self._check_size(size)
        if chunk < 1:
            raise ValueError(f"chunk must be at least 1, got {chunk}")
        if fps is not None and times is not None:
            raise ValueError("give either fps or times, not both")
        if fps is not None:
            if not (fps > 0 and math.isfinite(fps)):
                raise ValueError(f"fps must be positive, got {fps}")
            end = self.info.duration_seconds - ROUNDING_SECONDS
            steps = (n / fps for n in count())
            pictures = self._pick(_rounded(takewhile(lambda t: t < end, steps)), size, repeat_last=False)
        elif times is not None:
            pictures = self._pick(_rounded(_increasing(times)), size, repeat_last=False)
        else:
            pictures = self._every(size)
        return _in_chunks(pictures, chunk)

    def audio(self, sample_rate_hz: int, start: float = 0.0, end: float | None = None) -> NDArray[np.float32]:
        """Return the sound between two times as float32 mono, shape (round((end - start) * rate),).

        Channels are averaged and resampled by soxr (HQ). Where there is no sound (it begins later than
        the picture, has gaps or ends earlier) there are zeros. Only this part of the file is decoded; of
        a Matroska or WebM file, whose clock counts milliseconds, it may lie one beside the whole.

        Args:
            end: None for ``info.duration_seconds``.

        Raises:
            ValueError: If the rate is not positive or not 0 <= start <= end.
            NoAudioStreamError: If there is no sound.
            DamagedError, TruncatedError: With ``on_damage="error"``.
        """
        return audio_between(self._probe, sample_rate_hz, start, end, self._report)

    def stream_audio(
        self, sample_rate_hz: int, *, chunk_seconds: float = 10.0
    ) -> Iterator[NDArray[np.float32]]:
        """Yield what ``audio`` returns in pieces of ``chunk_seconds``, the last one shorter.

        Raises:
            ValueError: If the rate or ``chunk_seconds`` is not positive.
            NoAudioStreamError: If there is no sound.
            DamagedError, TruncatedError: With ``on_damage="error"``.
        """
        return audio_blocks(self._probe, sample_rate_hz, chunk_seconds, self._report)

    def close(self) -> None:  # noqa: B027 - PyAV opens the file anew for each pass and holds nothing
        """Release what the backend holds; the reader cannot be used afterwards."""

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def _pick(self, limits: Iterator[float], size: Size | None, *, repeat_last: bool) -> Iterator[Picture]:
        """Yield for each of the non-decreasing limits the last frame with time <= limit.

        Limits before the first frame get the first. After the end of a damaged file the last frame
        that could be decoded is repeated, or the pictures end.
        """

    @abstractmethod
    def _every(self, size: Size | None) -> Iterator[Picture]:
        """Yield every shown frame once, in order."""

    def _limits(self, times: NDArray[np.float64], rule: Rule) -> NDArray[np.float64]:
        """Return for each time the latest timestamp that its frame may have."""
        if rule == "played" or not len(times):
            return times + ROUNDING_SECONDS
        if rule == "nearest":
            known = self.frame_times
            middles = (known[:-1] + known[1:]) / 2
            return known[np.searchsorted(middles, times, side="left")] + ROUNDING_SECONDS
        steps = np.diff(np.unique(times))
        if not len(steps):
            raise ValueError("rule 'ffmpeg_fps' needs times n / fps, at least two different ones; got one")
        step = float(steps.min())
        ordinals = np.round(times / step)
        if np.abs(times - ordinals * step).max() > 1e-3 * step:
            raise ValueError(f"rule 'ffmpeg_fps' needs times n / fps; these are no multiples of {step:g} s")
        return (ordinals + 0.5) * step - ROUNDING_SECONDS

    def _need_video(self) -> None:
        if self.info.video_stream is None:
            raise NoVideoStreamError(f"{self.info.path} has sound but no moving pictures; give a video")

    def _check_size(self, size: Size | None) -> tuple[int, int]:
        self._need_video()
        if size is None:
            return self.info.height, self.info.width
        if isinstance(size, FfmpegScale):
            return size.of(self.info.height, self.info.width)
        height, width = size
        if height < 1 or width < 1:
            raise ValueError(f"size must be (height, width) of at least 1, got {size}")
        return height, width

    def _report(self, what: str, missing_seconds: float, *, ends_early: bool) -> None:
        """Warn of damage or raise, as ``on_damage`` says."""
        missing = f"{missing_seconds:.2f} s of {self.info.duration_seconds:.2f} s"
        text = f"{self.info.path}: {what}; {missing} are missing, get an undamaged copy"
        if self._on_damage == "error":
            kind = TruncatedError if ends_early else DamagedError
            raise kind(f'{text} or take what there is with on_damage="warn"')
        warnings.warn(text, DamageWarning, stacklevel=4)


def _check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"unknown {name} {value!r}; known: {', '.join(known)}")


def _rounded(times: Iterable[float]) -> Iterator[float]:
    return (time + ROUNDING_SECONDS for time in times)


def _increasing(times: Iterable[float]) -> Iterator[float]:
    before = -math.inf
    for time in times:
        if not time >= before:  # NaN too
            raise ValueError(f"times of a stream must not decrease; {time} comes after {before}")
        before = time
        yield float(time)


def _in_chunks(pictures: Iterator[Picture], chunk: int) -> Iterator[Frames]:
    batch: list[Picture] = []
    for picture in pictures:
        batch.append(picture)
        if len(batch) == chunk:
            yield stack_pictures(batch)
            batch = []
    if batch:
        yield stack_pictures(batch)


def stack_pictures(batch: list[Picture]) -> Frames:
    """Return at least one picture, all of one size, as ``Frames``."""
    return Frames(
        np.stack([pixels for pixels, _ in batch]), np.array([time for _, time in batch], np.float64)
    )
