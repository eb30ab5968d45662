"""QD-DETR: Moment-DETR whose clips are made to depend on the query.

Shapes: B samples, T clips, L words, D channels, K moments.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.data import VideoSample
from vidkit.encoders.base import Encoder
from vidkit.losses.reduction import at_least_float32
from vidkit.modules import (
    FeedForward,
    MultiHeadAttention,
    PostNormEncoderLayer,
    ReferenceDecoder,
    inverse_sigmoid,
    relative_positions,
)
from vidkit.registry import MODELS
from vidkit.tasks.moment_retrieval.loss.detr import DETROutputs
from vidkit.tasks.moment_retrieval.loss.qd_detr import QDDETRLoss, QDDETROutputs
from vidkit.tasks.moment_retrieval.model.base import Features
from vidkit.tasks.moment_retrieval.model.detr_parts import DETRModel, initialize_matrices, mask_of_keys


class TextToVideoLayer(nn.Module):
    """Clips attend to words, then the feed-forward network.

    ``y = x + attention(x + positions, words)``, then ``norm(y + feedforward(norm(y)))``: the second sum has
    ``y`` as it was before its norm, as in the released code. A sample without words passes as it is.

    Args:
        dim: Channels, D.
        num_heads: Of the attention.
        feedforward_dim: Channels inside the feed-forward network.
        dropout: In [0, 1).
    """

    def __init__(self, dim: int, *, num_heads: int, feedforward_dim: int, dropout: float) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(dim, num_heads=num_heads, dropout=dropout)
        self.attention_norm = nn.LayerNorm(dim)
        self.feedforward = FeedForward(dim, hidden_dim=feedforward_dim, dropout=dropout, activation="prelu")
        self.feedforward_norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, positions: Tensor, words: Tensor, word_mask: Tensor) -> Tensor:
        """Return the clips, (B, T, D).

        Args:
            x: Clips, (B, T, D).
            positions: Of the clips, (B, T, D).
            words: (B, L, D).
            word_mask: True where a word is real, (B, L).
        """
        attended = self.attention(x + positions, words, words, mask_of_keys(word_mask))
        y = x + self.dropout(attended)
        y = self.feedforward_norm(y + self.dropout(self.feedforward(self.attention_norm(y))))
        return torch.where(word_mask.any(dim=1)[:, None, None], y, x)


@MODELS.register_module()
class QDDETR(DETRModel):
    """QD-DETR of "Query-Dependent Video Representation for Moment Retrieval and Highlight Detection".

    https://arxiv.org/abs/2303.13874. Clips attend to words first; then the clips, behind a learned token that
    comes to stand for video and query, attend to one another. The saliency of a clip is its product with that
    token. Moments are read off by a ``ReferenceDecoder``. In training, clips are also read with the sentence
    of another sample, for which they should stand out little.

    The other sentence is that of the next sample in the batch of the process, of the first one for the last:
    several processes do not exchange any. A sample has none where the next one is itself, has no words, or
    the same sentence. There is no pass with other sentences in prediction.

    Without a query the clips attend to one another alone, and there are no other sentences.

    Departures from the released code: a clip attends to the words of its own sample, where that code mixes up
    the padding of the samples of a batch; the corrections of references begin at zero, where its own zeros
    are overwritten; the losses as ``QDDETRLoss`` says; of ``MomentDETR``, the lengths and words.

    Args:
        visual_encoder: Reads frames, or is ``Precomputed``; None leaves the modality out.
        audio_encoder: Reads sound, or is ``Precomputed``; None leaves the modality out.
        text_encoder: Of the words of the query; None for a model that takes none.
        loss: The objective.
        dim: D, even.
        num_heads: Of every attention.
        feedforward_dim: Channels inside the feed-forward networks.
        num_text_layers: In which clips attend to words, >= 1.
        num_encoder_layers: In which clips attend to one another, >= 1.
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
        loss: QDDETRLoss,
        dim: int = 256,
        num_heads: int = 8,
        feedforward_dim: int = 1024,
        num_text_layers: int = 2,
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
            loss_type=QDDETRLoss,
            dim=dim,
            input_dropout=input_dropout,
            round_to_clips=round_to_clips,
            clip_seconds=clip_seconds,
            num_window_clips=num_window_clips,
            normalized=normalized,
            data_preprocessor=data_preprocessor,
            num_text_layers=num_text_layers,
            num_encoder_layers=num_encoder_layers,
            num_decoder_layers=num_decoder_layers,
            num_moments=num_moments,
        )
        sizes: dict[str, Any] = dict(num_heads=num_heads, feedforward_dim=feedforward_dim, dropout=dropout)
        self.text_layers = nn.ModuleList(
            TextToVideoLayer(dim, **sizes) for _ in range(num_text_layers if text_encoder is not None else 0)
        )
        self.encoder = nn.ModuleList(
            PostNormEncoderLayer(dim, **sizes, activation="prelu") for _ in range(num_encoder_layers)
        )
        self.decoder = ReferenceDecoder(
            dim, num_queries=num_moments, num_layers=num_decoder_layers, **sizes, activation="prelu"
        )
        self.token, self.token_position = (nn.Parameter(torch.randn(dim)) for _ in range(2))
        self.saliency_clip, self.saliency_token = nn.Linear(dim, dim), nn.Linear(dim, dim)
        initialize_matrices(self.text_layers, self.encoder)

    def outputs(self, features: Features) -> DETROutputs:
        """Return what the model says of padded samples, each with its own sentence."""
        return self._outputs(self.read_clips(features), features.mask, self.read_words(features))

    def losses(self, features: Features, samples: list[VideoSample]) -> dict[str, Tensor]:
        """Return the weighted terms of the objective."""
        clips, mask, read = self.read_clips(features), features.mask, self.read_words(features)
        outputs = self._outputs(clips, mask, read)
        negative, negative_mask = torch.zeros_like(outputs.saliency), torch.zeros_like(mask)
        if read is not None:
            words, word_mask = (x.roll(-1, dims=0) for x in read)
            rows = _rows_with_another_sentence(samples, word_mask)
            if len(rows):
                memory, token, _ = self._encode(clips[rows], mask[rows], (words[rows], word_mask[rows]))
                negative = negative.index_copy(0, rows, self._saliency(memory, token))
                negative_mask[rows] = mask[rows]
        targets = self.loss.targets(samples, mask, clip_seconds=self.clip_seconds)
        losses: dict[str, Tensor] = self.loss(
            QDDETROutputs(
                outputs.logits,
                outputs.spans,
                outputs.saliency,
                mask,
                negative_saliency=negative,
                negative_mask=negative_mask,
            ),
            targets,
        )
        return losses

    def _outputs(self, clips: Tensor, mask: Tensor, read: tuple[Tensor, Tensor] | None) -> DETROutputs:
        memory, token, positions = self._encode(clips, mask, read)
        hidden, references = self.decoder(memory, positions, mask_of_keys(mask))
        spans = (self.regress(hidden) + inverse_sigmoid(references)).sigmoid()
        return DETROutputs(self.classify(hidden), spans, self._saliency(memory, token), mask)

    def _encode(
        self, clips: Tensor, mask: Tensor, read: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return clips, (B, T, D), and token, (B, D), after the encoder, and the positions of the clips."""
        positions = relative_positions(mask, self.dim).to(clips.dtype)
        x = clips
        if read is not None:
            for layer in self.text_layers:
                x = layer(x, positions, *read)
        token, token_position = (
            vector.expand(len(x), 1, -1).to(x.dtype) for vector in (self.token, self.token_position)
        )
        x, places = torch.cat([token, x], dim=1), torch.cat([token_position, positions], dim=1)
        keys = mask_of_keys(F.pad(mask, (1, 0), value=True))
        for layer in self.encoder:
            x = layer(x, places, keys)
        return x[:, 1:], x[:, 0], positions

    def _saliency(self, memory: Tensor, token: Tensor) -> Tensor:
        """Return how well each clip fits video and query, (B, T)."""
        clips = at_least_float32(self.saliency_clip(memory))
        whole = at_least_float32(self.saliency_token(token))
        saliency: Tensor = (clips * whole[:, None]).sum(dim=-1) / self.dim**0.5
        return saliency


def _rows_with_another_sentence(samples: list[VideoSample], next_words: Tensor) -> Tensor:
    """Return the samples whose next one has another sentence, int; ``next_words`` is its mask, (B, L)."""
    rows = []
    for row, (sample, has_words) in enumerate(zip(samples, next_words.any(dim=1).tolist(), strict=True)):
        following = samples[(row + 1) % len(samples)]
        query = sample.get("query")
        is_same = following is sample or (query is not None and query == following.get("query"))
        if has_words and not is_same:
            rows.append(row)
    return torch.tensor(rows, dtype=torch.long, device=next_words.device)
