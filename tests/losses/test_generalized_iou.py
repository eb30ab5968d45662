"""The generalised IoU against its formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vidkit.losses import generalized_iou


def _reference(a: np.ndarray, b: np.ndarray) -> float:
    (s, e), (u, v) = a, b
    inner = max(0.0, min(e, v) - max(s, u))
    outer = max(e, v) - min(s, u)
    union = (e - s) + (v - u) - inner
    return inner / union - (outer - union) / outer


def test_it_is_the_formula_one_by_one_and_for_every_pair() -> None:
    a, b = np.sort(np.random.default_rng(0).random((2, 50, 2)), axis=-1)
    elementwise = generalized_iou(torch.tensor(a), torch.tensor(b))
    assert elementwise.tolist() == pytest.approx([_reference(x, y) for x, y in zip(a, b)], rel=1e-9)
    pairs = generalized_iou(torch.tensor(a)[:, None], torch.tensor(b)[:9])
    assert pairs.shape == (50, 9)
    expected = [[_reference(x, y) for y in b[:9]] for x in a]
    np.testing.assert_allclose(pairs.numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([2.0, 8.0], [2.0, 8.0], 1.0),
        ([0.0, 10.0], [4.0, 6.0], 0.2),  # nested: the shortest interval round both is the union
        ([0.0, 2.0], [2.0, 4.0], 0.0),  # they touch
        ([0.0, 1.0], [9.0, 10.0], -0.8),
        ([3.0, 3.0], [3.0, 3.0], 0.0),
        ([0.0, 0.0], [4.0, 4.0], -1.0),
    ],
)
def test_hand_computed_cases(a: list[float], b: list[float], expected: float) -> None:
    moments = torch.tensor(a, requires_grad=True)
    overlap = generalized_iou(moments, torch.tensor(b))
    overlap.backward()
    assert overlap.item() == pytest.approx(expected, abs=1e-6)
    assert torch.isfinite(moments.grad).all()


def test_it_draws_moments_together_that_do_not_overlap() -> None:
    moments = torch.tensor([0.0, 4.0], requires_grad=True)
    generalized_iou(moments, torch.tensor([10.0, 14.0])).backward()
    assert moments.grad[1] > 0  # a later end raises it


def test_half_precision_is_computed_in_float32() -> None:
    moments = torch.tensor([[1000.0, 1010.0]])
    assert generalized_iou(moments.bfloat16(), moments).dtype == torch.float32
