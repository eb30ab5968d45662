"""Moment-DETR: moments and highlights by learned queries over clips and words.

Shapes: B samples, T clips, L words, D channels, K moments.
"""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.encoders.base import Encoder
from vidkit.modules import PostNormDecoderLayer, PostNormEncoderLayer, relative_positions
from vidkit.registry import MODELS
from vidkit.tasks.moment_retrieval.loss.detr import DETROutputs, MomentDETRLoss
from vidkit.tasks.moment_retrieval.model.base import Features
from vidkit.tasks.moment_retrieval.model.detr_parts import DETRModel, initialize_matrices, mask_of_keys


@MODELS.register_module()
class MomentDETR(DETRModel):
    """Moment-DETR of "Detecting Moments and Highlights in Videos via Natural Language Queries".

    https://arxiv.org/abs/2107.09609. Clips and words attend to one another in one sequence, where clips know
    how far into the video they stand; K learned queries read it, each for one moment. The saliency of a clip
    is read off where the sequence has it. Without a query the sequence has the clips alone.

    Moments are shares of T clips in the targets and in the predictions, where the released code scales
    predictions by the length of the video. All words are read, where its loaders cut after 32. The alignment
    loss, which its training has off, is left out.

    Args:
        visual_encoder: Reads frames, or is ``Precomputed``; None leaves the modality out.
        audio_encoder: Reads sound, or is ``Precomputed``; None leaves the modality out.
        text_encoder: Of the words of the query; None for a model that takes none.
        loss: The objective.
        dim: D.
        num_heads: Of every attention.
        feedforward_dim: Channels inside the feed-forward networks.
        num_encoder_layers: >= 1.
        num_decoder_layers: >= 1.
        num_moments: K.
        dropout: In [0, 1).
        input_dropout: Of the features, in [0, 1).
        round_to_clips: Whether moments are rounded to whole clips, as the moments of QVHighlights are.
        clip_seconds: Length of a clip.
        num_window_clips: How many clips it is made to read at once.
        normalized: Modalities whose vectors are scaled to length 1; None for all.
        data_preprocessor: Pads batches; ``PadSequences`` by default.

    Raises:
        ValueError: If there is no encoder of clips, or a number is out of range.
        TypeError: If a part is of another kind.
    """

    def __init__(
        self,
        *,
        visual_encoder: Encoder | None = None,
        audio_encoder: Encoder | None = None,
        text_encoder: Encoder | None = None,
        loss: MomentDETRLoss,
        dim: int = 256,
        num_heads: int = 8,
        feedforward_dim: int = 1024,
        num_encoder_layers: int = 2,
        num_decoder_layers: int = 2,
        num_moments: int = 10,
        dropout: float = 0.1,
        input_dropout: float = 0.5,
        round_to_clips: bool = False,
        clip_seconds: float = 2.0,
        num_window_clips: int = 75,
        normalized: Collection[str] | None = None,
        data_preprocessor: nn.Module | None = None,
    ) -> None:
        super().__init__(
            visual_encoder=visual_encoder,
            audio_encoder=audio_encoder,
            text_encoder=text_encoder,
            loss=loss,
            loss_type=MomentDETRLoss,
            dim=dim,
            input_dropout=input_dropout,
            round_to_clips=round_to_clips,
            clip_seconds=clip_seconds,
            num_window_clips=num_window_clips,
            normalized=normalized,
            data_preprocessor=data_preprocessor,
            num_encoder_layers=num_encoder_layers,
            num_decoder_layers=num_decoder_layers,
            num_moments=num_moments,
        )

        def stack(kind: type[nn.Module], count: int) -> nn.ModuleList:
            settings = dict(num_heads=num_heads, feedforward_dim=feedforward_dim, dropout=dropout)
            return nn.ModuleList(kind(dim, **settings) for _ in range(count))

        self.encoder = stack(PostNormEncoderLayer, num_encoder_layers)
        self.decoder = stack(PostNormDecoderLayer, num_decoder_layers)
        self.decoder_norm = nn.LayerNorm(dim)
        self.queries = nn.Parameter(torch.randn(num_moments, dim))
        self.saliency = nn.Linear(dim, 1)
        initialize_matrices(self.encoder, self.decoder)

    def outputs(self, features: Features) -> DETROutputs:
        """Return what the model says of padded samples."""
        x = self.read_clips(features)
        num_clips, mask = x.shape[1], features.mask
        positions = relative_positions(mask, self.dim).to(x.dtype)
        if (read := self.read_words(features)) is not None:
            words, word_mask = read
            x, mask = torch.cat([x, words], dim=1), torch.cat([mask, word_mask], dim=1)
            positions = F.pad(positions, (0, 0, 0, words.shape[1]))  # words have none
        keys = mask_of_keys(mask)
        for layer in self.encoder:
            x = layer(x, positions, keys)
        hidden = self._decode_queries(x, positions, keys)
        return DETROutputs(
            self.classify(hidden),
            self.regress(hidden).sigmoid(),
            self.saliency(x[:, :num_clips])[..., 0],
            features.mask,
        )

    def _decode_queries(self, memory: Tensor, positions: Tensor, keys: Tensor | None) -> Tensor:
        """Return the normalised queries after every decoder layer, (layers, B, K, D)."""
        queries = self.queries.expand(len(memory), -1, -1)
        x = torch.zeros_like(queries)
        states = []
        for layer in self.decoder:
            x = layer(x, memory, query_positions=queries, positions=positions, mask=keys)
            states.append(self.decoder_norm(x))
        return torch.stack(states)
