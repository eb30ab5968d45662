"""The loss of topic recognition, Equation 6 of the paper (see README.md), and that of fused branches.

Shapes: N views, B videos, K topics.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.encoders.views import mean_over_views
from vidkit.losses import global_mean
from vidkit.losses.reduction import at_least_float32
from vidkit.registry import LOSSES

NO_LABEL = -1
_FLOOR = 1e-12  # of probabilities, before the logarithm


@LOSSES.register_module()
class TopicCrossEntropy(nn.Module):
    """Cross-entropy of the topic: Equation 6, a mean over the videos of all processes.

    The paper trains on one view of a video. Of several the cross-entropies are averaged, so that a video
    with many views weighs as much as one with few.

    Example:
        >>> import torch
        >>> logits, owners = torch.zeros(2, 4), torch.tensor([0, 0])
        >>> TopicCrossEntropy()(logits, owners, torch.tensor([3]))  # ln 4
        tensor(1.3863)
    """

    def forward(self, logits: Tensor, owners: Tensor, labels: Tensor) -> Tensor:
        """Return the loss; 0 without videos that have a view and a label.

        Args:
            logits: (N, K).
            owners: Which video each view is of, (N,).
            labels: The topic of each video, -1 where it is not known, (B,).
        """
        own = labels[owners]
        terms = F.cross_entropy(at_least_float32(logits), own, ignore_index=NO_LABEL, reduction="none")
        means, present = mean_over_views(terms[:, None], owners, len(labels))
        return global_mean(means[:, 0], present & (labels != NO_LABEL))


@LOSSES.register_module()
class FusedTopicLoss(nn.Module):
    """Negative log-likelihood of the topic by the fused scores, for branches that are trained together.

    It is not in the paper, which trains every branch alone.

    Example:
        >>> import torch
        >>> FusedTopicLoss()(torch.tensor([[0.25, 0.75]]), torch.tensor([0]))  # ln 4
        tensor(1.3863)
    """

    def forward(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the loss, a mean over the videos of all processes; 0 without videos that have a label.

        Args:
            scores: Probabilities, (B, K).
            labels: The topic of each video, -1 where it is not known, (B,).
        """
        logs = at_least_float32(scores).clamp(min=_FLOOR).log()
        terms = F.nll_loss(logs, labels, ignore_index=NO_LABEL, reduction="none")
        return global_mean(terms, labels != NO_LABEL)
