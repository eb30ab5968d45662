"""UMT: moments and highlights by centers on a grid of clips.

Shapes: B samples, T clips, L words, D channels. Section numbers are those of the paper (see README.md).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from torch import Tensor, nn

from vidkit.data import VideoSample
from vidkit.encoders.base import Encoder
from vidkit.losses.reduction import at_least_float32
from vidkit.modules import LearnedPositions
from vidkit.registry import MODELS
from vidkit.tasks.moment_retrieval.centers import read_off
from vidkit.tasks.moment_retrieval.loss.umt import UMTLoss, UMTOutputs, umt_targets
from vidkit.tasks.moment_retrieval.model.base import Features, MomentModel, MomentOutputs
from vidkit.tasks.moment_retrieval.model.umt_parts import (
    CrossModalEncoder,
    QueryDecoder,
    QueryGenerator,
    UnimodalEncoder,
    initialize,
)


@MODELS.register_module()
class UMT(MomentModel):
    """Unified multi-modal transformer of "UMT" (https://arxiv.org/abs/2203.12745).

    Pictures and sound are encoded each for itself, exchange what they know through a few bottleneck tokens,
    and are summed. Each clip of the sum gathers the words that matter to it; a decoder turns that query and
    the clips into the saliency of the clip, and into whether the center of a moment lies in it, how long that
    moment is and where in the clip the center is.

    With one modality nothing is exchanged, and the clips are its own. Without a query, or in a sample that
    has none, a clip is its own query. The loss says which heads there are: without saliency, the score of a
    center stands for it; without centers, there are no moments.

    Departures from the released code: padded clips are no keys of the decoder, padded words none of the
    query generator; the five tables of 5000 learned positions have as many rows as the model is made to read
    at once, and are stretched over longer videos (``LearnedPositions``); the losses as ``UMTLoss`` says.

    Args:
        visual_encoder: Reads frames, or is ``Precomputed``; None leaves the modality out.
        audio_encoder: Reads sound, or is ``Precomputed``; None leaves the modality out. Optical flow takes
            its place in one setting of the paper.
        text_encoder: Of the words of the query; None for a model that takes none.
        loss: Its weights, and so which heads there are.
        dim: D.
        num_heads: Of every attention.
        num_tokens: Bottleneck tokens.
        num_decoder_layers: >= 1.
        num_moments: Most moments of a sample.
        dropout: In [0, 1).
        input_dropout: Of the features of clips, in [0, 1).
        word_dropout: Of the features of words, in [0, 1).
        clip_seconds: Length of a clip.
        num_window_clips: How many clips it is made to read at once, the rows of the learned positions.
        normalized: Modalities whose vectors are scaled to length 1.
        data_preprocessor: Pads batches; ``PadSequences`` by default.

    Raises:
        ValueError: If there is no encoder of clips, or a number is out of range.
        TypeError: If a part is of another kind.
    """

    _generator: ClassVar[type[QueryGenerator]] = QueryGenerator
    _decoder: ClassVar[type[QueryDecoder]] = QueryDecoder

    def __init__(
        self,
        *,
        visual_encoder: Encoder | None = None,
        audio_encoder: Encoder | None = None,
        text_encoder: Encoder | None = None,
        loss: UMTLoss,
        dim: int = 256,
        num_heads: int = 8,
        num_tokens: int = 4,
        num_decoder_layers: int = 3,
        num_moments: int = 100,
        dropout: float = 0.1,
        input_dropout: float = 0.5,
        word_dropout: float = 0.3,
        clip_seconds: float = 2.0,
        num_window_clips: int = 75,
        normalized: Collection[str] = (),
        data_preprocessor: nn.Module | None = None,
    ) -> None:
        super().__init__(
            visual_encoder=visual_encoder,
            audio_encoder=audio_encoder,
            text_encoder=text_encoder,
            clip_seconds=clip_seconds,
            num_window_clips=num_window_clips,
            normalized=normalized,
            data_preprocessor=data_preprocessor,
        )
        if not isinstance(loss, UMTLoss):
            raise TypeError(f"loss must be UMTLoss, got {type(loss).__name__}")
        for name, count in (
            ("num_tokens", num_tokens),
            ("num_decoder_layers", num_decoder_layers),
            ("num_moments", num_moments),
        ):
            if count < 1:
                raise ValueError(f"{name} must be at least 1, got {count}")
        self.loss = loss
        self.num_moments = num_moments
        streams = {name: encoder for name, encoder in self.encoders().items() if name != "text"}
        self.unimodal = nn.ModuleDict(
            {
                name: UnimodalEncoder(
                    encoder.dim,
                    dim,
                    num_heads=num_heads,
                    positions=LearnedPositions(dim, num_positions=num_window_clips, dropout=dropout),
                    dropout=dropout,
                    input_dropout=input_dropout,
                )
                for name, encoder in streams.items()
            }
        )
        self.fuse = CrossModalEncoder(
            dim,
            num_streams=len(streams),
            num_tokens=num_tokens,
            num_heads=num_heads,
            num_positions=num_window_clips,
            dropout=dropout,
        )
        self.generate_queries: QueryGenerator | None = None
        if text_encoder is not None:
            self.generate_queries = self._generator(
                text_encoder.dim, dim, num_heads=num_heads, dropout=dropout, word_dropout=word_dropout
            )
        self.decode_queries = self._decoder(
            dim,
            num_layers=num_decoder_layers,
            num_heads=num_heads,
            num_positions=num_window_clips,
            dropout=dropout,
        )
        heads = ("saliency", "center", "window", "offset")
        self.heads = nn.ModuleDict(
            {name: nn.Linear(dim, 1) for name in heads if getattr(loss, name) is not None}
        )
        for name, part in self.named_children():
            if name != "feature_encoders":
                part.apply(initialize)

    def outputs(self, features: Features) -> UMTOutputs:
        """Return what the heads say of padded samples."""
        mask = features.mask
        keys = None if bool(mask.all()) else mask
        streams = [self.unimodal[name](x, mask, keys) for name, x in features.streams.items()]
        queries = clips = self.fuse(streams, mask, keys)
        if self.generate_queries is not None and features.words is not None:
            queries = self.generate_queries(clips, features.words, features.word_mask)
        decoded = self.decode_queries(queries, clips, mask, keys)
        said = {name: head(decoded)[..., 0] for name, head in self.heads.items()}
        return UMTOutputs(said.get("saliency"), said.get("center"), said.get("window"), said.get("offset"))

    def losses(self, features: Features, samples: list[VideoSample]) -> dict[str, Tensor]:
        """Return the weighted terms of the objective."""
        targets = umt_targets(samples, features.mask, clip_seconds=self.clip_seconds)
        losses: dict[str, Tensor] = self.loss(self.outputs(features), targets)
        return losses

    def moment_outputs(self, features: Features) -> list[MomentOutputs]:
        """Return the moments of each sample, best first, and the saliency of its clips in [0, 1]."""
        outputs = self.outputs(features)
        lengths = features.mask.sum(dim=1).tolist()
        return [self._moments(outputs, row, length) for row, length in enumerate(lengths)]

    def _moments(self, outputs: UMTOutputs, row: int, length: int) -> MomentOutputs:
        """Return what is said of one sample of a padded batch."""
        saliency, centers, windows, offsets = (
            None if values is None else at_least_float32(values[row, :length])
            for values in (outputs.saliency, outputs.centers, outputs.windows, outputs.offsets)
        )
        if centers is None or windows is None or offsets is None:
            assert saliency is not None
            return MomentOutputs(saliency.new_zeros(0, 2), saliency.new_zeros(0), saliency.sigmoid())
        scores = centers.sigmoid()
        moments, kept = read_off(
            scores, windows, offsets, clip_seconds=self.clip_seconds, num_moments=self.num_moments
        )
        return MomentOutputs(moments, kept, scores if saliency is None else saliency.sigmoid())
