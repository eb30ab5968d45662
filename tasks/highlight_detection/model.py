"""RASL: unsupervised highlight detection by representation activation sequence learning.

Shapes: B sequences, T steps, D channels of a feature vector, C channels of a code, H = D / 8 its length.
Section and equation numbers are those of the paper (see README.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.data import PadSequences, VideoSample
from vidkit.encoders.base import Encoder, encode_clips
from vidkit.losses import SymmetricContrast
from vidkit.modules import RandomMask, ResidualSelfAttention
from vidkit.registry import MODELS
from vidkit.tasks.highlight_detection.branch import SHRINK, RASLBranch

CHUNK_SECONDS = 30.0  # section III-F
_CHUNKS_AT_ONCE = 32  # of inference; bounds the memory on videos of any length


class _UnsupervisedHighlights(BaseModel):
    """What RASL and its fused variants share: reading features, chunks of 30 s, prediction.

    A chunk shorter than 30 s is repeated to 30 s; the copies are attended but enter no loss, and their scores
    are dropped.
    """

    def __init__(
        self,
        encoders: Mapping[str, Encoder],
        *,
        clip_seconds: float,
        data_preprocessor: nn.Module | None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor or PadSequences())
        if not encoders:
            raise ValueError("give a visual_encoder, an audio_encoder or both")
        for name, encoder in encoders.items():
            if not isinstance(encoder, Encoder):
                raise TypeError(f"{name}_encoder must be an encoder, got {type(encoder).__name__}")
        self.clip_seconds = clip_seconds
        self.num_steps = round(CHUNK_SECONDS / clip_seconds)
        self.feature_encoders = nn.ModuleDict(dict(encoders))
        first = next(iter(encoders.values()))
        self.dim = -(-first.dim // SHRINK) * SHRINK  # rounded up, so that any encoder fits

    def encoders(self) -> dict[str, Encoder]:
        """Return the encoder of every modality that training reads."""
        return {name: cast(Encoder, encoder) for name, encoder in self.feature_encoders.items()}

    def scoring_encoders(self) -> dict[str, Encoder]:
        """Return the encoder of every modality that prediction reads."""
        raise NotImplementedError

    def activations(self, chunks: Mapping[str, Tensor]) -> Tensor:
        """Return the activations, (B, T), of whole chunks, (B, T, D) per modality that prediction reads."""
        raise NotImplementedError

    def losses(self, x: Mapping[str, Tensor], mask: Tensor, sample_ids: Sequence[str]) -> dict[str, Tensor]:
        """Return the losses of whole chunks, (B, T, D) per modality."""
        raise NotImplementedError

    def forward(
        self,
        inputs: Mapping[str, Any],
        data_samples: list[VideoSample] | None = None,
        mode: Literal["tensor", "loss", "predict"] = "tensor",
        masks: Mapping[str, Tensor] | None = None,
    ) -> Any:
        """Return losses, predictions or activations.

        Args:
            inputs: Features (B, T, D) or raw clips per modality.
            data_samples: One per video; "loss" and "predict" need them.
            mode: "loss" gives a dict of scalars; "predict" the samples with ``pred_saliency`` (T,) in [0, 1];
                "tensor" the activations of each video, a list of (T,).
            masks: True where a clip is real, (B, T) per modality; None if all are.
        """
        names = list(self.encoders() if mode == "loss" else self.scoring_encoders())
        features = {name: self._read(name, inputs) for name in names}
        lengths = self._lengths(features, masks)
        if mode == "loss":
            assert data_samples is not None
            return self._loss(features, lengths, data_samples)
        scores = [
            self._score_video({name: x[row, :length] for name, x in features.items()})
            for row, length in enumerate(lengths.tolist())
        ]
        if mode == "tensor":
            return scores
        assert data_samples is not None
        for sample, score in zip(data_samples, scores):
            sample.pred_saliency = min_max(score).cpu()
        return data_samples

    def _read(self, name: str, inputs: Mapping[str, Any]) -> Tensor:
        """Return the features of a modality at the model's width, (B, T, D)."""
        if name not in inputs:
            raise ValueError(f"the model reads {name} features, the batch has: {', '.join(inputs)}")
        x = encode_clips(self.encoders()[name], inputs[name]).float()
        return (
            x if x.shape[-1] == self.dim else F.interpolate(x, self.dim, mode="linear", align_corners=False)
        )

    def _lengths(self, features: Mapping[str, Tensor], masks: Mapping[str, Tensor] | None) -> Tensor:
        """Return the number of real steps of each video, (B,): that of its shorter modality."""
        per_modality = [
            torch.full((len(x),), x.shape[1], device=x.device) if masks is None else masks[name].sum(dim=1)
            for name, x in features.items()
        ]
        return torch.stack(per_modality).amin(dim=0)

    def _loss(
        self, features: Mapping[str, Tensor], lengths: Tensor, data_samples: list[VideoSample]
    ) -> dict[str, Tensor]:
        place = torch.arange(self.num_steps, device=lengths.device)
        index = place % lengths[:, None].clamp(max=self.num_steps)  # (B, num_steps)
        chunks = {
            name: x.gather(1, index[..., None].expand(-1, -1, self.dim)) for name, x in features.items()
        }
        sample_ids = [f"{sample.video_id}/{sample.get('start_seconds', 0.0)}" for sample in data_samples]
        losses = self.losses(chunks, place < lengths[:, None], sample_ids)
        return {f"loss_{name}": value for name, value in losses.items()}

    def _score_video(self, features: Mapping[str, Tensor]) -> Tensor:
        """Return the activations of one video of any length, (T,), from features (T, D)."""
        length = len(next(iter(features.values())))
        num_chunks = -(-length // self.num_steps)
        scores = []
        for first in range(0, num_chunks, _CHUNKS_AT_ONCE):
            rows = [
                _chunk_index(chunk, length, self.num_steps)
                for chunk in range(first, min(first + _CHUNKS_AT_ONCE, num_chunks))
            ]
            index = torch.stack(rows)
            scores.append(
                self.activations({name: x[index.to(x.device)] for name, x in features.items()}).flatten()
            )
        return torch.cat(scores)[:length]


@MODELS.register_module()
class RASL(_UnsupervisedHighlights):
    """Unsupervised highlight detection: trains on features without labels, scores every step of a video.

    "Unsupervised Modality-Transferable Video Highlight Detection with Representation Activation Sequence
    Learning". Both modalities train, the visual one alone predicts (the audio one, in the row of Table III
    without vision). Vectors of the audio encoder are resampled linearly to the width D of the visual ones.

    Equation 9 is printed without exponentials and so has no minimum; the symmetric InfoNCE of its reference,
    CLIP, over the real steps of the batch and their flattened codes, stands in.

    Args:
        visual_encoder: Reads frames, or is ``Precomputed``; None leaves the branch out.
        audio_encoder: Reads sound, or is ``Precomputed``; None leaves the branch out.
        contrast: Equation 8: ``KPointContrast``, or its substitutes; None leaves it out.
        masking: Equation 10; None leaves it out.
        with_attention: Equations 1 and 2.
        clip_seconds: Length of a step.
        data_preprocessor: Pads batches; ``PadSequences`` by default.
    """

    LOG_SCALE = 3.1  # section III-F: the initial value of the learnable log temperature

    def __init__(
        self,
        *,
        visual_encoder: Encoder | None = None,
        audio_encoder: Encoder | None = None,
        contrast: nn.Module | None = None,
        masking: RandomMask | None = None,
        with_attention: bool = True,
        clip_seconds: float = 0.2,
        data_preprocessor: nn.Module | None = None,
    ) -> None:
        encoders = _given(visual=visual_encoder, audio=audio_encoder)
        super().__init__(encoders, clip_seconds=clip_seconds, data_preprocessor=data_preprocessor)
        self.branches = nn.ModuleDict(
            {
                name: RASLBranch(
                    dim=self.dim, contrast=contrast, masking=masking, with_attention=with_attention
                )
                for name in encoders
            }
        )
        self.symmetric = SymmetricContrast(log_scale=self.LOG_SCALE) if len(encoders) == 2 else None

    def scoring_encoders(self) -> dict[str, Encoder]:
        """Return the visual encoder, or the audio one where there is no visual one."""
        name = next(iter(self.branches))
        return {name: self.encoders()[name]}

    def activations(self, chunks: Mapping[str, Tensor]) -> Tensor:
        """Return the activations s, (B, T), of the branch that predicts."""
        ((name, x),) = chunks.items()
        branch = cast(RASLBranch, self.branches[name])
        return branch.score(branch.encode(x))[0]

    def losses(self, x: Mapping[str, Tensor], mask: Tensor, sample_ids: Sequence[str]) -> dict[str, Tensor]:
        """Return the terms of Equation 11."""
        losses, codes = {}, {}
        for name, branch in self.branches.items():
            own, codes[name] = cast(RASLBranch, branch).losses(x[name], mask, sample_ids)
            losses.update({f"{term}_{name}": value for term, value in own.items()})
        if self.symmetric is not None:
            pairs = [codes[name].flatten(2).flatten(0, 1) for name in ("visual", "audio")]  # (B T, C H)
            losses["symmetric"] = self.symmetric(*pairs, mask.flatten())
        return losses


@MODELS.register_module()
class FusedRASL(_UnsupervisedHighlights):
    """The other fusions of Table IV: the attended sequences are fused, and one branch rebuilds the fused one.

    Training and prediction read both modalities. The fused sequence is the target of its own reconstruction,
    taken as a constant there: else the fusion could make the task easy by fusing to zero.

    Args:
        visual_encoder: Reads frames, or is ``Precomputed``.
        audio_encoder: Reads sound, or is ``Precomputed``.
        fusion: A module of two sequences (B, T, D) to one: ``SumFusion``, ``ConcatenationFusion``,
            ``MLPFusion``, ``LowRankFusion``.
        contrast: Equation 8.
        masking: Equation 10.
        clip_seconds: Length of a step.
        data_preprocessor: Pads batches; ``PadSequences`` by default.
    """

    def __init__(
        self,
        *,
        visual_encoder: Encoder,
        audio_encoder: Encoder,
        fusion: nn.Module,
        contrast: nn.Module | None = None,
        masking: RandomMask | None = None,
        clip_seconds: float = 0.2,
        data_preprocessor: nn.Module | None = None,
    ) -> None:
        encoders = _given(visual=visual_encoder, audio=audio_encoder)
        super().__init__(encoders, clip_seconds=clip_seconds, data_preprocessor=data_preprocessor)
        self.attentions = nn.ModuleDict({name: ResidualSelfAttention(self.dim) for name in encoders})
        self.fusion = fusion
        with torch.no_grad():
            fused_dim = fusion(*torch.zeros(2, 1, 1, self.dim)).shape[-1]
        self.branch = RASLBranch(dim=fused_dim, contrast=contrast, masking=masking, with_attention=False)

    def scoring_encoders(self) -> dict[str, Encoder]:
        """Return both encoders."""
        return self.encoders()

    def activations(self, chunks: Mapping[str, Tensor]) -> Tensor:
        """Return the activations s, (B, T)."""
        return self.branch.score(self.branch.encode(self._fuse(chunks)))[0]

    def losses(self, x: Mapping[str, Tensor], mask: Tensor, sample_ids: Sequence[str]) -> dict[str, Tensor]:
        """Return the terms of Equation 11, of the one fused branch."""
        fused = self._fuse(x)
        losses, _ = self.branch.losses(fused, mask, sample_ids)
        return losses

    def _fuse(self, x: Mapping[str, Tensor]) -> Tensor:
        fused: Tensor = self.fusion(*(self.attentions[name](x[name]) for name in ("visual", "audio")))
        return fused


def min_max(scores: Tensor) -> Tensor:
    """Return the scores of a video scaled to [0, 1]; a constant sequence gives 0.

    Example:
        >>> min_max(torch.tensor([1.0, 3.0, 2.0])), min_max(torch.tensor([5.0]))
        (tensor([0.0000, 1.0000, 0.5000]), tensor([0.]))
    """
    low, high = scores.min(), scores.max()
    if high <= low:
        return torch.zeros_like(scores)
    return (scores - low) / (high - low)


def _chunk_index(chunk: int, length: int, num_steps: int) -> Tensor:
    """Return the steps of chunk number ``chunk`` of a video of ``length`` steps, its tail repeated."""
    start = chunk * num_steps
    return start + torch.arange(num_steps) % min(num_steps, length - start)


def _given(**encoders: Encoder | None) -> dict[str, Encoder]:
    return {name: encoder for name, encoder in encoders.items() if encoder is not None}
