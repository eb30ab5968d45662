"""Spans, back and forth."""

from __future__ import annotations

import math

import pytest
import torch

from vidkit.modules import cxw_to_xx, inverse_sigmoid, xx_to_cxw


def test_center_and_width_give_start_and_end_and_come_back() -> None:
    spans = torch.rand(3, 4, 2, generator=torch.Generator().manual_seed(0)).sort(dim=-1).values
    torch.testing.assert_close(cxw_to_xx(xx_to_cxw(spans)), spans)
    torch.testing.assert_close(cxw_to_xx(torch.tensor([0.5, 0.2])), torch.tensor([0.4, 0.6]))


@pytest.mark.parametrize("x", [0.01, 0.3, 0.5, 0.99])
def test_the_inverse_sigmoid_is_the_logit(x: float) -> None:
    assert inverse_sigmoid(torch.tensor(x)).item() == pytest.approx(math.log(x / (1 - x)), rel=1e-5)
    assert inverse_sigmoid(torch.tensor(x)).sigmoid().item() == pytest.approx(x, rel=1e-5)


def test_the_inverse_sigmoid_is_finite_at_both_ends() -> None:
    ends = inverse_sigmoid(torch.tensor([0.0, 1e-9, 1.0]))
    assert ends.tolist() == pytest.approx([math.log(1e-3), math.log(1e-3), -math.log(1e-3)], rel=1e-5)
