"""What happens when in a synthetic video: the plan, before anything is drawn.

All times are seconds from the start of the video, intervals are [start, end). A plan depends on
(VERSION, seed, index of the video, duration) alone, not on the number of videos or the size of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

VERSION = "2"  # a change of any plan, pixel or sample needs a new one: published numbers stand on it

NUM_VARIANTS = 3
WINDOW_SECONDS = 2.0  # the grid of QVHighlights


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


class Mark(NamedTuple):
    """A time in which a cue of passages is seen or heard, under a passage or as a decoy."""

    start: float
    end: float


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
    video, ``passages`` the clips worth keeping, ``bands`` in the picture and ``chords`` in the sound hint at
    them.
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
    bands: tuple[Mark, ...]
    chords: tuple[Mark, ...]

    @property
    def cuts(self) -> tuple[float, ...]:
        """The times of the hard cuts."""
        return tuple(scene.start for scene in self.scenes[1:])
