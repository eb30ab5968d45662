"""Linear layers: all kernels agree, the fastest is chosen once and remembered."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import vidkit.modules.linear as module
from vidkit.modules import Linear
from vidkit.modules.linear import linear, normed_linear

KERNELS = list(module._KERNELS)


@pytest.fixture
def _wide(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A processor with AVX-512 and layers of any size, with a memory of its own."""
    monkeypatch.setenv("VIDKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr(module, "_LEAST_PRODUCTS", 1)


def _pretend(monkeypatch: pytest.MonkeyPatch, seconds: dict[str, float]) -> list[tuple[str, bool]]:
    asked: list[tuple[str, bool]] = []

    def measured(name: str, is_training: bool) -> float:
        asked.append((name, is_training))
        return seconds[name]

    monkeypatch.setattr(module, "_seconds", measured)
    return asked


@pytest.fixture
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the kernels that all linear layers take, whatever their size."""
    monkeypatch.setattr(module, "_kernel", lambda *_, is_training: request.param)
    return str(request.param)


def _results(layer: Callable[..., Tensor], *inputs: Tensor | None) -> list[Tensor]:
    """Return the output of a layer, and the gradients of its inputs."""
    copies = [None if x is None else x.clone().requires_grad_() for x in inputs]
    y = layer(*copies)
    inputs_given = [x for x in copies if x is not None]
    return [y, *torch.autograd.grad((y * torch.cos(torch.arange(y.numel())).view_as(y)).sum(), inputs_given)]


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("kernel", KERNELS, indirect=True)
@pytest.mark.parametrize("shape", [(7,), (3, 11), (2, 1, 5)])
@pytest.mark.parametrize("with_bias", [True, False])
def test_all_kernels_agree_in_values_and_gradients(shape: tuple[int, ...], with_bias: bool) -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(*shape, 24), torch.randn(40, 24)
    bias = torch.randn(40) if with_bias else None
    for ours, theirs in zip(
        _results(linear, x, weight, bias), _results(F.linear, x, weight, bias), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-4)


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("kernel", KERNELS, indirect=True)
def test_inputs_that_are_not_contiguous_and_frozen_weights_work() -> None:
    x = torch.randn(24, 6).T.requires_grad_()
    weight = torch.randn(24, 40).T
    y = linear(x, weight)
    torch.testing.assert_close(y, x @ weight.T, rtol=1e-5, atol=1e-4)
    y.sum().backward()
    torch.testing.assert_close(x.grad, weight.sum(dim=0).expand(6, 24), rtol=1e-5, atol=1e-4)


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("kernel", KERNELS, indirect=True)
@pytest.mark.parametrize("shape", [(7,), (2, 1, 5)])
def test_a_layer_behind_a_norm_has_the_values_and_gradients_of_both(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    norm = nn.LayerNorm(24)

    def ours(x: Tensor, weight: Tensor, bias: Tensor, norm_weight: Tensor, norm_bias: Tensor) -> Tensor:
        del norm.weight, norm.bias  # the gradients are asked of tensors, not of parameters
        norm.weight, norm.bias = norm_weight, norm_bias  # type: ignore[assignment]
        return normed_linear(x, norm, weight, bias)

    def plain(x: Tensor, weight: Tensor, bias: Tensor, norm_weight: Tensor, norm_bias: Tensor) -> Tensor:
        variance, mean = torch.var_mean(x, dim=-1, keepdim=True, correction=0)
        return ((x - mean) / (variance + norm.eps).sqrt() * norm_weight + norm_bias) @ weight.T + bias

    shapes = (*shape, 24), (40, 24), (40,), (24,), (24,)
    inputs = [torch.randn(one) for one in shapes]
    for our, their in zip(_results(ours, *inputs), _results(plain, *inputs), strict=True):
        torch.testing.assert_close(our, their, rtol=1e-4, atol=1e-4)


def test_a_layer_behind_a_norm_keeps_nothing_but_its_input() -> None:
    x, norm, layer = torch.randn(50, 24, requires_grad=True), nn.LayerNorm(24), Linear(24, 40)
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.data_ptr()] = tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        normed_linear(x, norm, layer.weight, layer.bias)
    parameters = {p.data_ptr() for p in (*norm.parameters(), *layer.parameters())}
    assert sum(size for place, size in kept.items() if place not in parameters | {x.data_ptr()}) == 2 * 50


@pytest.mark.parametrize("precision", ["mixed", "double", "none to learn"])
def test_a_layer_behind_a_norm_in_other_precisions(precision: str) -> None:
    norm, layer, x = nn.LayerNorm(24), Linear(24, 40), torch.randn(5, 24)
    if precision == "double":
        norm, layer, x = norm.double(), layer.double(), x.double()
    context = torch.autocast("cpu", torch.bfloat16, enabled=precision == "mixed")
    with context, torch.set_grad_enabled(precision != "none to learn"):
        y = normed_linear(x, norm, layer.weight, layer.bias)
        torch.testing.assert_close(y, layer(norm(x)))


@pytest.mark.usefixtures("_wide")
def test_the_fastest_kernels_are_measured_once_and_remembered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = _pretend(monkeypatch, {"default": 2.0, "convolution": 1.5, "inner_product": 1.0})
    ran: list[str] = []
    for name, kernel in module._KERNELS.items():
        monkeypatch.setitem(
            module._KERNELS, name, lambda *a, name=name, kernel=kernel: (ran.append(name), kernel(*a))[1]
        )
    x, weight = torch.randn(5, 8), torch.randn(6, 8)
    torch.testing.assert_close(linear(x, weight), x @ weight.T)
    assert ran == ["inner_product"]
    assert {name for name, _ in asked} == set(KERNELS)
    assert not any(is_training for _, is_training in asked)
    linear(x, weight.requires_grad_())
    assert any(is_training for _, is_training in asked)
    assert len(json.loads((tmp_path / "cache" / "linear.json").read_text())) == 2
    asked.clear()
    linear(x, weight)
    assert asked == []
    module._fastest.cache_clear()  # another program
    _pretend(monkeypatch, dict.fromkeys(KERNELS, 0.0))
    ran.clear()
    linear(x, weight)
    assert ran == ["inner_product"]


@pytest.mark.usefixtures("_wide")
def test_a_small_gain_is_not_worth_a_departure_from_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _pretend(monkeypatch, {"default": 1.0, "convolution": 0.97, "inner_product": 0.96})
    assert module._fastest(tmp_path / "memory.json", 1, True) == "default"


@pytest.mark.usefixtures("_wide")
def test_measuring_leaves_random_numbers_and_gradients_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MEASURED", (8, 16, 16))
    x, weight = torch.ones(3, 8), torch.ones(4, 8, requires_grad=True)
    state = torch.get_rng_state()
    linear(x, weight).sum().backward()
    with torch.inference_mode():
        linear(x, weight)
    assert torch.equal(torch.get_rng_state(), state)
    torch.testing.assert_close(weight.grad, torch.full((4, 8), 3.0))


@pytest.mark.usefixtures("_wide")
@pytest.mark.parametrize("case", ["small", "double", "narrow", "autocast"])
def test_where_there_is_no_choice_nothing_is_measured(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_fastest", lambda *_: pytest.fail("measured"))
    x, weight = torch.randn(5, 8), torch.randn(6, 8)
    if case == "small":
        monkeypatch.setattr(module, "_LEAST_PRODUCTS", 5 * 6 * 8 + 1)
    elif case == "narrow":
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    elif case == "double":
        x, weight = x.double(), weight.double()
    with torch.autocast("cpu", torch.bfloat16, enabled=case == "autocast"):
        y = linear(x, weight)
    assert y.dtype == {"autocast": torch.bfloat16, "double": torch.float64}.get(case, torch.float32)


def test_a_layer_is_that_of_torch_by_name_and_value() -> None:
    torch.manual_seed(0)
    theirs, ours = nn.Linear(8, 6), Linear(8, 6)
    ours.load_state_dict(theirs.state_dict())
    assert list(ours.state_dict()) == list(theirs.state_dict())
    x = torch.randn(2, 3, 8)
    torch.testing.assert_close(ours(x), theirs(x))
