"""One caption for each clip of a video."""

from __future__ import annotations

import math
import random

import pytest

from vidkit.media.captions import (
    SILENCE,
    Caption,
    captions_per_clip,
)


def _reference_per_clip(captions: list[Caption], num_clips: int, clip_seconds: float) -> list[str]:
    """The definition, over every pair of clip and caption."""
    texts = []
    for clip in range(num_clips):
        overlaps = [
            (min(c.end, (clip + 1) * clip_seconds) - max(c.start, clip * clip_seconds), -c.start, c.text)
            for c in captions
        ]
        best = max(overlaps, default=(0.0, 0.0, ""))
        texts.append(best[2] if best[0] > 0 else SILENCE)
    return texts


def test_clips_take_the_sentence_that_overlaps_longest_as_defined() -> None:
    generator = random.Random(0)
    for _ in range(50):
        starts = [generator.uniform(0, 30) for _ in range(12)]
        captions = [Caption(s, s + generator.uniform(0.1, 6), f"{s:.4f}") for s in starts]
        for clip_seconds in (1.0, 2.0, 0.7):
            expected = _reference_per_clip(captions, 20, clip_seconds)
            assert captions_per_clip(captions, 20, clip_seconds) == expected


def test_a_tie_goes_to_the_earlier_sentence_and_touching_is_not_overlap() -> None:
    captions = [Caption(1.5, 2.0, "later"), Caption(1.0, 1.5, "earlier")]
    assert captions_per_clip(captions, 3, 1.0) == [SILENCE, "earlier", SILENCE]
    assert captions_per_clip([Caption(0.3, 0.6, "a")], 8, 0.1) == [SILENCE] * 3 + ["a"] * 3 + [SILENCE] * 2
    assert captions_per_clip([], 2, 1.0) == ["[empty]", "[empty]"]
    assert captions_per_clip([Caption(5, 6, "beyond")], 2, 1.0) == [SILENCE] * 2


def test_wrong_clips_are_refused() -> None:
    with pytest.raises(ValueError, match="num_clips must be at least 0, got -1"):
        captions_per_clip([], -1, 1.0)
    for clip_seconds in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="clip_seconds must be a positive number"):
            captions_per_clip([], 1, clip_seconds)
