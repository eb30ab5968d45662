"""Attention with several heads against its formula and against torch's own module."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

import vidkit.modules.multi_head_attention as module
from vidkit.modules import MultiHeadAttention


def _reference(module: MultiHeadAttention, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """softmax(Q K^T / sqrt(d)) V, head by head and sequence by sequence, with the padded keys cut off."""
    dim, size = q.shape[-1], q.shape[-1] // module.num_heads
    weights, biases = module.in_proj_weight.split(dim), module.in_proj_bias.split(dim)
    rows = []
    for i in range(len(q)):
        real = slice(None) if mask is None else mask[i]
        parts = []
        for h in range(module.num_heads):
            one = slice(h * size, (h + 1) * size)
            qh, kh, vh = (
                x @ w[one].T + b[one] for x, w, b in zip((q[i], k[i][real], v[i][real]), weights, biases)
            )
            parts.append(torch.softmax(qh @ kh.T / math.sqrt(size), dim=-1) @ vh)
        rows.append(torch.cat(parts, dim=-1) @ module.out_proj.weight.T + module.out_proj.bias)
    return torch.stack(rows)


def _module(dim: int = 12, num_heads: int = 3) -> MultiHeadAttention:
    torch.manual_seed(0)
    module = MultiHeadAttention(dim, num_heads=num_heads).double()
    nn.init.normal_(module.in_proj_bias)
    nn.init.normal_(module.out_proj.bias)
    return module


@pytest.mark.parametrize("same", ["all", "query and key", "key and value", "none"])
@pytest.mark.parametrize("masked", [False, True])
def test_it_is_the_formula(same: str, masked: bool) -> None:
    module = _module()
    x, y, z = torch.randn(3, 2, 7, 12, dtype=torch.float64)
    q, k, v = {
        "all": (x, x, x),
        "query and key": (x, x, y),
        "key and value": (x, y, y),
        "none": (x, y, z),
    }[same]
    mask = torch.arange(7) < torch.tensor([[7], [4]]) if masked else None
    torch.testing.assert_close(module(q, k, v, mask), _reference(module, q, k, v, mask))


def test_queries_and_keys_may_differ_in_number() -> None:
    module = _module()
    q, k = torch.randn(2, 3, 12, dtype=torch.float64), torch.randn(2, 8, 12, dtype=torch.float64)
    torch.testing.assert_close(module(q, k, k), _reference(module, q, k, k, None))


def test_weights_of_torch_load_into_it() -> None:
    theirs = nn.MultiheadAttention(12, 3, batch_first=True).double().eval()
    ours = _module()
    ours.load_state_dict(theirs.state_dict())
    x, y = torch.randn(2, 2, 7, 12, dtype=torch.float64)
    mask = torch.arange(7) < torch.tensor([[7], [4]])
    expected, _ = theirs(x, y, y, key_padding_mask=~mask)
    torch.testing.assert_close(ours(x, y, y, mask), expected)


def test_what_stands_in_padding_has_no_influence_and_no_gradient() -> None:
    module = _module()
    x = torch.randn(1, 6, 12, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[True, True, True, True, False, False]])
    query = torch.randn(1, 3, 12, dtype=torch.float64)
    module(query, x, x, mask).sum().backward()
    assert x.grad is not None
    assert (x.grad[:, 4:] == 0).all()
    assert (x.grad[:, :4] != 0).any()


def test_without_a_real_key_nothing_is_attended_and_gradients_are_finite() -> None:
    module = _module()
    x = torch.randn(2, 5, 12, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[True] * 5, [False] * 5])
    attended = module(x, x, x, mask)
    torch.testing.assert_close(attended[1], module.out_proj.bias.expand(5, 12))
    torch.testing.assert_close(attended[:1], module(x[:1], x[:1], x[:1]))
    attended.sum().backward()
    assert torch.isfinite(x.grad).all()
    assert all(torch.isfinite(p.grad).all() for p in module.parameters())


def test_one_tensor_is_projected_once(monkeypatch: pytest.MonkeyPatch) -> None:
    attention = MultiHeadAttention(8, num_heads=2)
    x, y = torch.randn(1, 5, 8), torch.randn(1, 5, 8)
    widths: list[int] = []

    def counted(z: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        widths.append(len(weight))
        return nn.functional.linear(z, weight, bias)

    monkeypatch.setattr(module, "linear", counted)
    for inputs, expected in (((x, x, x), [24]), ((x, y, y), [8, 16]), ((x, y, x), [8, 8, 8])):
        widths.clear()
        attention(*inputs)
        assert widths == expected


@pytest.mark.parametrize("num_heads", [0, 5])
def test_heads_that_do_not_divide_the_channels_are_refused(num_heads: int) -> None:
    with pytest.raises(ValueError, match=f"num_heads must divide the 12 channels, got {num_heads}"):
        MultiHeadAttention(12, num_heads=num_heads)
