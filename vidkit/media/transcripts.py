"""Transcripts of speech recognisers: the JSON of the Whisper family -> captions."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from vidkit.media.caption_formats import Caption, clean_text, make_caption, warn_dropped


def parse_transcript(text: str, name: str | Path) -> list[Caption]:
    """Return the captions of a WhisperX, faster-whisper or openai-whisper transcript in JSON.

    A segment without times gets those of its words, as far as they have any. One without either is
    left out and counted in one warning. NaN counts as absent.

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
    captions, dropped = [], 0
    for number, segment in enumerate(segments):
        if not isinstance(segment, dict):
            raise ValueError(f"{name}: segment {number} is {segment!r}, not an object of start, end and text")
        words = [word for word in segment.get("words") or [] if isinstance(word, dict)]
        starts = [_seconds(segment.get("start"))] + [_seconds(word.get("start")) for word in words]
        ends = [_seconds(segment.get("end"))] + [_seconds(word.get("end")) for word in reversed(words)]
        sentence = segment.get("text") or " ".join(str(word.get("word", "")) for word in words)
        start = next((time for time in starts if time is not None), math.nan)
        end = next((time for time in ends if time is not None), math.nan)
        caption = make_caption(start, end, clean_text(str(sentence)))
        dropped += caption is None and clean_text(str(sentence)) != ""
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


def _seconds(value: Any) -> float | None:
    """Return a time of a JSON file in seconds; None if it is absent or not a finite number."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number else None
