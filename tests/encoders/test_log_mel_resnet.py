from __future__ import annotations

from pathlib import Path

import pytest
import torch
from checks import (
    check_batch_independence,
    check_bfloat16,
    check_compiles,
    check_gradients,
    check_rebuilds,
)
from torch import Tensor, nn
from torchvision.models import resnet18

from vidkit.encoders import AudioRecipe, LogMelResNet
from vidkit.encoders.audio.front_ends import Mmaction2LogMel, UsvLogMel

State = dict[str, Tensor]


def _sound(num_clips: int = 2, num_samples: int = 32000) -> Tensor:
    return torch.randn(num_clips, num_samples, generator=torch.Generator().manual_seed(1)) * 0.1


def _torchvision(in_channels: int, seed: int = 0) -> nn.Module:
    """torchvision's ResNet-18 with random weights and statistics, in front of its classifier."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = resnet18()
        network.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                nn.init.uniform_(layer.running_mean, -0.1, 0.1)
                nn.init.uniform_(layer.running_var, 0.5, 2)
                nn.init.uniform_(layer.weight, 0.5, 1.5)
    return network.eval()


def _vectors(network: nn.Module, pictures: Tensor) -> Tensor:
    network.fc = nn.Identity()
    with torch.inference_mode():
        return network(pictures)


def _mmaction2_names(state: State) -> State:
    """The names of mmaction2 (spec): every conv and its norm in one module, the classifier in a head."""
    renamed = {}
    for name, value in state.items():
        for i in (1, 2):
            name = name.replace(f"conv{i}.", f"conv{i}.conv.").replace(f"bn{i}.", f"conv{i}.bn.")
        name = name.replace("downsample.0.", "downsample.conv.").replace("downsample.1.", "downsample.bn.")
        is_head = name.startswith("fc.")
        renamed[name.replace("fc.", "cls_head.fc_cls.") if is_head else f"backbone.{name}"] = value
    return renamed


def _save(path: Path, state: State) -> str:
    torch.save({"meta": {}, "state_dict": state}, path)
    return str(path)


@pytest.fixture(scope="module")
def encoder() -> LogMelResNet:
    return LogMelResNet().eval()


def test_has_the_parameters_of_a_resnet18_with_one_input_channel(encoder: LogMelResNet) -> None:
    classifier, two_colours = 512 * 1000 + 1000, 64 * 2 * 7 * 7
    imagenet = 11_689_512  # torchvision's documentation
    assert sum(p.numel() for p in encoder.parameters()) == imagenet - classifier - two_colours


@pytest.mark.parametrize(
    ("recipe", "seconds", "shape"),
    [
        ("usv_train", 2.0, (2, 1, 80, 128)),
        ("usv_test", 2.0, (2, 1, 80, 128)),
        ("mmaction2", 64 / 30, (2, 1, 128, 80)),
    ],
)
def test_makes_the_picture_of_the_recipe(recipe: str, seconds: float, shape: tuple[int, ...]) -> None:
    built = LogMelResNet(recipe=recipe)
    assert built.recipe == AudioRecipe(sample_rate_hz=16000, window_seconds=seconds)
    assert built.preprocess(_sound(2, built.recipe.num_samples)).shape == shape


def test_pictures_are_padded_with_zeros_at_the_end_and_cut_there(encoder: LogMelResNet) -> None:
    picture = encoder.preprocess(_sound())[:, 0]
    torch.testing.assert_close(picture[..., :126], UsvLogMel()(_sound()).transpose(1, 2))
    assert picture[..., 126:].count_nonzero() == 0
    long = _sound(num_samples=40000)
    torch.testing.assert_close(encoder.preprocess(long)[:, 0], UsvLogMel()(long)[:, :128].transpose(1, 2))
    mmaction2 = LogMelResNet(recipe="mmaction2")
    torch.testing.assert_close(mmaction2.preprocess(long)[:, 0], Mmaction2LogMel()(long)[:, :128])


def test_weights_of_torchvision_see_sound_as_a_grey_picture(tmp_path: Path) -> None:
    network = _torchvision(3)
    file = _save(tmp_path / "resnet18.pth", network.state_dict())
    for recipe in ("usv_test", "mmaction2"):
        loaded = LogMelResNet(recipe=recipe, weights=file).eval()
        pictures = loaded.preprocess(_sound())
        with torch.inference_mode():
            got = loaded.encode(pictures)
        torch.testing.assert_close(
            got, _vectors(network, pictures.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-5
        )


def test_weights_of_mmaction2_have_time_as_height(tmp_path: Path) -> None:
    network = _torchvision(1)
    file = _save(tmp_path / "audio.pth", _mmaction2_names(network.state_dict()))
    upright = LogMelResNet(recipe="mmaction2", weights=file).eval()
    lying = LogMelResNet(recipe="usv_test", weights=file).eval()
    pictures = upright.preprocess(_sound())
    expected = _vectors(network, pictures)
    with torch.inference_mode():
        torch.testing.assert_close(upright.encode(pictures), expected, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(lying.encode(pictures.transpose(2, 3)), expected, rtol=1e-4, atol=1e-5)
        assert (lying.encode(pictures) - expected).abs().max() > 1e-2


def test_weights_of_vidkit_itself_are_taken_as_they_are(encoder: LogMelResNet, tmp_path: Path) -> None:
    state = {name: value + 1 for name, value in encoder.state_dict().items()}
    file = _save(tmp_path / "own.pth", state)
    torch.testing.assert_close(LogMelResNet(weights=file).state_dict(), state)
    inside = {f"audio_encoder.{name}": value for name, value in state.items()}
    file = _save(tmp_path / "epoch_1.pth", {**inside, "head.weight": torch.zeros(3)})
    torch.testing.assert_close(LogMelResNet(weights=f"{file}#audio_encoder").state_dict(), state)


def test_a_network_of_pictures_by_mmaction2_is_refused(tmp_path: Path) -> None:
    file = _save(tmp_path / "tsn.pth", _mmaction2_names(_torchvision(3).state_dict()))
    with pytest.raises(
        ValueError, match="weights of mmaction2 ResNet read pictures of 3 channels, not sound"
    ):
        LogMelResNet(weights=file)


def test_weights_of_another_scheme_or_size_are_refused(tmp_path: Path) -> None:
    panns = {"conv_block1.conv1.weight": torch.zeros(1), "bn0.weight": torch.zeros(1)}
    file = _save(tmp_path / "panns.pth", panns)
    with pytest.raises(
        ValueError, match="looks like weights of PANNs CNN14; LogMelResNet loads: torchvision"
    ):
        LogMelResNet(weights=file)
    state = {name: value for name, value in _torchvision(3).state_dict().items() if "layer4" not in name}
    file = _save(tmp_path / "small.pth", state)
    with pytest.raises(
        ValueError, match=r"weights of torchvision ResNet and does not fit LogMelResNet: .*layer4"
    ):
        LogMelResNet(weights=file)


def test_a_missing_file_says_what_to_download() -> None:
    with pytest.raises(FileNotFoundError, match=r"download the file resnet18-f37072fd\.pth"):
        LogMelResNet(weights="imagenet")


def test_unknown_recipes_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"unknown recipe of LogMelResNet: 'usv'.* known: usv_train, usv_test"
    ):
        LogMelResNet(recipe="usv")


def test_waveforms_that_are_too_short_are_refused(encoder: LogMelResNet) -> None:
    assert encoder(_sound(1, 641)).shape == (1, 512)
    with pytest.raises(ValueError, match="LogMelResNet needs at least 641 samples"):
        encoder(_sound(1, 640))


def test_a_clip_does_not_depend_on_its_batch(encoder: LogMelResNet) -> None:
    check_batch_independence(encoder, _sound())


def test_every_parameter_gets_a_gradient(encoder: LogMelResNet) -> None:
    check_gradients(encoder, _sound(1))


def test_bfloat16_agrees_with_float32(encoder: LogMelResNet) -> None:
    check_bfloat16(encoder, _sound(), cosine=0.999)


def test_compiles(encoder: LogMelResNet) -> None:
    check_compiles(encoder, _sound(1))


@pytest.mark.parametrize("recipe", ["usv_train", "usv_test", "mmaction2"])
def test_is_rebuilt_from_its_arguments(recipe: str) -> None:
    check_rebuilds(LogMelResNet(recipe=recipe))
