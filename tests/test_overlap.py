"""Temporal IoU against the plain formula, and where lengths and unions are nothing."""

from __future__ import annotations

import time

import numpy as np
import pytest

from vidkit.overlap import temporal_iou


def _reference_tiou(moments: list[list[float]], others: list[list[float]]) -> list[list[float]]:
    """Intersection over union, one pair at a time."""
    table = []
    for start, end in moments:
        row = []
        for first, last in others:
            intersection = max(0.0, min(end, last) - max(start, first))
            union = (end - start) + (last - first) - intersection
            row.append(intersection / union if union > 0 else 0.0)
        table.append(row)
    return table


def _random_moments(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    starts = rng.uniform(0, 300, count)
    return np.stack([starts, starts + rng.uniform(0, 90, count)], axis=1)


def test_agrees_with_the_definition_on_random_moments() -> None:
    moments, others = _random_moments(40, 0), _random_moments(60, 1)
    overlap = temporal_iou(moments, others)
    np.testing.assert_allclose(
        overlap, _reference_tiou(moments.tolist(), others.tolist()), rtol=0, atol=1e-12
    )
    assert (overlap > 0).any()
    assert (overlap == 0).any()


@pytest.mark.parametrize(
    ("moment", "other", "expected"),
    [
        ([0, 10], [0, 10], 1.0),
        ([0, 10], [5, 15], 1 / 3),
        ([0, 10], [2, 4], 0.2),  # nested
        ([0, 10], [10, 20], 0.0),  # touching
        ([0, 9], [0, 10], 0.9),  # 0.9 and not 0.9 - epsilon: thresholds compare with it
        ([5, 5], [0, 10], 0.0),  # of no length, inside
        ([5, 5], [5, 5], 0.0),  # an empty union
    ],
)
def test_hand_worked_pairs(moment: list[float], other: list[float], expected: float) -> None:
    assert temporal_iou(np.array([moment]), np.array([other])).item() == expected


def test_nothing_overlaps_nothing() -> None:
    assert temporal_iou(np.zeros((0, 2)), np.zeros((3, 2))).shape == (0, 3)
    assert temporal_iou(np.zeros((3, 2)), np.array([])).shape == (3, 0)


def test_the_inputs_are_left_alone() -> None:
    moments, others = _random_moments(5, 2), _random_moments(6, 3)
    copies = moments.copy(), others.copy()
    temporal_iou(moments, others)
    np.testing.assert_array_equal(moments, copies[0])
    np.testing.assert_array_equal(others, copies[1])


@pytest.mark.parametrize("shape", [(2,), (3, 3), (1, 2, 2), (0, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"others must be rows of start and end, shape \(N, 2\), got shape"):
        temporal_iou(np.zeros((1, 2)), np.zeros(shape))


@pytest.mark.slow
def test_is_ten_times_faster_than_plain_loops() -> None:
    moments, others = _random_moments(12, 4), _random_moments(1000, 5)
    plain = moments.tolist(), others.tolist()
    assert _best_seconds(lambda: _reference_tiou(*plain)) > 10 * _best_seconds(
        lambda: temporal_iou(moments, others)
    )


def _best_seconds(call, repeats: int = 7) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)
