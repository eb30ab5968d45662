"""What the models of the task share: features of clips and of a query's words in, moments and saliency out.

Shapes: B samples, T clips, L words, D channels of a feature vector, K moments.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn

from vidkit.data import PadSequences, VideoSample
from vidkit.encoders.base import Encoder, encode_clips
from vidkit.encoders.joined import parts_of

STREAMS = ("visual", "audio")
"""The modalities that have a vector per clip; the third, "text", has one per word."""

_NORM_EPS = 1e-5  # of the loaders of Moment-DETR, added to the norm


@dataclass(frozen=True)
class Features:
    """What a model reads of a batch of padded samples.

    Args:
        streams: A vector per clip, (B, T, D) of each modality that has one.
        mask: True where a clip is real, (B, T).
        words: A vector per word, (B, L, D); None without a query.
        word_mask: True where a word is real, (B, L), nowhere in a sample without a query; None without
            ``words``.
    """

    streams: Mapping[str, Tensor]
    mask: Tensor
    words: Tensor | None = None
    word_mask: Tensor | None = None


@dataclass(frozen=True)
class MomentOutputs:
    """What a model says of one sample.

    Args:
        moments: Start and end in seconds from the first clip's start, (K, 2), in any order.
        scores: Of each, (K,) in [0, 1].
        saliency: One number per clip, (T,); the higher, the more it stands out.
    """

    moments: Tensor
    scores: Tensor
    saliency: Tensor


class MomentModel(BaseModel):
    """A model of the task; a subclass writes ``losses`` and ``moment_outputs``.

    Args:
        visual_encoder: Reads frames, or is ``Precomputed``; None leaves the modality out.
        audio_encoder: Reads sound, or is ``Precomputed``; None leaves the modality out.
        text_encoder: Of the words of the query; None for a model that takes none.
        clip_seconds: Length of a clip.
        num_window_clips: How many clips it is made to read at once; of a longer video, inference reads
            windows of this length. ``forward`` itself takes any number.
        normalized: Modalities whose vectors are scaled to length 1, those of every stream that was joined
            (``JoinedFeatures``) for themselves.
        data_preprocessor: Pads batches; ``PadSequences`` by default.

    Raises:
        ValueError: If there is no encoder of clips, ``normalized`` names a modality without encoder, or a
            number is not positive.
        TypeError: If an encoder is of another kind.
    """

    query_modality: ClassVar[str] = "text"
    """What is read of the query and not of the video: nothing of this modality is extracted."""

    has_unit_saliency: ClassVar[bool] = True
    """Whether saliency lies in [0, 1], the same for all videos; False for numbers of any sign."""

    def __init__(
        self,
        *,
        visual_encoder: Encoder | None,
        audio_encoder: Encoder | None,
        text_encoder: Encoder | None,
        clip_seconds: float,
        num_window_clips: int,
        normalized: Collection[str],
        data_preprocessor: nn.Module | None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor or PadSequences())
        encoders = dict(visual=visual_encoder, audio=audio_encoder, text=text_encoder)
        given = {name: encoder for name, encoder in encoders.items() if encoder is not None}
        if not set(given) & set(STREAMS):
            raise ValueError("give a visual_encoder, an audio_encoder or both; the model needs clips")
        for name, encoder in given.items():
            if not isinstance(encoder, Encoder):
                raise TypeError(f"{name}_encoder must be an encoder, got {type(encoder).__name__}")
        if isinstance(normalized, str) or not set(normalized) <= set(given):
            raise ValueError(f"normalized lists some of {', '.join(given)}, got {normalized!r}")
        if not clip_seconds > 0:
            raise ValueError(f"clip_seconds, the length of a clip, must be above 0, got {clip_seconds}")
        if num_window_clips < 1:
            raise ValueError(f"num_window_clips must be at least 1, got {num_window_clips}")
        self.feature_encoders = nn.ModuleDict(given)
        self.clip_seconds = clip_seconds
        self.num_window_clips = num_window_clips
        self.normalized = frozenset(normalized)

    def encoders(self) -> dict[str, Encoder]:
        """Return the encoder of every modality that the model reads."""
        return {name: cast(Encoder, encoder) for name, encoder in self.feature_encoders.items()}

    def losses(self, features: Features, samples: list[VideoSample]) -> dict[str, Tensor]:
        """Return the weighted losses of padded samples, by name."""
        raise NotImplementedError

    def moment_outputs(self, features: Features) -> list[MomentOutputs]:
        """Return what the model says of each of the padded samples; ``saliency`` has the real clips alone."""
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
            inputs: Features (B, T, D) or raw clips of "visual" and "audio"; word vectors (B, L, D) or B
                sentences as "text", left out where there is no query.
            data_samples: One per sample; "loss" needs them with what the losses compare to, "predict" with
                the fields of ``decode``.
            mode: "loss" gives a dict of scalars; "predict" the samples with the fields of ``decode``;
                "tensor" a list of ``MomentOutputs``, one per sample.
            masks: True where a clip or word is real, (B, T) or (B, L) per modality; None if all are.

        Raises:
            ValueError: If a modality that the model reads is missing, or of another width or length.
        """
        features = self._read(inputs, masks or {})
        if mode == "loss":
            assert data_samples is not None
            return {f"loss_{name}": value for name, value in self.losses(features, data_samples).items()}
        outputs = self.moment_outputs(features)
        if mode == "tensor":
            return outputs
        assert data_samples is not None
        return [self.decode(sample, own) for sample, own in zip(data_samples, outputs, strict=True)]

    def decode(self, sample: VideoSample, outputs: MomentOutputs) -> VideoSample:
        """Return the sample with what follows from its outputs.

        Sets ``pred_segments`` (K, 2), moments in seconds, within the video, best first; ``pred_scores`` (K,);
        ``pred_saliency`` (T,). All on the CPU.

        Args:
            sample: Has ``duration_seconds``.
            outputs: Of this sample.
        """
        order = outputs.scores.argsort(descending=True, stable=True)
        sample.pred_segments = outputs.moments[order].clamp(0.0, sample.duration_seconds).cpu()
        sample.pred_scores = outputs.scores[order].cpu()
        sample.pred_saliency = outputs.saliency.cpu()
        return sample

    def _read(self, inputs: Mapping[str, Any], masks: Mapping[str, Tensor]) -> Features:
        encoders = self.encoders()
        streams, real = {}, []
        for name in (name for name in encoders if name in STREAMS):
            if name not in inputs:
                raise ValueError(f"the model reads {name} features, the batch has: {', '.join(inputs)}")
            x = encode_clips(encoders[name], inputs[name])
            streams[name] = self._normalize(name, x)
            real.append(masks[name] if name in masks else x.new_ones(x.shape[:2], dtype=torch.bool))
        if len({x.shape[1] for x in streams.values()}) > 1:
            told = " and ".join(f"{x.shape[1]} of {name}" for name, x in streams.items())
            raise ValueError(f"a sample needs as many clips of each modality, got {told}; cut the longer one")
        mask = torch.stack(real).all(dim=0)
        if "text" not in encoders or "text" not in inputs:
            return Features(streams, mask)
        if isinstance(inputs["text"], Tensor):
            words = encode_clips(encoders["text"], inputs["text"])
            word_mask = masks.get("text", words.new_ones(words.shape[:2], dtype=torch.bool))
        else:
            words, word_mask = encoders["text"].tokens(inputs["text"])  # type: ignore[operator]
        return Features(streams, mask, self._normalize("text", words), word_mask)

    def _normalize(self, name: str, x: Tensor) -> Tensor:
        """Return (B, T, D) with vectors of length 1 in every joined stream, if this modality wants that."""
        if name not in self.normalized:
            return x
        parts = x.split([part.dim for part in parts_of(self.encoders()[name])], dim=-1)
        return torch.cat([part / (part.norm(dim=-1, keepdim=True) + _NORM_EPS) for part in parts], dim=-1)
