"""The index of an archive, and every way to change it."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vidkit.files import atomic_path
from vidkit.retrieval.approximate import IndexKind, check_kind
from vidkit.retrieval.entries import Entry, row_of
from vidkit.retrieval.exact import Floats, Positions
from vidkit.retrieval.lock import writer_lock
from vidkit.retrieval.manifest import (
    LOCK,
    MANIFEST,
    SEGMENTS,
    Manifest,
    read_manifest,
    remove_leftovers,
    write_manifest,
)
from vidkit.retrieval.merging import merged_batches, places_to_merge
from vidkit.retrieval.reading import IndexReader, unit_vectors
from vidkit.retrieval.segment import Batch, write_segment

Tell = Callable[[float, str], None]
_Numbered = tuple[Floats, Sequence[Entry], list[int]]

_WAIT_SECONDS = 60.0


def _tell_nothing(share: float, text: str) -> None: ...


class Index(IndexReader):
    """Vectors of one encoder with what they stand for, in a folder.

    Several programs may read it while one writes. A reader keeps what it opened until ``refresh``. Every
    change is whole or absent, whenever its program ends. Vectors are scaled to length 1: scores are cosines.

    Args:
        path: Folder of an index that ``create`` made.
        encoder: What is going to make the queries, with a "fingerprint"; None checks nothing.
        wait_seconds: How long another writer is waited for.

    Raises:
        FileNotFoundError: If there is no index.
        ValueError: If it is damaged, or another encoder made it.

    Example:
        >>> import tempfile
        >>> with Index.create(tempfile.mkdtemp() + "/index", dim=2, encoder={"fingerprint": "a"}) as index:
        ...     ids = index.add([[3, 4], [0, 2]], [Entry("a", "a.mp4", 0, 1), Entry("b", "b.mp4", 5, 9)])
        ...     hit = index.search([[0.0, 1.0]], k=1)[0][0]
        >>> ids.tolist(), hit.video_id, hit.start, hit.score
        ([0, 1], 'b', 5.0, 1.0)
    """

    def __init__(
        self,
        path: str | Path,
        *,
        encoder: Mapping[str, Any] | None = None,
        wait_seconds: float = _WAIT_SECONDS,
    ) -> None:
        super().__init__(path, encoder=encoder)
        self.wait_seconds = wait_seconds

    @classmethod
    def open(cls, path: str | Path, *, encoder: Mapping[str, Any] | None = None) -> Index:
        """Return the index in a folder; arguments and errors as of the class."""
        return cls(path, encoder=encoder)

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        dim: int,
        encoder: Mapping[str, Any],
        kind: IndexKind = "auto",
        target_recall: float = 0.95,
    ) -> Index:
        """Make an empty index.

        Args:
            path: Folder; made if absent.
            dim: Channels of the vectors, >= 1.
            encoder: What makes them, as JSON values; its "fingerprint" must change whenever the vectors may.
            kind: "exact", "ivf", "ivf_pq", "hnsw", or "auto" by size and memory; exact below 10,000 vectors.
            target_recall: Of the 10 nearest, in (0, 1].

        Raises:
            ValueError: If an argument is out of its range.
            FileExistsError: If there is an index.
            OSError: If the folder cannot be written.
        """
        if dim < 1:
            raise ValueError(f"dim must be at least 1, got {dim}")
        check_kind(kind)
        if not 0 < target_recall <= 1:
            raise ValueError(f"target_recall must be in (0, 1], got {target_recall}")
        if not encoder.get("fingerprint"):
            raise ValueError("encoder needs a fingerprint, such as that of Encoder.fingerprint()")
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        with writer_lock(folder / LOCK, wait_seconds=_WAIT_SECONDS):
            if (folder / MANIFEST).exists():
                raise FileExistsError(f"{folder} has an index; add to it, or give another folder")
            write_manifest(folder, Manifest(dim, dict(encoder), kind, target_recall))
        return cls(folder)

    def add(
        self,
        vectors: ArrayLike,
        entries: Sequence[Entry],
        *,
        ids: Sequence[int] | None = None,
        replace_videos: bool = False,
    ) -> Positions:
        """Add vectors and return their ids, (N,).

        Args:
            vectors: (N, D).
            entries: What they stand for, N. A video comes with all its entries at once.
            ids: Of the vectors; None counts on. An id is never given twice.
            replace_videos: Whether entries of the same videos that are here go in the same step.

        Raises:
            ValueError: If the shapes differ, a vector is zero or not finite, an id or a video is here
                already, or an id stands twice.
            TimeoutError: If another program writes for too long.
            OSError: If the disk is full or not writable; the index is as it was.
        """
        if ids is None:
            return self.add_batches([(vectors, entries)], replace_videos=replace_videos)
        rows, numbers = unit_vectors(vectors, self.dim, "vectors"), [int(number) for number in ids]
        if not len(rows) == len(entries) == len(numbers):
            raise ValueError(
                f"{len(rows)} vectors need as many entries and ids, got {len(entries)} and {len(ids)}"
            )
        order = np.argsort(np.array(numbers, dtype=object), kind="stable").tolist()  # of any size

        def numbered(next_id: int) -> Iterator[_Numbered]:
            self._check_new(numbers)
            yield rows[order], [entries[place] for place in order], [numbers[place] for place in order]

        self._add(numbered, replace_videos, _tell_nothing)
        return np.array(numbers, np.int64)

    def add_batches(
        self,
        batches: Iterable[tuple[ArrayLike, Sequence[Entry]]],
        *,
        replace_videos: bool = False,
        tell: Tell = _tell_nothing,
    ) -> Positions:
        """Add many batches of vectors in one step, with one of them in memory at a time; else as ``add``.

        Args:
            batches: Vectors (n, D) and their n entries.
            replace_videos: As of ``add``.
            tell: Called while an index over the vectors is made, with the share that is done, in [0, 1].
        """

        def numbered(next_id: int) -> Iterator[_Numbered]:
            for vectors, entries in batches:
                rows = unit_vectors(vectors, self.dim, "vectors")
                if len(rows) != len(entries):
                    raise ValueError(f"{len(rows)} vectors need as many entries, got {len(entries)}")
                yield rows, entries, list(range(next_id, next_id + len(rows)))
                next_id += len(rows)

        return self._add(numbered, replace_videos, tell)

    def remove(self, ids: Sequence[int]) -> None:
        """Find these vectors no more; the other ids stay. ``compact`` gives back the room that they take.

        Raises:
            KeyError: If an id is not here; nothing is removed then.
            TimeoutError: If another program writes for too long.
            OSError: If the disk is full or not writable; the index is as it was.
        """
        with self._change() as manifest:
            wanted = {int(number) for number in ids}
            absent = wanted - (self._known_ids(wanted) - set(self._removed.tolist()))
            if absent:
                raise KeyError(f"the index {self.path} has no id {min(absent)}; search tells the ids")
            self._commit(manifest, wanted)
        self._tidy(_tell_nothing)

    def remove_videos(self, video_ids: Sequence[str]) -> list[str]:
        """Remove all entries of videos; return the videos that are not here.

        Raises:
            TimeoutError: If another program writes for too long.
            OSError: If the disk is full or not writable; the index is as it was.
        """
        with self._change() as manifest:
            found = self._ids_of_videos(video_ids)
            self._commit(manifest, set(found))
        self._tidy(_tell_nothing)
        return [video_id for video_id in dict.fromkeys(video_ids) if video_id not in found.values()]

    def compact(self, *, kind: IndexKind | None = None, tell: Tell = _tell_nothing) -> bool:
        """Put all vectors into one segment without the removed ones, and make its index anew.

        Args:
            kind: Of the index, from now on; None keeps it.
            tell: Called with the share that is done, in [0, 1], and what is at work.

        Returns:
            Whether there was anything to do.

        Raises:
            ValueError: If the kind is unknown.
            TimeoutError: If another program writes for too long.
            OSError: If the disk is full or not writable; the index is as it was.
        """
        if kind is not None:
            check_kind(kind)
        with self._change() as manifest:
            wanted = kind or manifest.kind
            if len(self._segments) <= 1 and manifest.removed is None and wanted == manifest.kind:
                return False
            self._merge(replace(manifest, kind=wanted), range(len(self._segments)), tell)
        return True

    @contextmanager
    def _change(self) -> Iterator[Manifest]:
        """Hold the lock of writers, and yield what the index consists of now."""
        with writer_lock(self.path / LOCK, wait_seconds=self.wait_seconds):
            self.refresh()
            remove_leftovers(self.path, self._manifest)
            try:
                yield self._manifest
            except BaseException:  # Ctrl-C too
                with suppress(OSError):
                    remove_leftovers(self.path, read_manifest(self.path))
                raise

    def _add(
        self, numbered: Callable[[int], Iterator[_Numbered]], replace_videos: bool, tell: Tell
    ) -> Positions:
        taken: list[int] = []
        gone: set[int] = set()
        with self._change() as manifest:

            def batches() -> Iterator[Batch]:
                for rows, entries, numbers in numbered(manifest.next_id):
                    here = self._ids_of_videos(list({entry.video_id for entry in entries}))
                    if here and not replace_videos:
                        raise ValueError(
                            f"video {min(here.values())!r} is in the index {self.path}; remove it first, or "
                            "replace it"
                        )
                    gone.update(here)
                    taken.extend(numbers)
                    yield rows, [row_of(number, entry) for number, entry in zip(numbers, entries)]

            name = self._write(batches(), manifest, is_base=not manifest.segments, tell=tell)
            if name:
                next_id = max(manifest.next_id, taken[-1] + 1)
                self._commit(replace(manifest, next_id=next_id, segments=[*manifest.segments, name]), gone)
        self._tidy(tell)
        return np.array(taken, np.int64)

    def _merge(self, manifest: Manifest, places: Sequence[int], tell: Tell) -> None:
        """Put the segments at some places into one, without what is removed."""
        merged = [self._segments[place] for place in places]
        others = [name for place, name in enumerate(manifest.segments) if place not in places]
        name = self._write(merged_batches(merged), manifest, is_base=0 in places, tell=tell)
        names = [name] if name else []
        left = [number for each in self._segments if each not in merged for number in each.removed_ids()]
        segments = [*names, *others] if 0 in places else [*others, *names]
        self._commit(replace(manifest, segments=segments, removed=None), set(left), is_all=True)

    def _write(
        self, batches: Iterator[Batch], manifest: Manifest, *, is_base: bool, tell: Tell
    ) -> str | None:
        """Write a segment and return its name, None if there is nothing in it."""
        name = f"{manifest.generation + 1:06d}-{secrets.token_hex(4)}"
        written = write_segment(
            self.path / SEGMENTS / name,
            batches,
            dim=manifest.dim,
            kind=manifest.kind if is_base else "exact",
            target_recall=manifest.target_recall,
            tell=tell,
        )
        return name if written else None

    def _commit(self, manifest: Manifest, gone: set[int], *, is_all: bool = False) -> None:
        """Make a manifest the one that counts, with these ids removed, too, or alone."""
        if gone:
            removed = np.array(sorted(gone), np.int64)
            if not is_all:
                removed = np.union1d(self._removed, removed)
            name = f"removed-{manifest.generation + 1:06d}.npy"
            with atomic_path(self.path / name) as temporary, temporary.open("wb") as file:
                np.save(file, removed)
            manifest = replace(manifest, removed=name)
        manifest = replace(manifest, generation=manifest.generation + 1)
        write_manifest(self.path, manifest)
        self._manifest = manifest
        self._open_segments()
        remove_leftovers(self.path, manifest)

    def _tidy(self, tell: Tell) -> None:
        """Merge what has become small or old; the change before stands, whatever becomes of this."""
        try:
            with self._change() as manifest:
                if places := places_to_merge(self._segments, manifest):
                    self._merge(manifest, places, tell)
        except OSError as error:
            warnings.warn(f"{self.path} has the change, but could not be tidied up: {error}", stacklevel=3)

    def _known_ids(self, ids: Iterable[int]) -> set[int]:
        wanted = np.array(sorted(ids), np.int64)
        return {int(number) for segment in self._segments for number in segment.ids_among(wanted)}

    def _ids_of_videos(self, video_ids: Sequence[str]) -> dict[int, str]:
        """Return the ids of all that can be found of videos, with the video of each."""
        found: dict[int, str] = {}
        for segment in self._segments:
            found.update(segment.entries.ids_of_videos(video_ids))
        for number in set(self._removed.tolist()) & found.keys():
            del found[number]
        return found

    def _check_new(self, numbers: Sequence[int]) -> None:
        seen: set[int] = set()
        for number in numbers:
            if not 0 <= number < 2**63 - 1:
                raise ValueError(f"an id must be in 0 .. 2**63 - 2, got {number}")
            if number in seen:
                raise ValueError(f"the id {number} stands twice; give every vector its own")
            seen.add(number)
        if known := self._known_ids(numbers):
            number = min(known)
            was = "was removed from" if number in self._removed else "is in"
            raise ValueError(f"the id {number} {was} the index {self.path}; give another, or let it count on")
