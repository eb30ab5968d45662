"""From the states of the tokens to one vector per text, as sentence-transformers names the ways.

Shapes: N texts, L tokens, D channels.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_LEAST_TOKENS = 1e-9  # of the mean over a text without tokens, as in sentence-transformers


def mean_of_tokens(states: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over the real tokens, (N, D); 0 for a text without tokens.

    Args:
        states: (N, L, D).
        mask: (N, L), True where a token is real.

    Example:
        >>> mean_of_tokens(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[True, True, False]]))
        tensor([[2.]])
    """
    weights = mask[:, :, None].to(states)
    return (states * weights).sum(1) / weights.sum(1).clamp(min=_LEAST_TOKENS)


def first_token(states: Tensor, mask: Tensor) -> Tensor:
    """Return the state of the start token, (N, D)."""
    return states[:, 0]


def last_token(states: Tensor, mask: Tensor) -> Tensor:
    """Return the state of the last real token, (N, D)."""
    last = (mask.sum(1) - 1).clamp(min=0)
    return states[torch.arange(len(states), device=states.device), last]


def largest_of_tokens(states: Tensor, mask: Tensor) -> Tensor:
    """Return the largest value of each channel over the real tokens, (N, D)."""
    return states.masked_fill(~mask[:, :, None], -torch.inf).amax(1)


def _mean_by_root(states: Tensor, mask: Tensor) -> Tensor:
    return mean_of_tokens(states, mask) * mask.sum(1, keepdim=True).to(states).sqrt()


def _mean_by_position(states: Tensor, mask: Tensor) -> Tensor:
    """Return the mean in which token i weighs i + 1: in a causal model the late ones have read more."""
    weights = (torch.arange(1, states.shape[1] + 1, device=states.device) * mask)[:, :, None].to(states)
    return (states * weights).sum(1) / weights.sum(1).clamp(min=_LEAST_TOKENS)


POOLINGS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    # in the order in which sentence-transformers joins several
    "cls": first_token,
    "max": largest_of_tokens,
    "mean": mean_of_tokens,
    "mean_sqrt_len_tokens": _mean_by_root,
    "weightedmean": _mean_by_position,
    "lasttoken": last_token,
}
"""Every pooling of sentence-transformers by its name there."""
