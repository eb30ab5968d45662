"""A segment: a folder of vectors with what they stand for, written once and never changed.

``vectors.npy`` (N, D) float32 of length 1, ``ids.npy`` (N,) int64 ascending, ``kinds.npy`` (N,),
``entries.sqlite``, ``segment.json``, and ``neighbours.faiss`` unless it is searched exactly. The arrays are
mapped from the disk, so that opening takes no time and several programs share the memory.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.features.npy_writer import NpyWriter
from vidkit.files import read_json, write_json
from vidkit.retrieval import approximate, library
from vidkit.retrieval.approximate import IndexKind, Tuned, choose_kind
from vidkit.retrieval.entries import KINDS, Entries, EntriesWriter, Kind, Row
from vidkit.retrieval.exact import NONE, Allowed, Floats, Positions, nearest, ranked, slack_of
from vidkit.retrieval.memory import available_bytes

Batch = tuple[Floats, Sequence[Row]]
"""Vectors (n, D) of length 1 and their n rows, sorted by id."""

_VECTORS, _IDS, _KINDS = "vectors.npy", "ids.npy", "kinds.npy"
_ENTRIES, _NEIGHBOURS, _ABOUT = "entries.sqlite", "neighbours.faiss", "segment.json"
_MIN_GPU_VECTORS = 100_000
_MAX_GPU_K = 1024
_GPU_SPARE = 32  # more candidates than wanted, as its products are rounded otherwise


class Segment:
    """An open segment.

    Args:
        folder: Of ``write_segment``.

    Raises:
        FileNotFoundError: If a file is absent.
        ValueError: If a file is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        about = read_json(folder / _ABOUT)
        try:
            self.tuned = None if about["tuned"] is None else Tuned(**about["tuned"])
            shape = (int(about["num_vectors"]), int(about["dim"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{folder / _ABOUT} is damaged ({error}); build the index again") from error
        self.vectors = _mapped(folder / _VECTORS, shape)
        self.ids: Positions = np.asarray(_mapped(folder / _IDS, shape[:1]))
        self._kinds = np.asarray(_mapped(folder / _KINDS, shape[:1]))
        self.entries = Entries(folder / _ENTRIES)
        self._index: Any = None
        self._gpu: Any = None
        self._knows_gpu = False
        self.set_removed(np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def kind(self) -> str:
        """How it is searched."""
        return "exact" if self.tuned is None else self.tuned.kind

    @property
    def num_bytes(self) -> int:
        """Of its files."""
        return sum(path.stat().st_size for path in self.folder.iterdir())

    def set_removed(self, removed: NDArray[np.int64]) -> None:
        """Find these ids no more, ascending; those of other segments count for nothing."""
        self._removed = self.ids_among(removed)
        self._alive: Allowed | None = None
        if len(self._removed):
            self._alive = np.ones(len(self.ids), np.bool_)
            self._alive[np.searchsorted(self.ids, self._removed)] = False
        self._allowed: dict[Kind | None, Allowed | None] = {None: self._alive}

    def nearest(self, queries: Floats, k: int, kind: Kind | None) -> tuple[Floats, Positions]:
        """Return scores and ids, (B, k), as ``exact.nearest`` does.

        Args:
            queries: (B, D), of length 1.
            k: How many, >= 1.
            kind: The only kind of entries to find; None finds all.
        """
        allowed = self._allowed_of(kind)
        if self.tuned is not None:
            index = self._opened() if allowed is not None else self._gpu_copy() or self._opened()
            scores, positions = approximate.search(
                index, self.tuned, self.vectors, queries, k, allowed=allowed
            )
        else:
            scores, positions = self._exactly(queries, k, allowed)
        ids = self.ids[positions]
        ids[positions < 0] = NONE
        return scores, ids

    @property
    def num_removed(self) -> int:
        """Vectors that are not found any more."""
        return len(self._removed)

    def removed_ids(self) -> list[int]:
        """Return the ids of the vectors that are not found any more."""
        return [int(number) for number in self._removed]

    def ids_among(self, ids: Positions) -> Positions:
        """Return those of some ids, ascending, that are in this segment, removed or not."""
        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        found: Positions = ids[self.ids[places] == ids]
        return found

    def count(self, kind: Kind) -> int:
        """Return how many entries of a kind can be found."""
        allowed = self._allowed_of(kind)
        return len(self) if allowed is None else int(allowed.sum())

    def alive_places(self) -> Positions:
        """Return the places of what can be found, ascending."""
        return np.arange(len(self)) if self._alive is None else np.flatnonzero(self._alive)

    def close(self) -> None:
        """Close the files that are not mapped."""
        self.entries.close()

    def _allowed_of(self, kind: Kind | None) -> Allowed | None:
        if kind not in self._allowed:
            assert kind is not None
            of_kind = np.asarray(self._kinds == KINDS.index(kind))
            if self._alive is not None:
                of_kind &= self._alive
            self._allowed[kind] = None if of_kind.all() else of_kind
        return self._allowed[kind]

    def _opened(self) -> Any:
        if self._index is None:
            self._index = approximate.read(self.folder / _NEIGHBOURS)
        return self._index

    def _gpu_copy(self) -> Any:
        """Return what searches on a GPU, None without one or if it does not fit."""
        if not self._knows_gpu:
            self._knows_gpu = True
            is_small = len(self) < _MIN_GPU_VECTORS
            if is_small or self.kind == "hnsw" or not library.fits_gpu(self.vectors.nbytes):
                return None
            exact = self.tuned is None
            self._gpu = library.flat_on_gpu(self.vectors) if exact else library.to_gpu(self._opened())
        return self._gpu

    def _exactly(self, queries: Floats, k: int, allowed: Allowed | None) -> tuple[Floats, Positions]:
        wanted = k + _GPU_SPARE
        if allowed is not None or wanted > min(_MAX_GPU_K, len(self)) or self._gpu_copy() is None:
            return nearest(self.vectors, queries, k, allowed=allowed)
        products, places = self._gpu.search(queries, wanted)
        best = [ranked(self.vectors, query, np.sort(row), k) for query, row in zip(queries, places)]
        scores = np.stack([score for score, _ in best])
        positions = np.stack([place for _, place in best])
        unsure = products[:, -1] >= scores[:, -1] - slack_of(queries.shape[1])  # more may be equal
        if unsure.any():
            scores[unsure], positions[unsure] = nearest(self.vectors, queries[unsure], k)
        return scores, positions


def write_segment(
    folder: Path,
    batches: Iterable[Batch],
    *,
    dim: int,
    kind: IndexKind = "exact",
    target_recall: float = 0.95,
    tell: Callable[[float, str], None] = lambda share, text: None,
) -> int:
    """Write a segment into a new folder and return how many vectors it has; the folder is whole or absent.

    Args:
        folder: Absent so far.
        batches: Ids ascend from batch to batch, too.
        dim: Channels.
        kind: Of the index. "auto" stays exact where nothing else is twice as fast at the target.
        target_recall: In (0, 1].
        tell: Called with the share of the building that is done, in [0, 1].

    Raises:
        OSError: If the disk is full or not writable.
    """
    temporary = folder.with_name(f".{folder.name}.tmp")
    temporary.mkdir(parents=True)
    try:
        num_vectors = _write_rows(temporary, batches, dim)
        chosen = choose_kind(kind, num_vectors, dim, memory_bytes=available_bytes())
        tuned = None
        if chosen != "exact":
            vectors = _mapped(temporary / _VECTORS, (num_vectors, dim))
            index, tuned = approximate.build(vectors, chosen, target_recall=target_recall, tell=tell)
            is_worse = tuned.recall < target_recall or 2 * tuned.seconds > tuned.exact_seconds
            if kind == "auto" and is_worse:
                tuned = None
            else:
                _warn_of_recall(tuned, target_recall)
                approximate.write(index, temporary / _NEIGHBOURS)
            del index, vectors
        about = {"num_vectors": num_vectors, "dim": dim, "tuned": tuned and asdict(tuned)}
        write_json(temporary / _ABOUT, about)
        for path in temporary.iterdir():
            _to_disk(path, os.O_RDWR)
        os.rename(temporary, folder)
        if os.name == "posix":  # Windows opens no folders
            _to_disk(folder.parent, os.O_RDONLY)
    except BaseException:  # Ctrl-C too
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return num_vectors


def _write_rows(folder: Path, batches: Iterable[Batch], dim: int) -> int:
    ids = [np.zeros(0, np.int64)]
    kinds = [np.zeros(0, np.uint8)]
    with NpyWriter(folder / _VECTORS, dim=dim) as vectors, EntriesWriter(folder / _ENTRIES) as entries:
        for rows, said in batches:
            vectors.append(rows)
            entries.append(said)
            ids.append(np.array([row[0] for row in said], np.int64))
            kinds.append(np.array([row[5] for row in said], np.uint8))
    np.save(folder / _IDS, np.concatenate(ids))
    np.save(folder / _KINDS, np.concatenate(kinds))
    return vectors.num_rows


def _warn_of_recall(tuned: Tuned, target_recall: float) -> None:
    if tuned.recall < target_recall:
        warnings.warn(
            f"the index of kind {tuned.kind} finds {tuned.recall:.2f} of the nearest instead of "
            f"{target_recall:.2f}, with {tuned.parameter} {tuned.value} of {tuned.largest}: the vectors do "
            "not cluster; kind exact finds all of them",
            stacklevel=2,
        )


def _mapped(path: Path, shape: tuple[int, ...]) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r" if shape[0] else None, allow_pickle=False)
    except FileNotFoundError:
        raise
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{path} is damaged ({error}); build the index again") from error
    if array.shape != shape:
        raise ValueError(f"{path} is damaged: it holds {array.shape}, not {shape}; build the index again")
    return array


def _to_disk(path: Path, mode: int) -> None:
    handle = os.open(path, mode)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
