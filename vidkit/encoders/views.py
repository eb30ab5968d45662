"""Several views of one video: each encoded by itself, and their mean.

Views are crops of frames, pieces of sound, or one text; a video that lacks the modality has none.

Shapes: B videos of a batch, N views of all of them, D = ``dim`` channels, C values of a view.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vidkit.encoders.base import Encoder, FeatureRecipe

_FRAMES_AT_ONCE = 256  # without gradients: 30 views of 32 frames would fill the memory of a small GPU


@dataclass(frozen=True)
class Views:
    """What an encoder says of all views of a batch.

    Args:
        features: One row per view, video after video, (N, D).
        owners: Which video of the batch each row is of, int64 (N,), not decreasing.
    """

    features: Tensor
    owners: Tensor


def encode_views(encoder: Encoder, clips: Sequence[Tensor | str | None]) -> Views:
    """Return the features of all views of a batch in one pass of the encoder.

    The views of one batch share the statistics of batch norms in training; without gradients they go through
    the encoder a few at a time.

    Args:
        encoder: Reads the clips; ``Precomputed`` passes features on.
        clips: One for each of the B videos: frames (V, F, H, W, 3) in uint8, waveforms (V, samples) in
            float32, features (V, D) for ``Precomputed``, one text, or None where there is nothing. F must be
            the same for all, H and W may differ if the encoder resizes.

    Raises:
        ValueError: If views cannot be joined, since they have different sizes.

    Example:
        >>> from vidkit.encoders import Precomputed
        >>> views = encode_views(Precomputed(2), [torch.ones(3, 2), None, torch.zeros(1, 2)])
        >>> views.features.shape, views.owners.tolist()
        (torch.Size([4, 2]), [0, 0, 0, 2])
    """
    given = [(row, clip) for row, clip in enumerate(clips) if clip is not None]
    texts = [clip for _, clip in given if isinstance(clip, str)]
    stacks = [clip for _, clip in given if isinstance(clip, Tensor)]
    if texts and stacks:
        raise ValueError("a batch holds texts and tensors of one modality; give the encoder either")
    if texts:
        features = encoder(texts)
    elif sum(len(stack) for stack in stacks):
        features = _encode(encoder, [stack for stack in stacks if len(stack)])
    else:
        features = torch.zeros(0, encoder.dim, device=_device(encoder, stacks))
    counts = [1 if isinstance(clip, str) else len(clip) for _, clip in given]
    owners = torch.tensor([row for row, _ in given], dtype=torch.int64)
    owners = owners.repeat_interleave(torch.tensor(counts, dtype=torch.int64))
    return Views(features, owners.to(features.device))


def mean_over_views(values: Tensor, owners: Tensor, num_samples: int) -> tuple[Tensor, Tensor]:
    """Return the mean of the views of each video, and which videos have any.

    Args:
        values: (N, C).
        owners: Which video each row is of, (N,), in [0, num_samples).
        num_samples: B.

    Returns:
        means (B, C), zeros where a video has no view; and present, bool (B,).

    Example:
        >>> values = torch.tensor([[1.0], [3.0], [5.0]])
        >>> means, present = mean_over_views(values, torch.tensor([0, 0, 2]), 3)
        >>> means.flatten().tolist(), present.tolist()
        ([2.0, 0.0, 5.0], [True, False, True])
    """
    sums = values.new_zeros(num_samples, values.shape[1]).index_add(0, owners, values)
    counts = torch.bincount(owners, minlength=num_samples)
    return sums / counts.clamp(min=1)[:, None].to(values.dtype), counts > 0


def _encode(encoder: Encoder, stacks: Sequence[Tensor]) -> Tensor:
    """Return the features of views (V, ...) of several videos, at least one each, (N, D)."""
    if isinstance(encoder.recipe, FeatureRecipe):
        ready: Tensor = encoder(torch.cat(list(stacks)))
        return ready
    if encoder.training or torch.is_grad_enabled():
        trained: Tensor = encoder.encode(_joined([encoder.preprocess(stack) for stack in _by_size(stacks)]))
        return trained
    features: list[Tensor] = []
    for stack in _by_size(stacks):
        num_frames = stack.shape[1] if stack.ndim == 5 else 1
        features.extend(encoder(part) for part in stack.split(max(_FRAMES_AT_ONCE // num_frames, 1)))
    return torch.cat(features)


def _by_size(stacks: Sequence[Tensor]) -> list[Tensor]:
    """Return the stacks in their order, neighbours of one size joined."""
    joined: list[list[Tensor]] = []
    for stack in stacks:
        if joined and joined[-1][0].shape[1:] == stack.shape[1:]:
            joined[-1].append(stack)
        else:
            joined.append([stack])
    return [torch.cat(group) for group in joined]


def _joined(inputs: Sequence[Tensor]) -> Tensor:
    sizes = {tuple(prepared.shape[1:]) for prepared in inputs}
    if len(sizes) > 1:
        raise ValueError(
            f"views of different sizes cannot be joined: {' and '.join(map(str, sorted(sizes)))}; "
            "crop them to one size, or take a recipe that resizes"
        )
    return torch.cat(list(inputs))


def _device(encoder: Encoder, stacks: Sequence[Tensor]) -> torch.device:
    holders = [*encoder.parameters(), *encoder.buffers(), *stacks]
    return holders[0].device if holders else torch.device("cpu")
