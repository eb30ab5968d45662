"""Lines of a file that a person or another tool wrote: what is wrong is said with its place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.files import read_numbered_json_lines

_NAMES = {"vid": "video"}


def checked_rows(path: str | Path, keys: Sequence[str], *, unique: str) -> list[tuple[str, dict[str, Any]]]:
    """Return (place for messages, row) of every line that is not empty.

    Args:
        path: JSON lines.
        keys: What every row must have.
        unique: The key that names a row; a number and its digits as a text are the same name.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line is no object, lacks a key or repeats a name; the message says which line.
    """
    rows = []
    seen: dict[str, int] = {}
    for number, row in read_numbered_json_lines(path):
        place = f"{path}, line {number}"
        if not isinstance(row, dict):
            raise ValueError(
                f"{place}: an object with {', '.join(keys)} must stand there, got {type(row).__name__}"
            )
        missing = [key for key in keys if key not in row]
        if missing:
            raise ValueError(f"{place}: {', '.join(map(repr, missing))} missing; it has {', '.join(row)}")
        first = seen.setdefault(str(row[unique]), number)
        if first != number:
            name = _NAMES.get(unique, unique)
            raise ValueError(f"{place}: {name} {row[unique]!r} stands twice, first in line {first}; keep one")
        rows.append((place, row))
    return rows


def checked_numbers(value: Any, place: str, key: str, *, num_axes: int) -> np.ndarray:
    """Return ``value`` as finite float64 with so many axes.

    Raises:
        ValueError: If it holds anything else; the message begins with the place and the key.

    Example:
        >>> checked_numbers([1, 2.5], "line 1", "scores", num_axes=1)
        array([1. , 2.5])
    """
    try:
        numbers = np.asarray(value)
    except ValueError:  # rows of different lengths
        numbers = np.empty(0, dtype=object)
    if numbers.dtype.kind not in "iuf" or numbers.ndim != num_axes or not np.isfinite(numbers).all():
        form = (
            "a finite number",
            "a list of finite numbers",
            "a list of rows of finite numbers, of one length",
        )
        raise ValueError(f"{place}: {key} must be {form[num_axes]}")
    return numbers.astype(np.float64)
