"""Random choices that come out the same on every machine and with every version of numpy.

numpy promises the raw bits of PCG64 and of SeedSequence for ever, but not what its Generator makes of
them; so everything here is made of the raw bits by exact arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")


class Dice:
    """A stream of random choices, fixed by its key of whole numbers >= 0.

    Example:
        >>> Dice(1, 2).unit() == Dice(1, 2).unit()
        True
        >>> Dice(1, 2).unit() == Dice(1, 3).unit()
        False
    """

    def __init__(self, *key: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(key))

    def unit(self) -> float:
        """Return a number in [0, 1)."""
        return (int(self._bits.random_raw()) >> 11) / 2**53

    def uniform(self, low: float, high: float) -> float:
        """Return a number in [low, high)."""
        return low + (high - low) * self.unit()

    def whole(self, low: int, high: int) -> int:
        """Return a whole number in [low, high], both included."""
        return low + int(self.unit() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return self.unit() < probability

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of ``choices``."""
        return choices[self.whole(0, len(choices) - 1)]

    def shuffled(self, choices: Sequence[T]) -> list[T]:
        """Return ``choices`` in random order."""
        keys = [self.unit() for _ in choices]
        return [choices[place] for place in sorted(range(len(keys)), key=keys.__getitem__)]

    def noise(self, num_samples: int) -> npt.NDArray[np.int64]:
        """Return white noise in [-32768, 32767], shape (num_samples,)."""
        raw = self._bits.random_raw(-(-num_samples // 4))
        return np.asarray(raw, dtype="<u8").view("<i2")[:num_samples].astype(np.int64)
