"""Caption files: SubRip and WebVTT <-> captions.

The readers take what is found in the wild: any of the usual encodings, comma or point in the times,
hours or none, tags, rolling captions.
"""

from __future__ import annotations

import codecs
import html
import math
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_CLOCK = r"(-?)\s*(?:(\d+)\s*:\s*)?(\d+)\s*:\s*(\d+)(?:\s*[,.]\s*(\d+))?"
_TIMING = re.compile(rf"^\s*{_CLOCK}\s*-->\s*{_CLOCK}(?=\s|$)")
_BROKEN_TIMING = re.compile(r"\d\s*:\s*\d.*-->|-->.*\d\s*:\s*\d|\d:\d+[,.]\d+\s*-+>")
_VTT_BLOCK = re.compile(r"^(NOTE|STYLE|REGION)(\s|$)")
_WORD_TIME = re.compile(r"<(?:\d+:)?\d+:\d+[.,]\d+>")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|</>|<(?:\d+:)?\d+:\d+[.,]\d+>|\{\\[^{}]*\}|\{[A-Za-z]:[^{}]*\}")
_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9A-Fa-f]+|[A-Za-z]\w*);")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200e\u200f\ufeff"))
_SPEAKER = re.compile(r"^\[SPEAKER_\d+\]:\s*")  # WhisperX puts who speaks before the sentence

_FILLER_SECONDS = 0.0105  # YouTube's rolling captions have a cue of 10 ms between any two
_ROLL_SECONDS = 0.1  # a cue that repeats the line above follows it at once


@dataclass(frozen=True)
class Caption:
    """A sentence and when it is said: [start, end) in seconds, end > start.

    Raises:
        ValueError: If a time is not finite or the caption does not end after its start.

    Example:
        >>> Caption(1.0, 2.5, "Hello.")
        Caption(start=1.0, end=2.5, text='Hello.')
    """

    start: float
    end: float
    text: str

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start) and math.isfinite(self.end) and self.end > self.start):
            raise ValueError(
                f"a caption needs finite times with end > start, in seconds; got {self.start} to {self.end}"
            )


@dataclass
class _Cue:
    start: float
    end: float
    lines: list[str]
    line_number: int
    word_times: bool = False


def decode_text(data: bytes, name: str | Path) -> str:
    """Return the text of a caption file: UTF-8 or UTF-16 with or without a byte order mark, or cp1252.

    Raises:
        ValueError: If the bytes are none of these.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    elif b"\0" in data[:200]:  # Latin letters in UTF-16 have a zero byte on one side
        encodings = ["utf-16-be" if data[:1] == b"\0" else "utf-16-le"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise ValueError(f"{name} is not text in UTF-8, UTF-16 or cp1252; save it as UTF-8")


def parse_cues(text: str, name: str | Path) -> list[Caption]:
    """Return the captions of a SubRip or WebVTT text; the word WEBVTT at its head tells which it is.

    A cue that lasts no time is left out and counted in one warning.

    Raises:
        ValueError: If a time cannot be read, a cue ends before it starts, or text stands before the
            first time; the message names ``name`` and the line.
    """
    lines = text.translate({0xFEFF: None}).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    is_vtt = lines[0].startswith("WEBVTT")
    cues = _unroll(_split_cues(lines, name, is_vtt))
    captions, dropped = [], 0
    for cue in cues:
        if cue.end < cue.start:
            raise ValueError(
                f"{name}, line {cue.line_number}: the caption ends at {cue.end:.3f} s, before its start at "
                f"{cue.start:.3f} s; correct the times"
            )
        caption = make_caption(cue.start, cue.end, " ".join(cue.lines))
        dropped += caption is None and cue.lines != []
        captions += [caption] if caption else []
    warn_dropped(dropped, name)
    return sorted(captions, key=lambda caption: caption.start)


def make_caption(start: float, end: float, text: str) -> Caption | None:
    """Return the caption from second 0 on; None if nothing is said or it lasts no time."""
    start = max(start, 0.0)
    return Caption(start, end, text) if text and math.isfinite(start) and math.inf > end > start else None


def clean_text(text: str) -> str:
    """Return ``text`` in one line, without tags, overrides, entities and the label of a speaker.

    Example:
        >>> clean_text("<i>Salt &amp; pepper,</i> please.")
        'Salt & pepper, please.'
    """
    text = _ENTITY.sub(lambda match: html.unescape(match.group()), _TAG.sub("", text))
    return _SPEAKER.sub("", " ".join(text.translate(_INVISIBLE).split()))


def format_srt(captions: Iterable[Caption]) -> str:
    """Return the captions as a SubRip text, times to the millisecond."""
    blocks = []
    for number, caption in enumerate(captions, start=1):
        text = "\n".join(_shown_lines(caption.text)).replace("-->", "->")  # an arrow would be read as times
        blocks.append(f"{number}\n{_times(caption, ',')}\n{text}\n")
    return "\n".join(blocks)


def format_vtt(captions: Iterable[Caption]) -> str:
    """Return the captions as a WebVTT text, times to the millisecond."""
    blocks = ["WEBVTT\n"]
    for caption in captions:
        text = html.escape("\n".join(_shown_lines(caption.text)), quote=False)
        blocks.append(f"{_times(caption, '.')}\n{text}\n")
    return "\n".join(blocks)


def _split_cues(lines: Sequence[str], name: str | Path, is_vtt: bool) -> list[_Cue]:
    """Return one cue per line of times; its text runs to the next one's index or identifier."""
    cues: list[_Cue] = []
    skipping = is_vtt  # the header, then notes and styles, up to the next line of times
    for number, line in enumerate(lines, start=1):
        match = _TIMING.match(line)
        if match:
            if cues and not skipping:
                _drop_label(cues[-1].lines, is_vtt, is_last=False)
            groups = match.groups()
            cues.append(_Cue(_clock(groups[:5]), _clock(groups[5:]), [], number))
            skipping = False
        elif _BROKEN_TIMING.search(line) and not skipping:
            raise ValueError(f"{name}, line {number}: cannot read the times {line.strip()!r}; {_FORMAT}")
        elif skipping:
            continue
        elif is_vtt and _VTT_BLOCK.match(line) and not lines[number - 2].strip():
            skipping = True
        elif cues:
            cues[-1].lines.append(line)
            cues[-1].word_times |= bool(_WORD_TIME.search(line))
        elif line.strip() and not line.strip().isdecimal():
            text = line.strip()[:60]
            raise ValueError(f"{name}, line {number}: {text!r} stands before any times; {_FORMAT}")
    while cues and cues[-1].lines and not cues[-1].lines[-1].strip():
        cues[-1].lines.pop()
    if cues and not is_vtt:
        _drop_label(cues[-1].lines, is_vtt, is_last=True)  # the index of a caption that never came
    for cue in cues:
        cue.lines = [cleaned for line in cue.lines if (cleaned := clean_text(line))]
    return cues


_FORMAT = "a caption starts with a line like 00:01:02,500 --> 00:01:05,000"


def _drop_label(lines: list[str], is_vtt: bool, is_last: bool) -> None:
    """Remove the index or identifier of the next cue from the end of this one's lines."""
    if not lines or not lines[-1].strip():
        return
    after_blank = len(lines) > 1 and not lines[-2].strip()
    is_index = lines[-1].strip().isdecimal()
    if is_vtt:
        is_label = after_blank or (is_index and len(lines) == 1)
    else:
        is_label = is_index and (after_blank or not is_last)  # the blank line before an index may lack
    if is_label:
        lines.pop()


def _unroll(cues: list[_Cue]) -> list[_Cue]:
    """Keep of rolling captions what each cue adds; leave other files as they are.

    A rolling file shows each line twice, first as the lower and then as the upper one. It is told by
    its 10-ms cues or by the times between its words, so that a refrain in a plain file stays.
    """
    if not any(cue.word_times or 0 < cue.end - cue.start <= _FILLER_SECONDS for cue in cues):
        return cues
    new_cues = []
    shown: list[str] = []
    shown_until = -math.inf
    for cue in cues:
        new = cue.lines
        if abs(cue.start - shown_until) <= _ROLL_SECONDS:
            num_repeated = next(
                (n for n in range(min(len(shown), len(new)), 0, -1) if shown[-n:] == new[:n]), 0
            )
            new = new[num_repeated:]
        if cue.lines:
            shown, shown_until = cue.lines, cue.end
        if new:
            new_cues.append(_Cue(cue.start, cue.end, new, cue.line_number))
    return new_cues


def _clock(groups: Sequence[str | None]) -> float:
    sign, hours, minutes, seconds, fraction = groups
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    value = float(f"{whole}.{fraction or 0}")
    return -value if sign else value


def warn_dropped(count: int, name: str | Path) -> None:
    if count:
        warnings.warn(f"{name}: left out {count} captions without a duration or times", stacklevel=4)


def _times(caption: Caption, point: str) -> str:
    start = round(caption.start * 1000)
    end = max(round(caption.end * 1000), start + 1)
    return f"{_stamp(start, point)} --> {_stamp(end, point)}"


def _stamp(milliseconds: int, point: str) -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}{point}{milliseconds:03d}"


def _shown_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
