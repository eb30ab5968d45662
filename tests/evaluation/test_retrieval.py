"""Recall and median rank against a plain sort, by subsets, and from files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidkit.evaluation import retrieval_metrics
from vidkit.evaluation.protocols import evaluate_files


def _pairs(count: int = 60, dim: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    videos = random.standard_normal((count, dim))
    return videos, videos * random.uniform(0.5, 2, (count, 1)) + random.standard_normal((count, dim))


def _plain(queries: np.ndarray, answers: np.ndarray) -> dict[str, float]:
    """Sort the answers of every query by cosine similarity."""
    ranks = []
    for index, query in enumerate(queries):
        cosines = [query @ a / np.linalg.norm(query) / np.linalg.norm(a) for a in answers]
        ranks.append(1 + sorted(range(len(answers)), key=lambda j: -cosines[j]).index(index))
    recalls = {f"R@{k}": float(np.mean([rank <= k for rank in ranks])) for k in (1, 5, 10)}
    return {**recalls, "median_rank": float(np.median(ranks))}


def test_both_ways_are_those_of_a_plain_sort() -> None:
    videos, titles = _pairs()
    metrics = retrieval_metrics(videos, titles, subsets=1)
    assert metrics["video_to_title"] == pytest.approx(_plain(videos, titles))
    assert metrics["title_to_video"] == pytest.approx(_plain(titles, videos))
    assert metrics["video_to_title"] != metrics["title_to_video"]


def test_subsets_are_disjoint_of_equal_size_and_drawn_by_the_seed() -> None:
    videos, titles = _pairs(50)
    assert retrieval_metrics(videos, titles, subsets=50)["video_to_title"]["R@1"] == 1.0
    halves = [retrieval_metrics(videos, titles, subsets=2, seed=seed) for seed in (0, 0, 1)]
    assert halves[0] == halves[1] != halves[2]
    few, all_of_them = (retrieval_metrics(videos, titles, subsets=count) for count in (5, 1))
    assert few["video_to_title"]["median_rank"] < all_of_them["video_to_title"]["median_rank"]


def test_by_default_a_subset_has_a_thousand_pairs() -> None:
    videos, titles = _pairs(2500, dim=4)
    assert retrieval_metrics(videos, titles) == retrieval_metrics(videos, titles, subsets=2)


def test_embeddings_that_are_all_alike_find_nothing() -> None:
    metrics = retrieval_metrics(np.ones((40, 3)), np.ones((40, 3)))
    assert metrics["video_to_title"] == {"R@1": 0.0, "R@5": 0.0, "R@10": 0.0, "median_rank": 20.5}


def test_files_pair_by_row_or_by_id(tmp_path: Path) -> None:
    videos, titles = _pairs()
    np.save(tmp_path / "v.npy", videos.astype(np.float32))
    np.save(tmp_path / "t.npy", titles.astype(np.float32))
    by_row = evaluate_files("usv_retrieval", tmp_path / "v.npy", tmp_path / "t.npy", subsets=3, seed=4)
    order = np.random.default_rng(0).permutation(60)
    np.savez(tmp_path / "v.npz", ids=[f"id{i}" for i in range(60)], embeddings=videos.astype(np.float32))
    np.savez(tmp_path / "t.npz", ids=[f"id{i}" for i in order], embeddings=titles[order].astype(np.float32))
    by_id = evaluate_files("usv_retrieval", tmp_path / "v.npz", tmp_path / "t.npz", subsets=3, seed=4)
    assert by_row == by_id
    assert by_row["pairs"] == 60
    assert by_row["title_to_video"]["R@10"] > by_row["title_to_video"]["R@1"]


def _npz(folder: Path, name: str, ids: list[str], count: int = 2) -> Path:
    np.savez(folder / name, ids=ids, embeddings=np.eye(count))
    return folder / name


def _npy(folder: Path, name: str, array: np.ndarray) -> Path:
    np.save(folder / name, array)
    return folder / name


def _damaged(folder: Path) -> Path:
    (folder / "bad.npz").write_bytes(b"PK\x03\x04 not a zip")
    return folder / "bad.npz"


def _without_ids(folder: Path) -> Path:
    np.savez(folder / "half.npz", embeddings=np.eye(2))
    return folder / "half.npz"


EYE, HALF = np.eye(2), np.array([[1.0, np.nan], [0.0, 1.0]])


@pytest.mark.parametrize(
    ("videos", "titles", "message"),
    [
        (lambda f: _npy(f, "a.npy", EYE), lambda f: _npy(f, "b.npy", np.eye(3)), r"\(2, 2\) and \(3, 3\)"),
        (lambda f: _npy(f, "a.npy", HALF), lambda f: _npy(f, "b.npy", EYE), "not finite, first in row 0"),
        (lambda f: _npy(f, "a.npy", EYE), lambda f: _npy(f, "b.npy", EYE * 0), "all zero in row 0"),
        (lambda f: _npy(f, "a.npy", np.ones(3)), lambda f: _npy(f, "b.npy", EYE), "not embeddings"),
        (lambda f: _npy(f, "a.npy", EYE[:0]), lambda f: _npy(f, "b.npy", EYE[:0]), "at least one"),
        (lambda f: _npz(f, "a.npz", ["x", "y"]), lambda f: _npy(f, "b.npy", EYE), "one of .* has ids"),
        (lambda f: _npz(f, "a.npz", ["x", "x"]), lambda f: _npz(f, "b.npz", ["x", "y"]), "'x' stands twice"),
        (lambda f: _npz(f, "a.npz", ["x", "y"]), lambda f: _npz(f, "b.npz", ["x", "z"]), "first 'y'"),
        (lambda f: _npz(f, "a.npz", ["x"]), lambda f: _npz(f, "b.npz", ["x", "z"]), "1 ids for 2 embeddings"),
        (_without_ids, lambda f: _npz(f, "b.npz", ["x", "z"]), "lacks ids; it has embeddings"),
        (_damaged, lambda f: _npy(f, "b.npy", EYE), "cannot be read as .npy or .npz"),
    ],
)
def test_a_wrong_file_is_told(
    videos: Callable[[Path], Path], titles: Callable[[Path], Path], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate_files("usv_retrieval", videos(tmp_path), titles(tmp_path))


def test_a_missing_file_and_a_wrong_number_of_subsets_are_told(tmp_path: Path) -> None:
    path = _npy(tmp_path, "a.npy", EYE)
    with pytest.raises(FileNotFoundError, match="is no file; give the embeddings"):
        evaluate_files("usv_retrieval", path, tmp_path / "none.npy")
    options: dict[str, Any] = dict(subsets=3)
    with pytest.raises(ValueError, match="subsets must be between 1 and the 2 pairs, got 3"):
        evaluate_files("usv_retrieval", path, path, **options)


def test_numbers_that_are_no_floats_are_refused() -> None:
    with pytest.raises(ValueError, match=r"video embeddings must be floats \(pairs, channels\), got int64"):
        retrieval_metrics(np.eye(2, dtype=np.int64), np.eye(2))
