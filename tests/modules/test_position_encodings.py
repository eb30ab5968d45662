"""Encodings of positions against their formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vidkit.modules import (
    GridPositions,
    LearnedPositions,
    SinusoidalPositions,
    grid_positions,
    sinusoidal_positions,
)


def _mask(*lengths: int) -> Tensor:
    return torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]


def _stretched(table: Tensor, length: int) -> np.ndarray:
    """The table, read at as many points from its first to its last row."""
    rows = table.detach().numpy()
    points = np.linspace(0, len(rows) - 1, length)
    return np.stack([np.interp(points, np.arange(len(rows)), channel) for channel in rows.T], axis=1)


def test_learned_positions_are_the_first_rows_of_the_table() -> None:
    module = LearnedPositions(4, num_positions=9, dropout=0.5).eval()
    added = module(torch.zeros(2, 6, 4), _mask(6, 3))
    torch.testing.assert_close(added, module.table[:6].expand(2, -1, -1))


def test_learned_positions_start_at_a_length_of_one() -> None:
    lengths = LearnedPositions(256, num_positions=400).table.norm(dim=1)
    assert lengths.mean().item() == pytest.approx(1.0, rel=0.02)


def test_a_sequence_beyond_the_table_stretches_it() -> None:
    module = LearnedPositions(4, num_positions=5).double()
    x = torch.zeros(1, 12, 4, dtype=torch.float64)
    np.testing.assert_allclose(module(x, _mask(12))[0].detach(), _stretched(module.table, 12), atol=1e-6)


def test_the_batch_does_not_change_the_positions_of_a_sequence() -> None:
    module = LearnedPositions(4, num_positions=5)
    lengths = (12, 7, 5, 3, 1)
    together = module(torch.zeros(5, 12, 4), _mask(*lengths))
    for row, length in enumerate(lengths):
        alone = module(torch.zeros(1, length, 4), _mask(length))
        torch.testing.assert_close(together[row, :length], alone[0])


def test_a_table_of_one_row_serves_any_length() -> None:
    module = LearnedPositions(4, num_positions=1)
    torch.testing.assert_close(module(torch.zeros(1, 3, 4), _mask(3))[0], module.table.expand(3, -1))


def test_sinusoidal_positions_are_those_of_the_function() -> None:
    added = SinusoidalPositions()(torch.zeros(2, 7, 6, dtype=torch.float16), _mask(7, 2))
    assert added.dtype == torch.float16
    torch.testing.assert_close(added, sinusoidal_positions(7, 6).half().expand(2, -1, -1))


def test_grid_positions_are_sines_of_column_and_row() -> None:
    table = grid_positions(150, 12, width=64)
    for i in (0, 1, 63, 64, 65, 149):
        rates = [10000 ** (-k / 2) for k in range(3)]  # 12 / 4 rates, the last is 1 / 10000
        column, row = i % 64, i // 64
        expected = [
            f(place * rate) for place in (column, row) for f in (math.sin, math.cos) for rate in rates
        ]
        torch.testing.assert_close(table[i], torch.tensor(expected), atol=1e-5, rtol=0)
    module = GridPositions(width=64)
    torch.testing.assert_close(module(torch.zeros(1, 150, 12), _mask(150))[0], table)


def test_within_one_row_half_of_the_channels_say_nothing() -> None:
    table = grid_positions(64, 256, width=64)
    assert torch.equal(table[:, 128:], table[:1, 128:].expand(64, -1))
    assert torch.equal(grid_positions(65, 256, width=64)[64, :128], table[0, :128])


def test_only_learned_positions_are_kept_in_checkpoints() -> None:
    assert list(LearnedPositions(4, num_positions=3).state_dict()) == ["table"]
    assert not SinusoidalPositions().state_dict()
    assert not GridPositions().state_dict()


@pytest.mark.parametrize(
    "module",
    [
        LearnedPositions(4, num_positions=9, dropout=0.5),
        LearnedPositions(4, num_positions=3, dropout=0.5),
        SinusoidalPositions(dropout=0.5),
        GridPositions(dropout=0.5),
    ],
    ids=["learned", "stretched", "sinusoidal", "grid"],
)
def test_training_drops_a_share_of_each_sequence_on_its_own(module: nn.Module) -> None:
    torch.manual_seed(0)
    x, mask = torch.zeros(40, 8, 4), _mask(*[8] * 40)
    whole = module.eval()(x, mask)
    dropped = module.train()(x, mask)
    assert not torch.equal(dropped[0], dropped[1])
    is_kept = dropped != 0
    torch.testing.assert_close(dropped[is_kept], 2 * whole[is_kept])
    assert (is_kept & (whole != 0)).sum() / (whole != 0).sum() == pytest.approx(0.5, abs=0.05)


def test_impossible_encodings_are_refused() -> None:
    with pytest.raises(ValueError, match="num_positions must be at least 1, got 0"):
        LearnedPositions(4, num_positions=0)
    with pytest.raises(ValueError, match="width, the clips in a row, must be at least 1, got 0"):
        GridPositions(width=0)
    with pytest.raises(ValueError, match="6 is no multiple of 4"):
        grid_positions(3, 6, width=2)
