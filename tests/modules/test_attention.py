"""Bricks against plain formulas."""

from __future__ import annotations

import math

import pytest
import torch

from vidkit.modules import RandomMask, ResidualSelfAttention


def test_attention_is_equations_1_and_2() -> None:
    module = ResidualSelfAttention(6).double()
    x = torch.randn(2, 5, 6, dtype=torch.float64)
    q, k, v, o = (layer.weight.T for layer in (module.query, module.key, module.value, module.output))
    weights = torch.softmax((x @ q) @ (x @ k).transpose(1, 2) / math.sqrt(6), dim=-1)
    torch.testing.assert_close(module(x), x + weights @ (x @ v) @ o)
    assert sum(parameter.numel() for parameter in module.parameters()) == 4 * 6 * 6


def test_padding_is_not_attended() -> None:
    module = ResidualSelfAttention(6)
    x = torch.randn(1, 5, 6)
    mask = torch.tensor([[True, True, True, False, False]])
    torch.testing.assert_close(module(x, mask)[:, :3], module(x[:, :3]))


def test_a_random_mask_hides_its_share_of_the_real_steps() -> None:
    mask = torch.arange(10)[None] < torch.tensor([[10], [7], [1]])
    hidden = RandomMask(ratio=0.5)(["a", "b", "c"], mask)
    assert hidden.sum(dim=1).tolist() == [5, 3, 0]
    assert not (hidden & ~mask).any()


def test_a_random_mask_follows_seed_epoch_and_sample_alone() -> None:
    module, mask = RandomMask(ratio=0.5), torch.ones(2, 30, dtype=torch.bool)
    first = module(["a", "b"], mask)
    torch.manual_seed(123)
    assert torch.equal(module(["b", "a"], mask), first.flip(0))
    module.set_epoch(seed=0, epoch=1)
    assert not torch.equal(module(["a", "b"], mask), first)


def test_a_share_beyond_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"in \[0, 1\], got 1.5"):
        RandomMask(ratio=1.5)
