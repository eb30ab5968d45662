"""Files <-> frames, waveforms, captions, clips on disk. The only place that reads or writes video."""

from vidkit.media.captions import Caption, captions_per_clip, find_captions, read_captions
from vidkit.media.cut import WrittenClip, cut_clips
from vidkit.media.errors import (
    BackendMissingError,
    CodecMissingError,
    DamagedError,
    DamageWarning,
    EmptyFileError,
    MediaError,
    NoAudioStreamError,
    NotAVideoError,
    NoVideoStreamError,
    TruncatedError,
)
from vidkit.media.info import StreamInfo, VideoInfo
from vidkit.media.proxy import is_browser_playable, write_proxy
from vidkit.media.reader import Frames, VideoReader, open_video
from vidkit.media.writer import VideoWriter

__all__ = [
    "BackendMissingError",
    "Caption",
    "CodecMissingError",
    "DamageWarning",
    "DamagedError",
    "EmptyFileError",
    "Frames",
    "MediaError",
    "NoAudioStreamError",
    "NoVideoStreamError",
    "NotAVideoError",
    "StreamInfo",
    "TruncatedError",
    "VideoInfo",
    "VideoReader",
    "VideoWriter",
    "WrittenClip",
    "captions_per_clip",
    "cut_clips",
    "find_captions",
    "is_browser_playable",
    "open_video",
    "read_captions",
    "write_proxy",
]
