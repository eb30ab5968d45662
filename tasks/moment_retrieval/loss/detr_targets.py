"""What Moment-DETR and QD-DETR should say of a batch.

Shapes: B samples, T clips, N moments of the sample with most, P pairs of clips.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from vidkit.data import VideoSample
from vidkit.modules import xx_to_cxw
from vidkit.seeds import derived_seed

NUM_PAIRS = 2
"""P: pairs of clips that a sample compares in an epoch."""


@dataclass(frozen=True)
class DETRTargets:
    """The targets of padded samples.

    Args:
        spans: (center, width) in [0, 1] of what the model reads, (B, N, 2).
        span_mask: True where a moment is real, (B, N).
        has_moments: True where the moments are known, be there none, (B,).
        relevance: In [0, 1], (B, T).
        better: The clip of each pair that stands out more, (B, P) int.
        worse: The other one, (B, P) int.
        pair_mask: True where a pair is real, (B, P).
    """

    spans: Tensor
    span_mask: Tensor
    has_moments: Tensor
    relevance: Tensor
    better: Tensor
    worse: Tensor
    pair_mask: Tensor


def detr_targets(
    samples: list[VideoSample],
    mask: Tensor,
    *,
    clip_seconds: float,
    max_moments: int,
    seed: int,
    epoch: int,
) -> DETRTargets:
    """Return the targets of a batch; the samples are left alone.

    What is drawn depends on (seed, epoch, sample id), not on the rest of the batch.

    Moments are shares of T clips, as the model's are, and end there; those that begin later are left out. Of
    more than ``max_moments`` so many are drawn. The relevance is ``gt_saliency``; without it, it is 1 in the
    clips of ``gt_segments`` and 0 in others; without either it is 0.

    Args:
        samples: With ``gt_segments`` and ``gt_saliency``; what one lacks teaches nothing.
        mask: True where a clip is real, (B, T).
        clip_seconds: Length of a clip.
        max_moments: Most moments of a sample.
        seed: Of the run.
        epoch: Of the run.
    """
    spans: list[Tensor] = []
    relevance = torch.zeros(mask.shape)
    pairs = torch.zeros(len(samples), NUM_PAIRS, 2, dtype=torch.long)
    num_pairs = torch.zeros(len(samples), dtype=torch.long)
    for row, (sample, length) in enumerate(zip(samples, mask.sum(dim=1).tolist(), strict=True)):
        generator = torch.Generator().manual_seed(derived_seed(seed, epoch, sample_id(sample)))
        saliency = sample.gt_saliency.cpu().float() if "gt_saliency" in sample else None
        relevant = None
        moments = torch.zeros(0, 2)
        if "gt_segments" in sample:
            moments = sample.gt_segments.cpu().float()
            relevant = relevant_clips(moments, num_clips=length, clip_seconds=clip_seconds)
        spans.append(_drawn_spans(moments / (length * clip_seconds), max_moments, generator))
        if saliency is not None:
            assert len(saliency) == length, "a data set gives one saliency for every clip"
            relevance[row, :length] = saliency
        elif relevant is not None:
            relevance[row, :length] = relevant.float()
        own = _pairs(saliency, relevant, generator)
        num_pairs[row] = len(own)
        pairs[row, : len(own)] = own
    lengths = torch.tensor([len(own) for own in spans])
    padded = pad_sequence(spans, batch_first=True)
    targets = (
        padded,
        torch.arange(padded.shape[1]) < lengths[:, None],
        torch.tensor(["gt_segments" in sample for sample in samples]),
        relevance,
        *pairs.unbind(dim=-1),
        torch.arange(NUM_PAIRS) < num_pairs[:, None],
    )
    return DETRTargets(*(tensor.to(mask.device) for tensor in targets))


def sample_id(sample: VideoSample) -> str:
    """Return what tells a sample from all others of its data set."""
    return "/".join(str(sample.get(key, "")) for key in ("video_id", "query_id", "time_range"))


def relevant_clips(moments: Tensor, *, num_clips: int, clip_seconds: float) -> Tensor:
    """Return which clips belong to a moment, bool (T,).

    Those whose middle it covers, and the one that holds its own middle.

    Args:
        moments: Start and end in seconds, (N, 2).
        num_clips: T.
        clip_seconds: Length of a clip.

    Example:
        >>> relevant_clips(torch.tensor([[2.0, 6.0], [8.1, 8.3]]), num_clips=5, clip_seconds=2.0)
        tensor([False,  True,  True, False,  True])
    """
    clips = torch.arange(num_clips, device=moments.device)
    start, end = (moments / clip_seconds)[..., None].unbind(dim=1)  # (N, 1) in clips
    covered = (start <= clips + 0.5) & (clips + 0.5 < end)
    return (covered | (((start + end) / 2).floor() == clips)).any(dim=0)


def _drawn_spans(spans: Tensor, max_moments: int, generator: torch.Generator) -> Tensor:
    """Return some (center, width), in their order, of spans (start, end)."""
    spans = spans.clamp(0.0, 1.0)
    spans = xx_to_cxw(spans[spans[:, 1] > spans[:, 0]])
    if len(spans) <= max_moments:
        return spans
    return spans[torch.randperm(len(spans), generator=generator)[:max_moments].sort().values]


def _pairs(saliency: Tensor | None, relevant: Tensor | None, generator: torch.Generator) -> Tensor:
    """Return clips of which the first should score higher than the second, (up to P, 2).

    With judgements: the best and the worst of the relevant clips, and a relevant and an irrelevant one at
    random; without an irrelevant one, the first pair again. Without knowing the moments all clips are
    relevant. Best and worst clips that are judged alike make no pair.

    Without judgements: P clips of moments and P others at random, none twice while there are enough; no pair
    if one kind is missing.
    """
    if relevant is None:
        if saliency is None:
            return torch.zeros(0, 2, dtype=torch.long)
        relevant = torch.ones_like(saliency, dtype=torch.bool)
    inside, outside = relevant.nonzero()[:, 0], (~relevant).nonzero()[:, 0]
    if saliency is None:
        count = NUM_PAIRS if len(inside) and len(outside) else 0
        return torch.stack([_draw(pool, count, generator) for pool in (inside, outside)], dim=1)
    if not len(inside):
        return torch.zeros(0, 2, dtype=torch.long)
    of_inside = saliency[inside]
    hard = torch.stack([inside[of_inside.argmax()], inside[of_inside.argmin()]])[None]
    if of_inside.max() == of_inside.min():
        hard = hard[:0]
    if not len(outside):
        return torch.cat([hard, hard])
    easy = torch.stack([_draw(pool, 1, generator) for pool in (inside, outside)], dim=1)
    return torch.cat([hard, easy])


def _draw(pool: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Return so many members of a pool, (count,), all of them before one comes twice."""
    if not count:
        return pool[:0]
    order = torch.randperm(len(pool), generator=generator)
    return pool[order[torch.arange(count) % len(pool)]]
