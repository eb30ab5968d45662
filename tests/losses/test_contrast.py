"""Symmetric InfoNCE against its definition, and means over processes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vidkit.losses import SymmetricContrast, global_mean, symmetric_info_nce


def _reference(a: np.ndarray, b: np.ndarray, scale: float) -> float:
    a = a / np.linalg.norm(a, axis=1, keepdims=True)
    b = b / np.linalg.norm(b, axis=1, keepdims=True)
    logits = scale * a @ b.T
    n = len(a)
    forth = [
        -math.log(math.exp(logits[i, i]) / sum(math.exp(logits[i, j]) for j in range(n))) for i in range(n)
    ]
    back = [
        -math.log(math.exp(logits[i, i]) / sum(math.exp(logits[j, i]) for j in range(n))) for i in range(n)
    ]
    return (sum(forth) + sum(back)) / (2 * n)


def test_it_is_the_definition() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 7, 5))
    loss = symmetric_info_nce(torch.tensor(a), torch.tensor(b), scale=3.0)
    assert loss.item() == pytest.approx(_reference(a, b, 3.0), abs=1e-10)


def test_padding_does_not_change_it() -> None:
    rng = np.random.default_rng(1)
    a, b = torch.tensor(rng.normal(size=(2, 9, 5)))
    mask = torch.tensor([True] * 6 + [False] * 3)
    padded = symmetric_info_nce(a, b, scale=2.0, mask=mask)
    assert padded.item() == pytest.approx(symmetric_info_nce(a[:6], b[:6], scale=2.0).item(), abs=1e-12)


def test_padding_gets_no_gradient_and_none_is_nan() -> None:
    a = torch.randn(4, 3, requires_grad=True)
    symmetric_info_nce(
        a, torch.randn(4, 3), scale=2.0, mask=torch.tensor([True, True, False, False])
    ).backward()
    assert a.grad is not None
    assert torch.isfinite(a.grad).all()
    assert (a.grad[2:] == 0).all()


def test_without_pairs_it_is_zero() -> None:
    loss = symmetric_info_nce(
        torch.randn(2, 3), torch.randn(2, 3), scale=1.0, mask=torch.zeros(2, dtype=torch.bool)
    )
    assert loss.item() == 0.0


def test_the_temperature_starts_where_it_is_told_and_learns() -> None:
    contrast = SymmetricContrast(log_scale=3.1)
    a, b = torch.randn(2, 6, 4)
    loss = contrast(a, b)
    assert loss.item() == pytest.approx(symmetric_info_nce(a, b, scale=math.exp(3.1)).item(), rel=1e-5)
    loss.backward()
    assert contrast.log_scale.grad is not None
    assert contrast.log_scale.grad != 0


def test_a_global_mean_counts_what_the_mask_holds() -> None:
    values = torch.tensor([[1.0, 2.0], [3.0, float("nan")]])
    mask = torch.tensor([[True, True], [True, False]])
    assert global_mean(values, mask).item() == 2.0
    assert global_mean(values, torch.zeros_like(mask)).item() == 0.0
