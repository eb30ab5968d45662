"""Nearest vectors, nearly: FAISS indexes whose recall is measured when they are built.

IVF looks into the ``nprobe`` lists of vectors whose centres are nearest to the query. IVF-PQ keeps codes of
D / 8 bytes in the lists, and the best by them are ranked again with the vectors on the disk. HNSW walks a
graph with ``ef`` candidates. The number is the smallest that reaches the target.

Shapes: N vectors, B queries, D channels.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from vidkit.retrieval.exact import NONE, Allowed, Floats, Positions, nearest, ranked, slack_of
from vidkit.retrieval.library import load_faiss

ApproximateKind = Literal["ivf", "ivf_pq", "hnsw"]
IndexKind = Literal["auto", "exact", "ivf", "ivf_pq", "hnsw"]
INDEX_KINDS: tuple[IndexKind, ...] = get_args(IndexKind)

MIN_VECTORS = 10_000  # below, exact search takes a millisecond or two
MAX_EXACT = 1_000_000  # above, exact search takes more than about 50 ms
RECALL_AT = 10

_TRAINING_VECTORS = 48  # for each list; FAISS warns below 39
_ITERATIONS = 8
_VECTORS_AT_ONCE = 2**15
_QUERIES = 256
_MARGIN = 0.01  # above the target: the recall of some hundred queries is known to about half of that
_RERANK, _MOST_RERANK = 10, 160  # candidates by codes, for each wanted answer
_GAIN = 0.005  # in recall; twice as many lists that give less do not help
_HNSW_LINKS, _HNSW_CONSTRUCTION = 32, 80
_MAX_EF = 4096
_MIN_SECONDS = 0.005  # of a query; below, the kind of search does not matter


@dataclass(frozen=True)
class Tuned:
    """How an index is searched, and what was measured with it.

    Attributes:
        parameter: "nprobe" or "ef".
        value: Of the parameter.
        largest: The largest value that the parameter can have.
        rerank: Candidates by codes for each wanted answer; 0 without codes.
        recall: Share of the 10 nearest that are found, measured with vectors that were not in the index yet.
        seconds: A query takes, alone.
        exact_seconds: A query takes by exact search.
    """

    kind: ApproximateKind
    parameter: Literal["nprobe", "ef"]
    value: int
    largest: int
    rerank: int = 0
    recall: float = 0.0
    seconds: float = 0.0
    exact_seconds: float = 0.0


def check_kind(kind: str) -> None:
    """Check the name of a kind of index.

    Raises:
        ValueError: If it is unknown.
    """
    if kind not in INDEX_KINDS:
        raise ValueError(f"unknown kind of index {kind!r}; known: {', '.join(INDEX_KINDS)}")


def choose_kind(
    wanted: IndexKind, num_vectors: int, dim: int, *, memory_bytes: int
) -> ApproximateKind | Literal["exact"]:
    """Return the kind of index for so many vectors: what is wanted, else by size and memory.

    Below ``MIN_VECTORS`` every index is exact. "auto" is exact up to ``MAX_EXACT`` vectors that fill no more
    than half of the memory, then IVF while that holds, then IVF-PQ. HNSW is as fast as IVF and takes
    several times as long to build, so it comes only when it is asked for.

    Example:
        >>> [choose_kind("auto", n, 512, memory_bytes=2**34) for n in (9_000, 900_000, 2_000_000, 9_000_000)]
        ['exact', 'exact', 'ivf', 'ivf_pq']
    """
    if num_vectors < MIN_VECTORS:
        return "exact"
    if wanted != "auto":
        return wanted
    if 4 * num_vectors * dim > memory_bytes / 2:
        return "ivf_pq"
    return "exact" if num_vectors <= MAX_EXACT else "ivf"


def build(
    vectors: Floats,
    kind: ApproximateKind,
    *,
    target_recall: float,
    tell: Callable[[float, str], None] = lambda share, text: None,
) -> tuple[Any, Tuned]:
    """Return a FAISS index of vectors (N, D), whose ids are their positions, and how it is searched.

    Args:
        vectors: Of length 1; may be mapped from a file.
        kind: Which index.
        target_recall: Of the 10 nearest, in (0, 1].
        tell: Called with the share that is done, in [0, 1], and what is at work.
    """
    faiss = load_faiss()
    if kind == "hnsw":
        graph = faiss.IndexHNSWFlat(vectors.shape[1], _HNSW_LINKS, faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction = _HNSW_CONSTRUCTION
        index = faiss.IndexIDMap(graph)
        tuned = Tuned(kind, "ef", RECALL_AT, min(_MAX_EF, len(vectors)))
    else:
        index = _inverted_lists(faiss, len(vectors), vectors.shape[1], kind)
        tell(0.0, "training")
        index.train(_sample(vectors, _TRAINING_VECTORS * index.nlist))
        tuned = Tuned(kind, "nprobe", 1, index.nlist, rerank=_RERANK if kind == "ivf_pq" else 0)
    random = np.random.default_rng(1)
    held = np.sort(random.choice(len(vectors), min(_QUERIES, len(vectors) // 10), replace=False))
    others = np.setdiff1d(np.arange(len(vectors)), held)
    for start in range(0, len(others), _VECTORS_AT_ONCE):
        part = others[start : start + _VECTORS_AT_ONCE]
        index.add_with_ids(np.ascontiguousarray(vectors[part]), part)
        tell(0.3 + 0.6 * (start + len(part)) / len(vectors), "filling")
    tell(0.9, "measuring the recall")
    tuned = _tune(index, vectors, held, tuned, target_recall)
    index.add_with_ids(np.ascontiguousarray(vectors[held]), held)
    return index, tuned


def search(
    index: Any,
    tuned: Tuned,
    vectors: Floats,
    queries: Floats,
    k: int,
    *,
    allowed: Allowed | None = None,
) -> tuple[Floats, Positions]:
    """Return scores and positions as ``exact.nearest`` does, most of them right.

    Args:
        index: Of ``build`` or ``read``.
        tuned: How it is searched.
        vectors: (N, D), those of the index.
        queries: (B, D).
        k: How many, >= 1.
        allowed: (N,), False for a vector that must not be found; None allows all.
    """
    wanted = min(len(vectors), k * tuned.rerank) if tuned.rerank else k
    if tuned.parameter == "nprobe" and allowed is None:
        index.nprobe = tuned.value  # parameters made for one search cost as much as a small search
        scores, positions = index.search(queries, wanted)
    else:
        scores, positions = index.search(queries, wanted, params=_parameters(tuned, wanted, allowed))
    found = positions >= 0
    if allowed is not None:
        found &= allowed[positions]  # some indexes of FAISS have ignored its selectors
    if tuned.rerank:
        return _ranked_again(vectors, queries, positions, found, k)
    scores = np.minimum(np.maximum(scores, np.float32(-1)), np.float32(1))
    is_full = found.all()
    if not is_full:
        scores = np.where(found, scores, np.float32(-np.inf))
        positions = np.where(found, positions, NONE)
    if not is_full or (scores[:, 1:] >= scores[:, :-1]).any():
        order = np.lexsort((positions, -scores))  # equal scores in the order of positions
        scores = np.take_along_axis(scores, order, 1)
        positions = np.take_along_axis(positions, order, 1)
    return scores, positions


def write(index: Any, path: Path) -> None:
    """Write an index to a file.

    Raises:
        OSError: If the disk is full or not writable.
    """
    try:
        load_faiss().write_index(index, str(path))
    except RuntimeError as error:  # of C++, with the place in its source
        raise OSError(f"cannot write {path}; make room and run again") from error


def read(path: Path) -> Any:
    """Return the index of a file, mapped into memory.

    Raises:
        ValueError: If it is damaged.
    """
    faiss = load_faiss()
    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
        if isinstance(index, faiss.IndexIDMap):  # of a graph
            return faiss.read_index(str(path), getattr(faiss, "IO_FLAG_MMAP_IFC", 0))
    except RuntimeError as error:
        raise ValueError(f"{path} is damaged; build the index again") from error
    lists = faiss.downcast_InvertedLists(index.invlists)
    lists.prefetch_nthread = 0  # its 32 threads take longer than the lists
    return index


def _inverted_lists(faiss: Any, num_vectors: int, dim: int, kind: ApproximateKind) -> Any:
    num_lists = max(1, min(round(2 * math.sqrt(num_vectors)), num_vectors // _TRAINING_VECTORS))
    centres = faiss.IndexFlatIP(dim)
    if kind == "ivf":
        index = faiss.IndexIVFFlat(centres, dim, num_lists, faiss.METRIC_INNER_PRODUCT)
    else:
        index = faiss.IndexIVFPQ(centres, dim, num_lists, _code_bytes(dim), 8, faiss.METRIC_INNER_PRODUCT)
    index.cp.niter = _ITERATIONS
    return index


def _code_bytes(dim: int) -> int:
    """Return the largest divisor of ``dim`` up to an eighth of it, so many parts have a byte each.

    Example:
        >>> _code_bytes(512), _code_bytes(7)
        (64, 1)
    """
    return max(parts for parts in range(1, max(1, dim // 8) + 1) if dim % parts == 0)


def _sample(vectors: Floats, number: int) -> Floats:
    """Return up to ``number`` of the vectors, the same at every call."""
    places = np.random.default_rng(0).choice(len(vectors), min(number, len(vectors)), replace=False)
    return np.ascontiguousarray(vectors[np.sort(places)])


def _parameters(tuned: Tuned, k: int, allowed: Allowed | None) -> Any:
    faiss = load_faiss()
    options: dict[str, Any] = {}
    if allowed is not None:
        options["sel"] = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
    if tuned.parameter == "ef":
        return faiss.SearchParametersHNSW(efSearch=max(tuned.value, k), **options)
    return faiss.SearchParametersIVF(nprobe=tuned.value, **options)


def _ranked_again(
    vectors: Floats, queries: Floats, positions: Positions, found: Allowed, k: int
) -> tuple[Floats, Positions]:
    scores = np.full((len(queries), k), -np.inf, np.float32)
    places = np.full((len(queries), k), NONE, np.int64)
    for row, query in enumerate(queries):
        best, where = ranked(vectors, query, positions[row][found[row]], k)
        scores[row, : len(best)], places[row, : len(where)] = best, where
    return scores, places


def _tune(index: Any, vectors: Floats, held: Positions, tuned: Tuned, target_recall: float) -> Tuned:
    """Return the smallest value that reaches the target, with what was measured.

    Where none does, or only one with which exact search is faster, the last that was tried.

    Args:
        index: Over all vectors but ``held``, which look for the others.
    """
    queries = np.ascontiguousarray(vectors[held])
    others = np.ones(len(vectors), np.bool_)
    others[held] = False
    truth, _ = nearest(vectors, queries, RECALL_AT, allowed=others)
    least = truth[:, -1:] - slack_of(vectors.shape[1])  # equal scores count, whichever of them is found
    exact_seconds = _seconds(lambda query: nearest(vectors, query, RECALL_AT), queries[:3])

    def measured(tried: Tuned) -> Tuned:
        started = time.perf_counter()
        scores, _ = search(index, tried, vectors, queries, RECALL_AT)
        seconds = (time.perf_counter() - started) / len(queries)
        recall = float((scores >= least).mean())
        return replace(tried, recall=recall, seconds=seconds, exact_seconds=exact_seconds)

    aim = min(1.0, target_recall + _MARGIN)
    longest = max(exact_seconds, _MIN_SECONDS)
    best = measured(tuned)
    while best.recall < aim and best.seconds < longest:
        tried = measured(replace(best, value=min(2 * best.value, best.largest)))
        if tried.recall >= best.recall + _GAIN:
            best = tried
        elif 0 < best.rerank < _MOST_RERANK:  # the codes hide the best in the right lists
            best = measured(replace(best, rerank=2 * best.rerank))
        elif tried.value > best.value:
            best = tried
        else:
            break
    low = best.value // 2  # too small, as far as was tried
    while best.recall >= aim and best.value - low > max(1, best.value // 8):
        tried = measured(replace(best, value=(low + best.value) // 2))
        low, best = (low, tried) if tried.recall >= aim else (tried.value, best)
    alone = _seconds(lambda query: search(index, best, vectors, query, RECALL_AT), queries[:32])
    return replace(best, seconds=alone)


def _seconds(find: Callable[[Floats], Any], queries: Floats) -> float:
    """Return the time of one query, alone."""
    find(queries[:1])
    started = time.perf_counter()
    for row in range(len(queries)):
        find(queries[row : row + 1])
    return (time.perf_counter() - started) / len(queries)
