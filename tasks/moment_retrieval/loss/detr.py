"""The training objective of Moment-DETR (https://arxiv.org/abs/2107.09609; see README.md).

Shapes: Y decoder layers, B samples, T clips, K predicted moments, N moments of the sample with most.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vidkit.data import VideoSample
from vidkit.losses import generalized_iou, global_mean
from vidkit.losses.reduction import at_least_float32
from vidkit.modules import cxw_to_xx
from vidkit.registry import LOSSES
from vidkit.tasks.moment_retrieval.loss.detr_targets import DETRTargets, detr_targets
from vidkit.tasks.moment_retrieval.loss.matching import assign

FOREGROUND, BACKGROUND = 0, 1
"""The two classes, in the order of the released weights."""


@dataclass(frozen=True)
class DETROutputs:
    """What a DETR says of padded samples.

    Args:
        logits: Of being a moment and of being none, after every decoder layer, (Y, B, K, 2).
        spans: (center, width) in [0, 1], after every decoder layer, (Y, B, K, 2).
        saliency: One number per clip, of any sign, (B, T).
        mask: True where a clip is real, (B, T).
    """

    logits: Tensor
    spans: Tensor
    saliency: Tensor
    mask: Tensor


@LOSSES.register_module()
class MomentDETRLoss(nn.Module):
    """Losses of the moments that are matched one to one, and a hinge between clips.

    The predicted moments that match the annotated ones at the least cost, the first three weights times (L1,
    minus generalised IoU, minus probability), are told their spans and to be moments; all others to be none.
    Each decoder layer is matched for itself. All terms are means over all processes: over matched moments,
    over predicted moments of samples whose moments are known, over pairs of clips.

    Pairs of clips are drawn by (seed, epoch, sample id). Differences from the released code: best and worst
    clips that are judged alike make no pair, where there an order of equal ones is learnt; without judgements
    the moments give the pairs, as they do there in training on speech alone, and a moment as long as the
    video gives none, which stops the program there. Without judgements and moments the term is 0.

    Args:
        span: Weight of L1 between (center, width), averaged over both, >= 0.
        giou: Weight of 1 - generalised IoU, >= 0.
        label: Weight of the cross-entropy, >= 0.
        saliency: Weight of the hinge, which is twice its mean over pairs, >= 0.
        background: Weight of predictions that should be none within the cross-entropy, >= 0.
        margin: By which the better clip of a pair should lead.
        max_moments: Most moments of a sample; of more so many are drawn by (seed, epoch, sample id).

    Raises:
        ValueError: If a weight is negative or ``max_moments`` below 1.
    """

    def __init__(
        self,
        *,
        span: float = 10.0,
        giou: float = 1.0,
        label: float = 4.0,
        saliency: float = 1.0,
        background: float = 0.1,
        margin: float = 0.2,
        max_moments: int = 5,
    ) -> None:
        super().__init__()
        weights = dict(span=span, giou=giou, label=label, saliency=saliency, background=background)
        for name, weight in weights.items():
            if weight < 0:
                raise ValueError(f"{name} is the weight of a loss, at least 0, got {weight}")
        if max_moments < 1:
            raise ValueError(
                f"max_moments, the most moments of a sample, must be at least 1, got {max_moments}"
            )
        self.span, self.giou, self.label, self.saliency, self.background = weights.values()
        self.margin = margin
        self.max_moments = max_moments
        self.seed = 0
        self.epoch = 0

    def set_epoch(self, *, seed: int, epoch: int) -> None:
        """Say which epoch of which run the next draws belong to."""
        self.seed, self.epoch = seed, epoch

    def targets(self, samples: list[VideoSample], mask: Tensor, *, clip_seconds: float) -> DETRTargets:
        """Return the targets of padded samples in this epoch; ``mask`` is that of their clips, (B, T)."""
        return detr_targets(
            samples,
            mask,
            clip_seconds=clip_seconds,
            max_moments=self.max_moments,
            seed=self.seed,
            epoch=self.epoch,
        )

    def forward(self, outputs: DETROutputs, targets: DETRTargets) -> dict[str, Tensor]:
        """Return the weighted terms, scalars by name; those of layers before the last one end in "_0", ...

        Args:
            outputs: Of padded samples.
            targets: Of the same.
        """
        assigned = self.match(outputs, targets)
        last = len(outputs.spans) - 1
        losses = {}
        for layer in range(last + 1):
            own = self._moment_losses(outputs.logits[layer], outputs.spans[layer], targets, assigned[layer])
            losses.update({name if layer == last else f"{name}_{layer}": loss for name, loss in own.items()})
        losses["saliency"] = self.saliency * self._hinge(at_least_float32(outputs.saliency), targets)
        return losses

    @torch.no_grad()
    def match(self, outputs: DETROutputs, targets: DETRTargets) -> Tensor:
        """Return which predicted moment answers each annotated one, int (Y, B, N); -1 where none does."""
        predicted = at_least_float32(outputs.spans)[..., None, :]  # (Y, B, K, 1, 2)
        true = targets.spans[:, None]  # (B, 1, N, 2)
        probability = at_least_float32(outputs.logits).softmax(dim=-1)[..., FOREGROUND, None]
        costs = (
            self.span * (predicted - true).abs().sum(dim=-1)
            - self.giou * generalized_iou(cxw_to_xx(predicted), cxw_to_xx(true))
            - self.label * probability
        )
        return assign(costs, targets.span_mask)

    def _moment_losses(
        self, logits: Tensor, spans: Tensor, targets: DETRTargets, assigned: Tensor
    ) -> dict[str, Tensor]:
        """Return the terms of one decoder layer, of (B, K, 2), (B, K, 2) and (B, N)."""
        matched = assigned >= 0
        index = assigned.clamp(min=0)[..., None].expand(-1, -1, 2)
        predicted = at_least_float32(spans).gather(1, index)  # (B, N, 2)
        overlap = generalized_iou(cxw_to_xx(predicted), cxw_to_xx(targets.spans))
        num_predicted = logits.shape[1]
        slots = torch.where(
            matched, assigned, num_predicted
        )  # the last one, cut off, takes what is no moment
        foreground = matched.new_zeros(len(logits), num_predicted + 1).scatter(1, slots, True)[:, :-1]
        log_probability = at_least_float32(logits).log_softmax(dim=-1)
        entropy = torch.where(
            foreground,
            -log_probability[..., FOREGROUND],
            -self.background * log_probability[..., BACKGROUND],
        )
        return {
            "span": self.span * global_mean((predicted - targets.spans).abs(), matched[..., None]),
            "giou": self.giou * global_mean(1 - overlap, matched),
            "label": self.label * global_mean(entropy, targets.has_moments[:, None]),
        }

    def _hinge(self, saliency: Tensor, targets: DETRTargets) -> Tensor:
        lead = saliency.gather(1, targets.better) - saliency.gather(1, targets.worse)  # (B, P)
        return 2 * global_mean((self.margin - lead).clamp(min=0), targets.pair_mask)
