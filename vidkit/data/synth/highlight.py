"""What a highlight looks like: the scene pulses and a radial pattern in two colours lies over it.

The five kinds differ in pattern, every occasion in colours, middle, number of arms and speed. The pattern
swings about zero, so a highlight changes the structure of the picture and hardly its mean colour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vidkit.data.synth.dice import Dice
from vidkit.data.synth.script import Highlight
from vidkit.data.synth.shapes import BOLD, polar, swing

RAMP_MS = 160  # a highlight swells and fades; only cuts are hard
NUM_SPARKS = 48


@dataclass(frozen=True)
class Occasion:
    """The details of one highlight."""

    kind: str
    start_ms: int
    end_ms: int
    middle: tuple[int, int]  # off the middle of the picture, in pixels down and right
    arms: int
    ring_pixels: int
    turns_ms: int  # time of one turn of the pattern's phase
    colour: npt.NDArray[np.int16]  # added where the pattern is up, taken away where it is down
    sparks: tuple[tuple[int, int, int], ...]  # direction (two parts) and phase

    @classmethod
    def of(cls, highlight: Highlight, *, height: int, width: int) -> Occasion:
        """Return the details of ``highlight`` in a picture of a given size."""
        dice = Dice(highlight.key)
        middle = (dice.whole(-height // 12, height // 12), dice.whole(-width // 10, width // 10))
        sizes = dice.shuffled((dice.whole(75, 105), dice.whole(45, 85), dice.whole(20, 50)))
        signs = dice.pick(((1, 1, -1), (1, -1, 1), (-1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)))
        return cls(
            kind=highlight.kind,
            start_ms=round(1000 * highlight.start),
            end_ms=round(1000 * highlight.end),
            middle=middle,
            arms=dice.whole(3, 7),
            ring_pixels=height * dice.whole(26, 44) // 100,
            turns_ms=dice.whole(1_400, 3_200) * (1 if dice.chance(0.5) else -1),
            colour=np.array([size * sign for size, sign in zip(sizes, signs)], np.int16),
            sparks=tuple(
                (dice.whole(-100, 100), dice.whole(-100, 100), dice.whole(0, 999)) for _ in range(NUM_SPARKS)
            ),
        )


def add_highlight(frame: npt.NDArray[np.uint8], occasion: Occasion, time_ms: int) -> npt.NDArray[np.uint8]:
    """Return ``frame``, uint8 (H, W, 3), with the highlight as it is at ``time_ms`` of the video."""
    height, width, _ = frame.shape
    strength = min(time_ms - occasion.start_ms + 40, occasion.end_ms - time_ms, RAMP_MS)
    pattern = _pattern(occasion, height, width, time_ms - occasion.start_ms)
    pattern = pattern * np.int16(max(strength, 0) * 64 // RAMP_MS) >> 6  # (H, W), -127 .. 127
    pulsing = _zoomed(frame, 256 + 26 + swing(time_ms, abs(occasion.turns_ms), 0, 26)).astype(np.int16)
    return np.clip(pulsing + (pattern[..., None] * occasion.colour >> 7), 0, 255).astype(np.uint8)


def _pattern(occasion: Occasion, height: int, width: int, elapsed_ms: int) -> npt.NDArray[np.int16]:
    angles, radii = polar(2 * height, 2 * width)
    top, left = height // 2 - occasion.middle[0], width // 2 - occasion.middle[1]
    angle = angles[top : top + height, left : left + width]
    radius = radii[top : top + height, left : left + width]
    phase = elapsed_ms * 256 // occasion.turns_ms % 256
    arms = angle * np.uint8(occasion.arms)  # wraps at 256 as an angle should
    rings = (radius.astype(np.uint32) * 256 // occasion.ring_pixels).astype(np.uint8)
    forth, back = np.uint8(phase), np.uint8(-phase % 256)
    if occasion.kind == "rays":
        return np.asarray(BOLD[arms + forth])
    if occasion.kind == "rings":
        return np.asarray(BOLD[rings + back])
    if occasion.kind == "spiral":
        return np.asarray(BOLD[arms + rings + back])
    petals = np.asarray(BOLD[arms + forth] * (BOLD[rings + back] >> 1) >> 6)
    if occasion.kind == "petals":
        return petals
    return _with_sparks(petals >> 1, occasion, elapsed_ms)


def _with_sparks(
    pattern: npt.NDArray[np.int16], occasion: Occasion, elapsed_ms: int
) -> npt.NDArray[np.int16]:
    """Light and dark squares that fly outwards, over a weak pattern."""
    height, width = pattern.shape
    side = height // 11
    for count, (down, right, phase) in enumerate(occasion.sparks):
        way = (elapsed_ms // 2 + phase) % 1000  # one flight takes two seconds
        y = height // 2 + occasion.middle[0] + down * way * height // 140_000 - side // 2
        x = width // 2 + occasion.middle[1] + right * way * width // 140_000 - side // 2
        pattern[max(y, 0) : max(y + side, 0), max(x, 0) : max(x + side, 0)] = 127 if count % 2 else -127
    return pattern


def _zoomed(frame: npt.NDArray[np.uint8], zoom: int) -> npt.NDArray[np.uint8]:
    """Return the frame enlarged about its middle by zoom / 256 >= 1, nearest pixels."""
    height, width, _ = frame.shape
    rows = height // 2 + (np.arange(height) - height // 2) * 256 // zoom
    columns = width // 2 + (np.arange(width) - width // 2) * 256 // zoom
    return np.asarray(frame[rows][:, columns])
