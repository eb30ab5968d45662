"""The training objective of MMCT (Equation 5 of the paper; see README.md).

Shapes: B videos, T seconds.
"""

from __future__ import annotations

from torch import Tensor, nn

from vidkit.losses import bernoulli_kl, diou_loss, sigmoid_focal_loss
from vidkit.registry import LOSSES
from vidkit.tasks.repurposing.base import Outputs
from vidkit.tasks.repurposing.targets import Targets


@LOSSES.register_module()
class MMCTLoss(nn.Module):
    """Focal losses of the guided modalities and of the fusion, their alignment, and the loss of the clips.

    The paper prints sums; all terms are means here, over the real seconds, and of the clips over the positive
    ones, of all processes; the terms of the guided modalities add up. Equations 1 and 2 print a focal loss
    without its focusing factor and without negatives: it is the whole one here, with the released code's
    alpha and gamma. Equations 3 and 4 print ``y log(y / y_m)`` of single sigmoids, which is no divergence and
    can be
    negative: it is the Bernoulli divergence per second here. "Customised 1-D IoU loss" is the distance-IoU of
    the released code.

    Args:
        unimodal: Weight of the focal loss of each guided modality, lambda_1, >= 0; 0 leaves it out.
        fused: Weight of the focal loss of the fusion, lambda_2, >= 0.
        alignment: Weight of the divergence of each guided modality from the fusion, lambda_3, >= 0; 0 leaves
            it out.
        regression: Weight of the loss of the clips, lambda_4, >= 0.
        alpha: Weight of the positive seconds in focal losses, in [0, 1].
        gamma: Focusing exponent, >= 0.
        detach_fused: Whether the divergence teaches the guided modalities alone.

    Raises:
        ValueError: If a weight is negative.
    """

    def __init__(
        self,
        *,
        unimodal: float = 0.1,
        fused: float = 0.3,
        alignment: float = 0.1,
        regression: float = 0.7,
        alpha: float = 0.7,
        gamma: float = 2.0,
        detach_fused: bool = False,
    ) -> None:
        super().__init__()
        weights = dict(unimodal=unimodal, fused=fused, alignment=alignment, regression=regression)
        if negative := [name for name, weight in weights.items() if weight < 0]:
            name = negative[0]
            raise ValueError(f"{name} is the weight of a loss, at least 0, got {weights[name]}")
        self.unimodal, self.fused, self.alignment, self.regression = weights.values()
        self.alpha, self.gamma = alpha, gamma
        self.detach_fused = detach_fused

    def forward(self, outputs: Outputs, targets: Targets) -> dict[str, Tensor]:
        """Return the weighted terms, scalars by name.

        Args:
            outputs: Of padded videos.
            targets: Of the same.
        """
        losses = {
            "fused": self.fused * self._focal(outputs.logits, targets, targets.mask),
            "regression": self.regression * self._regression(outputs, targets),
        }
        for name, logits in outputs.modality_logits.items():
            mask = targets.mask & targets.modality_masks[name]
            if self.unimodal:
                losses[f"unimodal_{name}"] = self.unimodal * self._focal(logits, targets, mask)
            if self.alignment:
                divergence = bernoulli_kl(logits, outputs.logits, detach_other=self.detach_fused, mask=mask)
                losses[f"alignment_{name}"] = self.alignment * divergence
        return losses

    def _focal(self, logits: Tensor, targets: Targets, mask: Tensor) -> Tensor:
        return sigmoid_focal_loss(logits, targets.labels, alpha=self.alpha, gamma=self.gamma, mask=mask)

    def _regression(self, outputs: Outputs, targets: Targets) -> Tensor:
        """Return the distance-IoU loss over the positive seconds; a second's middle is the origin of time."""
        predicted, true = outputs.offsets[targets.labels], targets.offsets[targets.labels]  # (P, 2)
        towards = predicted.new_tensor([-1.0, 1.0])  # the start lies before the middle, the end behind it
        return diou_loss(predicted * towards, true * towards)
