"""A stretch of a video -> a new mp4 file, H.264 and AAC, frame by frame in bounded memory."""

from __future__ import annotations

import errno
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import OutputContainer
from av.filter import Graph
from numpy.typing import NDArray

from vidkit.files import atomic_path
from vidkit.media.errors import DamagedError, DamageWarning
from vidkit.media.span import AUDIO_BLOCK, TAIL_SECONDS, Source, frames_between, sound_between
from vidkit.media.writer import AAC_RATES_HZ

_PIXEL_FORMAT = "yuv420p"  # what every browser and editor shows
# Without B-frames the order of coding is that of showing: mp4 then keeps how long the last frame is shown.
_OPTIONS = {"preset": "veryfast", "bf": "0"}
_BITS_PER_SECOND = 96_000  # of one channel
_COARSEST_TIME_BASE = Fraction(1, 10_000)
_FINEST_TIME_BASE = Fraction(1, 1_000_000)
_NO_SPACE = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
_UNTAGGED = (0, 2)  # RGB and unspecified: no tag that YUV can carry


@dataclass(frozen=True)
class Transcoded:
    """What was written: [start, end) in seconds of the source, and what is in it."""

    start: float
    end: float
    num_frames: int
    has_audio: bool


def transcode(
    source: Source,
    target: Path,
    *,
    start: float,
    end: float,
    width: int,
    height: int,
    square_pixels: bool,
    crf: int,
    title: str | None = None,
) -> Transcoded:
    """Write the frames of ``source`` in [start, end) and their sound to ``target``, atomically.

    The upright picture is scaled and cropped round its centre to fill ``width`` x ``height`` (even); its
    pixels are made square before, or else keep their aspect.
    Times keep their distances: the first frame is shown at 0, and so is the sound of its moment. Mono
    stays mono, more channels become stereo. ``crf`` is x264's quality, lower is better.

    Raises:
        MediaError: If no frame in the stretch can be decoded.
        OSError: If the file cannot be written.
    """
    frames = frames_between(source, start, end)
    head = next(frames, None)
    if head is None:
        raise DamagedError(
            f"{source.path} has no frame to decode from {start:.3f} to {end:.3f} s; it may be cut off"
        )
    zero = head[0]
    rate = _aac_rate(source.sample_rate_hz)
    num_channels = min(source.num_channels, 2)
    sounds = sound_between(source, float(zero), end, sample_rate_hz=rate, num_channels=num_channels)
    sound = next(sounds, None)
    with open_output(target, title=title) as container:
        pictures = _Pictures(container, source, (width, height), square_pixels, crf, zero)
        speaker = _Speaker(container, rate, num_channels) if sound is not None else None
        while head is not None or sound is not None:
            if head is not None and (speaker is None or sound is None or head[0] - zero <= speaker.seconds):
                pictures.write(*head)
                head = next(frames, None)
            elif speaker is not None and sound is not None:
                speaker.write(sound)
                sound = next(sounds, None)
        pictures.close()
        if speaker is not None:
            speaker.close()
    warn_if_short(source, end, pictures.end)
    return Transcoded(float(zero), float(pictures.end), pictures.num_frames, speaker is not None)


@contextmanager
def open_output(target: Path, *, title: str | None = None) -> Iterator[OutputContainer]:
    """Open ``target`` for an mp4 that says ``title``; it appears when the block ends, or not at all.

    Raises:
        OSError: If the file cannot be written; a full disk is told as such.
    """
    try:
        with atomic_path(target) as temporary:
            container = av.open(str(temporary), "w", format="mp4", options={"movflags": "+faststart"})
            if title:
                container.metadata["title"] = title
            try:
                yield container
            except BaseException:
                with suppress(OSError, ValueError):  # the error of the block is the one to tell
                    container.close()
                raise
            container.close()
    except OSError as error:
        if error.errno in _NO_SPACE:
            reason = f"no space to write {target} ({error.strerror}); free some or choose another folder"
            raise OSError(error.errno, reason) from error
        raise


def warn_if_short(source: Source, end: float, written_end: Fraction) -> None:
    """Warn if the pictures broke off before ``end``."""
    missing = end - float(written_end)
    if missing > TAIL_SECONDS and source.end_seconds is not None:
        text = (
            f"{source.path} breaks off at {float(written_end):.2f} s: {missing:.2f} s of the clip are missing"
        )
        warnings.warn(text, DamageWarning, stacklevel=4)


class _Pictures:
    """Turns, scales and encodes frames; the encoder is made for the first one."""

    def __init__(
        self,
        container: OutputContainer,
        source: Source,
        size: tuple[int, int],
        square_pixels: bool,
        crf: int,
        zero: Fraction,
    ) -> None:
        self.num_frames = 0
        self.end = zero
        self._container = container
        self._source = source
        self._size = size
        self._square_pixels = square_pixels
        self._zero = zero
        self._time_base = _time_base(source.time_base)
        self._durations: dict[int, int] = {}
        self._graph: Graph | None = None
        self._setup: tuple[int, int, str] | None = None
        stream: Any = container.add_stream(
            "libx264", rate=source.fps.limit_denominator(1001), options={**_OPTIONS, "crf": str(crf)}
        )
        stream.width, stream.height, stream.pix_fmt = *size, _PIXEL_FORMAT
        stream.codec_context.sample_aspect_ratio = Fraction(1) if square_pixels else source.pixel_aspect
        stream.codec_context.time_base = self._time_base
        stream.thread_type = "AUTO"
        self._stream = stream

    def write(self, seconds: Fraction, until: Fraction, frame: av.VideoFrame) -> None:
        """Encode a frame that is shown from ``seconds`` to ``until``."""
        self.end = max(until, seconds + self._time_base)
        picture = self._upright(frame)
        if self.num_frames == 0:
            self._tag(picture)
        picture.pts = round((seconds - self._zero) / self._time_base)
        picture.time_base = self._time_base
        picture.pict_type = 0  # the encoder decides anew where key frames stand
        self._durations[picture.pts] = round((self.end - self._zero) / self._time_base) - picture.pts
        self._mux(self._stream.encode(picture))
        self.num_frames += 1

    def close(self) -> None:
        """Write what the encoder holds back."""
        self._mux(self._stream.encode(None))

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            packet.duration = self._durations.pop(packet.pts, packet.duration)
            self._container.mux(packet)

    def _tag(self, picture: av.VideoFrame) -> None:
        context = self._stream.codec_context
        context.color_range = picture.color_range
        for name in ("colorspace", "color_primaries", "color_trc"):
            value = getattr(picture, name, None)
            if value is not None and int(value) not in _UNTAGGED:
                setattr(context, name, value)

    def _upright(self, frame: av.VideoFrame) -> av.VideoFrame:
        setup = (frame.width, frame.height, frame.format.name)
        if self._graph is None or setup != self._setup:  # streams may change their size
            self._graph, self._setup = _graph(frame, self._source, self._size, self._square_pixels), setup
        self._graph.vpush(frame)
        return self._graph.vpull()


class _Speaker:
    """Encodes blocks of samples."""

    def __init__(self, container: OutputContainer, sample_rate_hz: int, num_channels: int) -> None:
        self._container = container
        self._rate = sample_rate_hz
        self._layout = "mono" if num_channels == 1 else "stereo"
        self._position = 0
        stream: Any = container.add_stream("aac", rate=sample_rate_hz, layout=self._layout)
        # AAC's limit is 6 bits a sample of each channel.
        stream.codec_context.bit_rate = min(_BITS_PER_SECOND, 6 * sample_rate_hz) * num_channels
        self._stream = stream

    @property
    def seconds(self) -> Fraction:
        """Where the next block begins."""
        return Fraction(self._position, self._rate)

    def write(self, block: NDArray[np.float32]) -> None:
        """Encode samples (num_channels, n), n = 1024 but for the last block."""
        assert block.shape[1] <= AUDIO_BLOCK
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout=self._layout)
        frame.sample_rate = self._rate
        frame.time_base = Fraction(1, self._rate)
        frame.pts = self._position
        self._container.mux(self._stream.encode(frame))
        self._position += block.shape[1]

    def close(self) -> None:
        """Write what the encoder holds back."""
        self._container.mux(self._stream.encode(None))


def _time_base(coded: Fraction) -> Fraction:
    """Return a unit of time in which the source's times are whole and the end of a clip is exact enough."""
    return max(coded / math.ceil(coded / _COARSEST_TIME_BASE), _FINEST_TIME_BASE)


def _graph(frame: av.VideoFrame, source: Source, size: tuple[int, int], square_pixels: bool) -> Graph:
    """Return the filters that make ``frame`` upright, of the given size (width, height), 8-bit 4:2:0."""
    upright = source.upright
    shown = (source.square_width if square_pixels else source.width, source.height)
    stored = (shown[1], shown[0]) if upright.transpose else shown
    steps: list[tuple[str, str]] = []
    if stored != (frame.width, frame.height):
        steps.append(("scale", f"{stored[0]}:{stored[1]}"))
    steps += [("transpose", "cclock_flip")] if upright.transpose else []
    steps += [("hflip", "")] if upright.flip_x else []
    steps += [("vflip", "")] if upright.flip_y else []
    scale = max(size[0] / shown[0], size[1] / shown[1])
    if 1 - 1 / max(size) < scale < 1:  # an odd row or column more: cropping is enough
        scale = 1.0
    crop = (min(round(size[0] / scale), shown[0]), min(round(size[1] / scale), shown[1]))
    if crop != shown:
        steps.append(("crop", f"{crop[0]}:{crop[1]}"))
    steps += [("scale", f"{size[0]}:{size[1]}:out_range=tv"), ("format", _PIXEL_FORMAT)]
    graph = Graph()
    nodes = [
        graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
        ),
        *(graph.add(name, arguments) if arguments else graph.add(name) for name, arguments in steps),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph


def _aac_rate(sample_rate_hz: int) -> int:
    """Return the lowest sample rate of AAC that keeps all of the sound; 48 kHz beyond 96 kHz."""
    return next((rate for rate in AAC_RATES_HZ if rate >= sample_rate_hz), 48_000)
