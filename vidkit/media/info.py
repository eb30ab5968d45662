"""What a media file holds: streams, size, duration, and the zero from which its times count.

The zero is the first shown frame of the chosen video stream, found by decoding it; of a file that has
only sound it is the start of the sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import av
import av.error
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from vidkit.media.container import choose_stream, moving_pictures, open_container
from vidkit.media.errors import DamagedError, NotAVideoError, NoVideoStreamError, TruncatedError
from vidkit.media.picture import Upright, upright_of


@dataclass(frozen=True)
class StreamInfo:
    """One stream as the header of the file tells it; None where it does not say or it makes no sense.

    Attributes:
        index: Number of the stream in the file; ``open_video`` takes it.
        start_seconds: First time on the file's own clock, not counted from the first shown frame.
        width, height: Coded size in pixels, before rotation.
        sample_aspect_ratio: Width of a pixel by its height; frames keep their coded size.
        num_channels: Of sound; it is mixed to one.
    """

    index: int
    kind: Literal["video", "audio", "text"]
    codec: str | None
    language: str | None = None
    title: str | None = None
    start_seconds: float | None = None
    duration_seconds: float | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    pixel_format: str | None = None
    sample_aspect_ratio: float | None = None
    sample_rate_hz: int | None = None
    num_channels: int | None = None


@dataclass(frozen=True)
class VideoInfo:
    """A media file and its chosen streams.

    Attributes:
        duration_seconds: From the first shown frame to the end of the last one, by the header of the
            stream, else of the container, else by reading all packets. Of a file without moving
            pictures, the length of the sound.
        fps: Frames per second on average, as the header tells; 0.0 without moving pictures.
        num_frames: Number of shown frames; None where the header does not tell.
        width, height: Size in pixels of the frames that are returned, after rotation; 0 without.
        rotation_degrees: Clockwise turn that has been applied to the coded picture: 0, 90, 180 or 270.
        mirrored: Whether the coded picture was mirrored before that turn.
        start_seconds: The zero of all times, on the file's own clock.
        video_stream, audio_stream: Index of the chosen streams in the file; None where there is none.
    """

    path: Path
    duration_seconds: float
    fps: float
    num_frames: int | None
    width: int
    height: int
    rotation_degrees: int
    mirrored: bool
    start_seconds: float
    video_stream: int | None
    audio_stream: int | None
    video_streams: tuple[StreamInfo, ...]
    audio_streams: tuple[StreamInfo, ...]
    text_streams: tuple[StreamInfo, ...]

    @property
    def has_audio(self) -> bool:
        """Whether there is sound."""
        return self.audio_stream is not None

    @property
    def aspect_ratio(self) -> float | None:
        """Width by height of the picture as players show it, whose pixels may not be square; None without."""
        if not self.height:
            return None
        stream = next((stream for stream in self.video_streams if stream.index == self.video_stream), None)
        pixel = (stream.sample_aspect_ratio if stream else None) or 1.0
        if self.rotation_degrees % 180:
            pixel = 1 / pixel
        return pixel * self.width / self.height


@dataclass(frozen=True)
class Probe:
    """What the readers need beside ``VideoInfo``, found at opening.

    Attributes:
        time_base: Seconds of a tick of the video stream.
        start_ticks: Timestamp of the first shown frame.
        has_timestamps: False where packets carry none; frames are then counted at ``info.fps``.
        own_duration: Whether the duration is the video stream's own, not the container's.
        chosen: Whether the video stream was asked for and is not the default one.
    """

    info: VideoInfo
    upright: Upright
    time_base: Fraction
    start_ticks: int
    has_timestamps: bool
    own_duration: bool
    chosen: bool = False

    @cached_property
    def frame_times(self) -> NDArray[np.float64]:
        """Seconds of all shown frames, increasing (N,); reads the packets once, without decoding."""
        ticks = [tick for tick, _ in self._shown_packets if tick is not None]
        if not self.has_timestamps or len(ticks) < len(self._shown_packets):
            return np.arange(len(self._shown_packets)) / self.info.fps
        times = (np.array(sorted(set(ticks)), np.float64) - self.start_ticks) * float(self.time_base)
        return times[times >= 0]

    @property
    def known_key_ticks(self) -> list[int]:
        """Timestamps of key frames, increasing; none if the packets have not been read yet."""
        packets = self._shown_packets if "_shown_packets" in vars(self) else []
        keys = [tick for tick, is_key in packets if is_key]
        return sorted(tick for tick in keys if tick is not None)

    @cached_property
    def _shown_packets(self) -> list[tuple[int | None, bool]]:
        """Timestamp of each shown frame, and whether it is a key frame, in the order of the file."""
        assert self.info.video_stream is not None
        with open_container(self.info.path) as container:
            stream = choose_stream(container, self.info.path, "video", self.info.video_stream)
            packets = (packet for packet in _packets(container, stream) if not packet.is_discard)
            return [(packet.pts, packet.is_keyframe) for packet in packets]


def probe_file(path: Path, *, video_stream: int | None = None, audio_stream: int | None = None) -> Probe:
    """Read the header of ``path`` and decode one frame.

    Args:
        video_stream, audio_stream: Index in the file; None for the default one.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a stream index is not in the file.
        MediaError: Its kinds, if the file cannot be used.
    """
    with open_container(path) as container:
        video = choose_stream(container, path, "video", video_stream)
        audio = choose_stream(container, path, "audio", audio_stream)
        if video is None and audio is None:
            raise NotAVideoError(f"{path} holds neither moving pictures nor sound; give a video file")
        streams = {
            "video_streams": tuple(_stream_info(stream) for stream in moving_pictures(container)),
            "audio_streams": tuple(_stream_info(stream) for stream in container.streams.audio),
            "text_streams": tuple(_stream_info(stream) for stream in container.streams.subtitles),
        }
        if video is None:
            return _probe_sound(path, container, audio, streams)
        num_frames = _num_frames(container, video)
        fps = float(video.average_rate or video.guessed_rate or 0)
        first = _first_frame(path, container, video)
        start = first.pts if first.pts is not None else 0
        start_seconds = float(start * video.time_base)
        duration, own = _duration(container, video, start_seconds)
        upright = upright_of(first)
        height, width = (first.width, first.height) if upright.transpose else (first.height, first.width)
        info = VideoInfo(
            path=path,
            duration_seconds=duration or 0.0,
            fps=fps or 25.0,  # FFmpeg's own guess for streams without times
            num_frames=num_frames,
            width=width,
            height=height,
            rotation_degrees=upright.rotation_degrees,
            mirrored=upright.mirrored,
            start_seconds=start_seconds,
            video_stream=video.index,
            audio_stream=None if audio is None else audio.index,
            **streams,
        )
        default = choose_stream(container, path, "video", None)
        chosen = default is not None and default.index != video.index
        probe = Probe(info, upright, video.time_base, start, first.pts is not None, own, chosen)
    return probe if duration else _measured(probe)


def _measured(probe: Probe) -> Probe:
    """Return ``probe`` with the duration and the number of frames that its packets show."""
    times = probe.frame_times
    count = max(len(times), 1)
    step = float(np.median(np.diff(times))) if count > 1 else 1 / probe.info.fps
    last = float(times[-1]) if len(times) else 0.0
    info = replace(probe.info, duration_seconds=last + step, num_frames=count)
    return replace(probe, info=info, own_duration=True)


def _probe_sound(path: Path, container: InputContainer, audio: Any, streams: dict[str, Any]) -> Probe:
    start = float((audio.start_time or 0) * audio.time_base)
    duration, own = _duration(container, audio, start)
    if not duration:
        ends = [_end_seconds(packet) for packet in _packets(container, audio)]
        duration = max((end for end in ends if end is not None), default=start) - start
    info = VideoInfo(
        path=path,
        duration_seconds=duration,
        fps=0.0,
        num_frames=None,
        width=0,
        height=0,
        rotation_degrees=0,
        mirrored=False,
        start_seconds=start,
        video_stream=None,
        audio_stream=audio.index,
        **streams,
    )
    return Probe(info, Upright(), audio.time_base, 0, True, own)


def _first_frame(path: Path, container: InputContainer, video: Any) -> av.VideoFrame:
    num_packets = 0
    problem = ""
    for packet in container.demux(video):
        num_packets += bool(packet.size) and not packet.is_corrupt  # a cut off file ends with such a one
        try:
            frames = packet.decode()
        except av.error.FFmpegError as error:
            problem = f" ({error.strerror})"
            continue
        if frames:
            return frames[0]  # type: ignore[no-any-return]
    if num_packets:
        raise DamagedError(f"{path}: none of its frames can be decoded{problem}; get an undamaged copy")
    if video.duration or video.frames:
        raise TruncatedError(f"{path} has a header but no frames, as if cut off; get the whole file")
    raise NoVideoStreamError(f"{path} has a video stream without a single frame; give another file")


def _duration(container: InputContainer, stream: Any, start_seconds: float) -> tuple[float | None, bool]:
    """Return the seconds from ``start_seconds`` to the end, and if the stream itself says so."""
    tag = _tag_seconds(stream.metadata.get("DURATION"))
    if container.format.name == "avi" and stream.type == "video" and stream.frames and stream.average_rate:
        # FFmpeg shortens the duration of a file that was cut off; the number of frames stays.
        return float(stream.frames / stream.average_rate), True
    if stream.duration:
        begin = start_seconds if stream.start_time is None else float(stream.start_time * stream.time_base)
        end = begin + float(stream.duration * stream.time_base)
        own = True
    elif tag is not None:
        # FFmpeg writes the time of the end into this tag, mkvmerge the length.
        end = tag + (start_seconds if "_STATISTICS_WRITING_APP" in stream.metadata else 0.0)
        own = True
    elif container.duration:
        # Matroska's duration counts from its clock's zero, the others' from their first packet.
        is_matroska = "matroska" in container.format.name
        end = (container.duration + (0 if is_matroska else container.start_time or 0)) / av.time_base
        own = False
    else:
        return None, False
    return (end - start_seconds, own) if end > start_seconds else (None, False)


def _tag_seconds(text: str | None) -> float | None:
    parts = (text or "").split(":")
    if len(parts) != 3:
        return None
    try:
        hours, minutes, seconds = (float(part) for part in parts)
    except ValueError:
        return None
    return hours * 3600 + minutes * 60 + seconds


def _num_frames(container: InputContainer, video: Any) -> int | None:
    """Return the number of shown frames; those that an edit list hides are taken off."""
    if not video.frames:
        return None
    if "mp4" not in container.format.name:
        return int(video.frames)
    return int(video.frames - sum(entry.is_discard for entry in video.index_entries))


def _packets(container: InputContainer, stream: Any) -> Iterator[Any]:
    """Yield the packets that hold data; a broken end ends the stream."""
    try:
        for packet in container.demux(stream):
            if packet.size:
                yield packet
    except av.error.FFmpegError:  # what can be read has been read; the readers report the missing part
        return


def _end_seconds(packet: Any) -> float | None:
    stamp = packet.pts if packet.pts is not None else packet.dts
    return None if stamp is None else float((stamp + (packet.duration or 0)) * packet.time_base)


def last_end_seconds(path: Path) -> float:
    """Return the time, on the file's clock, at which the last packet of any of its streams ends."""
    with open_container(path) as container:
        streams = [s for s in container.streams if s.type in ("video", "audio")]
        ends = [_end_seconds(packet) for packet in _packets(container, streams)]
    return max((end for end in ends if end is not None), default=0.0)


def _stream_info(stream: Any) -> StreamInfo:
    codec, base = stream.codec_context, stream.time_base
    fields: dict[str, Any] = {}
    if codec is not None and stream.type == "video":
        fields = {
            "width": codec.width,
            "height": codec.height,
            "fps": float(stream.average_rate) if stream.average_rate else None,
            # codec.pix_fmt of PyAV 17 crashes where the format is not known.
            "pixel_format": None if codec.format is None else codec.format.name,
            "sample_aspect_ratio": float(stream.sample_aspect_ratio or 1),
        }
    elif codec is not None and stream.type == "audio":
        fields = {"sample_rate_hz": codec.sample_rate, "num_channels": codec.channels}
    return StreamInfo(
        index=stream.index,
        kind="text" if stream.type == "subtitle" else stream.type,
        codec=None if codec is None else codec.name,
        language=stream.language,
        title=stream.metadata.get("title"),
        start_seconds=None if stream.start_time is None else float(stream.start_time * base),
        duration_seconds=None if not stream.duration else float(stream.duration * base),
        **fields,
    )
