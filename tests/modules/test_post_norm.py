"""Post-norm layers against their formulas."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.modules import FeedForward, PostNormDecoderLayer, PostNormEncoderLayer

SIZES: dict[str, Any] = dict(num_heads=2, feedforward_dim=20, dropout=0.0)


def _randomised(layer: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    for parameter in layer.double().parameters():
        nn.init.normal_(parameter, std=0.5)
    return layer


def _attended(layer: nn.Module, name: str, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The attention of torch itself, with the weights of ours."""
    theirs = nn.MultiheadAttention(8, 2, batch_first=True).double()
    theirs.load_state_dict(getattr(layer, name).state_dict())
    attended: Tensor = theirs(query, key, value)[0]
    return attended


def _norm(layer: nn.Module, name: str, x: Tensor) -> Tensor:
    norm = getattr(layer, name)
    return F.layer_norm(x, (8,), norm.weight, norm.bias)


def _fed(layer: nn.Module, x: Tensor) -> Tensor:
    a, b = layer.feedforward.layers
    y = x @ a.weight.T + a.bias
    slope = getattr(layer.feedforward.activation, "weight", torch.zeros(1, dtype=torch.float64))
    y = torch.where(y > 0, y, slope * y)
    return _norm(layer, "feedforward_norm", x + y @ b.weight.T + b.bias)


X, OTHER, PLACES, OTHER_PLACES = torch.randn(
    4, 2, 5, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
)


@pytest.mark.parametrize("activation", ["relu", "prelu"])
def test_an_encoder_layer_is_its_formula(activation: Any) -> None:
    layer = _randomised(PostNormEncoderLayer(8, **SIZES, activation=activation))
    y = X + _attended(layer, "attention", X + PLACES, X + PLACES, X)
    expected = _fed(layer, _norm(layer, "attention_norm", y))
    torch.testing.assert_close(layer(X, PLACES), expected)


@pytest.mark.parametrize("activation", ["relu", "prelu"])
def test_a_decoder_layer_is_its_formula(activation: Any) -> None:
    layer = _randomised(PostNormDecoderLayer(8, **SIZES, activation=activation))
    y = X + _attended(layer, "attention", X + PLACES, X + PLACES, X)
    y = _norm(layer, "attention_norm", y)
    y = y + _attended(layer, "cross_attention", y + PLACES, OTHER + OTHER_PLACES, OTHER)
    expected = _fed(layer, _norm(layer, "cross_norm", y))
    decoded = layer(X, OTHER, query_positions=PLACES, positions=OTHER_PLACES)
    torch.testing.assert_close(decoded, expected)


def test_without_positions_an_encoder_layer_is_the_one_of_torch() -> None:
    layer = _randomised(PostNormEncoderLayer(8, **SIZES))
    theirs = nn.TransformerEncoderLayer(8, 2, 20, dropout=0.0, batch_first=True).double()
    names = {
        "self_attn": "attention",
        "linear1": "feedforward.layers.0",
        "linear2": "feedforward.layers.1",
        "norm1": "attention_norm",
        "norm2": "feedforward_norm",
    }
    state = layer.state_dict()
    theirs.load_state_dict(
        {key: state[f"{names[key.split('.')[0]]}.{key.split('.', 1)[1]}"] for key in theirs.state_dict()}
    )
    torch.testing.assert_close(layer(X, torch.zeros_like(X)), theirs(X))


def test_padding_has_no_influence() -> None:
    mask = (torch.arange(5) < 3).expand(2, 5)
    encoder = _randomised(PostNormEncoderLayer(8, **SIZES))
    torch.testing.assert_close(encoder(X, PLACES, mask)[:, :3], encoder(X[:, :3], PLACES[:, :3]))
    decoder = _randomised(PostNormDecoderLayer(8, **SIZES))
    padded = decoder(X, OTHER, query_positions=PLACES, positions=OTHER_PLACES, mask=mask)
    cut = decoder(X, OTHER[:, :3], query_positions=PLACES, positions=OTHER_PLACES[:, :3])
    torch.testing.assert_close(padded, cut)


def test_the_number_of_parameters_is_derived() -> None:
    d, f = 8, 20
    attention, feedforward, norm = 4 * d * d + 4 * d, 2 * d * f + d + f, 2 * d
    for layer, expected in (
        (PostNormEncoderLayer(d, **SIZES), attention + feedforward + 2 * norm),
        (PostNormDecoderLayer(d, **SIZES), 2 * attention + feedforward + 3 * norm),
        (PostNormEncoderLayer(d, **SIZES, activation="prelu"), attention + feedforward + 2 * norm + 1),
    ):
        assert sum(parameter.numel() for parameter in layer.parameters()) == expected


def test_dropout_acts_in_training_alone() -> None:
    torch.manual_seed(0)
    layer = PostNormEncoderLayer(8, num_heads=2, feedforward_dim=20, dropout=0.5)
    x, places = X.float(), PLACES.float()
    assert not torch.equal(layer(x, places), layer(x, places))
    layer.eval()
    assert torch.equal(layer(x, places), layer(x, places))


def test_another_activation_is_refused() -> None:
    with pytest.raises(ValueError, match='activation must be "relu" or "prelu", got \'gelu\''):
        FeedForward(8, hidden_dim=4, activation="gelu")  # type: ignore[arg-type]
