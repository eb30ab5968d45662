"""Layers of transformers against their formulas."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.modules import CrossAttentionLayer, SelfAttentionLayer, SelfCrossAttentionLayer

SIZES = dict(num_heads=2, feedforward_dim=20, dropout=0.0)


def _attended(layer: nn.Module, prefix: str, query: Tensor, key: Tensor) -> Tensor:
    """The attention of torch itself, with the weights of ours."""
    state = layer.state_dict()
    theirs = nn.MultiheadAttention(8, 2, batch_first=True).double()
    theirs.load_state_dict({name: state[f"{prefix}.attention.{name}"] for name in theirs.state_dict()})
    attended: Tensor = theirs(query, key, key)[0]
    return attended


def _norm(layer: nn.Module, name: str, x: Tensor) -> Tensor:
    state = layer.state_dict()
    return F.layer_norm(x, (8,), state[f"{name}.weight"], state[f"{name}.bias"])


def _self(layer: nn.Module, x: Tensor) -> Tensor:
    y = _norm(layer, "attend.norm", x)
    return x + _attended(layer, "attend", y, y)


def _cross(layer: nn.Module, x: Tensor, other: Tensor) -> Tensor:
    y = _norm(layer, "attend_other.norm_other", other)
    return x + _attended(layer, "attend_other", _norm(layer, "attend_other.norm", x), y)


def _feedforward(layer: nn.Module, x: Tensor) -> Tensor:
    a, b = layer.feedforward.network.layers
    y = _norm(layer, "feedforward.norm", x)
    return x + torch.clamp(y @ a.weight.T + a.bias, min=0) @ b.weight.T + b.bias


def _randomised(layer: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    for parameter in layer.double().parameters():
        nn.init.normal_(parameter, std=0.5)
    return layer


X, OTHER = torch.randn(2, 2, 5, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_a_self_attention_layer_is_its_formula() -> None:
    layer = _randomised(SelfAttentionLayer(8, **SIZES))
    torch.testing.assert_close(layer(X), _feedforward(layer, _self(layer, X)))


def test_a_cross_attention_layer_is_its_formula() -> None:
    layer = _randomised(CrossAttentionLayer(8, **SIZES))
    torch.testing.assert_close(layer(X, OTHER), _feedforward(layer, _cross(layer, X, OTHER)))


def test_a_layer_with_both_attends_to_itself_first() -> None:
    layer = _randomised(SelfCrossAttentionLayer(8, **SIZES))
    expected = _feedforward(layer, _cross(layer, _self(layer, X), OTHER))
    torch.testing.assert_close(layer(X, OTHER), expected)


def test_padding_of_either_sequence_has_no_influence() -> None:
    layer = _randomised(SelfCrossAttentionLayer(8, **SIZES))
    mask, mask_other = (torch.arange(5) < n for n in (3, 4))
    padded = layer(X, OTHER, mask.expand(2, 5), mask_other.expand(2, 5))
    torch.testing.assert_close(padded[:, :3], layer(X[:, :3], OTHER[:, :4]))
    crossing = _randomised(CrossAttentionLayer(8, **SIZES))
    torch.testing.assert_close(crossing(X, OTHER, mask_other.expand(2, 5)), crossing(X, OTHER[:, :4]))


@pytest.mark.parametrize("kind", [SelfAttentionLayer, CrossAttentionLayer, SelfCrossAttentionLayer])
def test_the_number_of_parameters_is_derived(kind: type[nn.Module]) -> None:
    d, f = 8, 20
    attention, feedforward, norm = 4 * d * d + 4 * d, 2 * d * f + d + f, 2 * d
    expected = {
        SelfAttentionLayer: attention + feedforward + 2 * norm,
        CrossAttentionLayer: attention + feedforward + 3 * norm,
        SelfCrossAttentionLayer: 2 * attention + feedforward + 4 * norm,
    }[kind]
    assert sum(parameter.numel() for parameter in kind(d, **SIZES).parameters()) == expected


def test_dropout_falls_on_what_is_added_and_only_in_training() -> None:
    torch.manual_seed(0)
    layer = SelfAttentionLayer(8, num_heads=2, feedforward_dim=20, dropout=0.5)
    x = torch.randn(1, 400, 8)
    added = layer.feedforward(x) - x
    assert 0.45 < (added == 0).float().mean() < 0.55
    layer.eval()
    plain = layer.feedforward(x) - x
    kept = added != 0
    torch.testing.assert_close(added[kept], 2 * plain[kept], atol=1e-5, rtol=1e-4)
    assert torch.equal(layer(x), layer(x))
