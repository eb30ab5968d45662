"""Linear soft-NMS and hard NMS against their definitions on random moments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from vidkit.postprocessing import hard_nms, linear_soft_nms, soft_nms


def _reference_tiou(moment: np.ndarray, other: np.ndarray) -> float:
    shared = max(0.0, min(moment[1], other[1]) - max(moment[0], other[0]))
    union = (moment[1] - moment[0]) + (other[1] - other[0]) - shared
    return shared / union if union > 0 else 0.0


def _reference_picks(
    moments: np.ndarray, scores: np.ndarray, factor: Callable[[float], float | None]
) -> tuple[list[int], list[float]]:
    """Figure 2 of Bodla et al. 2017, one pair at a time; a factor of None drops the moment."""
    left = dict(enumerate(scores.tolist()))
    order, decayed = [], []
    while left:
        best = max(left, key=lambda index: (left[index], -index))
        order.append(best)
        decayed.append(left.pop(best))
        for index in list(left):
            by = factor(_reference_tiou(moments[best], moments[index]))
            if by is None:
                del left[index]
            else:
                left[index] *= by
    return order, decayed


def _random(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Whole seconds and few scores: ties, copies, touching moments, moments of no length."""
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, 30, 70).astype(float)
    return np.stack([starts, starts + rng.integers(0, 9, 70)], axis=1), rng.choice([0.0, 0.3, 0.7, 0.9], 70)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_linear_agrees_with_the_definition(seed: int, threshold: float) -> None:
    moments, scores = _random(seed)
    order, decayed = linear_soft_nms(moments, scores, threshold=threshold)
    expected = _reference_picks(moments, scores, lambda tiou: 1 - tiou if tiou >= threshold else 1.0)
    assert order.tolist() == expected[0]
    np.testing.assert_allclose(decayed, expected[1], rtol=1e-12)


@pytest.mark.parametrize("threshold", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_hard_agrees_with_the_definition(seed: int, threshold: float) -> None:
    moments, scores = _random(seed)
    expected, _ = _reference_picks(moments, scores, lambda tiou: None if tiou >= threshold else 1.0)
    assert hard_nms(moments, scores, threshold=threshold).tolist() == expected


def test_a_limit_gives_the_first_picks() -> None:
    moments, scores = _random(0)
    for few, many in (
        (soft_nms(moments, scores, sigma=0.5, limit=5), soft_nms(moments, scores, sigma=0.5)),
        (linear_soft_nms(moments, scores, limit=5), linear_soft_nms(moments, scores)),
    ):
        assert [part.tolist() for part in few] == [part[:5].tolist() for part in many]
    assert len(soft_nms(moments, scores, sigma=0.5, limit=1000)[0]) == len(moments)
    kept = hard_nms(moments, scores, threshold=0.2).tolist()
    assert len(kept) > 5
    assert hard_nms(moments, scores, threshold=0.2, limit=5).tolist() == kept[:5]


def test_no_moments_give_none() -> None:
    assert hard_nms(np.zeros((0, 2)), np.zeros(0), threshold=0.5).tolist() == []
    assert linear_soft_nms(np.zeros((0, 2)), np.zeros(0))[0].tolist() == []


def test_inputs_are_left_alone() -> None:
    moments, scores = _random(0)
    kept = moments.copy(), scores.copy()
    hard_nms(moments, scores, threshold=0.5)
    linear_soft_nms(moments, scores)
    np.testing.assert_array_equal(moments, kept[0])
    np.testing.assert_array_equal(scores, kept[1])


def test_hard_ranks_negative_scores_too() -> None:
    moments = np.array([[0.0, 4.0], [0.0, 4.0], [6.0, 9.0]])
    assert hard_nms(moments, np.array([-3.0, -1.0, -2.0]), threshold=0.5).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, s: linear_soft_nms(m, s, threshold=1.5), r"threshold must lie in \[0, 1\], got 1.5"),
        (lambda m, s: linear_soft_nms(m, -s), "scores must be finite and not negative"),
        (lambda m, s: linear_soft_nms(m[:, ::-1], s), "moments must be finite and start before they end"),
        (lambda m, s: hard_nms(m, s, threshold=0.0), r"threshold must lie in \(0, 1\], got 0.0"),
        (lambda m, s: hard_nms(m, s * np.nan, threshold=0.5), r"scores must be finite, got \[nan nan\]"),
        (lambda m, s: hard_nms(m, s[:1], threshold=0.5), r"2 moments need as many scores, got shape \(1,\)"),
    ],
)
def test_what_cannot_be_ranked_is_refused(call: Callable[..., Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([0.5, 0.4]))
