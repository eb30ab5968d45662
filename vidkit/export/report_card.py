"""What the report says about one video, and the words it says it in."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vidkit.export.curve import clock
from vidkit.export.predictions import Segment

_NOUNS = {"highlight_detection": "highlight", "moment_retrieval": "moment", "repurposing": "clip"}
_CURVES = {"visual": "Picture", "audio": "Sound", "text": "Words"}  # by the names of modalities


@dataclass(frozen=True)
class Card:
    """What the page says about one video.

    Args:
        title: The name of the file.
        task: Name of the task.
        query: The sentence asked for, if any.
        duration_seconds: Length of the time axis, >= 0.
        segments: Best first.
        scores: One per clip, shape (T,); may be empty.
        clip_seconds: Length of a clip.
        curves: Further curves over the whole duration, by name.
        captions: (start, end, text) in seconds, in time order.
        source: URL of what the player plays; None if there is nothing to play.
        original: URL of the video itself.
        offset_seconds: What the player's clock shows at the first frame.
        thumbnails: One JPEG data URI per segment, or None.
        poster: JPEG data URI, shown until the player has the file.
        clip_links: URL of the clip file of each segment, or None.
        notes: Sentences that the card shows under the player.
        empty: Why there is no segment, where the task says it.
    """

    title: str
    task: str
    query: str | None
    duration_seconds: float
    segments: Sequence[Segment]
    scores: Sequence[float]
    clip_seconds: float
    curves: Sequence[tuple[str, Sequence[float]]]
    captions: Sequence[tuple[float, float, str]]
    source: str | None
    original: str
    offset_seconds: float
    thumbnails: Sequence[str | None]
    poster: str | None
    clip_links: Sequence[str | None]
    notes: Sequence[str]
    empty: str | None = None


def share(card: Card, seconds: float) -> float:
    """Return where ``seconds`` lies on the time axis, in [0, 1]."""
    return min(max(seconds / card.duration_seconds, 0.0), 1.0) if card.duration_seconds > 0 else 0.0


def when(segment: Segment) -> str:
    decimals = 1 if segment.duration_seconds >= 0.5 else 2
    return f"{clock(segment.start, decimals)} – {clock(segment.end, decimals)}"


def length(seconds: float) -> str:
    """Return a duration as a clock time, with tenths where whole seconds would say little."""
    return clock(seconds, 0 if seconds >= 10 or seconds == 0 else 1)


def name_of(curve: str) -> str:
    """Return what the page calls a curve."""
    return _CURVES.get(curve, curve)


def reasons(card: Card, segment: Segment) -> list[tuple[int, float, float]]:
    """Return what speaks for a segment: number of a curve, its mean in the segment, its mean in the video.

    The means in the segment are those of ``modality_scores`` in its extra; curves without a finite number
    there are left out.
    """
    said = segment.extra.get("modality_scores")
    means = said if isinstance(said, Mapping) else {}
    return [
        (number, float(means[name]), sum(scores) / len(scores))
        for number, (name, scores) in enumerate(card.curves)
        if scores and isinstance(means.get(name), int | float) and math.isfinite(means[name])
    ]


def segment_at(card: Card, seconds: float) -> int | None:
    """Return the rank of the best segment that holds a time, from 0; None if there is none."""
    inside = (rank for rank, each in enumerate(card.segments) if each.start <= seconds < each.end)
    return next(inside, None)


def count_of(card: Card) -> str:
    return f"{len(card.segments)} {plural(noun_of([card.task]), len(card.segments))}"


def noun_of(tasks: Sequence[str]) -> str:
    nouns = {_NOUNS.get(task, "segment") for task in tasks}
    return nouns.pop() if len(nouns) == 1 else "segment"


def plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


def escape(text: str) -> str:
    """Return ``text`` for HTML; bytes of a file name that are not UTF-8 become question marks."""
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"))
