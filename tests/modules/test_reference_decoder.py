"""The decoder of reference spans against its formula."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.modules import ReferenceDecoder, inverse_sigmoid, sine_embedding

DIM, HEADS, QUERIES = 8, 2, 3
SIZES: dict[str, Any] = dict(num_queries=QUERIES, num_heads=HEADS, feedforward_dim=20, dropout=0.0)
MEMORY, PLACES = torch.randn(2, 2, 5, DIM, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def _decoder(num_layers: int = 2) -> ReferenceDecoder:
    torch.manual_seed(0)
    decoder = ReferenceDecoder(DIM, num_layers=num_layers, **SIZES).double()
    for parameter in decoder.parameters():
        nn.init.normal_(parameter, std=0.5)
    return decoder


def _softmax_attention(queries: list[Tensor], keys: list[Tensor], value: Tensor) -> Tensor:
    """Head by head; every head sees its slice of each of the (B, T, D) that are put side by side."""
    size = DIM // HEADS
    outputs = []
    for head in range(HEADS):
        own = slice(head * size, (head + 1) * size)
        query = torch.cat([q[..., own] for q in queries], dim=-1)
        key = torch.cat([k[..., own] for k in keys], dim=-1)
        weights = (query @ key.mT / query.shape[-1] ** 0.5).softmax(dim=-1)
        outputs.append(weights @ value[..., own])
    return torch.cat(outputs, dim=-1)


def _reference(decoder: ReferenceDecoder, memory: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """DAB-DETR with one modulation for both halves of a position, line by line."""
    spans = decoder.references.sigmoid().expand(len(memory), -1, -1)
    x = torch.zeros(len(memory), QUERIES, DIM, dtype=memory.dtype)
    states, begun = [], [spans]
    for index, layer in enumerate(decoder.layers):
        center = sine_embedding(spans[..., 0], DIM // 2)
        width = sine_embedding(spans[..., 1], DIM // 2)
        sines = torch.cat([center, width], dim=-1)
        position = decoder.position(sines)
        if index > 0:
            sines = sines * decoder.scale(x)
        sines = sines * decoder.width(x).sigmoid() / spans[..., 1:2]

        own = layer.attend
        q = own.query_content(x) + own.query_position(position)
        k = own.key_content(x) + own.key_position(position)
        attended = own.attention.output(_softmax_attention([q], [k], own.value(x)))
        x = F.layer_norm(x + attended, (DIM,), layer.attend_norm.weight, layer.attend_norm.bias)

        cross = layer.cross
        q, k, where = cross.query_content(x), cross.key_content(memory), cross.key_position(places)
        if index == 0:
            q, k = q + cross.query_position(position), k + where
        attended = _softmax_attention([q, cross.query_sine(sines)], [k, where], cross.value(memory))
        x = x + cross.attention.output(attended)
        x = F.layer_norm(x, (DIM,), layer.cross_norm.weight, layer.cross_norm.bias)

        a, b = layer.feedforward.layers
        hidden = a(x)
        hidden = torch.where(hidden > 0, hidden, layer.feedforward.activation.weight * hidden)
        x = F.layer_norm(x + b(hidden), (DIM,), layer.feedforward_norm.weight, layer.feedforward_norm.bias)
        states.append(F.layer_norm(x, (DIM,), decoder.norm.weight, decoder.norm.bias))
        if index + 1 < len(decoder.layers):
            spans = (decoder.refine(x) + inverse_sigmoid(spans)).sigmoid()
            begun.append(spans)
    return torch.stack(states), torch.stack(begun)


@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_it_is_its_formula(num_layers: int) -> None:
    decoder = _decoder(num_layers)
    states, spans = decoder(MEMORY, PLACES)
    expected_states, expected_spans = _reference(decoder, MEMORY, PLACES)
    torch.testing.assert_close(states, expected_states)
    torch.testing.assert_close(spans, expected_spans)
    assert states.shape == (num_layers, 2, QUERIES, DIM)
    assert spans.shape == (num_layers, 2, QUERIES, 2)


def test_padding_has_no_influence() -> None:
    decoder = _decoder()
    mask = (torch.arange(5) < 3).expand(2, 5)
    padded, cut = decoder(MEMORY, PLACES, mask), decoder(MEMORY[:, :3], PLACES[:, :3])
    torch.testing.assert_close(padded, cut)


def test_a_new_decoder_leaves_its_spans_alone() -> None:
    decoder = ReferenceDecoder(DIM, num_layers=3, **SIZES).double()
    _, spans = decoder(MEMORY, PLACES)
    torch.testing.assert_close(spans, decoder.references.sigmoid().expand_as(spans), atol=2e-3, rtol=0.0)


def test_every_parameter_learns_but_where_the_first_layer_compares_zeros() -> None:
    decoder = _decoder()
    states, spans = decoder(MEMORY, PLACES)
    (states.square().sum() + spans.square().sum()).backward()
    gradients = {name: parameter.grad for name, parameter in decoder.named_parameters()}
    assert all(gradient is not None for gradient in gradients.values())
    zero = {name for name, gradient in gradients.items() if gradient.abs().max() < 1e-12}
    # Queries are zeros in the first layer, so all its values are alike; softmax ignores what all keys share.
    shared = {name for name in gradients if ".key_" in name and name.endswith("bias")}
    first = {name for name in gradients if name.startswith("layers.0.attend.") and ".attention." not in name}
    assert zero <= shared | first - {"layers.0.attend.value.bias"}


def test_a_span_teaches_the_layer_that_made_it_and_not_what_the_next_one_reads() -> None:
    decoder = _decoder()
    decoder(MEMORY, PLACES)[0][1].sum().backward()  # the last layer's queries read the corrected spans
    assert decoder.refine is not None
    assert all(parameter.grad is None for parameter in decoder.refine.parameters())


def test_a_span_without_width_gives_finite_queries() -> None:
    decoder = _decoder()
    with torch.no_grad():
        decoder.references[:, 1] = -1e4
    states, _ = decoder(MEMORY, PLACES)
    assert torch.isfinite(states).all()


def test_the_number_of_parameters_is_derived() -> None:
    d, f, q = DIM, 20, QUERIES
    linear, norm, feedforward = d * d + d, 2 * d, 2 * d * f + d + f + 1
    self_attention, cross_attention = 6 * linear, 6 * linear  # cross: no position of queries but in the first
    layer = self_attention + cross_attention + feedforward + 3 * norm
    heads = 2 * linear + (linear + d + 1) + 2 * linear + (2 * linear + 2 * d + 2)
    expected = 2 * layer + linear + norm + heads + 2 * q
    assert (
        sum(parameter.numel() for parameter in ReferenceDecoder(d, num_layers=2, **SIZES).parameters())
        == expected
    )


@pytest.mark.parametrize(("dim", "heads"), [(9, 3), (8, 3)])
def test_channels_that_do_not_divide_are_refused(dim: int, heads: int) -> None:
    with pytest.raises(ValueError, match=f"dim must be an even multiple of the {heads} heads, got {dim}"):
        ReferenceDecoder(dim, num_layers=1, **(SIZES | dict(num_heads=heads)))
