"""Dropout against its definition."""

from __future__ import annotations

import pytest
import torch

from vidkit.modules import Dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_share_is_right_and_the_mean_is_kept(p: float) -> None:
    torch.manual_seed(0)
    y = Dropout(p)(torch.ones(1000, 1001))  # a number that is not a multiple of 4
    assert (y == 0).float().mean().item() == pytest.approx(p, abs=0.002)
    assert y.mean().item() == pytest.approx(1.0, abs=0.006 * p / (1 - p) + 0.002)
    assert y.max().item() == pytest.approx(1 / (1 - p), rel=1e-4)


def test_every_place_is_dropped_as_often_and_for_itself() -> None:
    torch.manual_seed(0)
    dropped = torch.stack([Dropout(0.3)(torch.ones(64)) == 0 for _ in range(1000)]).double()
    assert (dropped.mean(dim=0) - 0.3).abs().max() < 5 * (0.3 * 0.7 / 1000) ** 0.5
    correlations = torch.corrcoef(dropped.T) - torch.eye(64)
    assert correlations.abs().max() < 5 / 1000**0.5


def test_gradients_flow_where_numbers_were_kept() -> None:
    x = torch.randn(50, requires_grad=True)
    y = Dropout(0.5)(x)
    y.sum().backward()
    torch.testing.assert_close(x.grad, torch.where(y == 0, 0.0, 2.0), rtol=1e-4, atol=0)


def test_the_same_seed_drops_the_same() -> None:
    layer, x = Dropout(0.5), torch.ones(100)
    torch.manual_seed(5)
    first, second = layer(x), layer(x)
    torch.manual_seed(5)
    assert torch.equal(layer(x), first)
    assert not torch.equal(first, second)


def test_evaluation_and_a_share_of_zero_change_nothing_and_of_one_everything() -> None:
    x = torch.randn(20)
    assert torch.equal(Dropout(0.5).eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)
    assert torch.equal(Dropout(1.0)(x), torch.zeros(20))
    assert Dropout(0.5)(x[:0]).shape == (0,)


def test_half_precision_keeps_its_type() -> None:
    assert Dropout(0.5)(torch.ones(10, dtype=torch.bfloat16)).dtype == torch.bfloat16


@pytest.mark.parametrize("p", [0.0, 0.4])
@pytest.mark.parametrize("training", [True, False])
def test_a_residual_is_the_sum_with_what_was_kept(p: float, training: bool) -> None:
    layer = Dropout(p).train(training)
    x, added = torch.randn(2, 3, 50, requires_grad=True), torch.randn(2, 3, 50, requires_grad=True)
    torch.manual_seed(1)
    expected = x + layer(added * 2)
    gradients = torch.autograd.grad(expected.square().sum(), (x, added))
    torch.manual_seed(1)
    y = layer.residual(x, added * 2)
    torch.testing.assert_close(y, expected)
    for ours, theirs in zip(torch.autograd.grad(y.square().sum(), (x, added)), gradients):
        torch.testing.assert_close(ours, theirs)


def test_a_residual_of_mixed_precision_has_the_precision_of_the_sequence() -> None:
    y = Dropout(0.5).residual(torch.ones(20), torch.ones(20, dtype=torch.bfloat16))
    assert y.dtype == torch.float32
    assert set(y.tolist()) == {1.0, 3.0}
