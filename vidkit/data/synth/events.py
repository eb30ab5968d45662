"""The events of a synthetic video: moving shapes that answer sentences, and look-alikes that answer none."""

from __future__ import annotations

from vidkit.data.synth import words
from vidkit.data.synth.dice import Dice
from vidkit.data.synth.script import WINDOW_SECONDS, Event


def place_events(
    dice: Dice, duration: float, first: tuple[str, str]
) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
    """Return events and look-alikes of them, in blocks of whole 2-s windows and one at a time.

    ``first`` is the colour and the shape of the first event.
    """
    blocks = _blocks(dice, int(duration // WINDOW_SECONDS))
    num_events = min(1 if duration < 8 else 2 if duration < 30 else 3, len(blocks))
    triples: list[tuple[str, str, str]] = []
    while len(triples) < num_events:
        colour, shape = first if not triples else (dice.pick(list(words.COLOURS)), dice.pick(words.SHAPES))
        triple = (colour, shape, dice.pick(list(words.MOTIONS)))
        if triple not in triples:
            triples.append(triple)
    windows: list[list[tuple[float, float]]] = [[] for _ in triples]
    distractors: list[Event] = []
    for count, block in enumerate(dice.shuffled(blocks)):
        place = count if count < num_events else dice.whole(0, num_events - 1)
        if count < num_events or (dice.chance(0.15) and len(windows[place]) < 5):
            windows[place].append(block)
        elif dice.chance(0.6):
            look_alike = _look_alike(dice, triples[place], triples)
            distractors.append(Event("", *look_alike, windows=(block,)))
    events = [
        Event(words.query(*triple, wording=dice.whole(0, 1)), *triple, windows=_joined(times))
        for triple, times in zip(triples, windows, strict=True)
    ]
    return tuple(events), tuple(sorted(distractors, key=lambda event: event.windows))


def _blocks(dice: Dice, num_slots: int) -> list[tuple[float, float]]:
    longest = 1 if num_slots < 6 else 3
    blocks = []
    slot = dice.whole(0, 1) if num_slots > 1 else 0
    while slot < num_slots:
        length = min(dice.whole(1, longest), num_slots - slot)
        blocks.append((slot * WINDOW_SECONDS, (slot + length) * WINDOW_SECONDS))
        slot += length + dice.whole(0, 2 if num_slots >= 6 else 1)
    return blocks


def _look_alike(
    dice: Dice, triple: tuple[str, str, str], taken: list[tuple[str, str, str]]
) -> tuple[str, str, str]:
    """Change one of colour, shape and motion so that the result answers none of the queries."""
    while True:
        changed = list(triple)
        place = dice.whole(0, 2)
        changed[place] = dice.pick((list(words.COLOURS), list(words.SHAPES), list(words.MOTIONS))[place])
        colour, shape, motion = changed
        if (colour, shape, motion) not in taken:
            return colour, shape, motion


def _joined(windows: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Sort the windows and join those that touch."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(windows):
        if joined and start == joined[-1][1]:
            start, _ = joined.pop()
        joined.append((start, end))
    return tuple(joined)
