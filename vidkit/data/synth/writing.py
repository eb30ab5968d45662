"""Writing a script: highlights, passages, cuts, noises, events and captions are put in their places."""

from __future__ import annotations

import math
from itertools import pairwise

from vidkit.data.synth import words
from vidkit.data.synth.dice import Dice
from vidkit.data.synth.events import place_events
from vidkit.data.synth.marks import place_marks
from vidkit.data.synth.passages import Interval, place_passages
from vidkit.data.synth.script import NUM_VARIANTS, VERSION, Highlight, Line, Mark, Script, Stretch

HIGHLIGHT_SHARE = (0.11, 0.14)  # rounding to steps keeps it within 0.10 .. 0.15
HIGHLIGHT_SECONDS = (1.0, 6.0)  # of one occasion, where the video is long enough
KINDS = ("rays", "rings", "spiral", "petals", "sparks")


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
    passages = place_passages(dice, duration_seconds, [(part.start, part.end) for part in highlights])
    scenes = _scenes(dice, duration_seconds, len(highlights), passages)
    motions = _stretches(dice, duration_seconds, (0.8, 2.4), (1.5, 4.5), ("pan", "shake", "flock"))
    noises = _stretches(dice, duration_seconds, (0.3, 1.2), (1.5, 5.5), ("burst", "rumble", "clatter"))
    bands, chords = place_marks(dice, [(scene.start, scene.end) for scene in scenes], passages)
    events, distractors = place_events(dice, duration_seconds, words.hero(topic, round_number, seed))
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
        bands=tuple(Mark(*times) for times in bands),
        chords=tuple(Mark(*times) for times in chords),
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


def _scenes(
    dice: Dice, duration: float, num_highlights: int, passages: tuple[Interval, ...]
) -> tuple[Stretch, ...]:
    """Camera positions with hard cuts between them, more cuts than highlights; a passage is whole scenes."""
    mean_seconds = min(2.4, duration / (2.5 * (num_highlights + 1)))
    home = dice.whole(0, NUM_VARIANTS - 1)  # half of the scenes; the others are far from the mean picture
    variant = dice.whole(0, NUM_VARIANTS - 1)
    scenes = []
    for start, stop in _parts(duration, passages):
        while start < stop:
            end = round(start + mean_seconds * dice.uniform(0.5, 1.6), 2)
            if stop - end < 0.4 * mean_seconds:
                end = stop
            scenes.append(Stretch(start, end, str(variant), dice.whole(0, 2**31)))
            start = end
            away = (home + dice.whole(1, NUM_VARIANTS - 1)) % NUM_VARIANTS
            variant = away if variant == home else home
    return tuple(scenes)


def _parts(duration: float, passages: tuple[Interval, ...]) -> list[Interval]:
    """Return the video cut at the borders of the passages."""
    edges = {0.0, duration, *(edge for passage in passages for edge in passage)}
    return list(pairwise(sorted(edges)))


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


def _captions(
    dice: Dice,
    duration: float,
    topic: str,
    first_serial: int,
    seed: int,
    passages: tuple[Interval, ...],
) -> tuple[Line, ...]:
    """Captions for about two thirds of the time, none across the border of a passage.

    A passage begins and ends with a sentence; within passages the opener mostly tells so.
    """
    scale = min(1.0, duration / 8)
    captions: list[Line] = []
    for part in _parts(duration, passages):
        inside = part in passages
        pause = scale * (dice.uniform(0.0, 0.3) if inside else dice.uniform(0.1, 1.2))
        for start, end in _sentences(dice, part[0] + pause, part[1], scale):
            telling = inside != dice.chance(0.2)
            opener = dice.pick(words.TELLING_OPENERS if telling else words.CALM_OPENERS)
            text = words.sentence(topic, opener, first_serial + len(captions), seed)
            captions.append(Line(round(start, 2), round(end, 2), text))
    return tuple(captions)


def _sentences(dice: Dice, start: float, stop: float, scale: float) -> list[Interval]:
    """Return when sentences are said, the first from ``start``, the last until shortly before ``stop``.

    Empty if not even one of usual length fits.
    """
    shortest = 1.4 * scale
    times: list[Interval] = []
    while stop - start > shortest:
        end = start + dice.uniform(2.2, 3.6) * scale
        if stop - end < 2.0 * scale:  # no room for a pause and another one
            end = max(stop - dice.uniform(0.0, 0.3) * scale, start + shortest)
        times.append((start, end))
        pause = dice.uniform(0.5, 2.5) * scale
        start = end + min(pause, max(stop - end - 1.7 * scale, 0.5 * scale))
    return times
