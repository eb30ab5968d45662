"""Exact search equals the product of matrices, ties included."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from vidkit.retrieval import exact
from vidkit.retrieval.exact import nearest


def unit(number: int, dim: int, seed: int = 0) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).standard_normal((number, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _reference(
    vectors: NDArray[np.float32], queries: NDArray[np.float32], k: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """torch matmul and a stable sort: equal scores stay in the order of positions."""
    scores = (torch.from_numpy(queries).double() @ torch.from_numpy(vectors).double().T).float()
    values, places = torch.sort(scores, dim=1, descending=True, stable=True)
    return values[:, :k].numpy(), places[:, :k].numpy()


@pytest.mark.parametrize("num_queries", [1, 2, 40])
@pytest.mark.parametrize("num_vectors", [1, 7, 3000])
def test_exact_search_equals_matmul_and_topk(num_queries: int, num_vectors: int) -> None:
    vectors, queries = unit(num_vectors, 48), unit(num_queries, 48, seed=1)
    scores, places = nearest(vectors, queries, 5)
    expected_scores, expected = _reference(vectors, queries, 5)
    found = min(5, num_vectors)
    np.testing.assert_array_equal(places[:, :found], expected)
    np.testing.assert_allclose(scores[:, :found], expected_scores, atol=1e-7)
    assert (places[:, found:] == -1).all()
    assert np.isneginf(scores[:, found:]).all()


def test_it_agrees_with_flat_of_faiss() -> None:
    import faiss

    vectors, queries = unit(2000, 64), unit(30, 64, seed=1)
    flat = faiss.IndexFlatIP(64)
    flat.add(vectors)
    expected_scores, expected = flat.search(queries, 10)
    scores, places = nearest(vectors, queries, 10)
    np.testing.assert_array_equal(places, expected)
    np.testing.assert_allclose(scores, expected_scores, atol=1e-6)


@pytest.mark.parametrize("num_queries", [1, 3])
def test_equal_vectors_are_found_in_the_order_of_positions_with_equal_scores(
    num_queries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copies stand in many blocks, where products in float32 round them differently."""
    monkeypatch.setattr(exact, "_SCORES_AT_ONCE", 1)
    one = unit(1, 301, seed=5)
    vectors = np.concatenate([unit(900, 301), np.repeat(one, 2301, axis=0), unit(50, 301, seed=2)])
    queries = np.repeat(unit(1, 301, seed=9) * 0.1 + one, num_queries, axis=0).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    scores, places = nearest(vectors, queries, 40)
    assert (places == np.arange(900, 940)).all()
    assert (scores == scores[0, 0]).all()


def test_what_is_not_allowed_is_not_found() -> None:
    vectors = unit(500, 16)
    allowed = np.zeros(500, np.bool_)
    allowed[[3, 499, 77]] = True
    scores, places = nearest(vectors, unit(4, 16, seed=1), 10, allowed=allowed)
    assert (np.sort(places[:, :3], axis=1) == [3, 77, 499]).all()
    assert (places[:, 3:] == -1).all()
    assert np.isfinite(scores[:, :3]).all()


def test_scores_never_leave_their_range() -> None:
    vectors = unit(400, 512)
    scores, places = nearest(vectors, vectors, 1)
    assert (places[:, 0] == np.arange(400)).all()
    assert (np.abs(scores) <= 1).all()
    opposite, _ = nearest(-vectors[:1], vectors[:1], 1)
    assert -1 <= opposite[0, 0] < -0.999999
