"""Transcripts of speech recognisers: the JSON and TSV of the Whisper family -> captions."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vidkit.media.caption_formats import Caption, clean_text, make_caption, warn_dropped
from vidkit.media.sentences import TimedWord, sentences, words_of_text

_TSV_HEADER = ["start", "end", "text"]


def parse_transcript(text: str, name: str | Path) -> list[Caption]:
    """Return the captions of a WhisperX, faster-whisper or openai-whisper transcript in JSON.

    The segments of WhisperX are sentences. Those of the other two are stretches of sound: where their words
    have times (and a ``probability``, which WhisperX calls ``score``), they are put together and split
    into sentences, as ``vidkit.media.speech`` does. A segment without times gets those of its words, as far
    as they have any. One without either is left out and counted in one warning. NaN counts as absent.

    Raises:
        ValueError: If the text is not JSON or has no list of segments.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{name}, line {error.lineno}: not valid JSON ({error.msg})") from error
    segments = transcript_segments(value)
    if segments is None:
        raise ValueError(f'{name} is not a transcript: it has no "segments", a list of {{start, end, text}}')
    for number, segment in enumerate(segments):
        if not isinstance(segment, dict):
            raise ValueError(f"{name}: segment {number} is {segment!r}, not an object of start, end and text")
    words = _whisper_words(segments)
    if words:
        return sentences(words)
    captions, dropped = [], 0
    for segment in segments:
        said = [word for word in segment.get("words") or [] if isinstance(word, dict)]
        start, end = _times(segment, said)
        sentence = clean_text(
            str(segment.get("text") or " ".join(str(word.get("word", "")) for word in said))
        )
        caption = make_caption(start, end, sentence)
        dropped += caption is None and sentence != ""
        captions += [caption] if caption else []
    warn_dropped(dropped, name)
    return sorted(captions, key=lambda caption: caption.start)


def parse_tsv(text: str, name: str | Path) -> list[Caption]:
    """Return the captions of a ``.tsv`` of the Whisper family: start, end (milliseconds) and text, with tabs.

    Raises:
        ValueError: If the header is another or a line has no times; the message names the line.
    """
    lines = text.splitlines()
    if lines and lines[0].split("\t") != _TSV_HEADER:
        raise ValueError(
            f"{name}, line 1: a transcript starts with start<TAB>end<TAB>text, not {lines[0][:40]!r}"
        )
    captions, dropped = [], 0
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        start, _, rest = line.partition("\t")
        end, _, said = rest.partition("\t")
        if not (start.strip().isdecimal() and end.strip().isdecimal()):
            raise ValueError(
                f"{name}, line {number}: no start and end in whole milliseconds in {line[:40]!r}"
            )
        caption = make_caption(int(start) / 1000, int(end) / 1000, clean_text(said))
        dropped += caption is None and clean_text(said) != ""
        captions += [caption] if caption else []
    warn_dropped(dropped, name)
    return sorted(captions, key=lambda caption: caption.start)


def transcript_segments(value: Any) -> list[Any] | None:
    """Return the list of segments in the value of a JSON file, None if it holds no transcript."""
    if isinstance(value, dict):
        value = value.get("segments")
    elif not (isinstance(value, list) and value and all(isinstance(v, dict) and "text" in v for v in value)):
        return None
    return value if isinstance(value, list) else None


def _whisper_words(segments: Sequence[dict[str, Any]]) -> list[TimedWord]:
    """Return the words of segments that are not sentences yet, [] if these are."""
    words: list[TimedWord] = []
    found = False
    for segment in segments:
        said = [word for word in segment.get("words") or [] if isinstance(word, dict)]
        found |= any("probability" in word for word in said)
        start, end = _times(segment, said)
        if said:
            words += [
                TimedWord(_seconds(word.get("start")), _seconds(word.get("end")), str(word.get("word", "")))
                for word in said
            ]
        elif math.isfinite(start) and math.isfinite(end):
            words += words_of_text(str(segment.get("text") or ""), start, end)
    return words if found and any(word.start is not None or word.end is not None for word in words) else []


def _times(segment: dict[str, Any], words: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Return the start and end of a segment, or else of its words; NaN where there is none."""
    starts = [_seconds(segment.get("start"))] + [_seconds(word.get("start")) for word in words]
    ends = [_seconds(segment.get("end"))] + [_seconds(word.get("end")) for word in reversed(words)]
    start = next((time for time in starts if time is not None), math.nan)
    return start, next((time for time in ends if time is not None), math.nan)


def _seconds(value: Any) -> float | None:
    """Return a time of a JSON file in seconds; None if it is absent or not a finite number."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number else None
