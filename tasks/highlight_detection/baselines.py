"""Simple scores that any method must beat, from the same features.

Shapes: T steps, D channels. Each returns one score per step, (T,); higher is more of a highlight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from vidkit.seeds import derived_seed

Features = Mapping[str, np.ndarray]


def random_scores(features: Features, *, video_id: str, seed: int = 0) -> np.ndarray:
    """Return uniform random scores, the same for the same video and seed."""
    generator = np.random.default_rng(derived_seed(seed, video_id))
    return generator.random(len(next(iter(features.values()))))


def frame_difference(features: Features) -> np.ndarray:
    """Return the mean absolute change of the pixels from the step before; 0 for the first."""
    pixels = np.asarray(features["pixels"], dtype=np.float64)
    change: np.ndarray = np.abs(np.diff(pixels, axis=0, prepend=pixels[:1])).mean(axis=1)
    return change


def distance_to_mean(features: Features) -> np.ndarray:
    """Return the distance of each step's pixels to their mean over the video."""
    pixels = np.asarray(features["pixels"], dtype=np.float64)
    return np.asarray(np.linalg.norm(pixels - pixels.mean(axis=0), axis=1))


def loudness(features: Features) -> np.ndarray:
    """Return the mean log-mel energy."""
    level: np.ndarray = np.asarray(features["audio"], dtype=np.float64).mean(axis=1)
    return level


def lasting_change(features: Features) -> np.ndarray:
    """Return the mean of the motion features: what RASL starts from, without RASL."""
    change: np.ndarray = np.asarray(features["motion"], dtype=np.float64).mean(axis=1)
    return change


BASELINES: dict[str, Callable[[Features], np.ndarray]] = {
    "frame difference": frame_difference,
    "distance to the mean": distance_to_mean,
    "loudness": loudness,
    "lasting change": lasting_change,
}
"""Baselines without a random part, by the name in the results table."""


def fit_linear_probe(rows: np.ndarray, labels: np.ndarray, *, penalty: float = 1.0) -> np.ndarray:
    """Return the weights of a ridge regression with a bias, (D + 1,): a probe that has seen labels.

    Args:
        rows: Features, (N, D).
        labels: 0 or 1, (N,).
        penalty: Weight of the squared norm.
    """
    design = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
    gram = design.T @ design + penalty * np.eye(design.shape[1])
    return np.asarray(np.linalg.solve(gram, design.T @ labels))
