"""What is said in a video and when: captions beside the video, inside it, and per clip.

Times are seconds from the first shown frame of the video.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.subtitles.stream import SubtitleStream

from vidkit.files import write_text
from vidkit.media.caption_formats import (
    Caption,
    clean_text,
    decode_text,
    format_srt,
    format_vtt,
    make_caption,
    parse_cues,
)
from vidkit.media.container import choose_stream, open_container
from vidkit.media.span import decoded_frames
from vidkit.media.transcripts import parse_transcript, parse_tsv, transcript_segments

__all__ = [
    "Caption",
    "SILENCE",
    "caption_file",
    "captions_per_clip",
    "find_captions",
    "read_captions",
    "write_srt",
    "write_vtt",
]

SILENCE = "[empty]"  # what stands for a clip without a sentence (Repurpose-10K)

_LANGUAGE = re.compile(r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]+)*$")  # the middle of talk.en.srt, talk.pt-BR.vtt
_OVERLAP_SECONDS = 1e-6  # touching clips and captions overlap by rounding errors
_TEXT_CODECS = ("mov_text", "subrip", "srt", "text", "webvtt", "ass", "ssa")
_ASS_FIELDS = 8  # read order, layer, style, name, three margins and effect stand before the text
_DRAWING = re.compile(r"\{[^}]*\\p[1-9]")


def find_captions(video_path: str | Path, *, folder: str | Path | None = None) -> list[Caption]:
    """Return the captions of a video, [] if it has none.

    The first that exists counts: ``<stem>.srt``, ``<stem>.vtt``, ``<stem>.json`` in ``folder``, then beside
    the video; in each of the two then ``<stem>.<language>.srt`` and ``.vtt`` (English first, then by name);
    at last the first text track in the file that says something. A JSON file without a list of segments is
    no transcript and is passed over.

    Args:
        video_path: The video.
        folder: Captions that go before those beside the video; None looks beside it at once.

    Raises:
        FileNotFoundError: If there is no such video or folder.
        MediaError: If there is no caption file and it is no video.
        ValueError: If the caption file cannot be read; the message names the file and line.
    """
    video = Path(video_path)
    if not video.is_file():
        raise FileNotFoundError(f"no such video: {video}")
    file = caption_file(video, folder=folder)
    return _embedded_captions(video) if file is None else read_captions(file)


def caption_file(video_path: str | Path, *, folder: str | Path | None = None) -> Path | None:
    """Return the file whose captions ``find_captions`` takes, or None; arguments and errors as there."""
    video = Path(video_path)
    if folder is not None and not Path(folder).is_dir():
        raise FileNotFoundError(f"no folder of captions at {folder}")
    for place in (video.parent,) if folder is None else (Path(folder), video.parent):
        for path in _named_like(video, place):
            if path.suffix.lower() != ".json" or _is_transcript(path):
                return path
    return None


def read_captions(file: str | Path) -> list[Caption]:
    """Return the captions in a file, sorted by start.

    ``.srt`` and ``.vtt`` are told apart by their content; ``.json`` and ``.tsv`` are transcripts of WhisperX,
    faster-whisper or openai-whisper. Tags are removed, a caption is one line of text.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the suffix is another or the content cannot be read; the message names the line.
    """
    path = Path(file)
    suffix = path.suffix.lower()
    if suffix not in (".srt", ".vtt", ".json", ".tsv"):
        raise ValueError(f"{path} is no caption file by its suffix; known: .srt, .vtt, .json, .tsv")
    text = _read_text(path)
    if suffix == ".json":
        return parse_transcript(text, path)
    if suffix == ".tsv":
        return parse_tsv(text, path)
    if suffix == ".vtt" and text.strip() and not text.startswith("WEBVTT"):
        raise ValueError(f"{path}, line 1: a .vtt file starts with WEBVTT, not {text.splitlines()[0][:40]!r}")
    return parse_cues(text, path)


def captions_per_clip(captions: Sequence[Caption], num_clips: int, clip_seconds: float) -> list[str]:
    """Return one text per clip: the sentence that overlaps it longest.

    Clip i covers [i, i + 1) x ``clip_seconds``. A sentence that spans several clips is repeated, of
    equal ones the earlier is taken, and a clip in which nothing is said gets ``SILENCE``.

    Raises:
        ValueError: If ``num_clips`` is negative or ``clip_seconds`` is not a positive number.

    Example:
        >>> captions_per_clip([Caption(0.5, 2.5, "Hello."), Caption(2.5, 3.0, "Bye.")], 4, 1.0)
        ['Hello.', 'Hello.', 'Hello.', '[empty]']
    """
    if num_clips < 0:
        raise ValueError(f"num_clips must be at least 0, got {num_clips}")
    if not (math.isfinite(clip_seconds) and clip_seconds > 0):
        raise ValueError(f"clip_seconds must be a positive number of seconds, got {clip_seconds}")
    texts = [SILENCE] * num_clips
    longest = [0.0] * num_clips
    for caption in sorted(captions, key=lambda caption: caption.start):
        first = max(math.floor(caption.start / clip_seconds), 0)
        last = min(math.ceil(caption.end / clip_seconds), num_clips)
        for clip in range(first, last):
            overlap = min(caption.end, (clip + 1) * clip_seconds) - max(caption.start, clip * clip_seconds)
            if overlap > longest[clip] + _OVERLAP_SECONDS:
                texts[clip], longest[clip] = caption.text, overlap
    return texts


def write_srt(path: str | Path, captions: Sequence[Caption]) -> None:
    """Write captions as SubRip (UTF-8), atomically."""
    write_text(path, format_srt(captions))


def write_vtt(path: str | Path, captions: Sequence[Caption]) -> None:
    """Write captions as WebVTT (UTF-8), atomically."""
    write_text(path, format_vtt(captions))


def _named_like(video: Path, folder: Path) -> list[Path]:
    """Return the files of a folder that are captions of the video by their name, the first to use first."""
    ranked = []
    for path in folder.iterdir():
        suffix = path.suffix.lower()
        if suffix not in (".srt", ".vtt", ".json") or not path.name.startswith(f"{video.stem}."):
            continue
        middle = path.name[len(video.stem) + 1 : -len(suffix)].rstrip(".")
        order = (".srt", ".vtt", ".json").index(suffix)
        if not middle:
            ranked.append((0, order, "", path))
        elif suffix != ".json" and _LANGUAGE.match(middle):
            not_english = int(not middle.lower().startswith("en"))
            ranked.append((1 + not_english, order, path.name, path))
    return [path for *_, path in sorted(ranked) if path.is_file()]


def _is_transcript(path: Path) -> bool:
    text = _read_text(path)
    try:
        return transcript_segments(json.loads(text)) is not None
    except json.JSONDecodeError:
        return '"segments"' in text  # a broken transcript is an error to tell, other files are not ours


def _read_text(path: Path) -> str:
    try:
        return decode_text(path.read_bytes(), path)
    except FileNotFoundError:
        raise FileNotFoundError(f"no such file: {path}") from None


def _embedded_captions(video: Path) -> list[Caption]:
    with open_container(video) as container:
        codecs = [s.codec_context.name if s.codec_context else "" for s in container.streams.subtitles]
        if not set(codecs) & set(_TEXT_CODECS):
            return []
        zero = _first_shown_seconds(container, video)
    for number, codec in enumerate(codecs):
        if codec in _TEXT_CODECS:
            with open_container(video) as container:
                captions = _track_captions(container, container.streams.subtitles[number], zero)
            if captions:
                return captions
    return []


def _track_captions(container: InputContainer, stream: SubtitleStream, zero: Fraction) -> list[Caption]:
    codec = stream.codec_context.name
    captions = []
    for packet in container.demux(stream):
        if packet.pts is None or packet.duration is None or packet.time_base is None:
            continue
        start = packet.pts * packet.time_base - zero
        end = start + packet.duration * packet.time_base
        caption = make_caption(float(start), float(end), _packet_text(bytes(packet), codec))
        captions += [caption] if caption else []
    return sorted(captions, key=lambda caption: caption.start)


def _packet_text(data: bytes, codec: str) -> str:
    """Return the sentence in one packet of a text track."""
    if codec == "mov_text":  # two bytes of length, the text, boxes of style
        data = data[2 : 2 + int.from_bytes(data[:2], "big")]
    text = decode_text(data, codec)
    if codec in ("ass", "ssa"):
        text = text.split(",", _ASS_FIELDS)[-1]
        if _DRAWING.search(text):
            return ""
        text = re.sub(r"\{[^}]*\}", "", re.sub(r"\\[Nnh]", " ", text))
    return clean_text(text)


def _first_shown_seconds(container: InputContainer, video: Path) -> Fraction:
    stream = choose_stream(container, video, "video", None)
    for frame in decoded_frames(container, stream, video) if stream is not None else ():
        if frame.pts is not None:
            return Fraction(frame.pts * frame.time_base)
    return Fraction(0)
