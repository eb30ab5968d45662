"""The forward pass of UMT as it was released, from its weights by their released names.

Plain formulas, sample by sample and head by head, after the description of the model in its paper and of its
released code: no unit of vidkit is used, and nothing is fused, masked by infinities or batched.

Shapes: T clips, L words, with their padding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

DIM, NUM_HEADS, NUM_ROWS = 256, 8, 5000
Weights = Mapping[str, Tensor]


def released_weights(
    *, visual: int, audio: int, text: int | None, num_layers: int, heads: tuple[str, ...], seed: int = 0
) -> dict[str, Tensor]:
    """Random weights in the layout of the release, from the sizes of the features."""
    shapes: dict[str, tuple[int, ...]] = {}

    def linear(name: str, inner: int, outer: int, bias: bool = True) -> None:
        shapes[f"{name}.weight"] = (outer, inner)
        if bias:
            shapes[f"{name}.bias"] = (outer,)

    def norm(*names: str) -> None:
        for name in names:
            shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (DIM,)

    def attention(name: str) -> None:
        for part in "qkvm":
            linear(f"{name}.{part}", DIM, DIM)

    def feedforward(name: str) -> None:
        linear(f"{name}.mapping.0", DIM, 4 * DIM)
        linear(f"{name}.mapping.3", 4 * DIM, DIM)

    def positions(name: str) -> None:
        shapes[f"{name}.pe"] = (1, NUM_ROWS, DIM)

    for name, dim in (("video_enc", visual), ("audio_enc", audio)):
        linear(f"{name}.mapping.linear", dim, DIM)
        positions(f"{name}.pos_enc")
        attention(f"{name}.encoder.att")
        feedforward(f"{name}.encoder.ffn")
        norm(f"{name}.encoder.norm1", f"{name}.encoder.norm2")
    positions("cross_enc.pos_enc")
    shapes["cross_enc.encoder.token"] = (4, DIM)
    for i in (1, 2, 3, 4):
        attention(f"cross_enc.encoder.encoder.0.att{i}")
    for i in (1, 2):
        feedforward(f"cross_enc.encoder.encoder.0.ffn{i}")
    norm(*(f"cross_enc.encoder.encoder.0.norm{i}" for i in range(1, 7)), "cross_enc.norm")
    if text is not None:
        linear("query_gen.mapping.linear", text, DIM, bias=False)
        norm("query_gen.mapping.norm")
        attention("query_gen.encoder")
    positions("query_dec.q_pos_enc")
    positions("query_dec.k_pos_enc")
    for layer in range(num_layers):
        for i in (1, 2):
            attention(f"query_dec.decoder.{layer}.att{i}")
        feedforward(f"query_dec.decoder.{layer}.ffn")
        norm(*(f"query_dec.decoder.{layer}.norm{i}" for i in (1, 2, 3)))
    norm("query_dec.norm")
    for name in heads:
        index = 0 if name == "saliency" or "saliency" not in heads else 1
        linear(f"pred_head.{index}.{name}_pred.linear", DIM, 1)
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in shapes.items():
        is_scale = "norm" in name and name.endswith(".weight")
        spread = 0.3 if len(shape) == 1 else shape[-1] ** -0.5
        weights[name] = is_scale + spread * torch.randn(shape, generator=generator)
    return weights


def reference_outputs(
    weights: Weights, visual: Tensor, audio: Tensor, words: Tensor | None, real: Tensor
) -> dict[str, Tensor]:
    """What every head says of each clip of one sample, (T,): logits of saliency and center, window, offset.

    Args:
        weights: In the layout of the release.
        visual: (T, D_v), with its padding.
        audio: (T, D_a), with its padding.
        words: (L, D_t), its padding zeros; None without a query.
        real: True where a clip is no padding, (T,).
    """
    encoded = []
    for name, features in (("video_enc", visual), ("audio_enc", audio)):
        x = _linear(weights, f"{name}.mapping.linear", features)
        y = _norm(weights, f"{name}.encoder.norm1", x)
        place = y + _positions(weights, f"{name}.pos_enc", len(x))
        x = x + _attention(weights, f"{name}.encoder.att", place, place[real], y[real])
        y = _norm(weights, f"{name}.encoder.norm2", x)
        encoded.append(x + _feedforward(weights, f"{name}.encoder.ffn", y))
    clips = _exchanged(weights, *encoded, real)
    query = clips
    if words is not None:
        w = _norm(weights, "query_gen.mapping.norm", words @ weights["query_gen.mapping.linear.weight"].T)
        query = _attention(weights, "query_gen.encoder", clips, w, w)  # padded words take part
    query_place = _positions(weights, "query_dec.q_pos_enc", len(clips))
    keys = clips + _positions(weights, "query_dec.k_pos_enc", len(clips))
    for layer in sorted({name.split(".")[2] for name in weights if name.startswith("query_dec.decoder.")}):
        unit = f"query_dec.decoder.{layer}"
        y = _norm(weights, f"{unit}.norm1", query)
        place = y + query_place
        query = query + _attention(weights, f"{unit}.att1", place, place, y)  # so do padded clips
        y = _norm(weights, f"{unit}.norm2", query) + query_place
        query = query + _attention(weights, f"{unit}.att2", y, keys, clips)
        query = query + _feedforward(weights, f"{unit}.ffn", _norm(weights, f"{unit}.norm3", query))
    decoded = _norm(weights, "query_dec.norm", query)
    names = {name.removesuffix(".weight") for name in weights if name.startswith("pred_head.")}
    return {
        name.split(".")[2].removesuffix("_pred"): _linear(weights, name, decoded)[:, 0]
        for name in names
        if name.endswith(".linear")
    }


def _exchanged(weights: Weights, a: Tensor, b: Tensor, real: Tensor) -> Tensor:
    """The bottleneck transformer, the sum, and its norm."""
    unit = "cross_enc.encoder.encoder.0"
    place = _positions(weights, "cross_enc.pos_enc", len(a))
    tokens = weights["cross_enc.encoder.token"]
    y_a, y_b, y_t = (_norm(weights, f"{unit}.norm{i}", x) for i, x in ((1, a), (2, b), (3, tokens)))
    for i, y in ((1, y_a), (2, y_b)):
        tokens = tokens + _attention(weights, f"{unit}.att{i}", y_t, (y + place)[real], y[real])
    y_t = _norm(weights, f"{unit}.norm4", tokens)
    a = a + _attention(weights, f"{unit}.att3", y_a + place, y_t, y_t)
    b = b + _attention(weights, f"{unit}.att4", y_b + place, y_t, y_t)
    a = a + _feedforward(weights, f"{unit}.ffn1", _norm(weights, f"{unit}.norm5", a))
    b = b + _feedforward(weights, f"{unit}.ffn2", _norm(weights, f"{unit}.norm6", b))
    return _norm(weights, "cross_enc.norm", a + b)


def _positions(weights: Weights, name: str, length: int) -> Tensor:
    return weights[f"{name}.pe"][0, :length]


def _linear(weights: Weights, name: str, x: Tensor) -> Tensor:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _norm(weights: Weights, name: str, x: Tensor) -> Tensor:
    centred = x - x.mean(dim=-1, keepdim=True)
    scaled = centred / torch.sqrt(centred.square().mean(dim=-1, keepdim=True) + 1e-5)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def _feedforward(weights: Weights, name: str, x: Tensor) -> Tensor:
    return _linear(weights, f"{name}.mapping.3", _linear(weights, f"{name}.mapping.0", x).clamp(min=0))


def _attention(weights: Weights, name: str, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    q, k, v = (_linear(weights, f"{name}.{part}", x) for part, x in (("q", query), ("k", key), ("v", value)))
    size = DIM // NUM_HEADS
    parts = []
    for head in range(NUM_HEADS):
        own = slice(head * size, (head + 1) * size)
        attended = torch.softmax(q[:, own] @ k[:, own].T / math.sqrt(size), dim=-1)
        parts.append(attended @ v[:, own])
    return _linear(weights, f"{name}.m", torch.cat(parts, dim=1))
