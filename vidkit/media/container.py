"""Opening a media file with FFmpeg: typed errors, the choice of streams, packet times.

Each reading pass opens the file anew, so that passes over one file never disturb each other.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import av
import av.error
from av.container import InputContainer
from av.stream import Disposition

from vidkit.media.errors import CodecMissingError, EmptyFileError, MediaError, NotAVideoError, TruncatedError

# One picture, text shown as a picture, lists of other files; and every "..._pipe", a picture too.
NOT_VIDEO_FORMATS = ("image2", "tty", "apng", "ico", "hls", "dash", "concat", "imf")
MAX_FAILED_READS = 20  # in a row, before the rest of the file is given up
# First bytes of video containers, with their offset: such a file that does not open was a video once.
_CONTAINER_MARKS = (
    *((4, mark) for mark in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")),
    (0, b"\x1a\x45\xdf\xa3"),  # Matroska, WebM
    (0, b"RIFF"),
    (0, b"FLV\x01"),
    (0, b"OggS"),
)


def check_path(path: Path) -> None:
    """Refuse what is no file with bytes in it.

    Raises:
        FileNotFoundError: If there is no such file.
        NotAVideoError: If ``path`` is a folder.
        EmptyFileError: If the file has no bytes.
    """
    if path.is_dir():
        raise NotAVideoError(f"{path} is a folder, not a video; give one of the files in it")
    if not path.exists():
        raise FileNotFoundError(f"no such video: {path}; check the path")
    if path.stat().st_size == 0:
        raise EmptyFileError(f"{path} is empty (0 bytes); copy or download it again")


@contextmanager
def open_container(path: Path) -> Iterator[InputContainer]:
    """Open ``path`` for reading; FFmpeg's errors become the kinds of ``MediaError``.

    Only the file itself is read: a playlist cannot make FFmpeg open other files or addresses.
    """
    check_path(path)
    try:
        # An absolute path is never taken for a protocol such as "concat:".
        container = av.open(os.path.abspath(path), options={"protocol_whitelist": "file"})
    except av.error.PermissionError as error:
        if error.errno != errno.EACCES:  # FFmpeg says so of a list of other files
            raise _opening_error(path, error) from error
        raise PermissionError(f"{path} cannot be read (permission denied); change its rights") from error
    except av.error.FFmpegError as error:
        raise _opening_error(path, error) from error
    with container:
        name = container.format.name.split(",")[0]
        if name in NOT_VIDEO_FORMATS or name.endswith("_pipe"):
            raise NotAVideoError(f"{path} is a picture, a text or a playlist ({name}); give a video file")
        yield container


def moving_pictures(container: InputContainer) -> list[av.VideoStream]:
    """Return the video streams that are no cover art or thumbnails."""
    still = Disposition.attached_pic | Disposition.timed_thumbnails
    return [stream for stream in container.streams.video if not stream.disposition & still]


def choose_stream(
    container: InputContainer, path: Path, kind: Literal["video", "audio"], index: int | None
) -> Any | None:
    """Return the stream ``index`` of the file, or the best one of its kind, or None where there is none.

    The best one is FFmpeg's choice: the default stream, then the largest picture or most channels.

    Raises:
        ValueError: If ``index`` names no stream of this kind.
        CodecMissingError: If no decoder for the stream is installed.
    """
    streams: list[Any] = moving_pictures(container) if kind == "video" else list(container.streams.audio)
    if index is not None:
        chosen = next((stream for stream in streams if stream.index == index), None)
        if chosen is None:
            known = [stream.index for stream in streams]
            raise ValueError(f"{path} has no {kind} stream {index}; its {kind} streams are {known}")
    elif not streams:
        return None
    else:
        best = container.streams.best(kind)
        chosen = next((s for s in streams if best is not None and s.index == best.index), streams[0])
    if chosen.codec_context is None:
        raise CodecMissingError(
            f"{path}: no decoder for its {kind} stream {chosen.index} is installed; convert it to H.264, AAC"
        )
    return chosen


def _opening_error(path: Path, error: av.error.FFmpegError) -> MediaError:
    with path.open("rb") as file:
        head = file.read(16)
    if any(head[offset : offset + len(mark)] == mark for offset, mark in _CONTAINER_MARKS):
        return TruncatedError(
            f"{path} begins like a video but its index is missing or broken, as when a download or recording "
            f"is cut off ({error.strerror}); get the whole file or repair it"
        )
    return NotAVideoError(f"{path} is not a video ({error.strerror}); give a video file")


def readable_packets(container: InputContainer, stream: Any) -> Iterator[Any]:
    """Yield the packets of a stream that hold something, from where the container stands.

    Damage is skipped; after ``MAX_FAILED_READS`` failures in a row the rest of the file is given up.
    """
    failures = 0
    while failures < MAX_FAILED_READS:
        try:
            for packet in container.demux(stream):
                failures = 0
                if packet.size:
                    yield packet
            return
        except av.error.FFmpegError:
            failures += 1
