"""Each loss of RASL against its equation, written plainly."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vidkit.tasks.highlight_detection import KPointContrast, TopActivations
from vidkit.tasks.highlight_detection.loss import reconstruction_loss, top_and_bottom


def _layer_norm(vector: np.ndarray) -> np.ndarray:
    return (vector - vector.mean()) / np.sqrt(vector.var() + 1e-5)


def _reference_contrast(s: np.ndarray, top_codes: np.ndarray, bottom_codes: np.ndarray, k: int) -> float:
    """Equations 6 to 8 for one sequence."""
    order = sorted(range(len(s)), key=lambda i: s[i])
    bottom, top = order[:k], order[-k:]
    eta = 0.0
    for i in range(k):
        a, b = _layer_norm(top_codes[top[i]]), _layer_norm(bottom_codes[bottom[i]])
        likeness = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
        eta += s[top[i]] * (1 - likeness) / k
    return -math.log(1 / (1 + math.exp(-eta)))


def test_k_point_contrast_is_equation_8() -> None:
    rng = np.random.default_rng(0)
    s = rng.normal(size=(3, 20))
    top_codes, bottom_codes = rng.normal(size=(2, 3, 20, 6))
    expected = np.mean([_reference_contrast(s[b], top_codes[b], bottom_codes[b], k=4) for b in range(3)])
    mask = torch.ones(3, 20, dtype=torch.bool)
    loss = KPointContrast(k=4)(*map(torch.tensor, (s, top_codes, bottom_codes)), mask)
    assert loss.item() == pytest.approx(expected, abs=1e-9)


def test_copies_are_neither_top_nor_bottom() -> None:
    rng = np.random.default_rng(1)
    s = torch.tensor(rng.normal(size=(1, 12)))
    codes = torch.tensor(rng.normal(size=(2, 1, 12, 5)))
    mask = torch.arange(12)[None] < 9
    s[0, 9:] = torch.tensor([100.0, -100.0, 50.0])  # would be chosen first
    expected = _reference_contrast(s[0, :9].numpy(), codes[0, 0, :9].numpy(), codes[1, 0, :9].numpy(), k=3)
    assert KPointContrast(k=3)(s, codes[0], codes[1], mask).item() == pytest.approx(expected, abs=1e-9)


def test_a_sequence_shorter_than_k_gives_all_its_steps() -> None:
    rng = np.random.default_rng(2)
    s = torch.tensor(rng.normal(size=(1, 8)))
    codes = torch.tensor(rng.normal(size=(2, 1, 8, 5)))
    mask = torch.arange(8)[None] < 3
    expected = _reference_contrast(s[0, :3].numpy(), codes[0, 0, :3].numpy(), codes[1, 0, :3].numpy(), k=3)
    assert KPointContrast(k=10)(s, codes[0], codes[1], mask).item() == pytest.approx(expected, abs=1e-9)


def test_top_and_bottom_are_ascending() -> None:
    s = torch.tensor([[0.3, -1.0, 2.0, 0.1, 5.0]])
    top, bottom, exists = top_and_bottom(s, torch.ones(1, 5, dtype=torch.bool), k=2)
    assert top.tolist() == [[2, 4]]
    assert bottom.tolist() == [[1, 3]]
    assert exists.all()


def test_the_substitute_of_figure_6_is_the_mean_of_the_top() -> None:
    s = torch.tensor([[0.3, -1.0, 2.0, 0.1, 5.0]], dtype=torch.float64)
    loss = TopActivations(k=2)(s, torch.ones(1, 5, dtype=torch.bool))
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-3.5)), abs=1e-12)


def test_contrast_pulls_the_top_activations_up() -> None:
    s = torch.randn(2, 20, requires_grad=True)
    codes = torch.randn(2, 2, 20, 6)
    mask = torch.ones(2, 20, dtype=torch.bool)
    KPointContrast(k=4)(s, codes[0], codes[1], mask).backward()
    top, _, _ = top_and_bottom(s.detach(), mask, k=4)
    assert s.grad is not None
    assert (s.grad.gather(1, top) < 0).all()  # a step of descent enlarges them
    assert int((s.grad != 0).sum()) == 2 * 4


@pytest.mark.parametrize("kind", [KPointContrast, TopActivations])
def test_k_counts_at_least_one(kind: type) -> None:
    with pytest.raises(ValueError, match="k counts steps, at least 1, got 0"):
        kind(k=0)


def test_reconstruction_is_the_mean_absolute_error_of_the_real_steps() -> None:
    rng = np.random.default_rng(3)
    target, rebuilt = rng.normal(size=(2, 2, 5, 4))
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], dtype=bool)
    expected = np.abs(target - rebuilt)[mask].mean()
    loss = reconstruction_loss(torch.tensor(target), torch.tensor(rebuilt), torch.tensor(mask))
    assert loss.item() == pytest.approx(expected, abs=1e-12)
