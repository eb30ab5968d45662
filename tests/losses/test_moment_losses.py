"""The loss of moments against its formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vidkit.losses import diou_loss


def _reference(a: np.ndarray, b: np.ndarray) -> float:
    total = 0.0
    for (s, e), (u, v) in zip(a, b):
        inner = max(0.0, min(e, v) - max(s, u))
        outer = max(e, v) - min(s, u)
        overlap = inner / ((e - s) + (v - u) - inner)
        total += 1 - overlap + (((s + e) / 2 - (u + v) / 2) / outer) ** 2
    return total / len(a)


def test_it_is_the_formula_on_random_moments() -> None:
    rng = np.random.default_rng(0)
    moments, targets = np.sort(rng.random((2, 200, 2)) * 100, axis=-1)
    loss = diou_loss(torch.tensor(moments), torch.tensor(targets))
    assert loss.item() == pytest.approx(_reference(moments, targets), rel=1e-9)


@pytest.mark.parametrize(
    ("moment", "target", "expected"),
    [
        ([2.0, 8.0], [2.0, 8.0], 0.0),
        ([2.0, 4.0], [4.0, 6.0], 1 + (2 / 4) ** 2),  # they touch
        ([0.0, 1.0], [99.0, 100.0], 1 + 0.99**2),  # far apart: there is still a way to go
        ([0.0, 10.0], [4.0, 6.0], 1 - 2 / 10),  # nested, with one middle
        ([3.0, 3.0], [3.0, 3.0], 1.0),  # no length: no overlap
        ([5.0, 5.0], [0.0, 10.0], 1.0),
    ],
)
def test_hand_computed_cases(moment: list[float], target: list[float], expected: float) -> None:
    moments = torch.tensor([moment], requires_grad=True)
    loss = diou_loss(moments, torch.tensor([target]))
    loss.backward()
    assert loss.item() == pytest.approx(expected, abs=1e-6)
    assert torch.isfinite(moments.grad).all()


def test_moments_that_do_not_overlap_are_drawn_together() -> None:
    moments = torch.tensor([[0.0, 4.0]], requires_grad=True)
    diou_loss(moments, torch.tensor([[10.0, 14.0]])).backward()
    assert moments.grad[0, 1] < 0  # a later end lowers the loss


def test_time_may_begin_anywhere() -> None:
    moments, targets = torch.rand(2, 30, 2).sort(dim=-1).values * 50
    torch.testing.assert_close(diou_loss(moments + 100, targets + 100), diou_loss(moments, targets))


def test_masked_moments_do_not_count_and_none_give_zero() -> None:
    moments, targets = torch.rand(2, 3, 4, 2).sort(dim=-1).values
    mask = torch.arange(4) < torch.tensor([[4], [1], [0]])
    torch.testing.assert_close(diou_loss(moments, targets, mask), diou_loss(moments[mask], targets[mask]))
    assert diou_loss(moments[:0], targets[:0]).item() == 0


def test_half_precision_is_computed_in_float32() -> None:
    moments = torch.tensor([[1000.0, 1010.0]])
    assert diou_loss(moments.bfloat16(), moments).dtype == torch.float32
