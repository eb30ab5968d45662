"""Late fusion: the scores of branches -> those of the video, and weights of branches that fit some videos.

Shapes: B or N videos, M branches, K topics. Equation numbers are those of the paper (see README.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidkit.evaluation import mean_class_accuracy

WEIGHTS = {"visual": 1.0, "audio": 0.5, "text": 0.5}  # section 5.1
_GRID = 20  # steps of 1 / 20 from 0 to 1: with three branches 231 triples
_FLOOR = 1e-12  # of probabilities, before the logarithm


def fuse(scores: Tensor, present: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted mean of the scores of the branches that a video has, (B, K).

    Equation 4 is ``1 / M sum_k w_k s_k``. Here the sum is divided by that of the weights, which ranks the
    same and makes the scores of a video sum to 1; and where a video lacks a modality, by the sum of the
    weights of those that it has. If all those weigh 0, they count alike; a video that has none gives every
    topic 1 / K.

    Args:
        scores: Of every branch, each summing to 1 over the topics, (M, B, K); what stands where a video lacks
            the modality is not read.
        present: True where a video has the modality, (M, B).
        weights: Of the branches, >= 0, (M,).

    Example:
        >>> scores = torch.tensor([[[0.9, 0.1]], [[0.3, 0.7]]])
        >>> both = torch.tensor([[True], [True]])
        >>> fuse(scores, both, torch.tensor([1.0, 0.5]))
        tensor([[0.7000, 0.3000]])
    """
    shares = weights[:, None].to(scores) * present  # (M, B)
    shares = torch.where(shares.sum(dim=0) > 0, shares, present.to(scores))
    totals = shares.sum(dim=0)[:, None]  # (B, 1)
    summed = (shares[..., None] * scores.masked_fill(~present[..., None], 0.0)).sum(dim=0)
    return torch.where(totals > 0, summed / totals.clamp(min=_FLOOR), 1 / scores.shape[-1])


def fit_weights(
    scores: NDArray[np.float32], present: NDArray[np.bool_], labels: NDArray[np.int64]
) -> tuple[float, ...]:
    """Return the weights of branches with the highest mean class accuracy on some videos; the largest is 1.

    All weights on a grid with steps of 1 / 20 of their sum are tried. Of those with equal accuracy the ones
    count whose fused scores give the labels the highest mean log-probability.

    Args:
        scores: Of every branch, (M, N, K).
        present: True where a video has the modality, (M, N).
        labels: The right topic of every video, (N,).

    Raises:
        ValueError: If there is no video.

    Example:
        >>> scores = np.array([[[0.6, 0.4], [0.6, 0.4]], [[0.9, 0.1], [0.1, 0.9]]], np.float32)
        >>> fit_weights(scores, np.ones((2, 2), bool), np.array([0, 1]))  # the second branch knows
        (0.0, 1.0)
    """
    if not len(labels):
        raise ValueError("weights of branches are fitted to videos with a topic, and there are none")
    best, chosen = (-1.0, -np.inf), (1.0,) * len(scores)
    every, there = torch.from_numpy(scores), torch.from_numpy(present)
    for weights in _grid(len(scores)):
        fused = fuse(every, there, torch.tensor(weights)).numpy()
        accuracy = mean_class_accuracy(fused.argmax(axis=1), labels)
        sureness = float(np.log(np.maximum(fused[np.arange(len(labels)), labels], _FLOOR)).mean())
        if (accuracy, sureness) > best:
            best, chosen = (accuracy, sureness), weights
    return tuple(round(weight / max(chosen), 4) for weight in chosen)


def checked_weights(weights: Mapping[str, float] | None, branches: Mapping[str, object]) -> list[float]:
    """Return the weight of every branch, the paper's where none is given.

    Raises:
        ValueError: If a weight is of no branch, negative, or all are 0.
    """
    given = {**WEIGHTS, **(weights or {})}
    extra = [name for name in weights or {} if name not in branches]
    if extra:
        raise ValueError(
            f"there is a weight of {extra[0]!r} and no such branch; branches: {', '.join(branches)}"
        )
    chosen = [float(given[name]) for name in branches]
    if not all(weight >= 0 for weight in chosen) or not sum(chosen) > 0:
        raise ValueError(f"weights of branches must be at least 0, and one above 0, got {chosen}")
    return chosen


def _grid(num_branches: int) -> list[tuple[float, ...]]:
    """Return all weights in steps of 1 / ``_GRID`` that sum to 1."""
    counts = product(range(_GRID + 1), repeat=num_branches)
    return [tuple(count / _GRID for count in row) for row in counts if sum(row) == _GRID]
