"""The training objective of UMT (sections 3.5 to 3.7 of its paper; see README.md).

Shapes: B samples, T clips, M moments of all samples of a batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.data import VideoSample
from vidkit.losses import gaussian_focal_loss, global_mean
from vidkit.losses.reduction import at_least_float32
from vidkit.registry import LOSSES
from vidkit.tasks.moment_retrieval.centers import centers_of


@dataclass(frozen=True)
class UMTOutputs:
    """What the heads say of every clip of padded samples; None without the head.

    Args:
        saliency: Logits, (B, T).
        centers: Logits of holding the center of a moment, (B, T).
        windows: Length of that moment minus one clip, in clips, (B, T).
        offsets: From the clip to the center, in clips, (B, T).
    """

    saliency: Tensor | None = None
    centers: Tensor | None = None
    windows: Tensor | None = None
    offsets: Tensor | None = None


@dataclass(frozen=True)
class UMTTargets:
    """What the heads should say of padded samples.

    Args:
        saliency: In [0, 1], (B, T).
        has_saliency: True where a real clip was judged, (B, T).
        heat: In [0, 1], 1 where a center is, (B, T).
        has_moments: True in the real clips of samples whose moments are known, be there none, (B, T).
        samples: The sample of each moment, (M,) int.
        clips: The clip that holds its center, (M,) int.
        windows: Of each moment, (M,).
        offsets: Of each moment, (M,).
    """

    saliency: Tensor
    has_saliency: Tensor
    heat: Tensor
    has_moments: Tensor
    samples: Tensor
    clips: Tensor
    windows: Tensor
    offsets: Tensor


def umt_targets(samples: list[VideoSample], mask: Tensor, *, clip_seconds: float) -> UMTTargets:
    """Return the targets of a batch; the samples are left alone.

    Args:
        samples: With ``gt_segments`` and ``gt_saliency``; what one lacks teaches nothing.
        mask: True where a clip is real, (B, T).
        clip_seconds: Length of a clip.
    """
    saliency, heat = (torch.zeros(mask.shape, device=mask.device) for _ in range(2))
    judged, known = torch.zeros_like(mask), torch.zeros_like(mask)
    rows: list[Tensor] = [torch.zeros(0, 4, device=mask.device)]
    for row, (sample, length) in enumerate(zip(samples, mask.sum(dim=1).tolist(), strict=True)):
        if "gt_saliency" in sample:
            assert len(sample.gt_saliency) == length, "a data set gives one saliency for every clip"
            saliency[row, :length] = sample.gt_saliency.to(saliency)
            judged[row, :length] = True
        if "gt_segments" in sample:
            moments = sample.gt_segments.to(heat)
            centers = centers_of(moments, num_clips=length, clip_seconds=clip_seconds)
            heat[row, :length] = centers.heat
            known[row, :length] = True
            own = torch.full_like(centers.windows, row)
            rows.append(torch.stack([own, centers.clips.to(own), centers.windows, centers.offsets], dim=1))
    which, clips, windows, offsets = torch.cat(rows).unbind(dim=1)
    return UMTTargets(saliency, judged, heat, known, which.long(), clips.long(), windows, offsets)


@LOSSES.register_module()
class UMTLoss(nn.Module):
    """Saliency by cross-entropy, centers by a Gaussian focal loss, windows and offsets by L1 at the centers.

    The terms of centers are sums over the number of moments, as CenterNet has them; the saliency is a mean
    over the clips that were judged, where the released code counts padding too. Each moment has its own terms
    of window and offset: of two that share the clip of their center, both pull, where the released code keeps
    the later one. A batch without moments has a loss of centers alone, as if there was one.

    A weight of None leaves the head out of the model. One of 0 keeps it, untaught, such as for training on
    speech before there is saliency to learn.

    Args:
        saliency: Weight, >= 0 or None.
        center: Weight, >= 0 or None.
        window: Weight, >= 0; None if and only if ``center`` is.
        offset: Weight, >= 0; None if and only if ``center`` is.

    Raises:
        ValueError: If a weight is negative, all are None, or only some of the last three.
    """

    def __init__(
        self,
        *,
        saliency: float | None = 3.0,
        center: float | None = 1.0,
        window: float | None = 0.1,
        offset: float | None = 1.0,
    ) -> None:
        super().__init__()
        weights = dict(saliency=saliency, center=center, window=window, offset=offset)
        for name, weight in weights.items():
            if weight is not None and weight < 0:
                raise ValueError(f"{name} is the weight of a loss, at least 0, or None, got {weight}")
        absent = [name for name in ("center", "window", "offset") if weights[name] is None]
        if len(absent) in (1, 2):
            raise ValueError(
                f"center, window and offset are heads that need one another, got {absent[0]}=None; set all "
                "three to None for a model without moments"
            )
        if absent and saliency is None:
            raise ValueError("saliency and center are both None; a model needs a head: give one a weight")
        self.saliency, self.center, self.window, self.offset = saliency, center, window, offset

    def forward(self, outputs: UMTOutputs, targets: UMTTargets) -> dict[str, Tensor]:
        """Return the weighted terms, scalars by name.

        Args:
            outputs: Of padded samples.
            targets: Of the same.
        """
        losses = {}
        if self.saliency is not None:
            assert outputs.saliency is not None
            logits = at_least_float32(outputs.saliency)
            entropies = F.binary_cross_entropy_with_logits(logits, targets.saliency, reduction="none")
            losses["saliency"] = self.saliency * global_mean(entropies, targets.has_saliency)
        if self.center is not None:
            assert outputs.centers is not None
            losses["center"] = self.center * gaussian_focal_loss(
                outputs.centers, targets.heat, num_peaks=len(targets.clips), mask=targets.has_moments
            )
            at = (targets.samples, targets.clips)
            for name, said, true in (
                ("window", outputs.windows, targets.windows),
                ("offset", outputs.offsets, targets.offsets),
            ):
                assert said is not None
                weight: float = getattr(self, name)
                losses[name] = weight * global_mean((at_least_float32(said)[at] - true).abs())
        return losses
