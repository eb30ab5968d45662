"""What tells a passage in picture and sound: a still band and a steady chord, neither of them reliable.

Both are on or off for whole scenes, so that nothing but a cut begins or ends them. Outside the passages lie
decoys of the same look and sound, as long as a passage or shorter; no band and chord there at the same time.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from vidkit.data.synth.dice import Dice
from vidkit.data.synth.passages import Interval

ABSENT = 0.07  # chance that a passage lacks the band, and the same for the chord; never both
PARTIAL = 0.4  # chance that its start, middle or end lacks the band, and the same for the chord
MISSING_SHARE = 0.4  # of the scenes of a passage, at most
DECOY_SHARE = (0.14, 0.22)  # of the time outside
DECOY_LENGTH = (0.5, 1.1)  # in lengths of passages


def place_marks(
    dice: Dice, scenes: Sequence[Interval], passages: Sequence[Interval]
) -> tuple[tuple[Interval, ...], tuple[Interval, ...]]:
    """Return the times of the bands and of the chords; passages begin and end where scenes do."""
    owners = [_owner(scene, passages) for scene in scenes]
    rolls = [dice.unit() for _ in passages]  # one for both cues: at most one of them is absent
    free = [_is_free(owners, place) for place in range(len(scenes))]
    marks: list[tuple[Interval, ...]] = [(), ()]
    for cue in dice.shuffled((0, 1)):  # the second finds less room for decoys
        shown = [False] * len(scenes)
        for number, roll in enumerate(rolls):
            inside = [place for place, owner in enumerate(owners) if owner == number]
            if not cue * ABSENT <= roll < (cue + 1) * ABSENT:
                for place in _carrying(dice, inside):
                    shown[place] = True
        _add_decoys(dice, shown, free, scenes, passages)
        marks[cue] = _intervals(shown, scenes)
    return marks[0], marks[1]


def _owner(scene: Interval, passages: Sequence[Interval]) -> int | None:
    """Return the number of the passage that a scene belongs to."""
    middle = (scene[0] + scene[1]) / 2
    return next((number for number, (start, end) in enumerate(passages) if start <= middle < end), None)


def _is_free(owners: list[int | None], place: int) -> bool:
    """Return whether a scene may carry a decoy: it is outside, and so are its neighbours."""
    return all(owner is None for owner in owners[max(place - 1, 0) : place + 2])


def _carrying(dice: Dice, inside: list[int]) -> list[int]:
    """Return the scenes of a passage that carry the cue; sometimes its start, middle or end lacks it."""
    most = int(MISSING_SHARE * len(inside))
    if most == 0 or not dice.chance(PARTIAL):
        return inside
    num_missing = dice.whole(1, most)
    first = dice.pick((0, (len(inside) - num_missing) // 2, len(inside) - num_missing))
    return inside[:first] + inside[first + num_missing :]


def _add_decoys(
    dice: Dice,
    shown: list[bool],
    free: list[bool],
    scenes: Sequence[Interval],
    passages: Sequence[Interval],
) -> None:
    """Mark runs of free scenes as shown, and them and their neighbours as free no more."""
    outside = scenes[-1][1] - sum(end - start for start, end in passages)
    wanted = dice.uniform(*DECOY_SHARE) * outside
    while any(free):
        start, end = dice.pick(passages)
        length = (end - start) * dice.uniform(*DECOY_LENGTH)
        if not dice.chance(wanted / length):
            return
        first = last = dice.pick([place for place, is_free in enumerate(free) if is_free])
        while last + 1 < len(free) and free[last + 1] and scenes[last + 1][1] <= scenes[first][0] + length:
            last += 1
        while first > 0 and free[first - 1] and scenes[last][1] <= scenes[first - 1][0] + length:
            first -= 1
        for place in range(max(first - 1, 0), min(last + 2, len(free))):
            shown[place] |= first <= place <= last
            free[place] = False
        wanted -= scenes[last][1] - scenes[first][0]


def _intervals(shown: list[bool], scenes: Sequence[Interval]) -> tuple[Interval, ...]:
    """Join the scenes that are shown and touch."""
    edges = [False, *shown, False]
    changes = [place for place, (before, after) in enumerate(pairwise(edges)) if before != after]
    return tuple((scenes[first][0], scenes[end - 1][1]) for first, end in zip(changes[::2], changes[1::2]))
