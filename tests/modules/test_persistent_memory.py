"""Attention with a memory against its formula, and the dropout of what it builds on."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from vidkit.modules import FeedForward, MultiHeadAttention, PersistentMemoryAttention


def _module(num_slots: int = 3, dropout: float = 0.0) -> PersistentMemoryAttention:
    torch.manual_seed(0)
    module = PersistentMemoryAttention(8, num_heads=2, num_slots=num_slots, dropout=dropout).double()
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    return module


def _reference(module: PersistentMemoryAttention, x: Tensor, y: Tensor, real: Tensor) -> Tensor:
    """softmax(Q [M_k; K]^T / sqrt(d)) [M_v; V] of one sequence, head by head, with padded keys cut off."""
    weights, biases = module.in_proj_weight.split(8), module.in_proj_bias.split(8)
    parts = []
    for h in range(2):
        one = slice(4 * h, 4 * h + 4)
        q, k, v = (z @ w[one].T + b[one] for z, w, b in zip((x, y[real], y[real]), weights, biases))
        k, v = torch.cat([module.memory_keys[h], k]), torch.cat([module.memory_values[h], v])
        parts.append(torch.softmax(q @ k.T / math.sqrt(4), dim=-1) @ v)
    return torch.cat(parts, dim=-1) @ module.out_proj.weight.T + module.out_proj.bias


def test_the_slots_stand_beside_the_keys_of_every_sequence() -> None:
    module = _module()
    x, y = torch.randn(2, 5, 8, dtype=torch.float64), torch.randn(2, 7, 8, dtype=torch.float64)
    mask = torch.arange(7) < torch.tensor([[7], [4]])
    expected = torch.stack([_reference(module, *rows) for rows in zip(x, y, mask)])
    torch.testing.assert_close(module(x, y, y, mask), expected)
    torch.testing.assert_close(module(x, y, y)[0], expected[0])


def test_the_slots_are_there_where_nothing_else_is() -> None:
    module = _module()
    x = torch.randn(1, 4, 8, dtype=torch.float64)
    nothing = torch.zeros(1, 4, dtype=torch.bool)
    torch.testing.assert_close(module(x, x, x, nothing)[0], _reference(module, x[0], x[0], nothing[0]))


def test_a_slot_starts_as_strong_as_a_projected_clip() -> None:
    torch.manual_seed(0)
    module = PersistentMemoryAttention(64, num_heads=4, num_slots=500)
    for scale in (1.0, 3.0):
        nn.init.normal_(module.in_proj_weight, std=scale / 8)
        module.reset_memory()
        clips = nn.functional.layer_norm(torch.randn(500, 64), (64,))
        _, keys, values = (clips @ module.in_proj_weight.T + module.in_proj_bias).chunk(3, dim=1)
        for memory, projected in ((module.memory_keys, keys), (module.memory_values, values)):
            expected = projected.unflatten(1, (4, 16)).norm(dim=-1).mean().item()
            assert memory.norm(dim=-1).mean().item() == pytest.approx(expected, rel=0.05)


def test_the_slots_learn() -> None:
    module = _module()
    x = torch.randn(2, 5, 8, dtype=torch.float64)
    module(x, x, x).square().sum().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in module.parameters())
    assert module.memory_keys.shape == module.memory_values.shape == (2, 3, 4)


def test_a_memory_without_slots_is_refused() -> None:
    with pytest.raises(ValueError, match="num_slots must be at least 1, got 0; without memory take Multi"):
        PersistentMemoryAttention(8, num_heads=2, num_slots=0)


@pytest.mark.parametrize("masked", [False, True])
def test_training_drops_attention_weights_and_evaluation_does_not(masked: bool) -> None:
    torch.manual_seed(0)
    module = MultiHeadAttention(8, num_heads=8, dropout=0.25)
    plain = MultiHeadAttention(8, num_heads=8)
    plain.load_state_dict(module.state_dict())
    x, key = torch.randn(2000, 1, 8), torch.randn(1, 1, 8).expand(2000, -1, -1)
    mask = torch.ones(2000, 1, dtype=torch.bool) if masked else None
    torch.testing.assert_close(module.eval()(x, key, key, mask), plain(x, key, key, mask))
    # One key has the weight 1, which is dropped, or scaled to 1 / 0.75, in each head on its own.
    module.out_proj = nn.Identity()
    value = key @ module.in_proj_weight[16:].T
    share = module.train()(x, key, key, mask) / value
    is_kept = share.abs() > 1e-6
    torch.testing.assert_close(share[is_kept], torch.full_like(share[is_kept], 4 / 3))
    assert is_kept.float().mean().item() == pytest.approx(0.75, abs=0.01)


def test_training_drops_hidden_channels_of_a_feed_forward_network() -> None:
    torch.manual_seed(0)
    module = FeedForward(1, hidden_dim=4000, dropout=0.25)
    nn.init.ones_(module.layers[0].weight)
    nn.init.zeros_(module.layers[0].bias)
    nn.init.constant_(module.layers[1].weight, 1 / 4000)
    nn.init.zeros_(module.layers[1].bias)
    x = torch.ones(1, 1)
    assert module.eval()(x).item() == pytest.approx(1.0, rel=1e-4)
    assert module.train()(x).item() != pytest.approx(1.0, rel=1e-4)
    assert module(x).item() == pytest.approx(1.0, abs=0.1)
