"""The training objective of QD-DETR (https://arxiv.org/abs/2303.13874; see README.md).

Shapes: B samples, T clips.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vidkit.losses import global_mean
from vidkit.losses.reduction import at_least_float32
from vidkit.registry import LOSSES
from vidkit.tasks.moment_retrieval.loss.detr import DETROutputs, MomentDETRLoss
from vidkit.tasks.moment_retrieval.loss.detr_targets import DETRTargets

_TEMPERATURE = 0.5
_HIGHEST = 12  # the relevance is 12 times a number in [0, 1]: three annotators give up to 4 each
_SLACK = 1e-4  # a sum of 5 that went through float32 is still one of 5


@dataclass(frozen=True)
class QDDETROutputs(DETROutputs):
    """What QD-DETR says of padded samples, each also with the sentence of another one.

    Args:
        negative_saliency: Of the clips for the other sentence, (B, T).
        negative_mask: True where a clip is real and its sample has another sentence, (B, T).
    """

    negative_saliency: Tensor
    negative_mask: Tensor


@LOSSES.register_module()
class QDDETRLoss(MomentDETRLoss):
    """The losses of Moment-DETR, and that clips score by their relevance, and low for another sentence.

    Two terms join the hinge, under its weight. ``rank``: for each of the thresholds 1 .. 11 of a relevance
    from 0 to 12, the clips at or above it should score high among all clips of both sentences. ``negative``:
    minus the logarithm of one minus the sigmoid of each clip's saliency for the other sentence, summed over
    the clips, averaged over samples that have one.

    The released code adds the thresholds, counts 0 where a sample has no clip above one, and divides by 12
    and the samples; here the term is the mean over the pairs of sample and threshold that have such a clip,
    so that it does not shrink where nothing stands out much.

    The arguments are those of ``MomentDETRLoss``.
    """

    def forward(self, outputs: DETROutputs, targets: DETRTargets) -> dict[str, Tensor]:
        """Return the weighted terms, scalars by name; without other sentences that of them is 0.

        Args:
            outputs: ``QDDETROutputs`` of padded samples.
            targets: Of the same.
        """
        assert isinstance(outputs, QDDETROutputs)
        losses = super().forward(outputs, targets)
        negative = at_least_float32(outputs.negative_saliency)
        losses["rank"] = self.saliency * rank_contrast(
            at_least_float32(outputs.saliency),
            targets.relevance,
            outputs.mask,
            negative=negative,
            negative_mask=outputs.negative_mask,
        )
        # -log(1 - sigmoid(s)) is softplus(s), which stays finite however high s is.
        per_sample = F.softplus(negative).masked_fill(~outputs.negative_mask, 0.0).sum(dim=1)
        losses["negative"] = self.saliency * global_mean(per_sample, outputs.negative_mask.any(dim=1))
        return losses


def rank_contrast(
    saliency: Tensor, relevance: Tensor, mask: Tensor, *, negative: Tensor, negative_mask: Tensor
) -> Tensor:
    """Return how far relevant clips are from having all the softmax, averaged over all processes.

    The rank-contrastive loss of the paper, for every threshold that a clip of the sample reaches.

    Args:
        saliency: (B, T).
        relevance: In [0, 1], (B, T).
        mask: True where a clip is real, (B, T).
        negative: Saliency of the clips for another sentence, (B, T).
        negative_mask: Where that counts, (B, T).

    Returns:
        Scalar >= 0; 0 if nothing is relevant.
    """
    logits = torch.cat([saliency, negative], dim=1) / _TEMPERATURE
    lowest = torch.finfo(logits.dtype).min / 2
    logits = logits.masked_fill(~torch.cat([mask, negative_mask], dim=1), lowest)
    log_share = saliency / _TEMPERATURE - logits.logsumexp(dim=1, keepdim=True)  # (B, T)
    thresholds = torch.arange(1, _HIGHEST, device=saliency.device)[:, None, None]  # (11, 1, 1)
    relevant = (relevance * _HIGHEST >= thresholds - _SLACK) & mask  # (11, B, T)
    counts = relevant.sum(dim=-1)
    means = -(log_share * relevant).sum(dim=-1) / counts.clamp(min=1)  # (11, B)
    return global_mean(means, counts > 0)
