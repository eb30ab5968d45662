"""The nearest vectors, exactly: a product of matrices, block by block, and what can be among the best of it.

Shapes: N vectors, B queries, D channels; all of length 1, float32.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Positions = NDArray[np.int64]
Allowed = NDArray[np.bool_]

NONE = -1  # stands in positions and ids where there are fewer than k

_SCORES_AT_ONCE = 2**22  # 16 MiB; the threads of BLAS wait for one another at the end of each product
_LEAST_ROWS = 1024
_LOOK_AT = 2**16  # scores of one query, of which the best bound the next ones
_LEAST = np.finfo(np.float32).min


def nearest(
    vectors: Floats, queries: Floats, k: int, *, allowed: Allowed | None = None
) -> tuple[Floats, Positions]:
    """Return the k vectors with the largest inner product with each query.

    Products in float32 find what can be among the best; those few are multiplied again in float64 and
    rounded, so that equal vectors have equal scores wherever they stand. Equal scores are in the order of
    positions.

    Args:
        vectors: (N, D), in memory or mapped from a file.
        queries: (B, D).
        k: How many, >= 1.
        allowed: (N,), False for a vector that must not be found; None allows all.

    Returns:
        Scores in [-1, 1] and positions, (B, k), best first; -inf and -1 behind the last vector.

    Example:
        >>> scores, positions = nearest(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)[1:2], 2)
        >>> scores.tolist(), positions.tolist()
        ([[1.0, 0.0]], [[1, 0]])
    """
    pools = [_Pool(k, slack=slack_of(vectors.shape[1])) for _ in queries]
    num_rows = max(_LEAST_ROWS, _SCORES_AT_ONCE // max(1, len(queries)))
    for start in range(0, len(vectors), num_rows):
        block = np.asarray(vectors[start : start + num_rows])
        # (B, rows); BLAS has a quicker product for one vector
        products = (block @ queries[0])[None] if len(queries) == 1 else queries @ block.T
        if allowed is not None:
            products[:, ~allowed[start : start + num_rows]] = -np.inf
        for pool, row in zip(pools, products, strict=True):
            for first in range(0, len(row), _LOOK_AT):
                pool.offer(row[first : first + _LOOK_AT], start + first)
    scores = np.full((len(queries), k), -np.inf, np.float32)
    positions = np.full((len(queries), k), NONE, np.int64)
    for place, (pool, query) in enumerate(zip(pools, queries, strict=True)):
        best, where = ranked(vectors, query, pool.positions(), k)
        scores[place, : len(best)], positions[place, : len(best)] = best, where
    return scores, positions


def ranked(vectors: Floats, query: Floats, positions: Positions, k: int) -> tuple[Floats, Positions]:
    """Return the best k of some vectors by their product in float64, equal ones in the order of positions.

    Args:
        vectors: (N, D).
        query: (D,).
        positions: Those to rank, each once.
        k: How many at most.
    """
    rows = np.asarray(vectors[positions], dtype=np.float64)
    # Summed row by row: a product of matrices would add in an order that depends on the place of a row.
    scores = np.clip((rows * query.astype(np.float64)).sum(1), -1, 1).astype(np.float32)
    order = np.lexsort((positions, -scores))[:k]
    return scores[order], positions[order]


def slack_of(dim: int) -> float:
    """Return by how much two products in float32 of unit vectors can be in the wrong order, at most."""
    return 4 * dim * 2.0**-24


class _Pool:
    """What can be among the best k of a query, out of the blocks so far.

    Args:
        k: How many are wanted.
        slack: What scores this much less than the k-th best so far is kept, too.
    """

    def __init__(self, k: int, *, slack: float) -> None:
        self._k, self._slack = k, slack
        self._scores = np.zeros(0, np.float32)
        self._positions = np.zeros(0, np.int64)
        self._bound = _LEAST

    def offer(self, scores: Floats, start: int) -> None:
        """Take what may be among the best of a block whose first vector stands at ``start``."""
        places = np.flatnonzero(scores >= self._bound)
        if not len(places):
            return
        self._scores = np.concatenate([self._scores, scores[places]])
        self._positions = np.concatenate([self._positions, places + start])
        if len(self._scores) > self._k:
            kth = np.partition(self._scores, -self._k)[-self._k]
            self._bound = max(np.float32(kth - self._slack), _LEAST)
            keep = self._scores >= self._bound
            self._scores, self._positions = self._scores[keep], self._positions[keep]

    def positions(self) -> Positions:
        """Return the positions of what is left."""
        return self._positions
