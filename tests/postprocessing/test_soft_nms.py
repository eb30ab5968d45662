"""Soft-NMS against its definition on random moments, and the cases that are easy to get wrong."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from vidkit.postprocessing import soft_nms


def _reference_soft_nms(
    moments: list[list[float]], scores: list[float], sigma: float
) -> tuple[list[int], list[float]]:
    """Figure 2 of Bodla et al. 2017 with the Gaussian weight (its Equation 3), one pair at a time."""
    left = dict(enumerate(scores))
    order, decayed = [], []
    while left:
        best = max(left, key=lambda index: (left[index], -index))
        order.append(best)
        decayed.append(left.pop(best))
        start, end = moments[best]
        for index in left:
            first, last = moments[index]
            intersection = max(0.0, min(end, last) - max(start, first))
            union = (end - start) + (last - first) - intersection
            overlap = intersection / union if union > 0 else 0.0
            left[index] *= math.exp(-(overlap**2) / sigma)
    return order, decayed


def _random_moments(count: int, rng: np.random.Generator, seconds: float = 300.0) -> np.ndarray:
    starts = rng.uniform(0, seconds, count)
    return np.stack([starts, starts + rng.uniform(0, 90, count)], axis=1)


@pytest.mark.parametrize("sigma", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("seed", range(8))
def test_agrees_with_the_definition_on_random_moments(seed: int, sigma: float) -> None:
    rng = np.random.default_rng(seed)
    moments, scores = _random_moments(60, rng), rng.random(60)
    order, decayed = soft_nms(moments, scores, sigma=sigma)
    expected_order, expected = _reference_soft_nms(moments.tolist(), scores.tolist(), sigma)
    assert order.tolist() == expected_order
    np.testing.assert_allclose(decayed, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("seed", range(8))
def test_agrees_with_the_definition_where_much_is_equal(seed: int) -> None:
    """Whole seconds and few scores: ties, copies, nested and touching moments, moments of no length."""
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, 20, 80).astype(float)
    moments = np.stack([starts, starts + rng.integers(0, 6, 80)], axis=1)
    scores = rng.choice([0.0, 0.5, 1.0], 80)
    order, decayed = soft_nms(moments, scores, sigma=0.5)
    expected_order, expected = _reference_soft_nms(moments.tolist(), scores.tolist(), 0.5)
    assert order.tolist() == expected_order
    np.testing.assert_allclose(decayed, expected, rtol=1e-12, atol=0)


def test_a_hand_worked_case() -> None:
    moments = np.array([[0.0, 10.0], [5.0, 15.0], [20.0, 30.0]])
    order, decayed = soft_nms(moments, np.array([0.8, 0.9, 0.7]), sigma=0.5)
    assert order.tolist() == [1, 2, 0]  # tIoU 1/3 takes 0.8 to 0.641, below 0.7
    assert decayed.tolist() == pytest.approx([0.9, 0.7, 0.8 * math.exp(-1 / 9 / 0.5)])


def test_of_equal_scores_the_earlier_index_is_first() -> None:
    apart = np.array([[20.0, 30.0], [0.0, 10.0], [40.0, 50.0]])
    assert soft_nms(apart, np.ones(3), sigma=0.5)[0].tolist() == [0, 1, 2]
    copies = np.tile([[3.0, 9.0]], (4, 1))
    order, decayed = soft_nms(copies, np.ones(4), sigma=0.5)
    assert order.tolist() == [0, 1, 2, 3]
    assert decayed.tolist() == pytest.approx([1, math.exp(-2), math.exp(-4), math.exp(-6)])


def test_moments_of_no_length_are_kept_and_decay_nothing() -> None:
    moments = np.array([[5.0, 5.0], [0.0, 10.0], [5.0, 5.0]])
    order, decayed = soft_nms(moments, np.array([0.9, 0.8, 0.7]), sigma=0.5)
    assert order.tolist() == [0, 1, 2]
    assert decayed.tolist() == [0.9, 0.8, 0.7]


def test_a_moment_in_a_much_longer_one_is_found_from_both_sides() -> None:
    """Between the starts of the two lie moments that overlap neither."""
    moments = np.array([[0.0, 1000.0], [1.0, 2.0], [3.0, 4.0], [900.0, 1000.0]])
    for scores in ([0.9, 0.5, 0.4, 0.8], [0.8, 0.5, 0.4, 0.9]):
        order, decayed = soft_nms(moments, np.array(scores), sigma=0.005)
        expected = _reference_soft_nms(moments.tolist(), scores, 0.005)
        assert (order.tolist(), decayed.tolist()) == (expected[0], pytest.approx(expected[1]))
        assert decayed[order.tolist().index(0 if scores[0] == 0.8 else 3)] < 0.2


def test_a_decay_to_nothing_keeps_every_moment_once() -> None:
    moments = np.tile([[0.0, 10.0]], (5, 1))
    order, decayed = soft_nms(moments, np.array([0.1, 0.5, 0.3, 0.5, 0.2]), sigma=1e-6)
    assert order.tolist() == [1, 0, 2, 3, 4]
    assert decayed.tolist() == [0.5, 0, 0, 0, 0]


def test_nothing_gives_nothing() -> None:
    order, decayed = soft_nms(np.zeros((0, 2)), np.zeros(0), sigma=0.5)
    assert (order.shape, decayed.shape) == ((0,), (0,))
    assert order.dtype.kind == "i"


def test_the_inputs_are_left_alone() -> None:
    rng = np.random.default_rng(0)
    moments, scores = _random_moments(30, rng), rng.random(30)
    copies = moments.copy(), scores.copy()
    soft_nms(moments, scores, sigma=0.5)
    np.testing.assert_array_equal(moments, copies[0])
    np.testing.assert_array_equal(scores, copies[1])


@pytest.mark.parametrize(
    ("moments", "scores", "sigma", "message"),
    [
        ([[0, 1]], [0.5, 0.4], 0.5, r"1 moments need as many scores, got shape \(2,\)"),
        ([[0, 1, 2]], [0.5], 0.5, "moments must be rows of start and end"),
        ([[2, 1]], [0.5], 0.5, "moments must be finite and start before they end"),
        ([[0, float("nan")]], [0.5], 0.5, "moments must be finite and start before they end"),
        ([[0, 1]], [-0.5], 0.5, "scores must be finite and not negative"),
        ([[0, 1]], [float("nan")], 0.5, "scores must be finite and not negative"),
        ([[0, 1]], [0.5], 0.0, "sigma must be positive, got 0.0"),
    ],
)
def test_what_cannot_be_ranked_is_refused(
    moments: list[list[float]], scores: list[float], sigma: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        soft_nms(np.array(moments), np.array(scores), sigma=sigma)


@pytest.mark.slow
def test_a_thousand_candidates_are_five_times_faster_than_plain_loops() -> None:
    rng = np.random.default_rng(0)
    moments, scores = _random_moments(1000, rng, seconds=1800.0), rng.random(1000)
    plain = moments.tolist(), scores.tolist()
    times = []
    for call in (lambda: _reference_soft_nms(*plain, 0.5), lambda: soft_nms(moments, scores, sigma=0.5)):
        rounds = []
        for _ in range(3):
            start = time.perf_counter()
            call()
            rounds.append(time.perf_counter() - start)
        times.append(min(rounds))
    assert times[0] > 5 * times[1]
