"""What is said about clips in words: their titles, and why there are none."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vidkit.data import VideoSample
from vidkit.media import Caption
from vidkit.tasks.repurposing.selection import ClipSelection

TITLE_CHARACTERS = 80  # two lines on a phone

_NEAR_SECONDS = 0.05  # a clip that begins with a sentence may begin a rounding error later


def title_of(sentences: Sequence[Caption], start: float, end: float) -> str | None:
    """Return the first sentence that begins in [start, end), else the one being said; None in silence.

    It is shortened to ``TITLE_CHARACTERS``.

    Args:
        sentences: What is said, by start.
        start: Of the clip, in seconds.
        end: Of the clip.

    Example:
        >>> said = [Caption(0.0, 4.0, "So much for that."), Caption(4.0, 9.0, "Now bees.")]
        >>> title_of(said, 1.0, 8.0), title_of(said, 1.0, 3.0), title_of(said, 9.0, 20.0)
        ('Now bees.', 'So much for that.', None)
    """
    heard = [said for said in sentences if said.start < end - _NEAR_SECONDS and said.end > start]
    begun = [said for said in heard if said.start >= start - _NEAR_SECONDS]
    for sentence in (*begun, *heard):
        return shortened(sentence.text)
    return None


def shortened(text: str, limit: int = TITLE_CHARACTERS) -> str:
    """Return a text of at most ``limit`` characters, cut between words and then ending with an ellipsis.

    A word that fills more than half of it is cut itself.

    Example:
        >>> shortened("A very long story.", 12), shortened("Short.", 12)
        ('A very long…', 'Short.')
    """
    if len(text) <= limit:
        return text
    space = text.rfind(" ", 0, limit)
    return text[: space if space > limit // 2 else limit - 1].rstrip(" ,;:.-–—") + "…"


def why_no_clip(sample: VideoSample, selection: ClipSelection) -> str:
    """Return why a video has no clip, and the option that gives some.

    Args:
        sample: With ``pred_saliency``, T >= 1.
        selection: What has chosen nothing.
    """
    highest = float(sample.pred_saliency.max())
    if highest < selection.threshold:
        return (
            f"no clip: the highest score is {highest:.3f}, the threshold {selection.threshold:g}; lower it: "
            f"--cfg-options model.selection.threshold={math.floor(highest * 100) / 100:g}"
        )
    return (
        f"no clip: scores reach the threshold {selection.threshold:g}, but of no clip longer than "
        f"{selection.min_seconds:g} s and shorter than {selection.max_seconds:g} s (the video has "
        f"{sample.duration_seconds:.1f} s); change --cfg-options model.selection.min_seconds or max_seconds"
    )
