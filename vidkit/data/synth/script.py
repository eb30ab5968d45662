"""What happens when in a synthetic video: the plan, before anything is drawn.

All times are seconds from the start of the video, intervals are [start, end). A plan depends on
(VERSION, seed, index of the video, duration) alone, not on the number of videos or the size of the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from vidkit.data.synth import words
from vidkit.data.synth.dice import Dice

VERSION = "1"  # a change of any plan, pixel or sample needs a new one: published numbers stand on it

HIGHLIGHT_SHARE = (0.11, 0.14)  # rounding to steps keeps it within 0.10 .. 0.15
HIGHLIGHT_SECONDS = (1.0, 6.0)  # of one occasion, where the video is long enough
KINDS = ("rays", "rings", "spiral", "petals", "sparks")
NUM_VARIANTS = 3
WINDOW_SECONDS = 2.0  # the grid of QVHighlights
MIN_PASSAGE_SECONDS, MAX_PASSAGE_SECONDS = 10.0, 90.0  # of a repurposed clip


class Stretch(NamedTuple):
    """A time in which something happens: ``kind`` says what, ``key`` seeds its details."""

    start: float
    end: float
    kind: str
    key: int


class Highlight(NamedTuple):
    """An occasion of distinct picture and sound; a quiet one is no louder than the rest of the video."""

    start: float
    end: float
    kind: str
    quiet: bool
    key: int


class Line(NamedTuple):
    """A caption."""

    start: float
    end: float
    text: str


@dataclass(frozen=True)
class Event:
    """A coloured shape that moves in a certain way; ``windows`` are multiples of 2 s."""

    query: str
    colour: str
    shape: str
    motion: str
    windows: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Script:
    """The plan of one video.

    ``scenes`` are the camera positions between the meaningless cuts, ``motions`` ordinary stretches of fast
    motion, ``noises`` meaningless loud sounds, ``distractors`` moving shapes that answer no query of the
    video, ``passages`` the stretches round highlights worth keeping as clips of their own.
    """

    video_id: str
    index: int
    seed: int
    topic: str
    title: str
    duration_seconds: float
    highlights: tuple[Highlight, ...]
    scenes: tuple[Stretch, ...]
    motions: tuple[Stretch, ...]
    noises: tuple[Stretch, ...]
    events: tuple[Event, ...]
    distractors: tuple[Event, ...]
    captions: tuple[Line, ...]
    passages: tuple[tuple[float, float], ...]

    @property
    def cuts(self) -> tuple[float, ...]:
        """The times of the hard cuts."""
        return tuple(scene.start for scene in self.scenes[1:])


def write_script(index: int, *, seed: int, duration_seconds: float) -> Script:
    """Return the plan of video number ``index`` of the set ``seed``.

    Raises:
        ValueError: If ``index`` or ``seed`` is negative or the duration below 2 s.

    Example:
        >>> script = write_script(0, seed=0, duration_seconds=20.0)
        >>> script.video_id, script.topic, len(script.events)
        ('synth_0_0000', 'ocean', 2)
    """
    if index < 0 or seed < 0:
        raise ValueError(f"index and seed must be >= 0, got {index} and {seed}")
    if not duration_seconds >= 2:
        raise ValueError(f"a synthetic video lasts at least 2 s, got {duration_seconds}")
    dice = Dice(int(VERSION), seed, index)
    topic = words.TOPIC_NAMES[index % len(words.TOPIC_NAMES)]
    round_number = index // len(words.TOPIC_NAMES)
    first_serial = round_number * (2 * int(duration_seconds) + 1)  # more captions than a video can hold
    highlights = _highlights(dice, duration_seconds)
    scenes = _scenes(dice, duration_seconds, len(highlights))
    passages = _passages(highlights, scenes, duration_seconds)
    motions = _stretches(dice, duration_seconds, (0.8, 2.4), (1.5, 4.5), ("pan", "shake", "flock"))
    noises = _stretches(dice, duration_seconds, (0.3, 1.2), (1.5, 5.5), ("burst", "rumble", "clatter"))
    events, distractors = _events(dice, duration_seconds, words.hero(topic, round_number, seed))
    return Script(
        video_id=f"synth_{seed}_{index:04d}",
        index=index,
        seed=seed,
        topic=topic,
        title=words.title(topic, round_number, first_serial, seed),
        duration_seconds=duration_seconds,
        highlights=highlights,
        scenes=scenes,
        motions=motions,
        noises=noises,
        events=events,
        distractors=distractors,
        captions=_captions(dice, duration_seconds, topic, first_serial, seed, passages),
        passages=passages,
    )


def _highlights(dice: Dice, duration: float) -> tuple[Highlight, ...]:
    """Occasions on a grid of 0.2 s (0.1 s below 4 s, where 0.2 s cannot meet the share)."""
    per_second = 5 if duration >= 4 else 10
    num_steps = int(duration * per_second + 1e-6)
    wanted = round(dice.uniform(*HIGHLIGHT_SHARE) * num_steps)
    exact = duration * per_second
    total = min(max(wanted, math.ceil(0.10 * exact - 1e-6)), math.floor(0.15 * exact + 1e-6))
    shortest, longest = (int(seconds * per_second) for seconds in HIGHLIGHT_SECONDS)
    mean_steps = dice.uniform(1.0, 2.6) * per_second
    num = max(1, min(round(total / mean_steps), total // shortest))
    num = max(num, math.ceil(total / longest))
    lengths = [total // num if total < num * shortest else shortest] * num
    for _ in range(total - sum(lengths)):
        open_places = [place for place in range(num) if lengths[place] < longest]
        lengths[dice.pick(open_places)] += 1
    free = num_steps - total
    least = min(2 * per_second, free // (num + 1))  # at least 2 s apart, where there is room
    rest = free - least * (num - 1)
    weights = [dice.uniform(0.2, 1.8) for _ in range(num + 1)]
    shares = [weight / sum(weights) * rest for weight in weights]
    highlights: list[Highlight] = []
    position, gap_sum = 0, 0.0
    for place, length in enumerate(lengths):
        gap_sum += shares[place]
        start = position + int(gap_sum)
        kind = dice.pick([kind for kind in KINDS if not highlights or kind != highlights[-1].kind])
        times = (start / per_second, (start + length) / per_second)
        highlights.append(Highlight(*times, kind=kind, quiet=dice.chance(0.4), key=dice.whole(0, 2**31)))
        position += length + least
    return tuple(highlights)


def _scenes(dice: Dice, duration: float, num_highlights: int) -> tuple[Stretch, ...]:
    """Camera positions with hard cuts between them, more cuts than highlights."""
    mean_seconds = min(2.4, duration / (2.5 * (num_highlights + 1)))
    home = dice.whole(0, NUM_VARIANTS - 1)  # half of the scenes; the others are far from the mean picture
    start, variant = 0.0, dice.whole(0, NUM_VARIANTS - 1)
    scenes = []
    while start < duration:
        end = round(start + mean_seconds * dice.uniform(0.5, 1.6), 2)
        if duration - end < 0.25 * mean_seconds:
            end = duration
        scenes.append(Stretch(start, end, str(variant), dice.whole(0, 2**31)))
        start = end
        away = (home + dice.whole(1, NUM_VARIANTS - 1)) % NUM_VARIANTS
        variant = away if variant == home else home
    return tuple(scenes)


def _stretches(
    dice: Dice,
    duration: float,
    length: tuple[float, float],
    gap: tuple[float, float],
    kinds: tuple[str, ...],
) -> tuple[Stretch, ...]:
    """Stretches that know nothing of the highlights; at least one, also in the shortest video."""
    scale = min(1.0, duration / 10)
    stretches: list[Stretch] = []
    start = scale * dice.uniform(0.2, 0.8) * gap[1]
    while True:
        end = round(start + scale * dice.uniform(*length), 2)
        if end > duration:
            return tuple(stretches)
        stretches.append(Stretch(round(start, 2), end, dice.pick(kinds), dice.whole(0, 2**31)))
        start = end + scale * dice.uniform(*gap)


def _passages(
    highlights: tuple[Highlight, ...], scenes: tuple[Stretch, ...], duration: float
) -> tuple[tuple[float, float], ...]:
    """Clips worth keeping: a highlight with its lead-in and lead-out, widened to whole scenes.

    Overlapping ones become one while that lasts at most 90 s, else the later one starts where the
    earlier one ends.
    """
    lead, tail = min(3.0, duration / 10), min(2.0, duration / 15)
    shortest = min(MIN_PASSAGE_SECONDS, duration / 4)
    edges = [scene.start for scene in scenes] + [duration]
    passages: list[tuple[float, float]] = []
    for highlight in highlights:
        start = max(edge for edge in edges if edge <= max(highlight.start - lead, 0.0))
        end = min(
            edge for edge in edges if edge >= min(max(highlight.end + tail, start + shortest), duration)
        )
        if passages and start < passages[-1][1]:
            if end - passages[-1][0] <= MAX_PASSAGE_SECONDS:
                start, _ = passages.pop()
            else:
                start = passages[-1][1]
        if end > start:
            passages.append((start, end))
    return tuple(passages)


def _events(
    dice: Dice, duration: float, first: tuple[str, str]
) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
    """Moving shapes in blocks of whole 2-s windows, one at a time: events and look-alikes of them."""
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


def _captions(
    dice: Dice,
    duration: float,
    topic: str,
    first_serial: int,
    seed: int,
    passages: tuple[tuple[float, float], ...],
) -> tuple[Line, ...]:
    """Captions for about two thirds of the time; within passages the opener mostly tells so."""
    scale = min(1.0, duration / 8)
    captions: list[Line] = []
    start = dice.uniform(0.1, 1.2) * scale
    while True:
        end = start + dice.uniform(2.2, 3.6) * scale
        if end > duration:
            return tuple(captions)
        middle = (start + end) / 2
        inside = any(first <= middle < last for first, last in passages)
        telling = inside != dice.chance(0.2)
        opener = dice.pick(words.TELLING_OPENERS if telling else words.CALM_OPENERS)
        text = words.sentence(topic, opener, first_serial + len(captions), seed)
        captions.append(Line(round(start, 2), round(end, 2), text))
        start = end + dice.uniform(0.5, 2.5) * scale
