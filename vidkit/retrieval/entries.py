"""What the rows of an index stand for, kept in SQLite beside the vectors.

A file is written once and never changed, so that readers take no locks and the folder may be read-only.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, get_args
from urllib.parse import quote

Kind = Literal["video", "moment"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Row = tuple[int, str, str, float, float, int, str]
"""An entry as the file holds it: id, video_id, path, start, end, place of the kind in ``KINDS``, text."""

_COLUMNS = 'id, video_id, path, start, "end", kind, text'
_TABLE = """CREATE TABLE entries (
    id INTEGER PRIMARY KEY, video_id TEXT NOT NULL, path TEXT NOT NULL,
    start REAL NOT NULL, "end" REAL NOT NULL, kind INTEGER NOT NULL, text TEXT NOT NULL)"""
_MAPPED_BYTES = 2**31 - 2**16  # the most that SQLite maps
_MAX_VARIABLES = 900  # older SQLite takes 999 in a statement


@dataclass(frozen=True)
class Entry:
    """What a vector stands for: a video, or a moment [start, end) of it, in seconds.

    Args:
        text: What is shown with an answer: the sentence of a moment, the beginning of a video's text.

    Raises:
        ValueError: If a time is not finite or negative, the end lies before the start, the kind is unknown,
            or a text has half a character, as names of files can that are not UTF-8.

    Example:
        >>> Entry("talk", "videos/talk.mp4", 0.5, 2.5, text="Hello.").kind
        'moment'
    """

    video_id: str
    path: str
    start: float
    end: float
    kind: Kind = "moment"
    text: str = ""

    def __post_init__(self) -> None:
        if not (0 <= self.start <= self.end and math.isfinite(self.end)):
            raise ValueError(
                f"{self.video_id!r}: needs 0 <= start <= end in seconds, got {self.start} to {self.end}"
            )
        if self.kind not in KINDS:
            raise ValueError(f"{self.video_id!r}: unknown kind {self.kind!r}; known: {', '.join(KINDS)}")
        try:
            f"{self.video_id}{self.path}{self.text}".encode()
        except UnicodeEncodeError:
            raise ValueError(f"{self.path!r} cannot be written as UTF-8; rename the file") from None


class Hit(NamedTuple):
    """An answer: what an entry says, its id in the index, and the cosine with the query, in [-1, 1]."""

    video_id: str
    path: str
    start: float
    end: float
    kind: Kind
    text: str
    id: int
    score: float

    @classmethod
    def of(cls, row: Row, score: float) -> Hit:
        """Return the answer that a row is."""
        number, video_id, path, start, end, kind, text = row
        return cls(video_id, path, start, end, KINDS[kind], text, number, score)

    def to_json(self) -> dict[str, str | float]:
        """Return the keys that ``vidkit search --json`` prints."""
        return {
            "video_id": self.video_id,
            "path": self.path,
            "start": self.start,
            "end": self.end,
            "score": self.score,
            "text": self.text,
        }


def row_of(number: int, entry: Entry) -> Row:
    """Return the row of an entry with the id ``number``."""
    kind = KINDS.index(entry.kind)
    return number, entry.video_id, entry.path, float(entry.start), float(entry.end), kind, entry.text


class EntriesWriter:
    """Write rows into a new file, as a context manager; it is whole when the block ends.

    Raises:
        OSError: If the disk is full or not writable.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = sqlite3.connect(path, isolation_level=None)
            self._file.execute("PRAGMA journal_mode = OFF")  # a file that is not finished is thrown away
            self._file.execute("PRAGMA synchronous = OFF")  # whoever renames its folder puts it on the disk
            self._file.execute(_TABLE)
            self._file.execute("BEGIN")
        except sqlite3.OperationalError as error:
            raise OSError(f"cannot write {path}: {error}; make room and run again") from error

    def __enter__(self) -> EntriesWriter:
        return self

    def append(self, rows: Iterable[Row]) -> None:
        """Append rows whose ids are new."""
        try:
            self._file.executemany(f"INSERT INTO entries ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        except sqlite3.OperationalError as error:
            raise OSError(f"cannot write {self._path}: {error}; make room and run again") from error

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with closing(self._file):
            if kind is None:
                try:
                    self._file.execute("COMMIT")
                    self._file.execute("CREATE INDEX by_video ON entries (video_id)")
                except sqlite3.OperationalError as error:
                    raise OSError(f"cannot write {self._path}: {error}; make room and run again") from error


class Entries:
    """Read rows of a finished file.

    Raises:
        ValueError: If it is no such file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
        try:
            self._file = sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None)
            self._file.execute(f"PRAGMA mmap_size = {_MAPPED_BYTES}")  # rows are read without calls
            self._file.execute(f"SELECT {_COLUMNS} FROM entries LIMIT 1").fetchall()
        except sqlite3.Error as error:
            raise ValueError(f"{path} is damaged ({error}); build the index again") from error

    def rows(self, ids: Sequence[int]) -> list[Row]:
        """Return the rows with these ids, in any order; an id that is not here has none."""
        return list(self._where("id", ids))

    def ids_of_videos(self, video_ids: Sequence[str]) -> dict[int, str]:
        """Return the ids of the rows of these videos, and which video each is of."""
        return {row[0]: row[1] for row in self._where("video_id", video_ids)}

    def videos(self, without: Sequence[int] = ()) -> dict[str, str]:
        """Return the path of each video that has a row other than ``without``."""
        if not without:
            return dict(self._file.execute("SELECT DISTINCT video_id, path FROM entries"))
        gone = set(without)
        found = self._file.execute("SELECT id, video_id, path FROM entries ORDER BY id")
        return {video_id: path for number, video_id, path in found if number not in gone}

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _where(self, column: str, values: Sequence[int] | Sequence[str]) -> Iterator[Row]:
        for first in range(0, len(values), _MAX_VARIABLES):
            part = values[first : first + _MAX_VARIABLES]
            marks = ",".join("?" * len(part))
            try:
                yield from self._file.execute(
                    f"SELECT {_COLUMNS} FROM entries WHERE {column} IN ({marks})", tuple(part)
                )
            except sqlite3.DatabaseError as error:
                raise ValueError(f"{self._path} is damaged ({error}); build the index again") from error
