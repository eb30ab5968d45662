"""Networks that see one position at a time against their formula."""

from __future__ import annotations

import pytest
import torch

from vidkit.modules import MLP, FeedForward


def test_an_mlp_has_relu_between_its_layers_and_none_behind() -> None:
    torch.manual_seed(0)
    network, x = MLP(4, 6, 5, 2), torch.randn(3, 7, 4)
    torch.nn.init.constant_(network.layers[-1].bias, -10.0)
    y = x
    for index, layer in enumerate(network.layers):
        y = y @ layer.weight.T + layer.bias
        if index < 2:
            y = y * (y > 0)
    torch.testing.assert_close(network(x), y)
    assert (network(x) < 0).any()


def test_the_input_stays_as_it_was() -> None:
    x = torch.randn(3, 4)
    before = x.clone()
    MLP(4, 4)(x)
    MLP(4, 4, 4)(x)
    assert torch.equal(x, before)


def test_a_feed_forward_network_keeps_the_channels() -> None:
    network = FeedForward(4, hidden_dim=10)
    assert [tuple(layer.weight.shape) for layer in network.layers] == [(10, 4), (4, 10)]


def test_an_mlp_without_output_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least the channels of input and output, got \(4,\)"):
        MLP(4)
