"""What the models of the task share: features of some modalities in, a score per second and clips out.

Shapes: B videos, T seconds (clips with a feature of their own), D channels of a feature vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.data import PadSequences, VideoSample
from vidkit.encoders.base import Encoder, encode_clips
from vidkit.tasks.repurposing.selection import ClipSelection
from vidkit.tasks.repurposing.targets import Targets, targets_of

MODALITIES = ("visual", "audio", "text")


@dataclass(frozen=True)
class Outputs:
    """What a model says of every second; of a batch of padded videos with a leading axis B.

    Args:
        logits: Of lying in a clip, (T,).
        offsets: From the second's middle back to the start of its clip and on to its end, seconds >= 0, (T,
            2).
        modality_logits: As ``logits``, of every guided modality alone.
    """

    logits: Tensor
    offsets: Tensor
    modality_logits: Mapping[str, Tensor] = field(default_factory=dict)


class RepurposingModel(BaseModel):
    """A model that reads some of the three modalities; a subclass says how, and its losses and clips.

    Args:
        encoders: By modality; those that are None are left out.
        selection: Which of the proposed clips are given.
        clip_seconds: What a second (a clip with a feature of its own) covers.
        data_preprocessor: Pads batches; ``PadSequences`` by default.

    Raises:
        ValueError: If there is no encoder.
        TypeError: If a part is of another kind.
    """

    def __init__(
        self,
        encoders: Mapping[str, Encoder | None],
        *,
        selection: ClipSelection,
        clip_seconds: float,
        data_preprocessor: nn.Module | None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor or PadSequences())
        given = {name: encoder for name, encoder in encoders.items() if encoder is not None}
        if not given:
            raise ValueError("give at least one of visual_encoder, audio_encoder and text_encoder")
        for name, encoder in given.items():
            if not isinstance(encoder, Encoder):
                raise TypeError(f"{name}_encoder must be an encoder, got {type(encoder).__name__}")
        if not isinstance(selection, ClipSelection):
            raise TypeError(f"selection must be ClipSelection, got {type(selection).__name__}")
        self.feature_encoders = nn.ModuleDict(given)
        self.selection = selection
        self.clip_seconds = clip_seconds

    def encoders(self) -> dict[str, Encoder]:
        """Return the encoder of every modality that the model reads."""
        return {name: cast(Encoder, encoder) for name, encoder in self.feature_encoders.items()}

    def outputs(self, features: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> Outputs:
        """Return what the model says of padded videos.

        Args:
            features: (B, T, D) per modality.
            masks: True where real, (B, T) per modality.
        """
        raise NotImplementedError

    def losses(self, outputs: Outputs, targets: Targets) -> dict[str, Tensor]:
        """Return the weighted losses of padded videos, by name."""
        raise NotImplementedError

    def proposals(self, outputs: Outputs) -> tuple[Tensor, Tensor]:
        """Return the scores, (N,) in [0, 1], and the clips, (N, 2) in seconds, that one video offers."""
        raise NotImplementedError

    def forward(
        self,
        inputs: Mapping[str, Any],
        data_samples: list[VideoSample] | None = None,
        mode: Literal["tensor", "loss", "predict"] = "tensor",
        masks: Mapping[str, Tensor] | None = None,
    ) -> Any:
        """Return losses, predictions or outputs.

        Args:
            inputs: Features (B, T, D) or raw clips per modality.
            data_samples: One per video; "loss" needs them with ``gt_segments``, "predict" with their
                duration.
            mode: "loss" gives a dict of scalars; "predict" the samples with the fields of ``decode``;
                "tensor" a list of ``Outputs``, one per video.
            masks: True where a second is real, (B, T) per modality; None if all are. A modality that is
                shorter than the others is padded.

        Raises:
            ValueError: If a modality that the model reads is missing, or of another width than its encoder.
        """
        features, masks = self._read(inputs, masks)
        outputs = self.outputs(features, masks)
        mask = self._mask(masks)
        if mode == "loss":
            assert data_samples is not None
            targets = targets_of(data_samples, mask, masks, clip_seconds=self.clip_seconds)
            return {f"loss_{name}": value for name, value in self.losses(outputs, targets).items()}
        videos = [_video(outputs, row, length) for row, length in enumerate(mask.sum(dim=1).tolist())]
        if mode == "tensor":
            return videos
        assert data_samples is not None
        return [self.decode(sample, video) for sample, video in zip(data_samples, videos)]

    def decode(self, sample: VideoSample, outputs: Outputs) -> VideoSample:
        """Return the sample with what follows from the outputs of its video.

        Sets ``pred_segments`` (K, 2) and ``pred_scores`` (K,), the clips, best first; ``pred_candidates`` (M,
        2) and ``pred_candidate_scores`` (M,), the ranking they are the first of; ``pred_saliency`` (T,), the
        scores of the seconds; ``pred_modality_saliency``, those of each guided modality by its name. All on
        the CPU.

        Args:
            sample: Has ``duration_seconds``.
            outputs: Of this video.
        """
        scores, segments = (x.detach().double().cpu() for x in self.proposals(outputs))
        selection = self.selection(scores.numpy(), segments.numpy(), duration_seconds=sample.duration_seconds)
        sample.pred_segments = torch.from_numpy(selection.segments).float()
        sample.pred_scores = torch.from_numpy(selection.scores).float()
        sample.pred_candidates = torch.from_numpy(selection.candidates).float()
        sample.pred_candidate_scores = torch.from_numpy(selection.candidate_scores).float()
        sample.pred_saliency = outputs.logits.detach().sigmoid().cpu()
        sample.pred_modality_saliency = {
            name: logits.detach().sigmoid().cpu() for name, logits in outputs.modality_logits.items()
        }
        return sample

    def _read(
        self, inputs: Mapping[str, Any], masks: Mapping[str, Tensor] | None
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return features and masks of every modality the model reads, of one padded length."""
        features, real = {}, {}
        for name, encoder in self.encoders().items():
            if name not in inputs:
                raise ValueError(f"the model reads {name} features, the batch has: {', '.join(inputs)}")
            x = encode_clips(encoder, inputs[name])
            features[name] = x
            real[name] = x.new_ones(x.shape[:2], dtype=torch.bool) if masks is None else masks[name]
        length = max(x.shape[1] for x in features.values())
        for name, x in features.items():
            if missing := length - x.shape[1]:
                features[name], real[name] = F.pad(x, (0, 0, 0, missing)), F.pad(real[name], (0, missing))
        return features, real

    def _mask(self, masks: Mapping[str, Tensor]) -> Tensor:
        """Return which seconds are real, (B, T). Captions only add to what is seen and heard."""
        own = [mask for name, mask in masks.items() if name != "text" or len(masks) == 1]
        return torch.stack(own).all(dim=0)


def _video(outputs: Outputs, row: int, length: int) -> Outputs:
    """Return the outputs of one video of a padded batch."""
    return Outputs(
        outputs.logits[row, :length],
        outputs.offsets[row, :length],
        {name: logits[row, :length] for name, logits in outputs.modality_logits.items()},
    )
