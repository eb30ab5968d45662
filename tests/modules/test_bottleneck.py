"""The bottleneck layer against its formula."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.modules import BottleneckLayer

A, B, PLACE = torch.randn(3, 2, 6, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def _layer() -> BottleneckLayer:
    torch.manual_seed(0)
    layer = BottleneckLayer(8, num_tokens=3, num_heads=2, feedforward_dim=20, dropout=0.0).double()
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.5)
    return layer


def _attended(attention: nn.Module, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The attention of torch itself, with the weights of ours."""
    theirs = nn.MultiheadAttention(8, 2, batch_first=True).double()
    theirs.load_state_dict(attention.state_dict())
    attended: Tensor = theirs(query, key, value)[0]
    return attended


def _norm(norm: nn.Module, x: Tensor) -> Tensor:
    return F.layer_norm(x, (8,), norm.weight, norm.bias)


def _feedforward(layer: BottleneckLayer, which: int, x: Tensor) -> Tensor:
    a, b = layer.feedforwards[which].layers
    y = _norm(layer.feedforward_norms[which], x)
    return x + torch.clamp(y @ a.weight.T + a.bias, min=0) @ b.weight.T + b.bias


def _reference(layer: BottleneckLayer, a: Tensor, b: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
    """Compression into the tokens, expansion to the clips, and a feed-forward network for each sequence."""
    t = layer.tokens.expand(len(a), -1, -1)
    t1, a1, b1 = _norm(layer.token_norm, t), _norm(layer.norms[0], a), _norm(layer.norms[1], b)
    t = t + _attended(layer.gather[0], t1, a1 + place, a1) + _attended(layer.gather[1], t1, b1 + place, b1)
    t2 = _norm(layer.gathered_norm, t)
    a = a + _attended(layer.spread[0], a1 + place, t2, t2)
    b = b + _attended(layer.spread[1], b1 + place, t2, t2)
    return _feedforward(layer, 0, a), _feedforward(layer, 1, b)


def test_it_is_the_formula() -> None:
    layer = _layer()
    for got, expected in zip(layer(A, B, PLACE), _reference(layer, A, B, PLACE)):
        torch.testing.assert_close(got, expected)
    for got, expected in zip(layer(A, B), _reference(layer, A, B, torch.zeros_like(A))):
        torch.testing.assert_close(got, expected)


def test_padding_of_either_sequence_has_no_influence() -> None:
    layer = _layer()
    mask_a, mask_b = ((torch.arange(6) < n).expand(2, 6) for n in (4, 5))
    a, b = layer(A, B, None, mask_a, mask_b)
    expected_a, expected_b = layer(A[:, :4], B[:, :5])
    torch.testing.assert_close(a[:, :4], expected_a)
    torch.testing.assert_close(b[:, :5], expected_b)


def test_what_one_sequence_knows_reaches_the_other_through_the_tokens() -> None:
    layer = _layer()
    other = layer(A, B + torch.arange(8), PLACE)[0]
    assert not torch.allclose(other, layer(A, B, PLACE)[0])
    with torch.no_grad():
        for spread in layer.spread:
            spread.out_proj.weight.zero_()
    torch.testing.assert_close(layer(A, B + torch.arange(8), PLACE)[0], layer(A, B, PLACE)[0])


def test_every_parameter_learns() -> None:
    layer = _layer()
    torch.cat(layer(A, B, PLACE)).square().sum().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in layer.parameters())
