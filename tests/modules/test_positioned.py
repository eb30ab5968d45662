"""Layers with positions against their formulas."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.modules import PersistentMemoryAttention, PositionedDecoderLayer, PositionedEncoderLayer

SIZES = dict(num_heads=2, feedforward_dim=20, dropout=0.0)
X, PLACE, OTHER, OTHER_PLACE = torch.randn(
    4, 2, 5, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
)


def _attended(attention: nn.Module, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The attention of torch itself, with the weights of ours."""
    theirs = nn.MultiheadAttention(8, 2, batch_first=True).double()
    theirs.load_state_dict(attention.state_dict())
    attended: Tensor = theirs(query, key, value)[0]
    return attended


def _norm(norm: nn.LayerNorm, x: Tensor) -> Tensor:
    return F.layer_norm(x, (8,), norm.weight, norm.bias)


def _feedforward(layer: nn.Module, x: Tensor) -> Tensor:
    a, b = layer.feedforward.layers
    y = _norm(layer.feedforward_norm, x)
    return x + torch.clamp(y @ a.weight.T + a.bias, min=0) @ b.weight.T + b.bias


def _encoded(layer: nn.Module, x: Tensor, place: Tensor) -> Tensor:
    y = _norm(layer.attention_norm, x)
    return _feedforward(layer, x + _attended(layer.attention, y + place, y + place, y))


def _decoded(layer: nn.Module, x: Tensor, other: Tensor, place: Tensor, other_place: Tensor) -> Tensor:
    y = _norm(layer.attention_norm, x)
    x = x + _attended(layer.attention, y + place, y + place, y)
    query = _norm(layer.cross_norm, x) + place
    return _feedforward(layer, x + _attended(layer.cross_attention, query, other + other_place, other))


def _randomised(layer: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    for parameter in layer.double().parameters():
        nn.init.normal_(parameter, std=0.5)
    return layer


def test_an_encoder_layer_is_its_formula() -> None:
    layer = _randomised(PositionedEncoderLayer(8, **SIZES))
    torch.testing.assert_close(layer(X, PLACE), _encoded(layer, X, PLACE))
    torch.testing.assert_close(layer(X), _encoded(layer, X, torch.zeros_like(X)))


def test_a_decoder_layer_is_its_formula() -> None:
    layer = _randomised(PositionedDecoderLayer(8, **SIZES))
    expected = _decoded(layer, X, OTHER, PLACE, OTHER_PLACE)
    torch.testing.assert_close(layer(X, OTHER, PLACE, OTHER_PLACE), expected)
    torch.testing.assert_close(layer(X, OTHER), _decoded(layer, X, OTHER, 0 * PLACE, 0 * PLACE))


def test_padding_has_no_influence() -> None:
    mask, other_mask = (torch.arange(5) < n for n in (3, 4))
    encoder = _randomised(PositionedEncoderLayer(8, **SIZES))
    padded = encoder(X, PLACE, mask.expand(2, 5))[:, :3]
    torch.testing.assert_close(padded, encoder(X[:, :3], PLACE[:, :3]))
    decoder = _randomised(PositionedDecoderLayer(8, **SIZES))
    padded = decoder(X, OTHER, PLACE, OTHER_PLACE, mask.expand(2, 5), other_mask.expand(2, 5))[:, :3]
    expected = decoder(X[:, :3], OTHER[:, :4], PLACE[:, :3], OTHER_PLACE[:, :4])
    torch.testing.assert_close(padded, expected)


def test_an_attention_that_is_given_takes_the_place_of_the_own() -> None:
    attention = PersistentMemoryAttention(8, num_heads=2, num_slots=3)
    layer = _randomised(PositionedEncoderLayer(8, attention=attention, **SIZES))
    assert layer.attention is attention
    y = _norm(layer.attention_norm, X)
    expected = _feedforward(layer, X + attention(y + PLACE, y + PLACE, y))
    torch.testing.assert_close(layer(X, PLACE), expected)


@pytest.mark.parametrize("kind", [PositionedEncoderLayer, PositionedDecoderLayer])
def test_dropout_works_in_training_alone(kind: type[nn.Module]) -> None:
    torch.manual_seed(0)
    layer = kind(8, num_heads=2, feedforward_dim=20, dropout=0.5)
    plain = kind(8, **SIZES)
    plain.load_state_dict(layer.state_dict())
    inputs = [X.float()] if kind is PositionedEncoderLayer else [X.float(), OTHER.float()]
    torch.testing.assert_close(layer.eval()(*inputs), plain(*inputs))
    assert not torch.allclose(layer.train()(*inputs), layer(*inputs))
