"""Sound of a video file: mono, resampled, on the clock of the pictures, in bounded memory.

Samples are placed by their timestamps at the file's own rate, then resampled by soxr as one stream, so
that pieces and the whole agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import Any

import av
import av.error
import numpy as np
import soxr
from av.container import InputContainer
from numpy.typing import NDArray

from vidkit.media.container import choose_stream, open_container, readable_packets
from vidkit.media.errors import DamagedError, NoAudioStreamError
from vidkit.media.info import Probe, StreamInfo, last_end_seconds

Samples = NDArray[np.float32]
Report = Callable[..., None]  # VideoReader._report

# Timestamps in milliseconds and encoders' rounding are no gaps.
JITTER_SECONDS = 0.02
# Decoders need some packets before the first right sample; whole seconds keep both rates' grids aligned.
PREROLL_SECONDS = 1
# Sound often ends a little before the picture; more than this is missing where the header promises it.
MIN_MISSING_SECONDS = 0.5
FILL_SAMPLES = 1 << 20
# Containers whose index leads to exact times; others are decoded from their start.
_INDEXED = ("mp4", "matroska", "wav")


def audio_between(probe: Probe, rate_hz: int, start: float, end: float | None, report: Report) -> Samples:
    """Return the sound in [start, end) seconds; see ``VideoReader.audio``."""
    stop = probe.info.duration_seconds if end is None else end
    if not 0 <= start <= stop < float("inf"):
        raise ValueError(f"audio needs 0 <= start <= end, got start {start} and end {stop} seconds")
    blocks = _resampled(probe, rate_hz, start, stop, report)
    out = np.zeros(round((stop - start) * rate_hz), np.float32)
    filled = 0
    for block in blocks:
        part = block[: len(out) - filled]
        out[filled : filled + len(part)] = part
        filled += len(part)
    return out


def audio_blocks(probe: Probe, rate_hz: int, chunk_seconds: float, report: Report) -> Iterator[Samples]:
    """Yield the sound of the whole file in pieces; see ``VideoReader.stream_audio``."""
    length = round(chunk_seconds * rate_hz)
    if length < 1:
        raise ValueError(f"chunk_seconds must be at least one sample, got {chunk_seconds} s at {rate_hz} Hz")
    duration = probe.info.duration_seconds
    blocks = _resampled(probe, rate_hz, 0.0, duration, report)
    return _rechunked(blocks, length, round(duration * rate_hz))


def _resampled(probe: Probe, rate_hz: int, start: float, stop: float, report: Report) -> Iterator[Samples]:
    """Yield blocks of sound at ``rate_hz`` from ``start`` on, at least up to ``stop``."""
    if rate_hz < 1 or rate_hz != int(rate_hz):
        raise ValueError(f"sample_rate_hz must be a positive whole number, got {rate_hz}")
    if probe.info.audio_stream is None:
        raise NoAudioStreamError(f"{probe.info.path} has no sound; give a video with sound")
    return _resample(probe, int(rate_hz), start, stop, report)


def _resample(probe: Probe, rate_hz: int, start: float, stop: float, report: Report) -> Iterator[Samples]:
    begin = max(0, int(start) - PREROLL_SECONDS)
    with open_container(probe.info.path) as container:
        source = _Sound(probe, container, report)
        native = source.rate_hz
        resampler = None if native == rate_hz else soxr.ResampleStream(native, rate_hz, 1, dtype="float32")
        skip = round(start * rate_hz) - begin * rate_hz
        # One second more than is asked for: the filter looks ahead.
        needed = round((stop - begin + 1) * native)
        for block in chain(_limited(source.placed(begin, stop + 1), needed), [None]):
            if resampler is not None:
                empty = np.zeros(0, np.float32)
                block = resampler.resample_chunk(empty if block is None else block, last=block is None)
            if block is not None and len(block) > skip:
                yield block[skip:]
            skip = max(0, skip - (0 if block is None else len(block)))
    source.report_damage(stop)


def _limited(blocks: Iterator[Samples], num_samples: int) -> Iterator[Samples]:
    """Yield exactly ``num_samples``: cut, or filled up with zeros."""
    for block in blocks:
        yield block[:num_samples]
        num_samples -= len(block[:num_samples])
        if not num_samples:
            return
    yield from _zeros(num_samples)


def _zeros(num_samples: int) -> Iterator[Samples]:
    whole, rest = divmod(num_samples, FILL_SAMPLES)
    yield from repeat(np.zeros(FILL_SAMPLES, np.float32), whole)
    yield np.zeros(rest, np.float32)


def _rechunked(blocks: Iterator[Samples], length: int, total: int) -> Iterator[Samples]:
    """Yield ``total`` samples in pieces of ``length``, the last one shorter."""
    held: list[Samples] = []
    num_held = 0
    for block in blocks:
        held.append(block)
        num_held += len(block)
        if num_held < length and num_held < total:
            continue
        joined = np.concatenate(held)
        while len(joined) >= length and total >= length:
            yield joined[:length].copy()
            joined = joined[length:]
            total -= length
        held, num_held = [joined], len(joined)
        if total < length and num_held >= total:
            break
    if total:
        yield np.concatenate(held)[:total]
    for _ in blocks:  # to its end, where damage is reported
        pass


class _Sound:
    """Decodes one audio stream to mono blocks without gaps."""

    def __init__(self, probe: Probe, container: InputContainer, report: Report) -> None:
        self._probe = probe
        self._container = container
        self._report = report
        stream: Any = choose_stream(container, probe.info.path, "audio", probe.info.audio_stream)
        self._stream = stream
        self.rate_hz = int(stream.codec_context.sample_rate)
        self._bad_seconds = 0.0
        self._end: float | None = None  # of the last decoded sample, in seconds; None while more may come

    def placed(self, begin: int, until: float) -> Iterator[Samples]:
        """Yield mono blocks without gaps from second ``begin`` on, zeros where there is no sound."""
        cursor = begin * self.rate_hz  # the next sample to give, counted from the zero of the pictures
        jitter = round(JITTER_SECONDS * self.rate_hz)
        position = None  # the sample after the latest decoded one
        for frame in self._frames(begin):
            mono = self._mono(frame)
            stamp = frame.pts if frame.pts is not None else frame.dts
            if stamp is not None and frame.time_base is not None:
                seconds = float(stamp * frame.time_base) - self._probe.info.start_seconds
                stated = round(seconds * self.rate_hz)
                if position is None or abs(stated - position) > jitter:
                    position = stated
            elif position is None:
                position = 0
            first, position = position, position + len(mono)
            self._end = position / self.rate_hz
            if first > cursor:
                if first > until * self.rate_hz:
                    break
                yield from _zeros(first - cursor)
                cursor = first
            if position > cursor:
                yield mono[cursor - first :]
                cursor = position
            if cursor >= until * self.rate_hz:
                break
        else:
            return
        self._end = None

    def report_damage(self, stop: float) -> None:
        """Tell of what is missing before ``stop`` seconds, once."""
        info = self._probe.info
        missing = 0.0
        if self._end is not None:
            promised = min(stop, self._promised_end())
            missing = promised - max(self._end, 0.0)
        if missing > MIN_MISSING_SECONDS:
            self._report("its sound ends early", self._bad_seconds + missing, ends_early=True)
        elif self._bad_seconds:
            self._report("a part of its sound cannot be decoded", self._bad_seconds, ends_early=False)
        elif self._end is None and info.duration_seconds == 0:
            raise DamagedError(f"{info.path}: nothing of its sound can be decoded; get an undamaged copy")

    def _promised_end(self) -> float:
        """Return the second at which the header says that the sound ends, 0 where it says nothing."""
        info = self._probe.info
        own: StreamInfo = next(s for s in info.audio_streams if s.index == info.audio_stream)
        if own.duration_seconds is not None:
            return (own.start_seconds or 0.0) + own.duration_seconds - info.start_seconds
        # Without a length of its own, sound is missing only if the whole file ends before its duration.
        whole = info.start_seconds + info.duration_seconds
        ends = last_end_seconds(info.path)
        return info.duration_seconds if ends < whole - MIN_MISSING_SECONDS else 0.0

    def _frames(self, begin: int) -> Iterator[Any]:
        info = self._probe.info
        if begin > 0 and any(name in self._container.format.name for name in _INDEXED):
            seconds = begin - PREROLL_SECONDS + info.start_seconds
            self._container.seek(int(seconds / self._stream.time_base), stream=self._stream)
        for packet in self._packets():
            try:
                yield from self._stream.decode(packet)
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                duration = packet.duration if packet is not None else 0
                self._bad_seconds += float((duration or 0) * self._stream.time_base)

    def _packets(self) -> Iterator[Any]:
        yield from readable_packets(self._container, self._stream)
        yield None

    def _mono(self, frame: Any) -> Samples:
        samples = frame.to_ndarray()
        if not frame.format.is_planar:
            samples = samples.reshape(-1, len(frame.layout.channels)).T  # (channels, samples)
        mono: Samples = np.asarray(_as_float(samples).mean(axis=0), np.float32)
        if frame.sample_rate != self.rate_hz:  # the stream has changed its rate
            mono = soxr.resample(mono, frame.sample_rate, self.rate_hz)
        return mono


def _as_float(samples: NDArray[Any]) -> Samples:
    """Return samples of any of FFmpeg's types as float32, full scale 1."""
    floats: Samples = samples.astype(np.float32)
    if samples.dtype == np.uint8:
        floats -= 128
        floats /= 128
    elif samples.dtype.kind == "i":
        floats /= 2.0 ** (8 * samples.dtype.itemsize - 1)
    return floats
