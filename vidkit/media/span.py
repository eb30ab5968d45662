"""The frames and the sound of a stretch of a video as FFmpeg decodes them: what writing reads.

``VideoReader`` gives RGB arrays and mono sound; a clip or proxy wants the pictures as they are coded and
the channels that there are. Seconds count from the first shown frame.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import av.error
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from vidkit.media.container import choose_stream, open_container
from vidkit.media.errors import DamagedError, DamageWarning, NoVideoStreamError
from vidkit.media.picture import Upright, upright_of

AUDIO_BLOCK = 1024  # samples; the frame of AAC

_EPS_SECONDS = Fraction(1, 1_000_000)  # 0.1 * 3 is not 0.3
SEEK_BACK_SECONDS = (1, 10)  # codecs need a run-up, and some containers land late; then from the beginning
_HOLD_SECONDS = Fraction(1, 2)
TAIL_SECONDS = 1  # sound may outlast the picture by so much; more than that, and the file is cut off
_JITTER_SECONDS = 0.005  # containers that count milliseconds place sound up to half a one off


@dataclass(frozen=True)
class Source:
    """What writing needs to know of a video.

    Attributes:
        path: The file.
        zero: Presentation time of the first shown frame, in seconds of the container.
        end_seconds: Where the last stream ends; None if the file does not say it.
        width, height: Size of the upright picture in pixels as they are coded.
        upright: How the coded pictures must be turned.
        pixel_aspect: Width of a pixel of the upright picture by its height; 1 nearly always.
        time_base: Unit of the presentation times, in seconds.
        fps: Average frame rate.
        sample_rate_hz: Of the sound; 0 without sound.
        num_channels: Of the sound; 0 without sound.
    """

    path: Path
    zero: Fraction
    end_seconds: float | None
    width: int
    height: int
    upright: Upright
    pixel_aspect: Fraction
    time_base: Fraction
    fps: Fraction
    sample_rate_hz: int
    num_channels: int

    @property
    def square_width(self) -> int:
        """Width of the upright picture in pixels as wide as they are high."""
        return max(round(self.width * self.pixel_aspect), 1)


def examine(path: str | Path) -> Source:
    """Open a video, decode its first frame and tell what it is.

    Raises:
        FileNotFoundError: If there is no such file.
        MediaError: If it is no video or its first frame cannot be decoded.
    """
    path = Path(path)
    with open_container(path) as container:
        video = choose_stream(container, path, "video", None)
        if video is None:
            raise NoVideoStreamError(f"{path} has no moving pictures; give a video")
        audio = choose_stream(container, path, "audio", None)
        frame = next((f for f in decoded_frames(container, video, path) if f.pts is not None), None)
        if frame is None:
            raise DamagedError(f"{path}: no frame can be decoded; get the file again or convert it")
        zero = Fraction(frame.pts * frame.time_base)
        pixel_aspect = Fraction(video.sample_aspect_ratio or 1)
        upright = upright_of(frame)
        ends = [end for end in (_end(video), _end(audio)) if end is not None]
        if container.duration is not None:
            ends.append(Fraction(container.duration + (container.start_time or 0), av.time_base))
        return Source(
            path=path,
            zero=zero,
            end_seconds=float(max(ends) - zero) if ends else None,
            width=frame.height if upright.transpose else frame.width,
            height=frame.width if upright.transpose else frame.height,
            upright=upright,
            pixel_aspect=1 / pixel_aspect if upright.transpose else pixel_aspect,
            time_base=Fraction(video.time_base),
            fps=Fraction(video.average_rate or video.guessed_rate or 25),
            sample_rate_hz=audio.codec_context.sample_rate if audio is not None else 0,
            num_channels=audio.codec_context.layout.nb_channels if audio is not None else 0,
        )


def frames_between(
    source: Source, start: float, end: float
) -> Iterator[tuple[Fraction, Fraction, av.VideoFrame]]:
    """Yield (seconds, until, frame) for the frames whose time is in [start, end), in order.

    Each is on the screen until the next, the last one until ``end`` or the end of the stream. Where none
    begins within half a second of ``start``, the frame on the screen at ``start`` leads, so that a still
    of a screen recording is not lost.
    """
    first, last = Fraction(start) - _EPS_SECONDS, Fraction(end) - _EPS_SECONDS
    before: tuple[Fraction, av.VideoFrame] | None = None
    pending: tuple[Fraction, av.VideoFrame] | None = None
    for seconds, frame in _timed_from(source, "video", start):
        if seconds < first:
            before = (seconds, frame)
            continue
        if pending is None and before is not None and seconds - first > _HOLD_SECONDS:
            pending = (Fraction(start), before[1])
        if seconds >= last:
            if pending is not None:
                yield pending[0], Fraction(end), pending[1]
            elif before is not None:
                yield Fraction(start), Fraction(end), before[1]
            return
        if pending is None:
            pending = (seconds, frame)
        elif seconds > pending[0]:  # of frames with one time the first is shown
            yield pending[0], seconds, pending[1]
            pending = (seconds, frame)
    if pending is not None:
        yield pending[0], min(pending[0] + _length(pending[1], source), Fraction(end)), pending[1]
    elif before is not None and start < before[0] + _length(before[1], source) + TAIL_SECONDS:
        yield Fraction(start), Fraction(end), before[1]


def sound_between(
    source: Source, start: float, end: float, *, sample_rate_hz: int, num_channels: int
) -> Iterator[NDArray[np.float32]]:
    """Yield the sound of [start, end) in blocks (num_channels, 1024), the last one shorter.

    The first sample sounds at ``start``; silence stands where the stream has gaps. Nothing is yielded
    where there is no sound at all, and the blocks end where the stream ends.
    """
    num_left = round((end - start) * sample_rate_hz)
    block = np.zeros((num_channels, 0), np.float32)
    for piece in _without_gaps(source, start, num_left, sample_rate_hz, num_channels):
        block = np.concatenate([block, piece[:, :num_left]], axis=1)
        num_left -= min(piece.shape[1], num_left)
        while block.shape[1] >= AUDIO_BLOCK:
            yield block[:, :AUDIO_BLOCK]
            block = block[:, AUDIO_BLOCK:]
        if num_left == 0:
            break
    if block.shape[1]:
        yield block


def _without_gaps(
    source: Source, start: float, limit: int, sample_rate_hz: int, num_channels: int
) -> Iterator[NDArray[np.float32]]:
    """Yield the sound from ``start`` on as adjoining pieces, until the next begins at sample ``limit``."""
    position = 0  # samples since start
    for seconds, samples in _resampled(source, start, sample_rate_hz, num_channels):
        offset = round((seconds - Fraction(start)) * sample_rate_hz)
        if position and abs(offset - position) <= _JITTER_SECONDS * sample_rate_hz:
            offset = position
        if offset >= limit:
            return
        while position < offset:
            silence = np.zeros((num_channels, min(offset - position, AUDIO_BLOCK)), np.float32)
            yield silence
            position += silence.shape[1]
        samples = samples[:, position - offset :]
        yield samples
        position += samples.shape[1]


def _resampled(
    source: Source, start: float, sample_rate_hz: int, num_channels: int
) -> Iterator[tuple[Fraction, NDArray[np.float32]]]:
    """Yield (seconds, samples (num_channels, n)) from some way before ``start`` on."""
    resampler: av.AudioResampler | None = None
    setup: tuple[str, str, int] | None = None
    for seconds, frame in _timed_from(source, "audio", start):
        if setup != (
            frame.format.name,
            frame.layout.name,
            frame.sample_rate,
        ):  # it may change within a stream
            setup = (frame.format.name, frame.layout.name, frame.sample_rate)
            layout = "mono" if num_channels == 1 else "stereo"
            resampler = av.AudioResampler(format="fltp", layout=layout, rate=sample_rate_hz)
            origin, num_samples = seconds, 0
        assert resampler is not None
        frame.pts = None
        drift = seconds - origin - Fraction(num_samples, sample_rate_hz)
        if abs(drift) > _JITTER_SECONDS:  # the stream jumps
            origin += drift
        for resampled in resampler.resample(frame):
            yield (
                origin + Fraction(num_samples, sample_rate_hz),
                np.asarray(resampled.to_ndarray(), np.float32),
            )
            num_samples += resampled.samples


def _timed_from(
    source: Source, kind: Literal["video", "audio"], start: float
) -> Iterator[tuple[Fraction, Any]]:
    """Yield (seconds, frame) from at or before ``start`` on, or from the first one if it is later.

    Seeking is checked by where it lands and repeated from farther back if that is too late.
    """
    for seconds_back in (*SEEK_BACK_SECONDS, None):
        target = 0.0 if seconds_back is None else start - seconds_back
        if seconds_back is not None and target <= 0:
            continue
        with open_container(source.path) as container:
            stream = choose_stream(container, source.path, kind, None)
            if stream is None:
                return
            stream.thread_type = "AUTO"
            if seconds_back is not None:
                try:
                    container.seek(
                        math.floor((source.zero + Fraction(target)) / stream.time_base), stream=stream
                    )
                except av.error.FFmpegError:  # no way to seek in this file
                    continue
            frames = _timed(decoded_frames(container, stream, source.path), source.zero, source.fps)
            head = next(frames, None)
            if seconds_back is not None and (head is None or head[0] > start):
                continue
            if head is not None:
                yield head
                yield from frames
            return


def _timed(frames: Iterator[Any], zero: Fraction, fps: Fraction) -> Iterator[tuple[Fraction, Any]]:
    expected = Fraction(0)
    for frame in frames:
        seconds = expected if frame.pts is None else Fraction(frame.pts * frame.time_base) - zero
        yield seconds, frame
        is_sound = isinstance(frame, av.AudioFrame)
        expected = seconds + (Fraction(frame.samples, frame.sample_rate) if is_sound else 1 / fps)


def decoded_frames(container: InputContainer, stream: Any, path: Path) -> Iterator[Any]:
    """Yield the frames of a stream; what cannot be decoded is left out and counted in one warning."""
    num_damaged = 0
    packets = container.demux(stream)
    try:
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError:  # the file breaks off here
                num_damaged += 1
                return
            if packet is None:
                return
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                num_damaged += 1
                continue
            yield from frames
    finally:
        if num_damaged:
            text = f"{path}: {num_damaged} packets of its {stream.type} cannot be decoded and are left out"
            warnings.warn(text, DamageWarning, stacklevel=2)


def _length(frame: av.VideoFrame, source: Source) -> Fraction:
    return Fraction((frame.duration or 0) * (frame.time_base or 0)) or 1 / source.fps


def _end(stream: Any | None) -> Fraction | None:
    if stream is None or stream.start_time is None or stream.duration is None:
        return None
    return Fraction((stream.start_time + stream.duration) * stream.time_base)
