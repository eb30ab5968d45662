"""Equation 2 against its definition, in one process and in two."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import Tensor
from torch.multiprocessing.spawn import spawn

from vidkit.losses import symmetric_info_nce
from vidkit.tasks.video_text_retrieval import SymmetricTitleContrast, TitleContrast


def _pairs(seed: int, n: int = 6, d: int = 5) -> tuple[Tensor, Tensor]:
    a, b = np.random.default_rng(seed).normal(size=(2, n, d))
    return torch.tensor(a), torch.tensor(b)


def _reference(videos: np.ndarray, titles: np.ndarray, temperature: float) -> float:
    """Equation 2, term by term."""

    def s(i: int, j: int) -> float:
        v, t = videos[i], titles[j]
        return float(v @ t / math.sqrt(v @ v) / math.sqrt(t @ t))

    n = len(videos)
    losses = []
    for i in range(n):
        below = sum(math.exp(s(i, j) / temperature) + math.exp(s(j, i) / temperature) for j in range(n))
        losses.append(-math.log(math.exp(s(i, i) / temperature) / below))
    return sum(losses) / n


@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_it_is_equation_2_as_printed(temperature: float) -> None:
    videos, titles = _pairs(0)
    loss = TitleContrast(temperature=temperature)(videos, titles)
    assert loss.item() == pytest.approx(_reference(videos.numpy(), titles.numpy(), temperature), abs=1e-10)


def test_the_temperature_is_that_of_the_paper() -> None:
    videos, titles = _pairs(1)
    assert TitleContrast()(videos, titles) == TitleContrast(temperature=0.05)(videos, titles)


def test_its_minimum_is_ln_2() -> None:
    eye = torch.eye(4, dtype=torch.float64)
    assert TitleContrast(temperature=0.001)(eye, eye).item() == pytest.approx(math.log(2), abs=1e-12)
    for seed in range(20):
        assert TitleContrast()(*_pairs(seed, n=3)).item() > math.log(2)


def test_the_symmetric_loss_is_that_of_clip_and_has_the_minimum_0() -> None:
    videos, titles = _pairs(2)
    loss = SymmetricTitleContrast(temperature=0.1)(videos, titles)
    assert loss.item() == pytest.approx(symmetric_info_nce(videos, titles, scale=10.0).item(), abs=1e-12)
    eye = torch.eye(4, dtype=torch.float64)
    assert SymmetricTitleContrast(temperature=0.001)(eye, eye).item() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("kind", [TitleContrast, SymmetricTitleContrast])
def test_what_is_no_pair_is_neither_anchor_nor_negative(kind: type[TitleContrast]) -> None:
    videos, titles = (x.requires_grad_() for x in _pairs(3))
    mask = torch.tensor([True, False, True, True, False, True])
    loss = kind()(videos, titles, mask)
    assert loss.item() == pytest.approx(kind()(videos[mask], titles[mask]).item(), abs=1e-12)
    loss.backward()
    for x in (videos, titles):
        assert x.grad is not None
        assert torch.isfinite(x.grad).all()
        assert (x.grad[~mask] == 0).all()
        assert (x.grad[mask] != 0).any(dim=1).all()


def test_without_pairs_the_loss_is_0() -> None:
    videos, titles = _pairs(4)
    assert TitleContrast()(videos, titles, torch.zeros(6, dtype=torch.bool)).item() == 0.0


def test_half_precision_is_summed_in_float32() -> None:
    videos, titles = (x.float() for x in _pairs(5))
    loss = TitleContrast()(videos.bfloat16(), titles.bfloat16())
    assert loss.dtype == torch.float32
    expected = TitleContrast()(videos.bfloat16().float(), titles.bfloat16().float())
    assert loss.item() == pytest.approx(expected.item(), abs=1e-6)


@pytest.mark.parametrize("kind", [TitleContrast, SymmetricTitleContrast])
def test_a_temperature_is_above_0(kind: type[TitleContrast]) -> None:
    with pytest.raises(ValueError, match="must be above 0, got 0"):
        kind(temperature=0)


def _gradients_of_half(rank: int, folder: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    half = slice(3 * rank, 3 * rank + 3)
    mask = torch.tensor([True, False, True, True, True, True])
    for kind in (TitleContrast, SymmetricTitleContrast):
        videos, titles = (x[half].clone().requires_grad_() for x in _pairs(6))
        loss = kind()(videos, titles, mask[half])
        loss.backward()
        assert videos.grad is not None
        assert titles.grad is not None
        path = f"{folder}/{kind.__name__}_{rank}.pt"
        torch.save([loss.detach(), videos.grad, titles.grad], path)
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_have_the_loss_and_the_gradients_of_one_with_all_pairs(tmp_path: Path) -> None:
    spawn(_gradients_of_half, args=(str(tmp_path),), nprocs=2)
    mask = torch.tensor([True, False, True, True, True, True])
    for kind in (TitleContrast, SymmetricTitleContrast):
        videos, titles = (x.requires_grad_() for x in _pairs(6))
        loss = kind()(videos, titles, mask)
        loss.backward()
        halves = [torch.load(tmp_path / f"{kind.__name__}_{rank}.pt") for rank in (0, 1)]
        # Processes average: the losses when they are told, the gradients before a step.
        torch.testing.assert_close(torch.stack([half[0] for half in halves]).mean(), loss.detach())
        for index, x in ((1, videos), (2, titles)):
            torch.testing.assert_close(torch.cat([half[index] for half in halves]) / 2, x.grad)
