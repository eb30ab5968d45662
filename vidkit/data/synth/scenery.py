"""The look of a topic: a landscape of two layers under a sky, wider than the picture and periodic.

A panorama is an image of palette indices: 0..95 sky, 96..175 far layer, 176..255 near layer. Colour comes
from a palette of 256 RGB rows, so a drift of the light changes 256 rows and not every pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vidkit.data.synth.dice import Dice
from vidkit.data.synth.shapes import SINE, SINE_STEPS

Ints = npt.NDArray[np.int64]
Colour = tuple[int, int, int]
SKY, FAR, NEAR, END = 0, 96, 176, 256  # where the bands of the palette begin
MARGIN = 24  # rows more than the picture has, for bobbing and shaking


@dataclass(frozen=True)
class Look:
    """How a topic looks and moves.

    ``colours`` are both ends of the sky, far and near band, as RGB; ``ridge`` the outline of the layers,
    ``texture`` their surface; speeds are in 320ths of the picture's width per second, sway and bob in
    320ths of the width.
    """

    colours: str
    ridge: str
    texture: str
    speed: int
    sway: int
    bob: int


LOOKS = {
    "ocean": Look("78beeb cde8f0 145a96 46a0c8 0a3c6e 3cbec8", "waves", "ripples", speed=12, sway=0, bob=7),
    "forest": Look("96c8be e1ebc8 235a3c 5a965a 0f371e 4b7d2d", "firs", "streaks", speed=5, sway=8, bob=0),
    "city": Look("5a5f96 ebbeaf 4b4b73 7d78a0 23233c f0d782", "blocks", "windows", speed=26, sway=0, bob=0),
    "desert": Look("6eafdc fae1b4 cd824b ebb46e a55a2d f0c378", "dunes", "ripples", speed=4, sway=0, bob=3),
    "mountain": Look("5f8ccd d7e4f5 6e7d9b ebf0fa 41556e d7e1f0", "peaks", "caps", speed=9, sway=4, bob=0),
    "space": Look("08081c 785a96 462d6e 965faa 231937 7d6e82", "dunes", "craters", speed=18, sway=0, bob=5),
    "garden": Look("a5d7f5 f0f5e1 509b55 96c86e 3c7832 eb78a5", "bumps", "flowers", speed=5, sway=10, bob=2),
    "kitchen": Look("e1cdaa f5ebd7 965f3c cd9669 46787d ebebe1", "shelf", "tiles", speed=0, sway=16, bob=0),
}


@dataclass(frozen=True)
class Panorama:
    """One camera position: indices of sky and far layer, indices and place of the near layer.

    All of shape (height + MARGIN, period + width): the columns repeat after ``period``.
    """

    far: npt.NDArray[np.uint8]
    near: npt.NDArray[np.uint8]
    is_near: npt.NDArray[np.bool_]
    palette: Ints
    period: int


def build_panorama(
    dice: Dice, look: Look, tint: Colour, *, variant: int, height: int, width: int
) -> Panorama:
    """Return camera position ``variant`` (0 wide, 1 close, 2 from below) of a topic's landscape."""
    period = 3 * width
    x = np.arange(period)
    y = np.arange(height + MARGIN)[:, None]
    horizon = (52, 40, 66)[variant] * height // 100 + MARGIN // 2
    size = (10, 16, 12)[variant] * height // 100  # how far the ridges rise and fall
    zoom = (2, 1, 2)[variant]
    depth = (20, 30, 34)[variant] * height // 100  # from the far ridge to the near one
    far_ridge = horizon + _ridge(dice, look.ridge, x, size, zoom)
    near_ridge = horizon + depth + _ridge(dice, look.ridge, x, size * 3 // 2, max(zoom // 2, 1))
    contrast = (2, 3, 5)[dice.whole(0, 2)]  # one position may be busier than a highlight
    surface = _texture(look.texture, x[None, :], y, height, zoom) * contrast // 4
    sky = SKY + 2 + y * 88 // (height + MARGIN) + np.zeros_like(x)
    if look.texture in ("craters", "tiles"):
        sky = sky + (
            _texture("stars" if look.texture == "craters" else "tiles", x[None, :], y, height, 2) >> 1
        )
    sky = np.clip(sky, SKY, FAR - 1)
    hills = FAR + 18 + np.clip((y - far_ridge) * 80 // height, 0, 40) + surface
    ground = NEAR + 18 + np.clip((y - near_ridge) * 80 // height, 0, 36) + surface
    far = np.where(y >= far_ridge, np.clip(hills, FAR, NEAR - 1), sky)
    near = np.clip(ground, NEAR, END - 1)
    is_near = y >= near_ridge
    if dice.chance(0.5):
        far, near, is_near = far[:, ::-1], near[:, ::-1], is_near[:, ::-1]
    palette = _palette(look.colours.split(), tint, dice)
    return Panorama(
        far=_repeat(far, width).astype(np.uint8),
        near=_repeat(near, width).astype(np.uint8),
        is_near=_repeat(is_near, width),
        palette=palette,
        period=period,
    )


def _palette(colours: list[str], tint: Colour, dice: Dice) -> Ints:
    """Return 256 RGB rows in the position's own light. They may leave 0..255: the drift comes after it."""
    light, colourful = dice.whole(120, 310), dice.whole(110, 400)  # 256ths
    rows = []
    for place, (start, end) in enumerate(((SKY, FAR), (FAR, NEAR), (NEAR, END))):
        steps = np.arange(end - start)[:, None]
        first, last = (np.array(list(bytes.fromhex(colour))) for colour in colours[2 * place : 2 * place + 2])
        rows.append(first + (last - first) * steps // (end - start - 1))
    offset = np.array(tint) + [dice.whole(-14, 14) for _ in range(3)]
    palette = np.concatenate(rows) + offset
    grey = palette.sum(axis=1, keepdims=True) // 3
    return np.asarray((grey + (palette - grey) * colourful // 256) * light // 256, dtype=np.int64)


def _ridge(dice: Dice, kind: str, x: Ints, size: int, zoom: int) -> Ints:
    """Return the height of the ridge below its mean, in pixels (up is negative), shape of x."""
    period = len(x)
    phases = [dice.whole(0, SINE_STEPS - 1) for _ in range(2)]

    def wave(turns: int, place: int) -> Ints:
        return SINE[(x * turns * SINE_STEPS // period + phases[place]) % SINE_STEPS]

    slow = (wave(2, 0) + wave(5, 1) // 2) * size >> 12
    if kind == "waves":
        return (wave(7 * zoom, 0) + wave(12 * zoom, 1)) * size >> 14
    if kind == "dunes":
        return slow
    if kind == "bumps":
        return (slow >> 1) - (abs(wave(6 * zoom, 0)) * size >> 12)
    if kind == "firs":
        tooth = period // (24 * zoom)
        return (slow >> 1) + abs(x % tooth - tooth // 2) * 3 * size // tooth - size
    knots = 18 * zoom if kind == "blocks" else 10 * zoom
    heights = np.array([dice.whole(-size * 3 // 2, size) for _ in range(knots)])
    place, inside = x * knots // period, x * knots % period
    if kind == "peaks":
        following = heights[(place + 1) % knots]
        return np.asarray(heights[place] + (following - heights[place]) * inside // period)
    if kind == "blocks":
        return np.asarray(heights[place])
    return np.where(heights[place] < -size // 2, -size, 0)  # shelf: flat, with boxes on it


def _texture(kind: str, x: Ints, y: Ints, height: int, zoom: int) -> Ints:
    """Return the surface as an offset of the palette index, about -16 .. 40."""
    unit = max(height // (10 * zoom), 4)
    if kind == "ripples":
        bend = SINE[(x * SINE_STEPS // (4 * unit)) % SINE_STEPS] * unit >> 13
        return np.asarray(SINE[((y + bend) * SINE_STEPS // unit) % SINE_STEPS] * 14 >> 12)
    if kind == "streaks":
        return (SINE[(x * SINE_STEPS // unit) % SINE_STEPS] * 12 >> 12) + 0 * y
    if kind == "windows":
        lit = (x % unit < unit // 2) & (y % unit < unit * 2 // 3) & ((x // unit * 7 + y // unit * 5) % 3 != 0)
        return np.where(lit, 38, -8)
    if kind == "caps":
        return np.where((x + 2 * y) % (3 * unit) < unit, 26, -6)
    if kind == "tiles":
        return np.where((x // unit + y // unit) % 2 == 0, 24, -8)
    spot = (x + y // (2 * unit) * 5) % (2 * unit) - unit, y % (2 * unit) - unit
    squared = spot[0] * spot[0] + spot[1] * spot[1]
    if kind == "stars":
        lonely = (x // (2 * unit) * 7 + y // (2 * unit) * 11) % 5 < 2
        return np.where((squared * 20 < unit * unit) & lonely, 150, 0)
    if kind == "craters":
        return np.where(squared * 3 < unit * unit, -16, np.where(squared * 2 < unit * unit, 22, 0))
    return np.where(squared * 5 < unit * unit, 40, -6)  # flowers


def _repeat(columns: npt.NDArray[Any], width: int) -> npt.NDArray[Any]:
    return np.ascontiguousarray(np.concatenate([columns, columns[:, :width]], axis=1))
