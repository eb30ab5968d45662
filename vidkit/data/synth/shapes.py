"""Tables and shapes in whole numbers, from which all pictures are made.

Sines come from tables that were rounded once, roots are exact by IEEE 754 and angles are rounded far from
a tie, so the pixels do not depend on the machine.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
SINE_STEPS = 1024  # a full turn of SINE
SINE: npt.NDArray[np.int64] = np.array(
    [round(4096 * math.sin(2 * math.pi * step / SINE_STEPS)) for step in range(SINE_STEPS)], np.int64
)
# A full turn in 256 steps, -127 .. 127, flattened at the tops so that patterns look bold.
BOLD: npt.NDArray[np.int16] = np.clip(SINE[::4] * 220 // 4096, -127, 127).astype(np.int16)


def swing(time_ms: int, period_ms: int, phase: int, size: int) -> int:
    """Return a sine of time, rounded down, in [-size, size]; ``phase`` counts 1024ths of a turn."""
    return int(SINE[(time_ms * SINE_STEPS // period_ms + phase) % SINE_STEPS]) * size >> 12


@lru_cache(maxsize=8)
def polar(height: int, width: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16]]:
    """Return angle (256ths of a turn) and radius (pixels) about the middle, shape (height, width) each."""
    y = np.arange(height)[:, None] - height // 2 + 0.37  # off the pixels, so no angle is near a tie
    x = np.arange(width)[None, :] - width // 2 + 0.41
    angle = np.floor(np.arctan2(y, x) * (128 / math.pi)).astype(np.int64) % 256
    radius = np.floor(np.sqrt(y * y + x * x))
    return angle.astype(np.uint8), radius.astype(np.uint16)


@lru_cache(maxsize=512)
def shape_mask(shape: str, size: int) -> Mask:
    """Return where a shape is, shape (size, size).

    Example:
        >>> shape_mask("cross", 6).astype(int)[:3]
        array([[0, 0, 1, 1, 0, 0],
               [0, 0, 1, 1, 0, 0],
               [1, 1, 1, 1, 1, 1]])
    """
    y, x = np.mgrid[0:size, 0:size]
    u, v = 2 * x + 1 - size, 2 * y + 1 - size  # -size .. size, symmetric
    squared = u * u + v * v
    masks = {
        "circle": squared <= size * size,
        "square": np.maximum(abs(u), abs(v)) <= size * 85 // 100,
        "triangle": 2 * abs(u) <= v + size,
        "star": _star(u, v, size),
        "ring": (squared <= size * size) & (9 * squared >= 3 * size * size),
        "cross": np.minimum(abs(u), abs(v)) <= size // 3,
        "diamond": abs(u) + abs(v) <= size,
    }
    return np.asarray(masks[shape])


def outline(mask: Mask, pixels: int) -> Mask:
    """Return the mask padded by ``pixels`` on each side and grown by as much."""
    grown = np.pad(mask, pixels)
    for _ in range(pixels):
        grown[1:] |= grown[:-1].copy()
        grown[:-1] |= grown[1:].copy()
        grown[:, 1:] |= grown[:, :-1].copy()
        grown[:, :-1] |= grown[:, 1:].copy()
    return grown


def _star(u: npt.NDArray[np.int64], v: npt.NDArray[np.int64], size: int) -> Mask:
    """Two triangles over each other: a star of six points."""
    up = (2 * abs(u) <= v + size) & (2 * v <= size)
    down = (2 * abs(u) <= size - v) & (2 * v >= -size)
    return np.asarray(up | down)
