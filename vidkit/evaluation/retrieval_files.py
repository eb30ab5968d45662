"""Embedding files of videos and titles: pairs by row in .npy, by id in .npz.

An .npz has ``ids`` (N,) and ``embeddings`` (N, D). ``vidkit test --dump`` writes two of them: that of the
videos under the name it is given, and beside it that of the titles.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.evaluation.retrieval import retrieval_metrics
from vidkit.files import atomic_path


def evaluate_retrieval(
    predictions: Path, ground_truth: Path, *, subsets: int | None = None, seed: int = 0
) -> dict[str, Any]:
    """Return ``retrieval_metrics`` of embeddings of videos and of their titles, and the count of pairs.

    Args:
        predictions: Of the videos, .npy or .npz.
        ground_truth: Of the titles, in the same form.
        subsets: How many disjoint subsets the metrics are means over; None for subsets of about 1,000 pairs.
        seed: Of the parting into subsets.

    Raises:
        ValueError: If a file is no embeddings, an id stands twice, or the two files differ in their ids.
        FileNotFoundError: If a file is missing.
    """
    (ids, videos), (title_ids, titles) = _read(predictions), _read(ground_truth)
    if (ids is None) != (title_ids is None):
        raise ValueError(
            f"one of {predictions} and {ground_truth} has ids and one has not; give two .npy or two .npz"
        )
    if ids is not None and title_ids is not None:
        titles = titles[_rows(ids, title_ids, predictions, ground_truth)]
    return {"pairs": len(videos), **retrieval_metrics(videos, titles, subsets=subsets, seed=seed)}


def is_embeddings(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether rows that a test gave are pairs of embeddings."""
    return bool(rows) and {"video_id", "embedding", "title_embedding"} <= set(rows[0])


def write_embeddings(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write pairs of embeddings for ``evaluate_retrieval``, and return the file of the titles.

    Args:
        path: Of the videos' embeddings; the titles' lie beside it, "pairs_titles.npz" of "pairs.npz".
        rows: ``{"video_id", "embedding" (D,), "title_embedding" (D,)}``.

    Raises:
        OSError: If a file cannot be written.
    """
    videos = Path(path)
    titles = videos.with_name(f"{videos.stem}_titles{videos.suffix}")
    ids = np.array([row["video_id"] for row in rows])
    for file, key in ((videos, "embedding"), (titles, "title_embedding")):
        embeddings = np.stack([np.asarray(row[key]) for row in rows])
        # Into an open file: np.savez would add .npz to another name.
        with atomic_path(file) as temporary, temporary.open("wb") as opened:
            np.savez(opened, ids=ids, embeddings=embeddings)
    return titles


def _read(path: Path) -> tuple[list[str] | None, np.ndarray]:
    """Return the ids of a file, None where rows are what pairs, and its embeddings (N, D) float64."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file; give the embeddings as .npy or .npz")
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return None, _as_floats(content, path)
        missing = {"ids", "embeddings"} - set(content.files)
        if missing:
            raise ValueError(
                f"{path} lacks {' and '.join(sorted(missing))}; it has "
                f"{', '.join(content.files) or 'nothing'}"
            )
        ids = [str(name) for name in content["ids"].tolist()]
        embeddings = _as_floats(content["embeddings"], path)
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} cannot be read as .npy or .npz: {error}") from None
    if len(ids) != len(embeddings):
        raise ValueError(f"{path} has {len(ids)} ids for {len(embeddings)} embeddings; they must be as many")
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise ValueError(f"{path}: the id {name!r} stands twice; keep one")
        seen.add(name)
    return ids, embeddings


def _as_floats(content: np.ndarray, path: Path) -> np.ndarray:
    if content.ndim != 2 or content.dtype.kind not in "fiu":
        raise ValueError(
            f"{path} holds {content.dtype} of shape {content.shape}, not embeddings (pairs, channels)"
        )
    return content.astype(np.float64)


def _rows(ids: list[str], title_ids: list[str], videos: Path, titles: Path) -> list[int]:
    """Return the row of the title of every video."""
    row = {name: index for index, name in enumerate(title_ids)}
    for names, others, path, other in ((ids, row, titles, videos), (title_ids, set(ids), videos, titles)):
        missing = [name for name in names if name not in others]
        if missing:
            raise ValueError(
                f"{len(missing)} of {len(names)} ids of {other} are not in {path}, first {missing[0]!r}; "
                "give both files the same ids"
            )
    return [row[name] for name in ids]
