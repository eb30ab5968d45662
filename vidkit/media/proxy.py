"""What a browser plays, and a small copy that it does."""

from __future__ import annotations

from pathlib import Path

from vidkit.media.container import choose_stream, open_container
from vidkit.media.errors import NoVideoStreamError
from vidkit.media.info import VideoInfo
from vidkit.media.span import examine
from vidkit.media.transcode import transcode

_MP4_VIDEO = ("h264", "vp9", "av1")
_MP4_AUDIO = ("aac", "mp3", "opus")
_WEBM_VIDEO = ("vp8", "vp9", "av1")
_WEBM_AUDIO = ("opus", "vorbis")
_PIXEL_FORMATS = ("yuv420p", "yuvj420p")  # 8 bits, 4:2:0
_WEBM_HEAD_BYTES = 64  # the kind of document stands in the first element

_CRF = 28  # for a look at the video, not for keeping it
_LONGEST_SECONDS = float(2**31)  # longer than any video: the proxy takes all of it


def is_browser_playable(video: str | Path | VideoInfo) -> bool:
    """Tell whether the common browsers play a video as it is.

    They do H.264 (8 bits, 4:2:0), VP9 or AV1 in mp4 and mov with AAC, MP3, Opus or no sound, and VP8,
    VP9 or AV1 in WebM with Opus, Vorbis or no sound; what decides is the first stream of a kind, the one a
    browser takes. Matroska, AVI, MPEG-4 part 2 and HEVC they do not, or not all of them.

    Raises:
        FileNotFoundError: If there is no such file.
        MediaError: If it is no video.
    """
    path = video.path if isinstance(video, VideoInfo) else Path(video)
    with open_container(path) as container:
        if choose_stream(container, path, "video", None) is None:
            raise NoVideoStreamError(f"{path} has no moving pictures; give a video")
        names = container.format.name.split(",")
        video_codecs: tuple[str, ...]
        audio_codecs: tuple[str, ...]
        if "mp4" in names:
            video_codecs, audio_codecs = _MP4_VIDEO, _MP4_AUDIO
        elif "webm" in names and b"webm" in _head(path):
            video_codecs, audio_codecs = _WEBM_VIDEO, _WEBM_AUDIO
        else:
            return False
        picture = container.streams.video[0].codec_context
        sound = container.streams.audio[0].codec_context if container.streams.audio else None
        return (
            _family(picture.name) in video_codecs
            and picture.format is not None  # pix_fmt of PyAV 17 crashes on None
            and picture.format.name in _PIXEL_FORMATS
            and (sound is None or _family(sound.name) in audio_codecs)
        )


def write_proxy(path: str | Path, out: str | Path, *, height: int = 360) -> Path:
    """Write a copy of a video that every browser plays: H.264 and AAC in mp4, at most ``height`` high.

    The picture is upright, with square pixels, never enlarged, and times stay as they are. Returns ``out``.

    Raises:
        FileNotFoundError: If there is no such video.
        MediaError: If it cannot be decoded.
        ValueError: If ``height`` is below 2 or ``out`` is no .mp4 or the video itself.
        OSError: If ``out`` cannot be written.
    """
    out = Path(out)
    if height < 2:
        raise ValueError(f"height must be at least 2 pixels, got {height}")
    if out.suffix.lower() != ".mp4":
        raise ValueError(f"a proxy is an .mp4 file; got {out}")
    source = examine(path)
    if out.exists() and out.samefile(source.path):
        raise ValueError(f"{out} is the video itself; give the proxy another name")
    new_height = min(height, source.height)
    new_width = source.square_width * new_height / source.height
    transcode(
        source,
        out,
        start=0.0,
        end=_LONGEST_SECONDS if source.end_seconds is None else source.end_seconds,
        width=max(2 * round(new_width / 2 - 1e-9), 2),
        height=max(new_height - new_height % 2, 2),
        square_pixels=True,
        crf=_CRF,
    )
    return out


def _family(decoder: str) -> str:
    """Return the codec of a decoder's name: libdav1d decodes av1, mp3float mp3."""
    known = {
        "libdav1d": "av1",
        "libaom-av1": "av1",
        "mp3float": "mp3",
        "libopus": "opus",
        "libvorbis": "vorbis",
    }
    return known.get(decoder, decoder.removeprefix("libvpx-").removesuffix("_cuvid"))


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_WEBM_HEAD_BYTES)
