"""What every second of a video should be told.

Shapes: B videos, T seconds (clips with a feature of their own), N annotated segments in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vidkit.data import VideoSample


@dataclass(frozen=True)
class Targets:
    """The targets of a batch of padded videos.

    Args:
        labels: bool, True where a second lies in a segment, (B, T).
        offsets: From its middle back to the segment's start and on to its end, in seconds, (B, T, 2).
        mask: True where a second is real, (B, T).
        modality_masks: The same for the features of each modality, (B, T) each.
    """

    labels: Tensor
    offsets: Tensor
    mask: Tensor
    modality_masks: Mapping[str, Tensor]


def second_targets(segments: Tensor, num_clips: int, clip_seconds: float) -> tuple[Tensor, Tensor]:
    """Return which seconds lie in a segment, and how far its start and end are from their middles.

    Second t lies in a segment if its middle, (t + 0.5) clip_seconds, does; of several segments the shortest
    gives the offsets, the first of equal ones. The released code takes whole seconds, both ends included, as
    positive, but measures from their starts: some positives have the offsets (0, 0) there.

    Args:
        segments: Start and end in seconds, (N, 2), in any order.
        num_clips: T.
        clip_seconds: What one of the T covers.

    Returns:
        Labels, bool (T,), and offsets in seconds, >= 0, (T, 2); those of negatives are 0.

    Example:
        >>> second_targets(torch.tensor([[1.0, 3.0]]), num_clips=4, clip_seconds=1.0)
        (tensor([False,  True,  True, False]), tensor([[0.0000, 0.0000],
                [0.5000, 1.5000],
                [1.5000, 0.5000],
                [0.0000, 0.0000]]))
    """
    starts, ends = segments.detach().cpu().double().numpy().T
    middles = (np.arange(num_clips) + 0.5) * clip_seconds
    first, behind = np.searchsorted(middles, starts), np.searchsorted(middles, ends)
    longest_first = np.argsort(ends - starts, kind="stable")[::-1]
    nobody = len(segments)
    owner = np.full(num_clips, nobody)
    for index in longest_first.tolist():  # what is painted last stays
        owner[first[index] : behind[index]] = index
    labels = owner < nobody
    offsets = np.empty((2, num_clips))
    np.subtract(middles, np.append(starts, 0.0).take(owner), out=offsets[0])
    np.subtract(np.append(ends, 0.0).take(owner), middles, out=offsets[1])
    np.copyto(offsets, 0.0, where=~labels)
    return torch.from_numpy(labels).to(segments.device), torch.from_numpy(offsets).to(segments).T


def middles_of(num_clips: int, clip_seconds: float, *, like: Tensor) -> Tensor:
    """Return the middle of every second, (T,), from which offsets are measured, as floats like ``like``."""
    return (torch.arange(num_clips, dtype=like.dtype, device=like.device) + 0.5) * clip_seconds


def targets_of(
    samples: Sequence[VideoSample], mask: Tensor, modality_masks: Mapping[str, Tensor], *, clip_seconds: float
) -> Targets:
    """Return the targets of a batch, from the ``gt_segments`` of its samples.

    Args:
        samples: One per video.
        mask: True where a second is real, (B, T).
        modality_masks: The same for each modality.
        clip_seconds: What a second covers.
    """
    labels, offsets = [], []
    for sample in samples:
        segments = sample.gt_segments.to(mask.device)
        own_labels, own_offsets = second_targets(segments, mask.shape[1], clip_seconds)
        labels.append(own_labels)
        offsets.append(own_offsets)
    return Targets(torch.stack(labels) & mask, torch.stack(offsets), mask, modality_masks)
