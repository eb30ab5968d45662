"""Moment-DETR and QD-DETR written out plainly, on weights under their released names, for one sample.

Names and steps are those of jayleicn/moment_detr and wjun0830/QD-DETR, without dropout.

Shapes: T clips, L words, K moments, D channels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

DIM, HEADS, HIDDEN, NUM_MOMENTS, LAYERS = 16, 8, 12, 4, 2
VIDEO_DIM, TEXT_DIM = 5, 6


@dataclass
class Reference:
    """Logits (layers, K, 2), spans (layers, K, 2) as center and width, saliency (T,)."""

    logits: Tensor
    spans: Tensor
    saliency: Tensor


class Weights(dict[str, Tensor]):
    """Weights by their released names, and the layers they are for."""

    def linear(self, name: str, x: Tensor) -> Tensor:
        return x @ self[f"{name}.weight"].T + self[f"{name}.bias"]

    def norm(self, name: str, x: Tensor) -> Tensor:
        x = x - x.mean(dim=-1, keepdim=True)
        x = x / (x.square().mean(dim=-1, keepdim=True) + 1e-5).sqrt()
        return x * self[f"{name}.weight"] + self[f"{name}.bias"]

    def mlp(self, name: str, x: Tensor, num_layers: int) -> Tensor:
        for index in range(num_layers):
            x = self.linear(f"{name}.layers.{index}", x)
            x = x.clamp(min=0) if index + 1 < num_layers else x
        return x

    def attention(self, name: str, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attention of torch: three projections in one matrix, then heads."""
        projected = [
            x @ weight.T + bias
            for x, weight, bias in zip(
                (query, key, value),
                self[f"{name}.in_proj_weight"].chunk(3),
                self[f"{name}.in_proj_bias"].chunk(3),
                strict=True,
            )
        ]
        return self.linear(f"{name}.out_proj", heads_attend(*projected))

    def feedforward(self, name: str, x: Tensor) -> Tensor:
        hidden = self.linear(f"{name}.linear1", x)
        slope = self.get(f"{name}.activation.weight", torch.zeros(1, dtype=x.dtype))
        return self.linear(f"{name}.linear2", torch.where(hidden > 0, hidden, slope * hidden))

    def projected(self, name: str, x: Tensor) -> Tensor:
        for index in (0, 1):
            x = self.linear(f"{name}.{index}.net.1", self.norm(f"{name}.{index}.LayerNorm", x))
            x = x.clamp(min=0) if index == 0 else x
        return x


def heads_attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Return (Q, D) of (Q, C), (T, C) and (T, D), head by head."""
    outputs = []
    for q, k, v in zip(*(x.chunk(HEADS, dim=-1) for x in (query, key, value)), strict=True):
        outputs.append((q @ k.T / math.sqrt(q.shape[-1])).softmax(dim=-1) @ v)
    return torch.cat(outputs, dim=-1)


def sine(places: Tensor, dim: int) -> Tensor:
    """Return (N, dim) of places in [0, 1]: sines in even channels, cosines in odd ones."""
    channels = torch.arange(dim, dtype=places.dtype)
    angles = 2 * math.pi * places[:, None] / 10000 ** (2 * (channels // 2) / dim)
    return torch.where(channels % 2 == 0, angles.sin(), angles.cos())


def clip_positions(num_clips: int) -> Tensor:
    return sine(torch.arange(1, num_clips + 1, dtype=torch.float64) / (num_clips + 1e-6), DIM)


def clip_inputs(video: Tensor) -> Tensor:
    """Return features of length 1 with the endpoints of each clip, (T, D + 2)."""
    count = len(video)
    ends = torch.tensor([[i / count, (i + 1) / count] for i in range(count)], dtype=video.dtype)
    return torch.cat([unit(video), ends], dim=-1)


def unit(x: Tensor) -> Tensor:
    return x / (x.norm(dim=-1, keepdim=True) + 1e-5)


def inverse_sigmoid(x: Tensor) -> Tensor:
    return torch.log(x.clamp(min=1e-3) / (1 - x).clamp(min=1e-3))


def encoder_layer(w: Weights, name: str, x: Tensor, positions: Tensor) -> Tensor:
    x = w.norm(f"{name}.norm1", x + w.attention(f"{name}.self_attn", x + positions, x + positions, x))
    return w.norm(f"{name}.norm2", x + w.feedforward(name, x))


def moment_detr(w: Weights, video: Tensor, words: Tensor | None) -> Reference:
    """Return what Moment-DETR says of features (T, Dv) and words (L, Dt)."""
    x = w.projected("input_vid_proj", clip_inputs(video))
    count = len(x)
    positions = clip_positions(count)
    if words is not None:
        x = torch.cat([x, w.projected("input_txt_proj", unit(words))])
        positions = torch.cat([positions, torch.zeros(len(words), DIM, dtype=x.dtype)])
    for index in range(LAYERS):
        x = encoder_layer(w, f"transformer.encoder.layers.{index}", x, positions)
    queries = w["query_embed.weight"]
    target = torch.zeros_like(queries)
    logits, spans = [], []
    for index in range(LAYERS):
        name = f"transformer.decoder.layers.{index}"
        placed = target + queries
        target = w.norm(f"{name}.norm1", target + w.attention(f"{name}.self_attn", placed, placed, target))
        attended = w.attention(f"{name}.multihead_attn", target + queries, x + positions, x)
        target = w.norm(f"{name}.norm2", target + attended)
        target = w.norm(f"{name}.norm3", target + w.feedforward(name, target))
        hidden = w.norm("transformer.decoder.norm", target)
        logits.append(w.linear("class_embed", hidden))
        spans.append(w.mlp("span_embed", hidden, 3).sigmoid())
    saliency = w.linear("saliency_proj", x[:count])[:, 0]
    return Reference(torch.stack(logits), torch.stack(spans), saliency)


def qd_detr(w: Weights, video: Tensor, words: Tensor | None) -> Reference:
    """Return what QD-DETR says of features (T, Dv) and words (L, Dt)."""
    clips = w.projected("input_vid_proj", clip_inputs(video))
    positions = clip_positions(len(clips))
    if words is not None:
        read = w.projected("input_txt_proj", unit(words))
        for index in range(LAYERS):
            name = f"transformer.t2v_encoder.layers.{index}"
            clips = clips + w.attention(f"{name}.self_attn", clips + positions, read, read)
            clips = w.norm(f"{name}.norm2", clips + w.feedforward(name, w.norm(f"{name}.norm1", clips)))
    x = torch.cat([w["global_rep_token"][None], clips])
    places = torch.cat([w["global_rep_pos"][None], positions])
    for index in range(LAYERS):
        x = encoder_layer(w, f"transformer.encoder.layers.{index}", x, places)
    whole, memory = x[0], x[1:]
    saliency = w.linear("saliency_proj1", memory) @ w.linear("saliency_proj2", whole) / math.sqrt(DIM)

    span = w["query_embed.weight"].sigmoid()
    target = torch.zeros(NUM_MOMENTS, DIM, dtype=x.dtype)
    logits, spans = [], []
    for index in range(LAYERS):
        begun = span
        sines = torch.cat([sine(span[:, 0], DIM // 2), sine(span[:, 1], DIM // 2)], dim=-1)
        query_positions = w.mlp("transformer.decoder.ref_point_head", sines, 2)
        if index > 0:
            sines = sines * w.mlp("transformer.decoder.query_scale", target, 2)
        sines = sines * (w.mlp("transformer.decoder.ref_anchor_head", target, 2).sigmoid() / span[:, 1:])
        name = f"transformer.decoder.layers.{index}"
        target = _conditional_layer(w, name, target, memory, query_positions, sines, positions, index == 0)
        hidden = w.norm("transformer.decoder.norm", target)
        logits.append(w.linear("class_embed", hidden))
        spans.append((w.mlp("span_embed", hidden, 3) + inverse_sigmoid(begun)).sigmoid())
        span = (w.mlp("transformer.decoder.bbox_embed", target, 3) + inverse_sigmoid(span)).sigmoid()
    return Reference(torch.stack(logits), torch.stack(spans), saliency)


def _conditional_layer(
    w: Weights,
    name: str,
    target: Tensor,
    memory: Tensor,
    query_positions: Tensor,
    sines: Tensor,
    positions: Tensor,
    is_first: bool,
) -> Tensor:
    query = w.linear(f"{name}.sa_qcontent_proj", target) + w.linear(f"{name}.sa_qpos_proj", query_positions)
    key = w.linear(f"{name}.sa_kcontent_proj", target) + w.linear(f"{name}.sa_kpos_proj", query_positions)
    attended = heads_attend(query, key, w.linear(f"{name}.sa_v_proj", target))
    target = w.norm(f"{name}.norm1", target + w.linear(f"{name}.self_attn.out_proj", attended))
    query = w.linear(f"{name}.ca_qcontent_proj", target)
    key, place = w.linear(f"{name}.ca_kcontent_proj", memory), w.linear(f"{name}.ca_kpos_proj", positions)
    if is_first:
        query, key = query + w.linear(f"{name}.ca_qpos_proj", query_positions), key + place
    attended = heads_attend(
        beside(query, w.linear(f"{name}.ca_qpos_sine_proj", sines)),
        beside(key, place),
        w.linear(f"{name}.ca_v_proj", memory),
    )
    target = w.norm(f"{name}.norm2", target + w.linear(f"{name}.cross_attn.out_proj", attended))
    return w.norm(f"{name}.norm3", target + w.feedforward(name, target))


def beside(x: Tensor, y: Tensor) -> Tensor:
    """Return (N, 2 D) in which every head has its part of both."""
    pairs = zip(x.chunk(HEADS, dim=-1), y.chunk(HEADS, dim=-1), strict=True)
    return torch.cat([torch.cat(pair, dim=-1) for pair in pairs], dim=-1)


def moment_detr_weights(seed: int = 0) -> Weights:
    """Return random weights with the names and shapes of a released checkpoint of Moment-DETR."""
    shapes = _shared_shapes()
    shapes |= {"query_embed.weight": (NUM_MOMENTS, DIM)} | _linear("saliency_proj", DIM, 1)
    for index in range(LAYERS):
        shapes |= _encoder_shapes(f"transformer.encoder.layers.{index}")
        name = f"transformer.decoder.layers.{index}"
        shapes |= _encoder_shapes(name) | _attention(f"{name}.multihead_attn") | _norm(f"{name}.norm3", DIM)
    return _random(shapes, seed)


def qd_detr_weights(seed: int = 0) -> Weights:
    """Return random weights with the names and shapes of a released checkpoint of QD-DETR."""
    shapes = _shared_shapes() | {"query_embed.weight": (NUM_MOMENTS, 2)}
    shapes |= {"global_rep_token": (DIM,), "global_rep_pos": (DIM,)}
    shapes |= _linear("saliency_proj1", DIM, DIM) | _linear("saliency_proj2", DIM, DIM)
    decoder = "transformer.decoder"
    shapes |= _mlp(f"{decoder}.query_scale", DIM, DIM, DIM) | _mlp(f"{decoder}.ref_point_head", DIM, DIM, DIM)
    shapes |= _mlp(f"{decoder}.ref_anchor_head", DIM, DIM, 1) | _mlp(
        f"{decoder}.bbox_embed", DIM, DIM, DIM, 2
    )
    for index in range(LAYERS):
        for stack in ("t2v_encoder", "encoder"):
            name = f"transformer.{stack}.layers.{index}"
            shapes |= _encoder_shapes(name) | {f"{name}.activation.weight": (1,)}
        name = f"{decoder}.layers.{index}"
        names = (
            "sa_qcontent sa_qpos sa_kcontent sa_kpos sa_v ca_qcontent ca_kcontent ca_kpos ca_v ca_qpos_sine"
        )
        names += " ca_qpos" if index == 0 else ""
        for part in [f"{part}_proj" for part in names.split()] + [
            "self_attn.out_proj",
            "cross_attn.out_proj",
        ]:
            shapes |= _linear(f"{name}.{part}", DIM, DIM)
        shapes |= _linear(f"{name}.linear1", DIM, HIDDEN) | _linear(f"{name}.linear2", HIDDEN, DIM)
        shapes |= {f"{name}.activation.weight": (1,)}
        for norm in ("norm1", "norm2", "norm3"):
            shapes |= _norm(f"{name}.{norm}", DIM)
    return _random(shapes, seed)


Shapes = dict[str, tuple[int, ...]]


def _random(shapes: Shapes, seed: int) -> Weights:
    generator = torch.Generator().manual_seed(seed)
    return Weights(
        {
            name: 0.5 * torch.randn(shape, generator=generator, dtype=torch.float64)
            for name, shape in shapes.items()
        }
    )


def _shared_shapes() -> Shapes:
    shapes = _mlp("span_embed", DIM, DIM, DIM, 2) | _linear("class_embed", DIM, 2)
    for name, dim in (("input_vid_proj", VIDEO_DIM + 2), ("input_txt_proj", TEXT_DIM)):
        shapes |= _norm(f"{name}.0.LayerNorm", dim) | _linear(f"{name}.0.net.1", dim, DIM)
        shapes |= _norm(f"{name}.1.LayerNorm", DIM) | _linear(f"{name}.1.net.1", DIM, DIM)
    shapes |= _norm("transformer.decoder.norm", DIM)
    # Positions of words, which no released model uses.
    shapes |= {"txt_position_embed.position_embeddings.weight": (32, DIM)}
    return shapes | _norm("txt_position_embed.LayerNorm", DIM)


def _encoder_shapes(name: str) -> Shapes:
    shapes = _attention(f"{name}.self_attn") | _norm(f"{name}.norm1", DIM) | _norm(f"{name}.norm2", DIM)
    return shapes | _linear(f"{name}.linear1", DIM, HIDDEN) | _linear(f"{name}.linear2", HIDDEN, DIM)


def _attention(name: str) -> Shapes:
    projections: Shapes = {f"{name}.in_proj_weight": (3 * DIM, DIM), f"{name}.in_proj_bias": (3 * DIM,)}
    return projections | _linear(f"{name}.out_proj", DIM, DIM)


def _mlp(name: str, *dims: int) -> Shapes:
    shapes: Shapes = {}
    for index, (a, b) in enumerate(pairwise(dims)):
        shapes |= _linear(f"{name}.layers.{index}", a, b)
    return shapes


def _linear(name: str, a: int, b: int) -> Shapes:
    return {f"{name}.weight": (b, a), f"{name}.bias": (b,)}


def _norm(name: str, dim: int) -> Shapes:
    return {f"{name}.weight": (dim,), f"{name}.bias": (dim,)}
