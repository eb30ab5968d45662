"""Where the passages of a synthetic video lie: the clips worth keeping, each round a highlight.

A passage is (start, end) in seconds. Passages cover 25 to 35 % of a video and last 10 to 90 s each; a video
below 40 s has a shorter one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from vidkit.data.synth.dice import Dice

Interval = tuple[float, float]
PASSAGE_SHARE = (0.26, 0.34)  # of the video
PASSAGE_SECONDS = (12.0, 85.0)  # where there are several: clear of the limits of 10 and 90 s
MEAN_PASSAGE_SECONDS = (14.0, 36.0)
GAP_SECONDS = 5.0  # between two passages, at least


def place_passages(dice: Dice, duration: float, highlights: Sequence[Interval]) -> tuple[Interval, ...]:
    """Return passages in order and apart, each with one of ``highlights`` in it."""
    while True:  # a draw fails if the last passage finds no highlight; most do not
        lengths = _lengths(dice, dice.uniform(*PASSAGE_SHARE) * duration)
        passages = _placed(dice, lengths, duration, highlights)
        if passages is not None:
            return passages


def _lengths(dice: Dice, total: float) -> list[float]:
    shortest, longest = PASSAGE_SECONDS
    num = round(total / dice.uniform(*MEAN_PASSAGE_SECONDS))
    num = max(min(num, int(total / shortest)), math.ceil(total / longest), 1)
    if num == 1:
        return [total]
    while True:
        weights = [dice.uniform(0.4, 1.6) for _ in range(num)]
        spare = (total - num * shortest) / sum(weights)
        lengths = [shortest + weight * spare for weight in weights]
        if max(lengths) <= longest:
            return lengths


def _placed(
    dice: Dice, lengths: list[float], duration: float, highlights: Sequence[Interval]
) -> tuple[Interval, ...] | None:
    """Put passages of the given lengths at random places, each moved as little as lets it hold a highlight.

    None if one finds no highlight between the passage before it and the room that those after it need.
    """
    margin = min(1.2, 0.055 * duration)  # round the highlight, and between a passage and an end of the video
    spots = sorted(dice.unit() for _ in lengths)  # of the room that the passages leave
    passages: list[Interval] = []
    for place, length in enumerate(lengths):
        earliest = passages[-1][1] + GAP_SECONDS if passages else 0.0
        latest = duration - sum(lengths[place:]) - GAP_SECONDS * (len(lengths) - place - 1)
        before = spots[place - 1] if place else 0.0
        wanted = earliest + (latest - earliest) * (spots[place] - before) / (1 - before)
        starts = []
        for first, last in highlights:
            low = max(min(last + margin, duration) - length, earliest)
            high = min(max(first - margin, 0.0), latest)
            if low <= high:
                starts.append(min(max(wanted, low), high))
        if not starts:
            return None
        start = min(starts, key=lambda start: abs(start - wanted))
        passages.append(_snapped(start, start + length, duration, margin))
    return tuple(passages)


def _snapped(start: float, end: float, duration: float, margin: float) -> Interval:
    """Return the passage in hundredths, moved to an end of the video that is nearer than ``margin``."""
    if start < margin:
        return 0.0, round(end - start, 2)
    if end > duration - margin:
        return round(duration - (end - start), 2), duration
    return round(start, 2), round(end, 2)
