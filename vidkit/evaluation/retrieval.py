"""Retrieval among pairs of embeddings: recall and median rank, both ways.

Shapes: N pairs, D channels.
"""

from __future__ import annotations

import numpy as np

from vidkit.seeds import derived_seed

SUBSET_SIZE = 1000
"""Pairs in a subset, as many as behind Table 6 of the paper: 20,000 pairs in 20 subsets."""

_RANKS = (1, 5, 10)
_ROWS = 1000  # of the matrix of similarities that is held at once


def retrieval_metrics(
    videos: np.ndarray, titles: np.ndarray, *, subsets: int | None = None, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Return recall and median rank of the right partner among all of a subset, by cosine similarity.

    The pairs are shuffled and parted evenly into disjoint subsets, and the metrics are means over them
    (Section 5.1 of the paper of USV-1.0).

    ``{"video_to_title": {"R@1", "R@5", "R@10", "median_rank"}, "title_to_video": {...}}``: R@k is the share
    of queries whose partner is among the k most similar, in [0, 1]; ranks count from 1. Of candidates that
    are as similar as the partner half count as better, so that embeddings that are all alike win nothing.

    Args:
        videos: (N, D).
        titles: (N, D); row i belongs to row i of ``videos``.
        subsets: How many; None for subsets of about 1,000 pairs.
        seed: Of the parting.

    Raises:
        ValueError: If the shapes differ, a number is not finite, a row is zero, or there are fewer pairs than
            subsets.
    """
    check_pairs(videos, titles)
    count = max(1, len(videos) // SUBSET_SIZE) if subsets is None else subsets
    if not 1 <= count <= len(videos):
        raise ValueError(f"subsets must be between 1 and the {len(videos)} pairs, got {count}")
    order = np.random.default_rng(derived_seed(seed, "subsets")).permutation(len(videos))
    size = len(videos) // count
    videos, titles = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (videos, titles))
    sums: dict[str, list[list[float]]] = {"video_to_title": [], "title_to_video": []}
    for index in range(count):
        part = np.sort(order[index * size : (index + 1) * size])
        for name, queries, answers in (
            ("video_to_title", videos[part], titles[part]),
            ("title_to_video", titles[part], videos[part]),
        ):
            ranks = partner_ranks(queries, answers)
            sums[name].append([*(float(np.mean(ranks <= k)) for k in _RANKS), float(np.median(ranks))])
    names = [*(f"R@{k}" for k in _RANKS), "median_rank"]
    return {
        name: dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True)) for name, rows in sums.items()
    }


def partner_ranks(queries: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Return the rank of answer i for query i by inner product, (N,) from 1.

    Of answers as similar as the partner half count as better.

    Example:
        >>> partner_ranks(np.eye(3), np.eye(3)[[0, 2, 1]])
        array([1. , 2.5, 2.5])
    """
    ranks = []
    for start in range(0, len(queries), _ROWS):
        similarities = queries[start : start + _ROWS] @ answers.T
        rows = np.arange(len(similarities))
        own = similarities[rows, start + rows][:, None]
        better, equal = (similarities > own).sum(axis=1), (similarities == own).sum(axis=1)
        ranks.append(1 + better + (equal - 1) / 2)
    joined: np.ndarray = np.concatenate(ranks)
    return joined


def check_pairs(videos: np.ndarray, titles: np.ndarray) -> None:
    """Check that two arrays are pairs of embeddings.

    Raises:
        ValueError: If they are not; the message says what they are.
    """
    for name, x in (("video", videos), ("title", titles)):
        if x.ndim != 2 or not np.issubdtype(x.dtype, np.floating):
            raise ValueError(f"{name} embeddings must be floats (pairs, channels), got {x.dtype} {x.shape}")
        if not np.isfinite(x).all():
            row = int((~np.isfinite(x)).any(axis=1).argmax())
            raise ValueError(f"{name} embeddings are not finite, first in row {row}; compute them again")
        if not x.any(axis=1).all():
            row = int((~x.any(axis=1)).argmax())
            raise ValueError(f"{name} embeddings are all zero in row {row}, which has no direction")
    if videos.shape != titles.shape or not len(videos):
        raise ValueError(
            "videos and titles must be as many, at least one, and as wide, got "
            f"{videos.shape} and {titles.shape}"
        )
