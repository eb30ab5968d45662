"""Moments as centers on the grid of clips, and back (section 3.6 of UMT, https://arxiv.org/abs/2203.12745).

A moment [start, end) covers the clips from ``start / u`` to ``end / u - 1``, both included, with u the
seconds of a clip. Their mean is its center, in clips, their difference its window: one clip less than it
covers.

Shapes: T clips, N moments of a sample, K of the moments that are read off.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_RADIUS = 0.2  # of the warm surroundings of a center, in windows
_SIGMA = 0.2  # of their Gaussian, in radii plus one


@dataclass(frozen=True)
class Centers:
    """The moments of one sample on its grid of clips.

    Args:
        heat: In [0, 1], 1 at the clips that hold a center and nowhere else, (T,).
        clips: The clip that holds each moment's center, (N,) int.
        windows: Length of each minus one clip, in clips, (N,), >= 0.
        offsets: From the clip to the center, (N,), in [0, 1).
    """

    heat: Tensor
    clips: Tensor
    windows: Tensor
    offsets: Tensor


def centers_of(moments: Tensor, *, num_clips: int, clip_seconds: float) -> Centers:
    """Return the centers of moments.

    Round a center the heat is ``exp(-d ** 2 / (2 sigma ** 2))`` at a distance of d clips, up to a radius of
    0.2 windows, rounded down; sigma is 0.2 times the radius plus one. Where moments meet the heat is the
    greater one. A moment shorter than a clip has the window 0; centers beyond the last clip are moved into
    it.

    Args:
        moments: Start and end in seconds, (N, 2), in any order.
        num_clips: T, > 0.
        clip_seconds: Length of a clip.

    Example:
        >>> centers = centers_of(torch.tensor([[2.0, 8.0]]), num_clips=5, clip_seconds=2.0)
        >>> centers.heat, centers.clips, centers.windows
        (tensor([0., 0., 1., 0., 0.]), tensor([2]), tensor([2.]))
    """
    first, last = (moments / clip_seconds - moments.new_tensor([0.0, 1.0])).unbind(dim=-1)
    center = ((first + last) / 2).clamp(min=0.0, max=num_clips - 0.5)
    clips = center.floor()
    windows = (last - first).clamp(min=0.0)
    radius = (_RADIUS * windows).floor()[:, None]
    distance = torch.arange(num_clips, device=moments.device) - clips[:, None]  # (N, T)
    heat = torch.exp(-(distance**2) / (2 * (_SIGMA * (radius + 1)) ** 2))
    heat = heat.masked_fill(distance.abs() > radius, 0.0)
    heat = torch.cat([heat, heat.new_zeros(1, num_clips)]).amax(dim=0)  # the last row: there may be no moment
    return Centers(heat, clips.long(), windows, center - clips)


def read_off(
    scores: Tensor, windows: Tensor, offsets: Tensor, *, clip_seconds: float, num_moments: int
) -> tuple[Tensor, Tensor]:
    """Return the moments round the clips that are most likely centers; what ``centers_of`` gave comes back.

    Args:
        scores: Of every clip to hold a center, (T,).
        windows: Of a moment whose center is there, (T,); below 0 counts as 0.
        offsets: From the clip to that center, (T,); below 0 counts as 0.
        clip_seconds: Length of a clip.
        num_moments: Most that are returned.

    Returns:
        Start and end in seconds, within the T clips, (K, 2), best first, and the score of each, (K,).
    """
    scores, clips = scores.sort(descending=True, stable=True)
    scores, clips = scores[:num_moments], clips[:num_moments]
    center = clips + offsets[clips].clamp(min=0.0)
    half = windows[clips].clamp(min=0.0) / 2
    bounds = torch.stack([center - half, center + half], dim=-1).clamp(min=0.0, max=len(offsets) - 1)
    return (bounds + bounds.new_tensor([0.0, 1.0])) * clip_seconds, scores
