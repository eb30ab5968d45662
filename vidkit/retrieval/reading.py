"""An index as its readers see it: the segments that the manifest names, searched together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vidkit.retrieval.entries import KINDS, Hit, Kind, Row
from vidkit.retrieval.exact import NONE, Floats, Positions
from vidkit.retrieval.manifest import SEGMENTS, read_manifest
from vidkit.retrieval.segment import Segment

Self = TypeVar("Self", bound="IndexReader")

_TRIES = 5  # to open segments while a writer replaces them


class IndexReader:
    """The half of ``Index`` that changes nothing; the folder may be read-only."""

    def __init__(self, path: str | Path, *, encoder: Mapping[str, Any] | None = None) -> None:
        self.path = Path(path)
        self._segments: list[Segment] = []
        self._removed = np.zeros(0, np.int64)
        self._manifest = read_manifest(self.path)
        if encoder is not None:
            self.check_encoder(encoder)
        self._open_segments()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        """Return how many vectors can be found."""
        return sum(len(segment) - segment.num_removed for segment in self._segments)

    @property
    def dim(self) -> int:
        """Channels of the vectors."""
        return self._manifest.dim

    @property
    def encoder(self) -> dict[str, Any]:
        """What makes the vectors, as ``Index.create`` got it."""
        return dict(self._manifest.encoder)

    def check_encoder(self, encoder: Mapping[str, Any]) -> None:
        """Check that an encoder is the one whose vectors are here.

        Raises:
            ValueError: If its fingerprint is another.
        """
        if encoder.get("fingerprint") != self._manifest.encoder.get("fingerprint"):
            raise ValueError(
                f"the index {self.path} was made by {_name_of(self._manifest.encoder)}, the vectors now come "
                f"from {_name_of(encoder)}; use the same encoder and weights, or build the index again"
            )

    def nearest(
        self, queries: ArrayLike, k: int = 10, *, kind: Kind | None = None
    ) -> tuple[Floats, Positions]:
        """Return scores and ids of the k nearest vectors to each query.

        Args:
            queries: (B, D).
            k: How many, >= 1.
            kind: The only kind of entries to find; None finds all.

        Returns:
            Cosines in [-1, 1] and ids, (B, k), best first, equal ones in the order of ids; -inf and -1 where
            fewer are here.

        Raises:
            ValueError: If ``k`` or ``kind`` is out of its range, the shape is another, or a query is zero or
                not finite.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        if kind is not None and kind not in KINDS:
            raise ValueError(f"unknown kind {kind!r}; known: {', '.join(KINDS)}")
        asked = unit_vectors(queries, self.dim, "queries")
        found = [segment.nearest(asked, k, kind) for segment in self._segments]
        if len(found) == 1:
            return found[0]
        none = np.full((len(asked), k), -np.inf, np.float32), np.full((len(asked), k), NONE, np.int64)
        scores = np.concatenate([each for each, _ in [*found, none]], axis=1)
        ids = np.concatenate([each for _, each in [*found, none]], axis=1)
        order = np.lexsort((ids, -scores))[:, :k]
        return np.take_along_axis(scores, order, 1), np.take_along_axis(ids, order, 1)

    def search(self, queries: ArrayLike, k: int = 10, *, kind: Kind | None = None) -> list[list[Hit]]:
        """Return the k best answers to each query, best first; fewer where fewer are here.

        Arguments and errors as of ``nearest``.
        """
        scores, ids = self.nearest(queries, k, kind=kind)
        numbers = ids.tolist()
        rows = self._rows({number for row in numbers for number in row if number != NONE})
        return [
            [Hit.of(rows[number], score) for score, number in zip(*pair) if number != NONE]
            for pair in zip(scores.tolist(), numbers)
        ]

    def videos(self) -> dict[str, str]:
        """Return the path of each video that is here, by its id."""
        removed = self._removed.tolist()
        return {key: path for each in self._segments for key, path in each.entries.videos(removed).items()}

    def info(self) -> dict[str, Any]:
        """Return what the index holds, as JSON values."""
        return {
            "path": str(self.path),
            "vectors": len(self),
            "videos": len(self.videos()),
            "entries": {kind: sum(each.count(kind) for each in self._segments) for kind in KINDS},
            "dim": self.dim,
            "encoder": self.encoder,
            "kind": self._manifest.kind,
            "target_recall": self._manifest.target_recall,
            "segments": [
                {
                    "vectors": len(each),
                    "removed": each.num_removed,
                    "kind": each.kind,
                    "megabytes": round(each.num_bytes / 1e6, 3),
                    "tuned": each.tuned and asdict(each.tuned),
                }
                for each in self._segments
            ],
        }

    def refresh(self) -> bool:
        """Open what other programs have changed since, and return whether there was anything.

        Raises:
            FileNotFoundError: If the index is gone.
            ValueError: If it is damaged.
        """
        manifest = read_manifest(self.path)
        if manifest == self._manifest:
            return False
        self._manifest = manifest
        self._open_segments()
        return True

    def close(self) -> None:
        """Close the files."""
        for segment in self._segments:
            segment.close()
        self._segments = []

    def _open_segments(self) -> None:
        """Open what the manifest names; what is open already stays so.

        A writer may replace a segment before it is opened; the manifest then names another.
        """
        for last in (*[False] * (_TRIES - 1), True):
            try:
                self._open_named()
                return
            except FileNotFoundError as error:
                newer = read_manifest(self.path)
                if last or newer == self._manifest:
                    raise ValueError(f"{error.filename or error} is gone; build the index again") from error
                self._manifest = newer

    def _open_named(self) -> None:
        manifest = self._manifest
        removed = np.zeros(0, np.int64)
        if manifest.removed is not None:
            removed = _read_removed(self.path / manifest.removed)
        known = {segment.folder.name: segment for segment in self._segments}
        opened = [
            known[name] if name in known else Segment(self.path / SEGMENTS / name)
            for name in manifest.segments
        ]
        for segment in opened:
            segment.set_removed(removed)
        self._segments, self._removed = opened, removed
        for name, segment in known.items():
            if name not in manifest.segments:
                segment.close()

    def _rows(self, ids: set[int]) -> dict[int, Row]:
        """Return the rows of ids, by id."""
        wanted = np.array(sorted(ids), np.int64)
        return {
            row[0]: row
            for segment in self._segments
            for row in segment.entries.rows(segment.ids_among(wanted).tolist())
        }


def unit_vectors(values: ArrayLike, dim: int, name: str) -> Floats:
    """Return vectors scaled to length 1.

    Args:
        values: (N, dim); an empty list has no vectors.
        dim: What the index holds.
        name: Of the values, for messages.

    Raises:
        ValueError: If the shape is another, or a vector is zero or not finite.

    Example:
        >>> unit_vectors([[3, 4]], 2, "vectors").tolist()
        [[0.6000000238418579, 0.800000011920929]]
    """
    vectors = np.asarray(values, dtype=np.float32)
    if not vectors.size:
        return np.zeros((0, dim), np.float32)
    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise ValueError(f"{name} must have shape (N, {dim}), got {vectors.shape}")
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    is_right = (lengths > 0) & (lengths < np.inf)
    if not is_right.all():
        number = int(np.argmin(is_right))
        raise ValueError(f"number {number} of the {name} has no direction: it is zero or not finite")
    return np.asarray(vectors / lengths, dtype=np.float32)


def _read_removed(path: Path) -> NDArray[np.int64]:
    try:
        return np.asarray(np.load(path, allow_pickle=False), dtype=np.int64)
    except FileNotFoundError:
        raise
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{path} is damaged ({error}); build the index again") from error


def _name_of(encoder: Mapping[str, Any]) -> str:
    return f"{encoder.get('name', 'an encoder')} with the fingerprint {encoder.get('fingerprint')}"
