"""Tables that people write: a .csv with a header line, or JSON lines with the same names."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vidkit.files import read_numbered_json_lines, read_numbered_lines

SUFFIXES = (".csv", ".jsonl")


def table_rows(
    path: str | Path, keys: Sequence[str], *, optional: Sequence[str] = ()
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (place for messages, row) of every row that is not empty, in which no key is missing or empty.

    Args:
        path: .csv or .jsonl.
        keys: Columns that every row has.
        optional: Columns that may join, for messages; any other passes too.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is of another kind, the header or a row lacks a key, or a line is no object;
            the message names the file and the line.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path} is no table by its suffix; known: {', '.join(SUFFIXES)}")
    rows = _csv_rows(path, keys) if path.suffix.lower() == ".csv" else _json_rows(path, keys)
    for place, row in rows:
        missing = [key for key in keys if row.get(key) in (None, "")]
        if missing:
            there = ", ".join(str(key) for key in row if key is not None)
            known = f" and, where it is known, {', '.join(optional)}" if optional else ""
            raise ValueError(
                f"{place}: {', '.join(map(repr, missing))} missing; a row has {','.join(keys)}{known}, this "
                f"one has {there or 'nothing'}"
            )
        yield place, row


def _csv_rows(path: Path, keys: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    lines = read_numbered_lines(path)
    reader = csv.DictReader((text for _, text in lines), skipinitialspace=True)
    names = [name.strip() for name in reader.fieldnames or ()]
    missing = [key for key in keys if key not in names]
    if missing:
        raise ValueError(
            f"{path}: the first line must name the columns {','.join(keys)}; it lacks {', '.join(missing)}: "
            f"{','.join(names)[:80]!r}"
        )
    reader.fieldnames = names
    for row in reader:
        yield f"{path}, line {lines[reader.line_num - 1][0]}", row


def _json_rows(path: Path, keys: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, row in read_numbered_json_lines(path):
        place = f"{path}, line {number}"
        if not isinstance(row, dict):
            raise ValueError(
                f"{place}: an object with {', '.join(keys)} must stand there, got {type(row).__name__}"
            )
        yield place, row
