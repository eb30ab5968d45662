"""Means over all processes of a job.

Several processes average their gradients. A loss that is the mean over its own elements then weighs the
elements of a short batch more than those of a full one. Dividing by the mean count over processes instead
gives the gradient, and in the mean the value, that one process with all the elements would have.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor


def world_size() -> int:
    """Return the number of processes of this job, 1 outside of one."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def global_mean(values: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the sum of ``values`` where ``mask`` holds, over the mean count of such elements per process.

    Args:
        values: Any shape.
        mask: bool, broadcastable to ``values``; None counts every element.

    Returns:
        Scalar; its mean over processes is the mean over all elements of all processes. 0 without elements.

    Example:
        >>> global_mean(torch.tensor([1.0, 3.0, 100.0]), torch.tensor([True, True, False]))
        tensor(2.)
    """
    if mask is None:
        mask = torch.ones((), dtype=torch.bool, device=values.device)
    mask = mask.expand_as(values)
    values = at_least_float32(values)  # counts overflow
    count = mask.sum().to(values.dtype)
    if world_size() > 1:
        dist.all_reduce(count)
        count = count / world_size()
    total = values.masked_fill(~mask, 0.0).sum()
    return total / count.clamp(min=torch.finfo(values.dtype).tiny)


def global_ratio(total: Tensor, count: Tensor | int) -> Tensor:
    """Return ``total`` over the mean of ``count`` per process; a count of 0 in all processes stands for 1.

    For sums that are divided by another number than that of their terms, such as the moments of a batch.

    Args:
        total: Scalar of this process.
        count: Of this process, >= 0.

    Returns:
        Scalar; its mean over processes is the sum of all totals over that of all counts.

    Example:
        >>> global_ratio(torch.tensor(6.0), 3), global_ratio(torch.tensor(6.0), 0)
        (tensor(2.), tensor(6.))
    """
    everywhere = torch.as_tensor(count, dtype=total.dtype, device=total.device).clone()
    if world_size() > 1:
        dist.all_reduce(everywhere)
    return total * world_size() / everywhere.clamp(min=1.0)


def at_least_float32(values: Tensor) -> Tensor:
    """Return ``values``, in float32 if they are of half precision."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def gather_rows(rows: Tensor) -> Tensor:
    """Return the rows of all processes, this one's in their place; gradients flow back to their owners.

    Args:
        rows: (N, ...), the same N on every process.

    Returns:
        (processes * N, ...).
    """
    if world_size() == 1:
        return rows
    if not rows.is_floating_point():
        parts = [torch.empty_like(rows) for _ in range(world_size())]
        dist.all_gather(parts, rows)
        return torch.cat(parts)
    import torch.distributed.nn.functional as differentiable  # only there in builds with distributed support

    return torch.cat(differentiable.all_gather(rows))


def first_gathered_row(num_rows: int) -> int:
    """Return where this process's rows begin in what ``gather_rows`` returns."""
    return dist.get_rank() * num_rows if world_size() > 1 else 0
