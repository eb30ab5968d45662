"""What tools/benchmark.py measures of the archive: a million vectors of 512 numbers, beside FAISS itself.

Run alone: python tools/benchmark_search.py --folder DIR [--data clustered|uniform] [--kind ivf]
prints how the index was built and the recall@10 of queries that are not in it, as JSON. Vectors are generated
and written batch by batch. VIDKIT_BENCHMARK_VECTORS sets another number.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from benchmark_cases import cpu_seconds, mebibytes, start_clock
from numpy.typing import NDArray

NUM_VECTORS = int(os.environ.get("VIDKIT_BENCHMARK_VECTORS", 1_000_000))
DIM = 512
K = 10
_A_CLUSTER = 500  # vectors
_NOISE = 0.8  # of a vector, relative to the centre of its cluster
_AT_ONCE = 25_000
_ENCODER = {"name": "generated", "fingerprint": "generated"}

Vectors = NDArray[np.float32]


def generated(number: int, data: str, *, seed: int) -> Iterator[Vectors]:
    """Yield ``number`` vectors of length 1, in batches: round common centres, or all over the sphere."""
    random = np.random.default_rng(seed)
    for start in range(0, number, _AT_ONCE):
        size = min(_AT_ONCE, number - start)
        vectors = random.standard_normal((size, DIM), dtype=np.float32)
        if data == "clustered":
            vectors *= _NOISE
            vectors += _centres()[random.integers(len(_centres()), size=size)]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        yield vectors


def queries(number: int, data: str) -> Vectors:
    """Return queries of the same kind as the vectors, none of which is one of them."""
    return np.concatenate(list(generated(number, data, seed=1)))


_known_centres: list[Vectors] = []


def _centres() -> Vectors:
    if not _known_centres:
        random = np.random.default_rng(2)
        number = max(10, NUM_VECTORS // _A_CLUSTER)
        _known_centres.append(random.standard_normal((number, DIM), dtype=np.float32))
    return _known_centres[0]


def built(folder: Path, data: str, kind: str) -> Path:
    """Return the folder of an index, built if it is not there; what the building took lies beside it."""
    from vidkit.retrieval import Entry, Index

    path = folder / f"{data}_{kind}_{NUM_VECTORS}"
    took = path / "took.json"
    if took.exists():
        return path
    if path.exists():
        shutil.rmtree(path)
    started, spent = time.perf_counter(), cpu_seconds()
    first = 0

    def batches() -> Iterator[tuple[Vectors, list[Entry]]]:
        nonlocal first
        for vectors in generated(NUM_VECTORS, data, seed=0):
            names = [f"video_{number // 20}" for number in range(first, first + len(vectors))]
            yield vectors, [Entry(name, f"{name}.mp4", 0.0, 10.0, text=name) for name in names]
            first += len(vectors)

    with Index.create(path, dim=DIM, encoder=_ENCODER, kind=kind) as index:
        index.add_batches(batches(), tell=lambda share, text: print(f"{share:.0%} {text}", file=sys.stderr))
    took.write_text(
        json.dumps(
            {
                "seconds": time.perf_counter() - started,
                "cpu_seconds": cpu_seconds() - spent,
                "mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )
    return path


def exact_twin(folder: Path, data: str, kind: str) -> Path:
    """Return the folder of the same index without its FAISS file; the vectors are shared."""
    source, path = built(folder, data, kind), folder / f"{data}_exact_of_{kind}_{NUM_VECTORS}"
    if not path.exists():
        shutil.copytree(source, path, copy_function=os.link)
        for about in path.glob("segments/*/segment.json"):
            values = json.loads(about.read_text())
            about.unlink()
            about.write_text(json.dumps({**values, "tuned": None}))
        manifest = path / "manifest.json"
        values = json.loads(manifest.read_text())
        manifest.unlink()
        manifest.write_text(json.dumps({**values, "kind": "exact"}))
    return path


def _vectors_of(path: Path) -> Vectors:
    """Return the vectors of an index with one segment, mapped from the file."""
    (file,) = path.glob("segments/*/vectors.npy")
    return np.load(file, mmap_mode="r")


def _run(search: Callable[[Vectors], Any], asked: Vectors, batch: int) -> None:
    for start in range(0, len(asked), batch):  # what the queries touch is mapped into memory then
        search(asked[start : start + batch])
    start_clock(steps=len(asked))
    for start in range(0, len(asked), batch):
        search(asked[start : start + batch])


def _exact_by_vidkit(folder: Path, *, batch: int, number: int) -> None:
    from vidkit.retrieval import Index

    index = Index.open(exact_twin(folder, "clustered", "ivf"))
    _run(partial(index.nearest, k=K), queries(number, "clustered"), batch)


def _exact_by_faiss(folder: Path, *, batch: int, number: int) -> None:
    import faiss

    flat = faiss.IndexFlatIP(DIM)
    vectors = _vectors_of(built(folder, "clustered", "ivf"))
    for start in range(0, len(vectors), _AT_ONCE):
        flat.add(np.ascontiguousarray(vectors[start : start + _AT_ONCE]))
    _run(lambda asked: flat.search(asked, K), queries(number, "clustered"), batch)


def _ivf_by_vidkit(folder: Path, *, batch: int, number: int, what: str = "nearest") -> None:
    from vidkit.retrieval import Index

    index = Index.open(built(folder, "clustered", "ivf"))
    _run(partial(getattr(index, what), k=K), queries(number, "clustered"), batch)


def _ivf_by_faiss(folder: Path, *, batch: int, number: int) -> None:
    import faiss

    from vidkit.retrieval import Index

    path = built(folder, "clustered", "ivf")
    with Index.open(path) as index:
        value = index.info()["segments"][0]["tuned"]["value"]
    (file,) = path.glob("segments/*/neighbours.faiss")
    raw = faiss.read_index(str(file))
    raw.nprobe = value
    _run(lambda asked: raw.search(asked, K), queries(number, "clustered"), batch)


def exact_1_by_vidkit(folder: Path) -> None:
    """Exact search, one query at a time."""
    _exact_by_vidkit(folder, batch=1, number=10)


def exact_1_by_faiss(folder: Path) -> None:
    """The same by IndexFlatIP."""
    _exact_by_faiss(folder, batch=1, number=10)


def exact_32_by_vidkit(folder: Path) -> None:
    """Exact search, 32 queries at a time."""
    _exact_by_vidkit(folder, batch=32, number=64)


def exact_32_by_faiss(folder: Path) -> None:
    """The same by IndexFlatIP."""
    _exact_by_faiss(folder, batch=32, number=64)


def ivf_1_by_vidkit(folder: Path) -> None:
    """Approximate search, one query at a time: scores and ids."""
    _ivf_by_vidkit(folder, batch=1, number=2000)


def ivf_1_with_entries(folder: Path) -> None:
    """The same, with video, time and text of the answers."""
    _ivf_by_vidkit(folder, batch=1, number=2000, what="search")


def ivf_1_by_faiss(folder: Path) -> None:
    """The same by FAISS itself, in memory."""
    _ivf_by_faiss(folder, batch=1, number=2000)


def ivf_32_by_vidkit(folder: Path) -> None:
    """Approximate search, 32 queries at a time: scores and ids."""
    _ivf_by_vidkit(folder, batch=32, number=3200)


def ivf_32_with_entries(folder: Path) -> None:
    """The same, with video, time and text of the answers."""
    _ivf_by_vidkit(folder, batch=32, number=3200, what="search")


def ivf_32_by_faiss(folder: Path) -> None:
    """The same by FAISS itself, in memory."""
    _ivf_by_faiss(folder, batch=32, number=3200)


def add_a_thousand(folder: Path) -> None:
    """A thousand vectors to a million, on the disk, ten times."""
    from vidkit.retrieval import Entry, Index

    path = folder / f"growing_{os.getpid()}"
    shutil.copytree(built(folder, "clustered", "ivf"), path, copy_function=os.link)
    new = queries(10_000, "clustered")
    with Index.open(path) as index:
        start_clock(steps=10, memory=True)
        for start in range(0, len(new), 1000):
            names = [f"new_{number}" for number in range(start, start + 1000)]
            index.add(new[start : start + 1000], [Entry(name, name, 0, 1) for name in names])
    shutil.rmtree(path)


CASES: dict[str, list[Callable[[Path], None]]] = {
    "search_exact_1": [exact_1_by_vidkit, exact_1_by_faiss],
    "search_exact_32": [exact_32_by_vidkit, exact_32_by_faiss],
    "search_ivf_1": [ivf_1_by_vidkit, ivf_1_with_entries, ivf_1_by_faiss, exact_1_by_vidkit],
    "search_ivf_32": [ivf_32_by_vidkit, ivf_32_with_entries, ivf_32_by_faiss],
    "search_add": [add_a_thousand],
}


def main() -> None:
    """Build an index and print what it took and what it finds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True, help="where the indexes are kept between runs")
    parser.add_argument("--data", choices=["clustered", "uniform"], default="clustered")
    parser.add_argument("--kind", choices=["ivf", "ivf_pq", "hnsw"], default="ivf")
    parser.add_argument("--queries", type=int, default=500)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    from vidkit.retrieval import Index

    path = built(arguments.folder, arguments.data, arguments.kind)
    asked = queries(arguments.queries, arguments.data)
    before = mebibytes("VmRSS")
    with (
        Index.open(path) as index,
        Index.open(exact_twin(arguments.folder, arguments.data, arguments.kind)) as twin,
    ):
        found = [index.nearest(asked[start : start + 50], K)[1] for start in range(0, len(asked), 50)]
        held = mebibytes("VmRSS") - before
        right = [twin.nearest(asked[start : start + 50], K)[1] for start in range(0, len(asked), 50)]
        told = index.info()["segments"][0]
    recall = np.mean(
        [len(set(one) & set(other)) / K for one, other in zip(np.concatenate(found), np.concatenate(right))]
    )
    took = json.loads((path / "took.json").read_text())
    print(json.dumps({"recall@10": recall, "held_mebibytes": held, "build": took, "index": told}, indent=2))


if __name__ == "__main__":
    main()
