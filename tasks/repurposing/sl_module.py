"""The baseline SL-Module of Table 3: a score per second from the whole set of seconds, without regression.

Shapes: B videos, T seconds (clips with a feature of their own), D channels.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.encoders.base import Encoder
from vidkit.losses import global_mean, sigmoid_focal_loss
from vidkit.losses.reduction import at_least_float32
from vidkit.modules import MLP, SelfAttentionLayer
from vidkit.postprocessing import segments_from_scores
from vidkit.registry import MODELS
from vidkit.tasks.repurposing.base import Outputs, RepurposingModel
from vidkit.tasks.repurposing.selection import ClipSelection
from vidkit.tasks.repurposing.targets import Targets

_ALPHA, _GAMMA = 0.7, 2.0  # of the focal loss, as MMCT's


@MODELS.register_module()
class SLModule(RepurposingModel):
    """Set-based learning of highlights (section 3.2 of https://arxiv.org/abs/2108.11770).

    A transformer encoder reads the seconds of a video as a set, without positions, and an MLP scores each.
    Trained here on the seconds that lie in clips: the softmax of the scores over the video is compared with a
    distribution by KL divergence. The paper's is the softmax of the labels, in which a positive weighs e
    times a negative; here it is even over the positives. Either leaves the level of the scores free, so a
    focal loss of equal weight ties it to the threshold of the selection. The modalities are concatenated; the
    paper has one.

    Its clips are the runs of seconds at or above the threshold, cut to their best stretches where they are
    longer than a clip may be, scored by their mean.

    Args:
        visual_encoder: Reads frames, or is ``Precomputed``; None leaves the modality out.
        audio_encoder: Reads sound, or is ``Precomputed``; None leaves the modality out.
        text_encoder: Reads captions, or is ``Precomputed``; None leaves the modality out.
        selection: Which of the runs are given.
        dim: D.
        num_heads: Of the attention.
        feedforward_dim: Channels inside the feed-forward networks.
        num_layers: Of the encoder.
        dropout: In [0, 1).
        clip_seconds: What a second covers.
        data_preprocessor: Pads batches; ``PadSequences`` by default.

    Raises:
        ValueError: If there is no encoder.
        TypeError: If a part is of another kind.
    """

    def __init__(
        self,
        *,
        visual_encoder: Encoder | None = None,
        audio_encoder: Encoder | None = None,
        text_encoder: Encoder | None = None,
        selection: ClipSelection,
        dim: int = 512,
        num_heads: int = 8,
        feedforward_dim: int = 2048,
        num_layers: int = 3,
        dropout: float = 0.1,
        clip_seconds: float = 1.0,
        data_preprocessor: nn.Module | None = None,
    ) -> None:
        super().__init__(
            dict(visual=visual_encoder, audio=audio_encoder, text=text_encoder),
            selection=selection,
            clip_seconds=clip_seconds,
            data_preprocessor=data_preprocessor,
        )
        width = sum(encoder.dim for encoder in self.encoders().values())
        self.project = MLP(width, dim, dim)
        self.layers = nn.ModuleList(
            SelfAttentionLayer(dim, num_heads=num_heads, feedforward_dim=feedforward_dim, dropout=dropout)
            for _ in range(num_layers)
        )
        self.close = nn.LayerNorm(dim)
        self.score = MLP(dim, dim, 1)

    def outputs(self, features: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> Outputs:
        """Return the logits of padded videos; the offsets, which the model does not tell, are 0.

        Args:
            features: (B, T, D) per modality.
            masks: True where real, (B, T) per modality.
        """
        mask = self._mask(masks)
        keys = None if bool(mask.all()) else mask
        x = self.project(torch.cat(list(features.values()), dim=-1))
        for layer in self.layers:
            x = layer(x, keys)
        logits = at_least_float32(self.score(self.close(x)))[..., 0]
        return Outputs(logits, logits.new_zeros(*logits.shape, 2))

    def losses(self, outputs: Outputs, targets: Targets) -> dict[str, Tensor]:
        """Return the focal loss of the seconds and the divergence of the distributions of the videos."""
        focal = sigmoid_focal_loss(
            outputs.logits, targets.labels, alpha=_ALPHA, gamma=_GAMMA, mask=targets.mask
        )
        return {"focal": focal, "set": set_divergence(outputs.logits, targets.labels, targets.mask)}

    def proposals(self, outputs: Outputs) -> tuple[Tensor, Tensor]:
        """Return the scores, (N,) in [0, 1], and the runs of high scores, (N, 2) in seconds, of one video."""
        scores = outputs.logits.detach().sigmoid().double().cpu().numpy()
        segments, means = segments_from_scores(
            scores,
            clip_seconds=self.clip_seconds,
            duration_seconds=len(scores) * self.clip_seconds,
            min_seconds=self.clip_seconds,
            max_seconds=max(self.selection.max_seconds, 2 * self.clip_seconds) - self.clip_seconds,
            threshold=self.selection.threshold,
        )
        return torch.from_numpy(means), torch.from_numpy(segments)


def set_divergence(logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """Return KL(even distribution over the positives || softmax of the logits over the video).

    Args:
        logits: (B, T).
        labels: bool, True where positive, (B, T); none of the padding is.
        mask: True where a second is real, (B, T).

    Returns:
        Scalar >= 0, the mean over the videos of all processes that have a positive second; 0 without any.

    Example:
        >>> labels = torch.tensor([[True, True, False, False]])
        >>> set_divergence(torch.zeros(1, 4), labels, torch.ones(1, 4).bool())  # log 4 - log 2
        tensor(0.6931)
    """
    log_scores = F.log_softmax(logits.masked_fill(~mask, -torch.inf), dim=1)
    num_positives = labels.sum(dim=1)
    count = num_positives.clamp(min=1).to(logits.dtype)
    cross_entropy = -torch.where(labels, log_scores, 0.0).sum(dim=1) / count
    return global_mean(cross_entropy - count.log(), num_positives > 0)
