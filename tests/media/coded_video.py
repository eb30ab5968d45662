"""Videos whose frames carry their number, as ten black or white blocks, for tests of cutting and copying."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

NUM_BITS = 10
FLASH = 2**NUM_BITS - 1  # the number whose frame is all white
CLICK_SECONDS = 0.02


def paint(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """Return the frame (height, width, 3) of a number below 1024: block b is white if bit b is set."""
    bits = np.array([number >> bit & 1 for bit in range(NUM_BITS)], np.uint8)
    row = bits[np.arange(width) * NUM_BITS // width] * 255
    return np.ascontiguousarray(np.broadcast_to(row[None, :, None], (height, width, 3)))


def read_number(frame: av.VideoFrame) -> int:
    """Return the number that a frame carries."""
    grey = frame.to_ndarray(format="gray").astype(float).mean(axis=0)
    width = grey.shape[0]
    middles = [round((block + 0.5) * width / NUM_BITS) for block in range(NUM_BITS)]
    return sum(int(grey[middle] > 127) << bit for bit, middle in enumerate(middles))


def write_coded(
    path: Path,
    *,
    times: Sequence[float] | None = None,
    num_frames: int = 100,
    numbers: Sequence[int] | None = None,
    fps: int = 25,
    size: tuple[int, int] = (160, 90),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    gop: int = 25,
    offset: float = 0.0,
    layout: str | None = None,
    sample_rate_hz: int = 48_000,
    audio_codec: str = "aac",
    clicks: Sequence[float] = (),
    sound: tuple[float, float] | None = None,
    rotation: int = 0,
) -> Path:
    """Write numbered frames at ``times`` (default n / fps), and clicks in a low tone, from ``offset`` on.

    ``sound`` is where the tone begins and ends, in seconds; the default is the whole video.
    """
    times = [n / fps for n in range(num_frames)] if times is None else times
    numbers = range(len(times)) if numbers is None else numbers
    tick = Fraction(1, 12_800)
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=fps)
        video.width, video.height, video.pix_fmt = *size, pix_fmt
        video.gop_size = gop
        if codec in ("libx264", "libvpx-vp9", "ffv1"):
            video.codec_context.time_base = tick
        else:
            tick = Fraction(1, fps)
        if codec.startswith("libvpx"):
            video.options = {"deadline": "realtime", "cpu-used": "8"}
        if rotation:
            video.set_display_rotation(rotation)
        audio = container.add_stream(audio_codec, rate=sample_rate_hz, layout=layout) if layout else None
        packets = []
        for time, number in zip(times, numbers):
            frame = av.VideoFrame.from_ndarray(paint(number, *size), format="rgb24")
            frame.pts, frame.time_base = round(Fraction(time + offset) / tick), tick
            packets += video.encode(frame)
        packets += video.encode(None)
        if audio is not None:
            begin, end = sound or (0.0, times[-1] + 1 / fps)
            samples = _tone(
                round((end - begin) * sample_rate_hz), sample_rate_hz, [c - begin for c in clicks]
            )
            for start in range(0, len(samples), 960):
                block = np.repeat(samples[None, start : start + 960], _channels(layout), axis=0)
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout=layout)
                frame.sample_rate, frame.time_base = sample_rate_hz, Fraction(1, sample_rate_hz)
                frame.pts = start + round((begin + offset) * sample_rate_hz)
                packets += audio.encode(frame)
            packets += audio.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def read_clip(path: Path) -> list[tuple[float, int]]:
    """Return (seconds, number) of the frames of a video as a player shows them."""
    with av.open(str(path)) as container:
        return [
            (float(frame.pts * frame.time_base), read_number(frame)) for frame in container.decode(video=0)
        ]


def read_sound(path: Path) -> tuple[NDArray[np.float32], int, float]:
    """Return (samples (channels, n), rate, seconds of the first sample)."""
    blocks, start, rate = [], None, 0
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="fltp")
        for frame in container.decode(audio=0):
            start = float(frame.pts * frame.time_base) if start is None else start
            rate = frame.sample_rate
            blocks += [block.to_ndarray() for block in resampler.resample(frame)]
    return np.concatenate(blocks, axis=1), rate, start or 0.0


def first_click(path: Path) -> float:
    """Return when the first click begins, in seconds."""
    samples, rate, start = read_sound(path)
    return start + float(np.flatnonzero(np.abs(samples[0]) > 0.4)[0]) / rate


def _tone(num_samples: int, rate: int, clicks: Sequence[float]) -> NDArray[np.float32]:
    seconds = np.arange(num_samples) / rate
    samples = 0.05 * np.sin(2 * np.pi * 220 * seconds)
    for click in clicks:
        inside = (seconds >= click) & (seconds < click + CLICK_SECONDS)
        samples[inside] = 0.9 * np.sin(2 * np.pi * 1000 * (seconds[inside] - click) + np.pi / 2)
    return samples.astype(np.float32)


def _channels(layout: str) -> int:
    return {"mono": 1, "stereo": 2, "5.1": 6}[layout]
