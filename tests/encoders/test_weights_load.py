"""A file of weights into a module: by a scheme, by its own names, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from vidkit.encoders import CNN14, LogMelAudio
from vidkit.encoders.weights import fixed_random, load_into, source_of_weights
from vidkit.encoders.weights.load import Converter

State = dict[str, Tensor]


class Net(nn.Module):
    """A module with names of its own, which the scheme "torchvision ResNet" is mapped to."""

    def __init__(self, width: int = 3) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)


class Model(nn.Module):
    """A trained model with two encoders inside."""

    def __init__(self) -> None:
        super().__init__()
        self.visual_encoder = Net()
        self.audio = nn.ModuleDict({"encoder": Net()})
        self.head = nn.Linear(3, 1)


def _from_torchvision(state: State) -> State:
    names = {name: name.replace("conv1", "stem").replace("bn1", "norm") for name in state}
    return {names[name]: value for name, value in state.items() if not name.startswith(("fc.", "layer1."))}


CONVERTERS: dict[str, Converter] = {"torchvision ResNet": _from_torchvision}


def _torchvision(width: int = 3) -> State:
    net = nn.ModuleDict({"conv1": nn.Conv2d(3, width, 1, bias=False), "bn1": nn.BatchNorm2d(width)})
    state = {name: torch.rand_like(value.float()) for name, value in net.state_dict().items()}
    return {**state, "layer1.0.conv1.weight": torch.ones(1), "fc.weight": torch.ones(2, 2)}


def _saved(state: object, path: Path) -> Path:
    torch.save(state, path)
    return path


def _load(net: nn.Module, weights: str | Path) -> None:
    load_into(net, weights, converters=CONVERTERS, owner="Net")


def _assert_equal(net: nn.Module, state: State) -> None:
    for name, value in net.state_dict().items():
        torch.testing.assert_close(value, state[name], rtol=0, atol=0)


def test_a_scheme_loads_through_its_converter_and_without_the_classifier(tmp_path: Path) -> None:
    state, net = _torchvision(), Net()
    _load(net, _saved(state, tmp_path / "resnet.pth"))
    torch.testing.assert_close(net.stem.weight.data, state["conv1.weight"])
    torch.testing.assert_close(net.norm.running_var, state["bn1.running_var"])


def test_half_weights_become_those_of_the_module(tmp_path: Path) -> None:
    state = {name: value.half() for name, value in _torchvision().items()}
    net = Net()
    _load(net, _saved(state, tmp_path / "resnet.pth"))
    assert net.stem.weight.dtype == torch.float32
    torch.testing.assert_close(net.stem.weight.data, state["conv1.weight"].float(), rtol=0, atol=0)


def test_a_file_without_the_counters_of_batch_norm_loads(tmp_path: Path) -> None:
    state = {name: value for name, value in _torchvision().items() if "num_batches" not in name}
    net = Net()
    _load(net, _saved(state, tmp_path / "resnet.pth"))
    torch.testing.assert_close(net.norm.weight.data, state["bn1.weight"])


def test_its_own_weights_load_back(tmp_path: Path) -> None:
    other, net = Net(), Net()
    _load(net, _saved(other.state_dict(), tmp_path / "own.pth"))
    _assert_equal(net, other.state_dict())


def test_an_encoder_of_a_trained_model_loads_by_its_prefix(tmp_path: Path) -> None:
    model, net = Model(), Net()
    path = _saved({"meta": {"epoch": 1}, "state_dict": model.state_dict()}, tmp_path / "model.pth")
    _load(net, f"{path}#audio.encoder")
    _assert_equal(net, model.audio["encoder"].state_dict())
    _load(net, f"{path}#visual_encoder.")
    _assert_equal(net, model.visual_encoder.state_dict())


def test_the_only_prefix_that_fits_needs_no_name(tmp_path: Path) -> None:
    model, net = Model(), Net()
    del model.audio
    _load(net, _saved(model.state_dict(), tmp_path / "model.pth"))
    _assert_equal(net, model.visual_encoder.state_dict())


def test_several_prefixes_that_fit_are_named(tmp_path: Path) -> None:
    path = _saved(Model().state_dict(), tmp_path / "model.pth")
    with pytest.raises(
        ValueError, match=r"several that fit: visual_encoder, audio.encoder; say which: .*#visual_enc"
    ):
        _load(Net(), path)


def test_a_prefix_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    path = _saved(Model().state_dict(), tmp_path / "model.pth")
    with pytest.raises(
        ValueError, match=r"no whole Net under 'text'; it has one under: visual_encoder, audio\.enc"
    ):
        _load(Net(), f"{path}#text")
    empty = _saved({"a.b": torch.ones(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match="no whole Net under 'text'; it has one under: no prefix"):
        _load(Net(), f"{empty}#text")


def test_a_file_whose_own_name_has_the_sign_of_a_prefix_loads(tmp_path: Path) -> None:
    other, net = Net(), Net()
    _load(net, _saved(other.state_dict(), tmp_path / "run#3.pth"))
    _assert_equal(net, other.state_dict())
    model = Model()
    path = _saved(model.state_dict(), tmp_path / "model#3.pth")
    _load(net, f"{path}#audio.encoder")
    _assert_equal(net, model.audio["encoder"].state_dict())


def test_another_scheme_is_refused_by_its_name(tmp_path: Path) -> None:
    swin = {"layers.0.blocks.0.attn.qkv.weight": torch.ones(1), "patch_embed.proj.weight": torch.ones(1)}
    path = _saved(swin, tmp_path / "swin.pth")
    with pytest.raises(ValueError, match="looks like weights of Swin; Net loads: torchvision ResNet"):
        _load(Net(), path)


def test_names_of_no_scheme_are_shown(tmp_path: Path) -> None:
    path = _saved({name: torch.ones(1) for name in "abcd"}, tmp_path / "odd.pth")
    with pytest.raises(
        ValueError, match=r"is of no scheme we know \(a, b, c, ...\); Net loads: torchvision Res"
    ):
        _load(Net(), path)


def test_another_size_is_refused_and_nothing_is_loaded(tmp_path: Path) -> None:
    net = Net()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    path = _saved(_torchvision(width=5), tmp_path / "wide.pth")
    with pytest.raises(ValueError, match=r"does not fit Net: .* of another shape: .* is it of another size"):
        _load(net, path)
    _assert_equal(net, before)


def test_missing_and_left_over_weights_are_named(tmp_path: Path) -> None:
    state = _torchvision()
    state["avgpool.extra"] = state.pop("bn1.running_var")
    path = _saved(state, tmp_path / "odd.pth")
    expected = (
        r"looks like weights of torchvision ResNet and does not fit Net: 1 missing: norm.running_var; 1 unexp"
    )
    with pytest.raises(ValueError, match=expected):
        _load(Net(), path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no weights at .*none\.pth"):
        _load(Net(), tmp_path / "none.pth")
    with pytest.raises(FileNotFoundError, match="no weights at org/model; give the file of a checkpoint"):
        _load(Net(), "org/model")


def test_the_same_name_draws_the_same_weights_and_leaves_torchs_generator_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    drawn = []
    for name in ("CNN14", "CNN14", "TSN"):
        with fixed_random(name):
            drawn.append(torch.rand(3))
    torch.testing.assert_close(torch.rand(2), expected)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_where_weights_came_from_is_known(tmp_path: Path) -> None:
    file = tmp_path / "own.pth"
    torch.save(CNN14().state_dict(), file)
    assert source_of_weights(CNN14()) == "random"
    assert source_of_weights(CNN14(weights=str(file))) == str(file)
    assert source_of_weights(LogMelAudio()) is None
