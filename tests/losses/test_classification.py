"""Losses of scores per clip against their formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vidkit.losses import bernoulli_kl, sigmoid_focal_loss


def _sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def _focal(logits: np.ndarray, labels: np.ndarray, alpha: float, gamma: float) -> float:
    total = 0.0
    for z, label in zip(logits, labels):
        p = _sigmoid(z)
        total -= alpha * (1 - p) ** gamma * math.log(p) if label else (1 - alpha) * p**gamma * math.log(1 - p)
    return total / len(logits)


def _kl(logits: np.ndarray, others: np.ndarray) -> float:
    total = 0.0
    for p, q in zip(map(_sigmoid, logits), map(_sigmoid, others)):
        total += p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
    return total / len(logits)


@pytest.mark.parametrize(("alpha", "gamma"), [(0.7, 2.0), (0.25, 0.0), (0.5, 1.5)])
def test_focal_loss_is_equation_5(alpha: float, gamma: float) -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=40) * 3, rng.random(40) < 0.3
    loss = sigmoid_focal_loss(torch.tensor(logits), torch.tensor(labels), alpha=alpha, gamma=gamma)
    assert loss.item() == pytest.approx(_focal(logits, labels, alpha, gamma), rel=1e-9)


def test_without_focus_it_is_half_the_cross_entropy() -> None:
    logits, labels = torch.randn(50), torch.rand(50) < 0.5
    loss = sigmoid_focal_loss(logits, labels, alpha=0.5, gamma=0.0)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels.float()) / 2
    torch.testing.assert_close(loss, expected)


def test_the_gradient_of_the_focal_loss_is_that_of_finite_differences() -> None:
    logits = torch.randn(12, dtype=torch.float64, requires_grad=True)
    labels = torch.arange(12) % 3 == 0
    assert torch.autograd.gradcheck(lambda z: sigmoid_focal_loss(z, labels, alpha=0.7, gamma=2.0), (logits,))


def test_divergence_is_that_of_bernoulli_distributions() -> None:
    rng = np.random.default_rng(1)
    logits, others = rng.normal(size=(2, 30)) * 3
    loss = bernoulli_kl(torch.tensor(logits), torch.tensor(others))
    assert loss.item() == pytest.approx(_kl(logits, others), rel=1e-9)
    assert bernoulli_kl(torch.tensor(logits), torch.tensor(logits)).item() == 0


def test_divergence_is_never_negative_where_the_printed_one_is() -> None:
    logits, others = torch.tensor([-2.0]), torch.tensor([1.0])
    p, q = logits.sigmoid(), others.sigmoid()
    assert (p * (p / q).log()).item() < 0  # Equations 3 and 4 of the MMCT paper
    assert bernoulli_kl(logits, others).item() > 0


def test_the_other_side_learns_unless_it_is_detached() -> None:
    logits, others = (torch.randn(6, requires_grad=True) for _ in range(2))
    bernoulli_kl(logits, others, detach_other=True).backward()
    assert others.grad is None
    alone = logits.grad.clone()
    logits.grad = None
    bernoulli_kl(logits, others).backward()
    assert (others.grad != 0).all()
    torch.testing.assert_close(logits.grad, alone)


@pytest.mark.parametrize("size", [50.0, 1e4])
def test_very_sure_logits_give_finite_losses_and_gradients(size: float) -> None:
    for sign in (1, -1):
        logits = torch.tensor([size, -size], requires_grad=True)
        others = torch.tensor([sign * size, 0.0], requires_grad=True)
        labels = torch.tensor([sign > 0, True])
        loss = sigmoid_focal_loss(logits, labels, alpha=0.7, gamma=2.0) + bernoulli_kl(logits, others)
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(logits.grad).all()
        assert torch.isfinite(others.grad).all()


def test_padding_changes_neither() -> None:
    logits, others, labels = torch.randn(2, 9), torch.randn(2, 9), torch.rand(2, 9) < 0.4
    mask = torch.arange(9) < torch.tensor([[9], [4]])
    real = lambda x: torch.cat([x[0], x[1, :4]])  # noqa: E731
    for padding in (0.0, 1e30, float("nan")):
        padded, other = (x.masked_fill(~mask, padding) for x in (logits, others))
        torch.testing.assert_close(
            sigmoid_focal_loss(padded, labels, alpha=0.7, gamma=2.0, mask=mask),
            sigmoid_focal_loss(real(logits), real(labels), alpha=0.7, gamma=2.0),
        )
        torch.testing.assert_close(
            bernoulli_kl(padded, other, mask=mask), bernoulli_kl(real(logits), real(others))
        )


def test_half_precision_is_computed_in_float32() -> None:
    logits, labels = torch.randn(5).bfloat16(), torch.arange(5) % 2 == 0
    loss = sigmoid_focal_loss(logits, labels, alpha=0.7, gamma=2.0)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, sigmoid_focal_loss(logits.float(), labels, alpha=0.7, gamma=2.0))
    assert bernoulli_kl(logits, logits).dtype == torch.float32


def test_without_real_clips_both_are_zero() -> None:
    mask = torch.zeros(3, dtype=torch.bool)
    assert sigmoid_focal_loss(torch.randn(3), mask, alpha=0.7, gamma=2.0, mask=mask).item() == 0
    assert bernoulli_kl(torch.randn(3), torch.randn(3), mask=mask).item() == 0


def test_weights_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"alpha .* in \[0, 1\], got 1.1"):
        sigmoid_focal_loss(torch.zeros(1), torch.zeros(1, dtype=torch.bool), alpha=1.1, gamma=2.0)
    with pytest.raises(ValueError, match=r"gamma, .* at least 0, got -1"):
        sigmoid_focal_loss(torch.zeros(1), torch.zeros(1, dtype=torch.bool), alpha=0.5, gamma=-1)
