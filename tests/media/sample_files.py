"""Small video files of every odd kind, made with PyAV; each picture says which frame it is.

A frame carries its index as 12 black or white cells, readable after lossy coding and scaling, in a
picture without symmetry, so that a turned or mirrored frame reads as another number or as none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

from vidkit.media.reader import Frames

ROWS, COLS = 3, 5  # 12 bits of index, then three fixed cells: white, black, white
FIXED = (True, False, True)
NUM_BITS = ROWS * COLS - len(FIXED)
WIDTH, HEIGHT, FPS = 160, 96, 25


def picture(index: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """Return frame ``index`` as uint8 RGB (height, width, 3): dark blue and light orange cells."""
    bits = [bool(index >> bit & 1) for bit in range(NUM_BITS)] + list(FIXED)
    rows = np.arange(height) * ROWS // height
    cols = np.arange(width) * COLS // width
    light = np.array(bits).reshape(ROWS, COLS)[rows][:, cols]
    return np.where(light[..., None], [230, 200, 160], [20, 30, 60]).astype(np.uint8)


def index_of(frame: NDArray[np.uint8]) -> int:
    """Return the index that ``frame`` (H, W, 3) carries; -1 when it is not one of our pictures upright."""
    height, width = frame.shape[:2]
    cells = []
    for row in range(ROWS):
        for col in range(COLS):
            top, left = (2 * row + 1) * height // (2 * ROWS), (2 * col + 1) * width // (2 * COLS)
            cells.append(float(frame[top - 2 : top + 3, left - 2 : left + 3].mean()))
    light = [cell > 116 for cell in cells]
    if tuple(light[NUM_BITS:]) != FIXED:
        return -1
    return sum(1 << bit for bit in range(NUM_BITS) if light[bit])


def indices_of(frames: NDArray[np.uint8]) -> list[int]:
    """Return the indices of a batch of frames (N, H, W, 3)."""
    return [index_of(frame) for frame in frames]


def joined(parts: Iterator[Frames]) -> Frames:
    """Return what a stream gives as one batch."""
    blocks = list(parts)
    return Frames(np.concatenate([b.data for b in blocks]), np.concatenate([b.times for b in blocks]))


def tone(seconds: float, rate: int = 44_100, hz: float = 440.0) -> NDArray[np.float32]:
    """Return a sine of amplitude 0.5, float32 (samples,)."""
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def write_video(
    path: Path,
    *,
    num_frames: int = 100,
    ticks: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, FPS),
    size: tuple[int, int] = (HEIGHT, WIDTH),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    gop: int = 12,
    rotation: float | None = None,
    hflip: bool = False,
    aspect: Fraction | None = None,
    container: str | None = None,
    container_options: dict[str, str] | None = None,
    audio: NDArray[np.float32] | None = None,
    audio_rate: int = 44_100,
    audio_codec: str = "aac",
    audio_start: float = 0.0,
    draw: Callable[[int, int, int], NDArray[np.uint8]] = picture,
) -> Path:
    """Write one video; frame i is ``draw(i, width, height)`` at ``ticks[i] * time_base`` seconds.

    ``audio`` is float32 (samples,) or (channels, samples), placed at ``audio_start`` seconds.
    """
    stamps = list(range(num_frames)) if ticks is None else list(ticks)
    height, width = size
    with av.open(str(path), "w", format=container, options=container_options or {}) as out:
        video = out.add_stream(codec, rate=FPS, options={"threads": "1"} | (options or {}))
        video.width, video.height, video.pix_fmt = width, height, pixel_format
        video.codec_context.time_base = time_base
        video.codec_context.gop_size = gop
        if aspect is not None:
            video.codec_context.sample_aspect_ratio = aspect
        if rotation is not None:
            video.set_display_rotation(rotation, hflip=hflip)
        sound = None
        if audio is not None:
            layout = "mono" if audio.ndim == 1 else {1: "mono", 2: "stereo", 6: "5.1"}[len(audio)]
            sound = out.add_stream(audio_codec, rate=audio_rate, layout=layout)
        packets = []
        for index, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(draw(index, width, height), format="rgb24")
            frame = frame.reformat(format=pixel_format)
            frame.pts, frame.time_base = stamp, time_base
            packets += video.encode(frame)
        packets += video.encode(None)
        if sound is not None and audio is not None:
            packets += _encode_audio(sound, np.atleast_2d(audio), audio_rate, audio_start)
        for packet in sorted(packets, key=lambda p: float(p.dts * p.time_base)):
            out.mux(packet)
    return path


def _encode_audio(
    sound: av.AudioStream, audio: NDArray[np.float32], rate: int, start: float
) -> list[av.Packet]:
    packets = []
    layout, step = sound.layout.name, 1024
    kind = sound.format.name
    resampler = av.AudioResampler(format=kind, layout=layout, rate=rate)
    frame_size = sound.codec_context.frame_size or step
    for begin in range(0, audio.shape[1], frame_size):
        block = np.ascontiguousarray(audio[:, begin : begin + frame_size])
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = round(start * rate) + begin
        for part in resampler.resample(frame):
            packets += sound.encode(part)
    return packets + sound.encode(None)


def cut_by_copy(source: Path, out: Path, start: float, *, all_streams: bool = True) -> Path:
    """Copy ``source`` from ``start`` seconds on without re-encoding: an mp4 with an edit list.

    Packets begin at the key frame before ``start`` and get negative times, which the mp4 muxer turns
    into an edit list, as the cutting programs do.
    """
    with av.open(str(source)) as given, av.open(str(out), "w") as made:
        streams = [s for s in given.streams if s.type == "video" or (all_streams and s.type == "audio")]
        copies = {s.index: made.add_stream_from_template(s) for s in streams}
        given.seek(round(start * av.time_base))
        begun = False
        for packet in given.demux(streams):
            if packet.dts is None or packet.pts is None:
                continue
            is_video = packet.stream.type == "video"
            begun = begun or (is_video and packet.is_keyframe)
            if not begun or (not is_video and packet.pts * packet.time_base < start):
                continue
            shift = round(start / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            packet.stream = copies[packet.stream.index]
            made.mux(packet)
    return out


def remux(source: Path, out: Path, *, options: dict[str, str] | None = None, drop_after: float = 1e9) -> Path:
    """Copy the packets of ``source`` into another container; packets after ``drop_after`` s are left out."""
    with av.open(str(source)) as given, av.open(str(out), "w", options=options or {}) as made:
        streams = [s for s in given.streams if s.type in ("video", "audio")]
        copies = {s.index: made.add_stream_from_template(s) for s in streams}
        for packet in given.demux(streams):
            if packet.dts is None or packet.dts * packet.time_base > drop_after:
                continue
            packet.stream = copies[packet.stream.index]
            made.mux(packet)
    return out


def truncate(source: Path, out: Path, share: float) -> Path:
    """Write the first ``share`` of the bytes of ``source``."""
    data = source.read_bytes()
    out.write_bytes(data[: int(len(data) * share)])
    return out


def scratch(source: Path, out: Path, begin: float, end: float) -> Path:
    """Write ``source`` with the bytes between two shares of the file overwritten by noise."""
    data = bytearray(source.read_bytes())
    low, high = int(len(data) * begin), int(len(data) * end)
    data[low:high] = np.random.default_rng(0).integers(0, 256, high - low, np.uint8).tobytes()
    out.write_bytes(data)
    return out


def mux_together(out: Path, sources: Sequence[tuple[Path, str]], *, cover: bool = False) -> Path:
    """Copy one stream of each (file, "video" | "audio") into ``out``; ``cover`` adds cover art."""
    with av.open(str(out), "w") as made:
        opened = [(av.open(str(path)), kind) for path, kind in sources]
        streams = [next(s for s in given.streams if s.type == kind) for given, kind in opened]
        copies = [made.add_stream_from_template(stream) for stream in streams]
        packets = []
        if cover:
            art = made.add_stream("mjpeg", rate=1)
            art.width, art.height, art.pix_fmt = 64, 48, "yuvj420p"
            art.disposition = Disposition.attached_pic.value
            still = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 200, np.uint8), format="rgb24")
            still = still.reformat(format="yuvj420p")
            still.pts = 0
            packets += [*art.encode(still), *art.encode(None)]
        for (given, _), stream, copy in zip(opened, streams, copies):
            for packet in given.demux(stream):
                if packet.dts is not None:
                    packet.stream = copy
                    packets.append(packet)
        for packet in sorted(packets, key=lambda p: float(p.dts * p.time_base)):
            made.mux(packet)
        for given, _ in opened:
            given.close()
    return out
