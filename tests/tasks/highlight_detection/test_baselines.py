"""The simple scores are what their names say."""

from __future__ import annotations

import numpy as np

from vidkit.tasks.highlight_detection.baselines import (
    BASELINES,
    distance_to_mean,
    fit_linear_probe,
    frame_difference,
    random_scores,
)

FEATURES = {
    "pixels": np.array([[0.0, 0.0], [0.0, 2.0], [4.0, 2.0]]),
    "audio": np.array([[1.0, 3.0], [0.0, 0.0], [5.0, 5.0]]),
    "motion": np.array([[0.0, 1.0], [2.0, 2.0], [0.0, 0.0]]),
}


def test_hand_worked_scores() -> None:
    assert frame_difference(FEATURES).tolist() == [0, 1, 2]
    mean = np.array([4 / 3, 4 / 3])
    np.testing.assert_allclose(distance_to_mean(FEATURES), np.linalg.norm(FEATURES["pixels"] - mean, axis=1))
    assert BASELINES["loudness"](FEATURES).tolist() == [2, 0, 5]
    assert BASELINES["lasting change"](FEATURES).tolist() == [0.5, 2, 0]


def test_random_scores_follow_video_and_seed() -> None:
    first = random_scores(FEATURES, video_id="a")
    assert np.array_equal(first, random_scores(FEATURES, video_id="a"))
    assert not np.array_equal(first, random_scores(FEATURES, video_id="b"))
    assert not np.array_equal(first, random_scores(FEATURES, video_id="a", seed=1))


def test_the_probe_is_ridge_regression() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 3))
    weights = fit_linear_probe(rows, rows @ [1.0, -2.0, 0.5] + 3.0, penalty=1e-9)
    np.testing.assert_allclose(weights, [1, -2, 0.5, 3], atol=1e-6)
