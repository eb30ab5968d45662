"""Which of a model's moments should answer which of the annotated ones.

Shapes: any leading axes, K predicted moments, N annotated ones.
"""

from __future__ import annotations

import math

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor


def assign(costs: Tensor, mask: Tensor) -> Tensor:
    """Return the cheapest one-to-one assignment, for every annotated moment the predicted one.

    Section 3.1 of DETR (https://arxiv.org/abs/2005.12872), solved by scipy on the CPU.

    Args:
        costs: Of every pair, (..., K, N).
        mask: True where an annotated moment is real, (..., N) or what broadcasts to it.

    Returns:
        Indices in [0, K), int (..., N); -1 where there is no moment, and for the dearest where N exceeds K.

    Example:
        >>> costs = torch.tensor([[5.0, 0.0], [1.0, 2.0], [3.0, 3.0]])
        >>> assign(costs, torch.tensor([True, True]))
        tensor([1, 0])
    """
    *leading, num_predicted, num_moments = costs.shape
    num_rows = math.prod(leading)
    mask = mask.expand(*leading, num_moments).reshape(num_rows, num_moments).cpu()
    table = costs.detach().reshape(num_rows, num_predicted, num_moments).cpu().double()
    assigned = torch.full(mask.shape, -1)
    for row, (own, real) in enumerate(zip(table, mask)):
        predicted, moments = linear_sum_assignment(own[:, real].numpy())
        assigned[row, real.nonzero()[moments, 0]] = torch.from_numpy(predicted)
    return assigned.reshape(*leading, num_moments).to(costs.device)
