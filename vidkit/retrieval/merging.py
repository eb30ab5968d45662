"""Which small segments become one, and their rows in the order of ids."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from vidkit.retrieval.approximate import choose_kind
from vidkit.retrieval.manifest import Manifest
from vidkit.retrieval.memory import available_bytes
from vidkit.retrieval.segment import Batch, Segment

SEGMENTS_A_TIER = 4
_SMALLEST_TIER = 1024
_MIN_CHANGED = 10_000  # vectors; a smaller change never makes a large index anew
_ROWS_AT_ONCE = 8192


def places_to_merge(segments: Sequence[Segment], manifest: Manifest) -> Sequence[int]:
    """Return the places of the segments that should become one now; [] where nothing should.

    All of them where more has been removed than half of the large one, the first, or more has come beside it
    and is searched exactly. Else segments of about one size, and an approximate one stays as it is.
    """
    sizes = [len(segment) for segment in segments]
    num_removed = sum(segment.num_removed for segment in segments)
    bound = max(_MIN_CHANGED, sum(sizes[:1]) // 2)
    memory = available_bytes()
    wanted = choose_kind(manifest.kind, sum(sizes) - num_removed, manifest.dim, memory_bytes=memory)
    if num_removed > bound or (wanted != "exact" and sum(sizes[1:]) > bound):
        return range(len(sizes))
    first = 1 if segments and (wanted != "exact" or segments[0].tuned) else 0
    return [place + first for place in tier_to_merge(sizes[first:])]


def tier_to_merge(sizes: Sequence[int]) -> list[int]:
    """Return the places of segments of about one size that should become one; [] while there are few.

    Sizes within a factor of four are of one tier, and four segments of a tier are merged, so that there are
    few segments and a vector is written again only as often as the number of vectors is quadrupled.

    Example:
        >>> tier_to_merge([1000, 5000, 10, 900, 200]), tier_to_merge([1000, 1000])
        ([0, 2, 3, 4], [])
    """
    tiers: dict[int, list[int]] = defaultdict(list)
    for place, size in enumerate(sizes):
        tiers[int(math.log(max(size, _SMALLEST_TIER) / _SMALLEST_TIER, 4))].append(place)
    return next((places for _, places in sorted(tiers.items()) if len(places) >= SEGMENTS_A_TIER), [])


def merged_batches(segments: Sequence[Segment]) -> Iterator[Batch]:
    """Yield the vectors and rows that can be found in the segments, sorted by id, in bounded memory."""
    places = [segment.alive_places() for segment in segments]
    ids = np.concatenate([segment.ids[alive] for segment, alive in zip(segments, places)])
    owners = np.repeat(np.arange(len(segments)), [len(alive) for alive in places])
    rows = np.concatenate(places)
    order = np.argsort(ids, kind="stable")
    for start in range(0, len(order), _ROWS_AT_ONCE):
        part = order[start : start + _ROWS_AT_ONCE]
        vectors = np.empty((len(part), segments[0].vectors.shape[1]), np.float32)
        said = []
        for owner in np.unique(owners[part]):
            mine = np.flatnonzero(owners[part] == owner)
            vectors[mine] = segments[owner].vectors[rows[part[mine]]]
            said += segments[owner].entries.rows(ids[part[mine]].tolist())
        yield vectors, sorted(said)
