"""UMT as one writes it layer by layer from its paper and its released code, for tools/benchmark_moments.py.

A projection each for queries, keys and values, softmax(Q K^T / sqrt(d)) V whose weights are held, a mask for
every attention of clips and words, tables of 5000 positions, targets and losses sample by sample. Its weights
have the names of the release, so that ``vidkit convert`` gives ``UMT`` the same ones.

Shapes: B samples, T clips, L words, D channels.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

DIM, NUM_HEADS, NUM_ROWS = 256, 8, 5000
DROPOUT, INPUT_DROPOUT, WORD_DROPOUT = 0.1, 0.5, 0.3
WEIGHTS = dict(saliency=3.0, center=1.0, window=0.1, offset=1.0)
CLIP_SECONDS = 2.0


class Attention(nn.Module):
    """Attention of several heads."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.m = (nn.Linear(DIM, DIM) for _ in range(4))
        self.attention_dropout, self.out_dropout = nn.Dropout(DROPOUT), nn.Dropout(DROPOUT)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return (B, Q, D); ``mask`` is True where a key is real, (B, T)."""
        heads = [
            project(x).reshape(len(x), -1, NUM_HEADS, DIM // NUM_HEADS).transpose(1, 2)
            for project, x in ((self.q, query), (self.k, key), (self.v, value))
        ]
        scores = heads[0] @ heads[1].transpose(-2, -1) / math.sqrt(DIM // NUM_HEADS)
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None, None], -torch.inf)
        attended = self.attention_dropout(scores.softmax(dim=-1)) @ heads[2]
        return self.out_dropout(self.m(attended.transpose(1, 2).reshape(len(query), -1, DIM)))


class FeedForward(nn.Module):
    """Two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.mapping = nn.Sequential(
            nn.Linear(DIM, 4 * DIM), nn.ReLU(), nn.Dropout(DROPOUT), nn.Linear(4 * DIM, DIM)
        )
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, T, D)."""
        return self.dropout(self.mapping(x))


class Positions(nn.Module):
    """A table of learned positions."""

    def __init__(self) -> None:
        super().__init__()
        self.pe = nn.Parameter(torch.randn(1, NUM_ROWS, DIM) / DIM**0.5)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        """Return the positions of the clips of ``x``, (B, T, D)."""
        return self.dropout(self.pe[:, : x.shape[1]].expand(len(x), -1, -1))


class Encoder(nn.Module):
    """The layer of one modality."""

    def __init__(self) -> None:
        super().__init__()
        self.att, self.ffn = Attention(), FeedForward()
        self.norm1, self.norm2 = nn.LayerNorm(DIM), nn.LayerNorm(DIM)

    def forward(self, x: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Return (B, T, D)."""
        value = self.norm1(x)
        key = value + positions
        x = x + self.att(key, key, value, mask)
        return x + self.ffn(self.norm2(x))


class Mapping(nn.Module):
    """Features to D channels."""

    def __init__(self, dim: int, *, dropout: float, is_words: bool = False) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(dim, DIM, bias=not is_words)
        if is_words:
            self.norm = nn.LayerNorm(DIM)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, T or L, D)."""
        x = self.linear(self.dropout(x))
        return self.norm(x) if hasattr(self, "norm") else x


class UniModal(nn.Module):
    """The encoder of one modality."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.mapping, self.pos_enc = Mapping(dim, dropout=INPUT_DROPOUT), Positions()
        self.encoder = Encoder()

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return (B, T, D)."""
        x = self.mapping(x)
        return self.encoder(x, self.pos_enc(x), mask)


class Bottleneck(nn.Module):
    """Four attentions through four tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.att1, self.att2, self.att3, self.att4 = (Attention() for _ in range(4))
        self.ffn1, self.ffn2 = FeedForward(), FeedForward()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(DIM) for _ in range(3))
        self.norm4, self.norm5, self.norm6 = (nn.LayerNorm(DIM) for _ in range(3))

    def forward(
        self, a: Tensor, b: Tensor, t: Tensor, positions: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return both sequences, (B, T, D)."""
        value_a, value_b, query = self.norm1(a), self.norm2(b), self.norm3(t)
        key_a, key_b = value_a + positions, value_b + positions
        t = t + self.att1(query, key_a, value_a, mask) + self.att2(query, key_b, value_b, mask)
        gathered = self.norm4(t)
        a = a + self.att3(key_a, gathered, gathered)
        b = b + self.att4(key_b, gathered, gathered)
        return a + self.ffn1(self.norm5(a)), b + self.ffn2(self.norm6(b))


class BottleneckStack(nn.Module):
    """The tokens, and the one layer."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.randn(4, DIM) / DIM**0.5)
        self.encoder = nn.ModuleList([Bottleneck()])


class CrossModal(nn.Module):
    """What both modalities know."""

    def __init__(self) -> None:
        super().__init__()
        self.pos_enc, self.encoder, self.norm = Positions(), BottleneckStack(), nn.LayerNorm(DIM)

    def forward(self, a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
        """Return (B, T, D)."""
        tokens = self.encoder.token.expand(len(a), -1, -1)
        a, b = self.encoder.encoder[0](a, b, tokens, self.pos_enc(a), mask)
        return self.norm(a + b)


class QueryGenerator(nn.Module):
    """The words that matter to a clip."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.mapping, self.encoder = Mapping(dim, dropout=WORD_DROPOUT, is_words=True), Attention()

    def forward(self, clips: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        """Return (B, T, D)."""
        words = self.mapping(words)
        return self.encoder(clips, words, words, mask)


class DecoderLayer(nn.Module):
    """Two attentions and a feed-forward network."""

    def __init__(self) -> None:
        super().__init__()
        self.att1, self.att2, self.ffn = Attention(), Attention(), FeedForward()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(DIM) for _ in range(3))

    def forward(
        self, x: Tensor, clips: Tensor, positions: Tensor, clip_positions: Tensor, mask: Tensor
    ) -> Tensor:
        """Return (B, T, D)."""
        value = self.norm1(x)
        key = value + positions
        x = x + self.att1(key, key, value, mask)
        x = x + self.att2(self.norm2(x) + positions, clips + clip_positions, clips, mask)
        return x + self.ffn(self.norm3(x))


class Decoder(nn.Module):
    """Three layers."""

    def __init__(self) -> None:
        super().__init__()
        self.q_pos_enc, self.k_pos_enc = Positions(), Positions()
        self.decoder = nn.ModuleList(DecoderLayer() for _ in range(3))
        self.norm = nn.LayerNorm(DIM)

    def forward(self, x: Tensor, clips: Tensor, mask: Tensor) -> Tensor:
        """Return (B, T, D)."""
        positions, clip_positions = self.q_pos_enc(x), self.k_pos_enc(clips)
        for layer in self.decoder:
            x = layer(x, clips, positions, clip_positions, mask)
        return self.norm(x)


class Heads(nn.Module):
    """Linear layers to one number, by name."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        for name in names:
            head = nn.Module()
            head.linear = nn.Linear(DIM, 1)
            self.add_module(f"{name}_pred", head)


class PlainUMT(nn.Module):
    """The model of QVHighlights."""

    def __init__(self, *, visual: int, audio: int, text: int) -> None:
        super().__init__()
        self.video_enc, self.audio_enc = UniModal(visual), UniModal(audio)
        self.cross_enc, self.query_gen, self.query_dec = CrossModal(), QueryGenerator(text), Decoder()
        self.pred_head = nn.ModuleList([Heads("saliency"), Heads("center", "window", "offset")])

    def forward(self, inputs: dict[str, Tensor], masks: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return what each head says of every clip, (B, T)."""
        mask = masks["visual"]
        clips = self.cross_enc(
            self.video_enc(inputs["visual"], mask), self.audio_enc(inputs["audio"], mask), mask
        )
        x = self.query_dec(self.query_gen(clips, inputs["text"], masks["text"]), clips, mask)
        return {
            name.removesuffix("_pred"): head.linear(x)[..., 0]
            for heads in self.pred_head
            for name, head in heads.named_children()
        }

    def loss(self, said: dict[str, Tensor], samples: list[Any], mask: Tensor) -> Tensor:
        """Return the weighted sum of the losses of padded samples."""
        saliency = torch.zeros(mask.shape)
        heat, window, offset, weight = (torch.zeros(mask.shape) for _ in range(4))
        num_moments = 0
        for row, sample in enumerate(samples):
            length = int(mask[row].sum())
            saliency[row, :length] = sample.gt_saliency
            for start, end in sample.gt_segments.tolist():
                num_moments += 1
                first, last = start / CLIP_SECONDS, end / CLIP_SECONDS - 1
                center = min((first + last) / 2, length - 0.5)
                clip, radius = int(center), int(0.2 * (last - first))
                window[row, clip], offset[row, clip], weight[row, clip] = last - first, center - clip, 1.0
                sigma = 0.2 * (radius + 1)
                for other in range(max(0, clip - radius), min(length, clip + radius + 1)):
                    value = math.exp(-((other - clip) ** 2) / (2 * sigma**2))
                    heat[row, other] = max(float(heat[row, other]), value)
        real = mask.float()
        entropy = nn.functional.binary_cross_entropy_with_logits(said["saliency"], saliency, reduction="none")
        p = said["center"].sigmoid()
        positive = (heat == 1).float()
        focal = -((1 - p) ** 2) * (p + 1e-12).log() * positive
        focal = focal - p**2 * (1 - p + 1e-12).log() * (1 - heat) ** 4 * (1 - positive)
        losses = dict(
            saliency=(entropy * real).sum() / real.sum(),
            center=(focal * real).sum() / num_moments,
            window=((said["window"] - window).abs() * weight).sum() / num_moments,
            offset=((said["offset"] - offset).abs() * weight).sum() / num_moments,
        )
        return sum((WEIGHTS[name] * value for name, value in losses.items()), torch.zeros(()))
