"""What Moment-DETR and QD-DETR share: inputs and the reading of outputs.

Shapes: B samples, T clips, L words, D channels, K predicted moments.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

import torch
from torch import Tensor, nn

from vidkit.data import VideoSample
from vidkit.encoders.base import Encoder
from vidkit.losses.reduction import at_least_float32
from vidkit.modules import MLP, cxw_to_xx, endpoints
from vidkit.tasks.moment_retrieval.loss.detr import FOREGROUND, DETROutputs, MomentDETRLoss
from vidkit.tasks.moment_retrieval.model.base import Features, MomentModel, MomentOutputs

_NUM_ENDPOINTS = 2  # start and end of a clip, beside its features


class InputProjection(nn.Sequential):
    """Twice [LayerNorm, dropout, linear], with ReLU after the first.

    Args:
        in_dim: Channels of the features.
        dim: D.
        dropout: In [0, 1).
    """

    def __init__(self, in_dim: int, dim: int, *, dropout: float) -> None:
        super().__init__(
            nn.LayerNorm(in_dim),
            nn.Dropout(dropout),
            nn.Linear(in_dim, dim),
            nn.ReLU(inplace=True),
            nn.LayerNorm(dim),
            nn.Dropout(dropout),
            nn.Linear(dim, dim),
        )


class DETRModel(MomentModel):
    """A model that predicts K moments and matches them to the annotated ones; a subclass writes ``outputs``.

    Args:
        visual_encoder: Reads frames, or is ``Precomputed``; None leaves the modality out.
        audio_encoder: Reads sound, or is ``Precomputed``; None leaves the modality out.
        text_encoder: Of the words of the query; None for a model that takes none.
        loss: The objective.
        dim: D.
        input_dropout: Of the features, in [0, 1).
        round_to_clips: Whether moments are rounded to whole clips.
        clip_seconds: Length of a clip.
        num_window_clips: How many clips it is made to read at once.
        normalized: Modalities whose vectors are scaled to length 1; None for all.
        data_preprocessor: Pads batches.
        counts: Numbers that must be at least 1, by name.

    Raises:
        ValueError: If there is no encoder of clips, or a number is out of range.
        TypeError: If a part is of another kind.
    """

    has_unit_saliency: ClassVar[bool] = False

    def __init__(
        self,
        *,
        visual_encoder: Encoder | None,
        audio_encoder: Encoder | None,
        text_encoder: Encoder | None,
        loss: MomentDETRLoss,
        loss_type: type[MomentDETRLoss],
        dim: int,
        input_dropout: float,
        round_to_clips: bool,
        clip_seconds: float,
        num_window_clips: int,
        normalized: Collection[str] | None,
        data_preprocessor: nn.Module | None,
        **counts: int,
    ) -> None:
        given = dict(visual=visual_encoder, audio=audio_encoder, text=text_encoder)
        if normalized is None:
            normalized = [name for name, encoder in given.items() if encoder is not None]
        super().__init__(
            visual_encoder=visual_encoder,
            audio_encoder=audio_encoder,
            text_encoder=text_encoder,
            clip_seconds=clip_seconds,
            num_window_clips=num_window_clips,
            normalized=normalized,
            data_preprocessor=data_preprocessor,
        )
        if type(loss) is not loss_type:
            raise TypeError(f"loss must be {loss_type.__name__}, got {type(loss).__name__}")
        for name, count in counts.items():
            if count < 1:
                raise ValueError(f"{name} must be at least 1, got {count}")
        self.loss = loss
        self.dim = dim
        self.round_to_clips = round_to_clips
        encoders = self.encoders()
        clip_dim = sum(encoder.dim + _NUM_ENDPOINTS for name, encoder in encoders.items() if name != "text")
        self.project_clips = InputProjection(clip_dim, dim, dropout=input_dropout)
        self.project_words: InputProjection | None = None
        if text_encoder is not None:
            self.project_words = InputProjection(text_encoder.dim, dim, dropout=input_dropout)
        self.classify = nn.Linear(dim, 2)
        self.regress = MLP(dim, dim, dim, 2)

    def outputs(self, features: Features) -> DETROutputs:
        """Return what the model says of padded samples."""
        raise NotImplementedError

    def losses(self, features: Features, samples: list[VideoSample]) -> dict[str, Tensor]:
        """Return the weighted terms of the objective."""
        targets = self.loss.targets(samples, features.mask, clip_seconds=self.clip_seconds)
        losses: dict[str, Tensor] = self.loss(self.outputs(features), targets)
        return losses

    def moment_outputs(self, features: Features) -> list[MomentOutputs]:
        """Return the K moments of each sample, and the saliency of its clips, of any sign."""
        outputs = self.outputs(features)
        moments = cxw_to_xx(at_least_float32(outputs.spans[-1]))  # (B, K, 2)
        scores = at_least_float32(outputs.logits[-1]).softmax(dim=-1)[..., FOREGROUND]
        saliency = at_least_float32(outputs.saliency)
        return [
            MomentOutputs(moments[row] * length * self.clip_seconds, scores[row], saliency[row, :length])
            for row, length in enumerate(features.mask.sum(dim=1).tolist())
        ]

    def decode(self, sample: VideoSample, outputs: MomentOutputs) -> VideoSample:
        """Return the sample with what follows from its outputs; see ``MomentModel.decode``.

        Whole clips are multiples of their length, the even one of two that are as near, as in the released
        code; a moment shorter than half a clip may so end where it begins.
        """
        if self.round_to_clips:
            whole = (outputs.moments / self.clip_seconds).round() * self.clip_seconds
            outputs = MomentOutputs(whole, outputs.scores, outputs.saliency)
        return super().decode(sample, outputs)

    def read_clips(self, features: Features) -> Tensor:
        """Return the projected clips, (B, T, D); each stream brings the endpoints of the clips along."""
        own = endpoints(features.mask)
        parts = [torch.cat([x, own.to(x.dtype)], dim=-1) for x in features.streams.values()]
        projected: Tensor = self.project_clips(torch.cat(parts, dim=-1))
        return projected

    def read_words(self, features: Features) -> tuple[Tensor, Tensor] | None:
        """Return the projected words, (B, L, D), and their mask, (B, L); None without a query."""
        if self.project_words is None or features.words is None:
            return None
        assert features.word_mask is not None
        return self.project_words(features.words), features.word_mask


def initialize_matrices(*modules: nn.Module) -> None:
    """Draw all matrices anew, as DETR does: Glorot's uniform distribution."""
    for module in modules:
        for parameter in module.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)


def mask_of_keys(mask: Tensor) -> Tensor | None:
    """Return the mask for attention, None where nothing is padding."""
    return None if bool(mask.all()) else mask
