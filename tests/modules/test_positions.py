"""Sinusoidal positions against their formula."""

from __future__ import annotations

import math

import pytest
import torch

from vidkit.modules import sinusoidal_positions


@pytest.mark.parametrize("dim", [6, 7])
def test_they_are_the_formula(dim: int) -> None:
    expected = [
        [
            (math.sin if channel % 2 == 0 else math.cos)(t / 10_000 ** ((channel - channel % 2) / dim))
            for channel in range(dim)
        ]
        for t in range(50)
    ]
    torch.testing.assert_close(sinusoidal_positions(50, dim), torch.tensor(expected), atol=1e-5, rtol=0)


def test_two_hours_are_told_apart() -> None:
    positions = sinusoidal_positions(7200, 16)
    assert positions.shape == (7200, 16)
    assert torch.cdist(positions[-50:], positions[:-50]).min() > 1e-3
    torch.testing.assert_close(positions[:100], sinusoidal_positions(100, 16))
