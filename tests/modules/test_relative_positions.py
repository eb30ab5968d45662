"""Positions as shares of the length against their formulas."""

from __future__ import annotations

import math

import pytest
import torch

from vidkit.modules import endpoints, relative_positions, sine_embedding


def _reference(place: float, dim: int) -> list[float]:
    """Channel by channel; the even ones are sines, the odd ones cosines of the same rate."""
    angles = [2 * math.pi * place / 10000 ** (2 * (channel // 2) / dim) for channel in range(dim)]
    return [math.cos(a) if channel % 2 else math.sin(a) for channel, a in enumerate(angles)]


@pytest.mark.parametrize("dim", [1, 5, 8])
def test_the_embedding_is_its_formula(dim: int) -> None:
    places = [0.0, 0.2, 1.0]
    expected = torch.tensor([_reference(place, dim) for place in places])
    torch.testing.assert_close(sine_embedding(torch.tensor(places), dim), expected, atol=1e-6, rtol=1e-5)


def test_a_clip_stands_at_its_share_of_the_real_clips() -> None:
    mask = torch.tensor([[True, True, True, True], [True, True, False, False]])
    positions = relative_positions(mask, 6)
    for row, length in ((0, 4), (1, 2)):
        expected = torch.tensor([_reference((i + 1) / length, 6) for i in range(length)])
        torch.testing.assert_close(positions[row, :length], expected, atol=1e-5, rtol=1e-5)


def test_endpoints_are_shares_of_the_real_clips_and_zero_in_padding() -> None:
    mask = torch.tensor([[True, True, True, True, True], [True, True, False, False, False]])
    shares = endpoints(mask)
    torch.testing.assert_close(shares[0], torch.tensor([[i / 5, (i + 1) / 5] for i in range(5)]))
    torch.testing.assert_close(shares[1, :2], torch.tensor([[0.0, 0.5], [0.5, 1.0]]))
    assert not shares[1, 2:].any()


def test_a_sequence_without_real_clips_has_finite_positions() -> None:
    mask = torch.zeros(1, 3, dtype=torch.bool)
    assert torch.isfinite(relative_positions(mask, 4)).all()
    assert torch.equal(endpoints(mask), torch.zeros(1, 3, 2))
