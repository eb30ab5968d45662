"""Every kind of video file that the readers must know, with what is in it by construction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from sample_files import FPS, cut_by_copy, picture, remux, tone, write_video

NUM_FRAMES = 90


@dataclass(frozen=True)
class Sample:
    """A file and the frames that a player shows: their indices and times from the first one."""

    path: Path
    indices: list[int] = field(default_factory=lambda: list(range(NUM_FRAMES)))
    times: list[float] = field(default_factory=lambda: [i / FPS for i in range(NUM_FRAMES)])
    duration: float = NUM_FRAMES / FPS
    size: tuple[int, int] = (96, 160)
    duration_slack: float = 0.002  # of containers that do not say when their last frame ends


def _vfr_ticks() -> list[int]:
    steps = np.random.default_rng(0).choice([20, 33, 50, 100], NUM_FRAMES - 1)
    return [0, *(int(tick) for tick in np.cumsum(steps))]


def _turned(clockwise: int, mirrored: bool = False) -> Callable[[int, int, int], NDArray[np.uint8]]:
    """Draw coded pictures that are upright after a left-right flip and a clockwise turn."""

    def draw(index: int, width: int, height: int) -> NDArray[np.uint8]:
        upright = (width, height) if clockwise % 180 == 0 else (height, width)
        coded = np.rot90(picture(index, *upright), clockwise // 90)  # np.rot90 turns the other way
        return np.ascontiguousarray(coded[:, ::-1] if mirrored else coded)

    return draw


def _plain(folder: Path) -> Sample:
    sound = tone(NUM_FRAMES / FPS)
    path = write_video(
        folder / "plain.mp4", num_frames=NUM_FRAMES, audio=sound, container_options={"movflags": "faststart"}
    )
    return Sample(path)


def _write(name: str, **options: object) -> Callable[[Path], Sample]:
    def make(folder: Path) -> Sample:
        settings: dict[str, object] = {"num_frames": NUM_FRAMES} | options
        return Sample(write_video(folder / name, **settings))  # type: ignore[arg-type]

    return make


def _vfr(name: str) -> Callable[[Path], Sample]:
    def make(folder: Path) -> Sample:
        ticks = _vfr_ticks()
        path = write_video(folder / name, ticks=ticks, time_base=Fraction(1, 1000))
        times = [tick / 1000 for tick in ticks]
        return Sample(path, times=times, duration=times[-1] + 0.05, duration_slack=0.06)

    return make


def _start_offset(name: str) -> Callable[[Path], Sample]:
    def make(folder: Path) -> Sample:
        sound = tone(NUM_FRAMES / FPS)
        ticks = [2 * FPS + i for i in range(NUM_FRAMES)]
        return Sample(write_video(folder / name, ticks=ticks, audio=sound, audio_start=2.0))

    return make


def _edit_list(folder: Path) -> Sample:
    path = cut_by_copy(_plain(folder).path, folder / "cut.mp4", 1.28)  # a time between key frames
    first = round(1.28 * FPS)
    indices = list(range(first, NUM_FRAMES))
    times = [i / FPS for i in range(len(indices))]
    return Sample(path, indices, times, len(indices) / FPS)


def _rotated(degrees: int, mirrored: bool = False) -> Callable[[Path], Sample]:
    def make(folder: Path) -> Sample:
        path = write_video(
            folder / f"turned_{degrees}_{mirrored}.mp4",
            num_frames=NUM_FRAMES,
            rotation=-degrees,  # FFmpeg counts anticlockwise
            hflip=mirrored,
            draw=_turned(degrees, mirrored),
        )
        return Sample(path, size=(96, 160) if degrees % 180 == 0 else (160, 96))

    return make


def _odd(name: str, codec: str, pixel_format: str, **options: str) -> Callable[[Path], Sample]:
    def make(folder: Path) -> Sample:
        path = write_video(
            folder / name,
            num_frames=NUM_FRAMES,
            size=(181, 321),
            codec=codec,
            pixel_format=pixel_format,
            options=options,
        )
        return Sample(path, size=(181, 321))

    return make


def _single(folder: Path) -> Sample:
    path = write_video(folder / "single.mp4", num_frames=1)
    return Sample(path, [0], [0.0], 1 / FPS)


def _fragmented_copy(folder: Path) -> Sample:
    flags = {"movflags": "frag_keyframe+empty_moov"}
    return Sample(remux(_plain(folder).path, folder / "fragments.mp4", options=flags))


KINDS: dict[str, Callable[[Path], Sample]] = {
    "plain": _plain,
    "no b-frames": _write("ippp.mp4", options={"bf": "0"}),
    "open gop": _write("open_gop.mp4", options={"x264-params": "open-gop=1:scenecut=0"}),
    "intra refresh": _write("refresh.mkv", options={"x264-params": "intra-refresh=1"}),
    "vfr mp4": _vfr("vfr.mp4"),
    "vfr mkv": _vfr("vfr.mkv"),
    "start offset mkv": _start_offset("offset.mkv"),
    "start offset mp4": _start_offset("offset.mp4"),
    "edit list": _edit_list,
    "rotation 90": _rotated(90),
    "rotation 180": _rotated(180),
    "rotation 270": _rotated(270),
    "mirrored": _rotated(0, mirrored=True),
    "10 bit": _write("ten_bit.mp4", pixel_format="yuv420p10le"),
    "odd size 444": _odd("odd.mp4", "libx264", "yuv444p"),
    "odd size vp9": _odd("odd.webm", "libvpx-vp9", "yuv420p", deadline="realtime", **{"cpu-used": "8"}),
    "wide pixels": _write("wide.mp4", aspect=Fraction(4, 3)),
    "no duration": _write("live.mkv", container_options={"live": "1"}),
    "mpeg4 avi": _write("mpeg4.avi", codec="mpeg4"),
    "mpeg4 avi b-frames": _write("mpeg4_b.avi", codec="mpeg4", options={"bf": "2"}),
    "vp8": _write("vp8.webm", codec="libvpx", options={"auto-alt-ref": "1", "lag-in-frames": "16"}),
    "hevc": _write("hevc.mp4", codec="libx265", options={"x265-params": "log-level=none"}),
    "transport stream": _write("stream.ts"),
    "mpeg2": _write("mpeg2.mkv", codec="mpeg2video", options={"bf": "2"}),
    "flash": _write("flash.flv", codec="flv"),
    "motion jpeg": _write("pictures.mov", codec="mjpeg", pixel_format="yuvj420p"),
    "no timestamps": _write("raw.h264"),
    "fragments": _fragmented_copy,
    "single frame": _single,
}


def played(times: list[float], time: float) -> int:
    """Return the place of the last of the increasing ``times`` that is <= ``time``; 0 before the first."""
    place = 0
    for i, stamp in enumerate(times):
        if stamp <= time + 1e-6:
            place = i
    return place


def write_sound(path: Path, audio: NDArray[np.float32], rate: int = 44_100) -> Path:
    """Write a file with sound alone, float32 (samples,): AAC, or 16-bit PCM into .wav."""
    with av.open(str(path), "w") as out:
        codec = "pcm_s16le" if path.suffix == ".wav" else "aac"
        stream = out.add_stream(codec, rate=rate, layout="mono")
        resampler = av.AudioResampler(format=stream.format.name, layout="mono", rate=rate)
        for begin in range(0, len(audio), 1024):
            frame = av.AudioFrame.from_ndarray(
                audio[None, begin : begin + 1024], format="fltp", layout="mono"
            )
            frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), begin
            for part in resampler.resample(frame):
                out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return path


def without_sound_between(source: Path, out: Path, begin: float, end: float) -> Path:
    """Copy ``source`` without the packets of sound that start in [begin, end) seconds."""
    with av.open(str(source)) as given, av.open(str(out), "w") as made:
        copies = {s.index: made.add_stream_from_template(s) for s in given.streams}
        for packet in given.demux():
            if not packet.size:
                continue
            if packet.stream.type == "audio" and begin <= packet.pts * packet.time_base < end:
                continue
            packet.stream = copies[packet.stream.index]
            made.mux(packet)
    return out
