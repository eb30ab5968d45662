"""The focal loss of heat maps against its formula, and ratios over processes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vidkit.losses import gaussian_focal_loss, global_ratio, reduction


def _reference(logits: np.ndarray, heat: np.ndarray, alpha: float, gamma: float) -> float:
    total = 0.0
    for z, y in zip(logits.flat, heat.flat):
        p = 1 / (1 + math.exp(-z))
        if y == 1:
            total -= (1 - p) ** alpha * math.log(p)
        else:
            total -= (1 - y) ** gamma * p**alpha * math.log(1 - p)
    return total


def _map(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    heat = rng.random((3, 12)) * (rng.random((3, 12)) < 0.5)
    heat[0, 4] = heat[1, 2] = 1.0
    return rng.normal(size=(3, 12)) * 3, heat


@pytest.mark.parametrize(("alpha", "gamma"), [(2.0, 4.0), (0.0, 0.0), (1.5, 1.0)])
def test_it_is_equation_1(alpha: float, gamma: float) -> None:
    logits, heat = _map()
    loss = gaussian_focal_loss(
        torch.tensor(logits), torch.tensor(heat), num_peaks=2, alpha=alpha, gamma=gamma
    )
    assert loss.item() == pytest.approx(_reference(logits, heat, alpha, gamma) / 2, rel=1e-9)


def test_masked_clips_do_not_count() -> None:
    logits, heat = _map()
    mask = torch.ones(3, 12, dtype=torch.bool)
    mask[:, 9:] = False
    loss = gaussian_focal_loss(torch.tensor(logits), torch.tensor(heat), num_peaks=2, mask=mask)
    assert loss.item() == pytest.approx(_reference(logits[:, :9], heat[:, :9], 2, 4) / 2, rel=1e-9)


def test_without_peaks_it_is_the_plain_sum() -> None:
    logits, _ = _map()
    loss = gaussian_focal_loss(torch.tensor(logits), torch.zeros(3, 12), num_peaks=0)
    assert loss.item() == pytest.approx(_reference(logits, np.zeros((3, 12)), 2, 4), rel=1e-6)


def test_its_gradient_is_that_of_finite_differences() -> None:
    logits, heat = (torch.tensor(x) for x in _map())
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda z: gaussian_focal_loss(z, heat, num_peaks=2), (logits,))


def test_it_stays_finite_however_sure_a_logit_is() -> None:
    logits = torch.tensor([1e4, -1e4, 1e4, -1e4], requires_grad=True)
    loss = gaussian_focal_loss(logits, torch.tensor([1.0, 1.0, 0.0, 0.0]), num_peaks=1)
    loss.backward()
    assert loss.item() == pytest.approx(2e4)
    assert logits.grad.isfinite().all()
    half = gaussian_focal_loss(logits.detach().half() / 10, torch.tensor([1, 1, 0, 0]).half(), num_peaks=1)
    assert half.item() == pytest.approx(2e3)


def test_negative_exponents_are_refused() -> None:
    with pytest.raises(ValueError, match=r"alpha, an exponent of the focal loss, must be at least 0, got -1"):
        gaussian_focal_loss(torch.zeros(1), torch.zeros(1), num_peaks=1, alpha=-1)
    with pytest.raises(ValueError, match=r"gamma, an exponent"):
        gaussian_focal_loss(torch.zeros(1), torch.zeros(1), num_peaks=1, gamma=-0.5)


@pytest.mark.parametrize("counts", [(3, 1), (0, 4), (0, 0)])
def test_the_mean_over_processes_is_the_ratio_of_all_sums(
    counts: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    totals = (torch.tensor(5.0), torch.tensor(2.0))
    monkeypatch.setattr(reduction, "world_size", lambda: 2)
    monkeypatch.setattr(reduction.dist, "all_reduce", lambda count: count.fill_(float(sum(counts))))
    ratios = [global_ratio(total, count) for total, count in zip(totals, counts)]
    assert sum(ratios).item() / 2 == pytest.approx(7.0 / max(sum(counts), 1))
