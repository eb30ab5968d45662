"""Files that are whole or absent: atomic writes, JSON and JSON lines.

A reader never sees a half-written file: text and arrays go to a temporary file in the same folder,
which replaces the target only when it is complete, and on the disk.
"""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; it replaces ``path`` when the block succeeds.

    The temporary file keeps the suffix of ``path`` (writers choose their format by it) and is
    removed when the block raises, Ctrl-C included. Parent folders are made. The file is on the disk before
    it takes its place, so that a loss of power leaves the old one or the new one, never half of it.

    Raises:
        OSError: If the folder cannot be made or written.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "a.txt"
        >>> with atomic_path(target) as temporary:
        ...     _ = temporary.write_text("whole")
        >>> target.read_text()
        'whole'
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        prefix=f".{target.stem}.", suffix=f".tmp{target.suffix}", dir=target.parent
    )
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        mode = 0o666 & ~_umask()
        temporary.chmod(mode)  # mkstemp makes files that only their owner reads
        _to_disk(temporary, os.O_RDWR)
        os.replace(temporary, target)
        if os.name == "posix":  # Windows opens no folders, and keeps their order itself
            _to_disk(target.parent, os.O_RDONLY)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` to ``path`` atomically, as UTF-8."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically. NaN is refused with ValueError."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def write_json_lines(path: str | Path, rows: Iterable[Any]) -> None:
    """Write one JSON value a line, atomically. NaN is refused with ValueError."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Return the JSON value in ``path``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not JSON; the message names the file and the line.
    """
    try:
        return json.loads(_read(path))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}, line {error.lineno}: not valid JSON ({error.msg})") from error


def read_json_lines(path: str | Path) -> list[Any]:
    """Return the JSON values in ``path``, one a line; empty lines are skipped.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line is not JSON; the message names the file and the line.
    """
    return [row for _, row in read_numbered_json_lines(path)]


def read_numbered_json_lines(path: str | Path) -> list[tuple[int, Any]]:
    """Return (number of the line, JSON value) of every line that is not empty; lines count from 1.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line is not JSON; the message names the file and the line.
    """
    rows = []
    for number, line in read_numbered_lines(path):
        try:
            rows.append((number, json.loads(line)))
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}, line {number}: not valid JSON ({error.msg})") from error
    return rows


def read_numbered_lines(path: str | Path) -> list[tuple[int, str]]:
    """Return (number, text) of every line that is not empty; lines count from 1.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not UTF-8.
    """
    return [(number, line) for number, line in enumerate(_read(path).split("\n"), start=1) if line.strip()]


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise FileNotFoundError(f"no such file: {path}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text ({error.reason}); save it as UTF-8") from error


def _to_disk(path: Path, mode: int) -> None:
    handle = os.open(path, mode)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems cannot
            raise
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
