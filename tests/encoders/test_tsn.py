from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checks import (
    check_batch_independence,
    check_bfloat16,
    check_compiles,
    check_gradients,
    check_rebuilds,
)
from torch import nn
from torchvision.models import resnet50

from vidkit.encoders.visual import TSN
from vidkit.encoders.visual.pixels import normalise
from vidkit.encoders.visual.resnet_names import mmaction2_resnet, tsn_pytorch_resnet
from vidkit.encoders.visual.tsn import RECIPES

State = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def reference() -> nn.Module:
    """ResNet-50 of torchvision with running means that are not those of a fresh one."""
    torch.manual_seed(4)
    net = resnet50()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean = 0.1 * torch.randn(module.num_features)
            module.running_var = 0.5 + torch.rand(module.num_features)
    return net.eval()


def _clips(num_clips: int, num_frames: int, height: int = 64, width: int = 80) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = (num_clips, num_frames, height, width, 3)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


def _pooled(net: nn.Module, pictures: torch.Tensor) -> torch.Tensor:
    """(B, 3, h, w) -> (B, 2048), layer by layer as in torchvision's forward."""
    layers: Any = net
    with torch.no_grad():
        x = layers.maxpool(layers.relu(layers.bn1(layers.conv1(pictures))))
        for layer in (layers.layer1, layers.layer2, layers.layer3, layers.layer4):
            x = layer(x)
    return x.mean((2, 3))


def _mmaction2(state: State, *, level: str = "") -> State:
    """torchvision's names -> those of mmaction2's ConvModule; ``level`` is what temporal shift adds."""
    named = {}
    for name, value in state.items():
        parts = name.split(".")
        if parts[0] == "fc":
            named[f"cls_head.fc_cls.{parts[1]}"] = value
            continue
        owner, last = parts[:-1], parts[-1]
        if owner[-2:] == ["downsample", "0"]:
            owner = [*owner[:-1], "conv"]
        elif owner[-2:] == ["downsample", "1"]:
            owner = [*owner[:-1], "bn"]
        elif owner[-1].startswith("bn"):
            owner = [*owner[:-1], "conv" + owner[-1][2:], "bn"]
        elif owner[-1] == "conv1" and len(owner) > 1 and level:
            owner = [*owner, "conv", level]
        else:
            owner = [*owner, "conv"]
        named[".".join(["backbone", *owner, last])] = value
    return named


def _tsn_pytorch(state: State) -> State:
    return {
        f"module.new_fc.{name[3:]}" if name.startswith("fc.") else f"module.base_model.{name}": value
        for name, value in state.items()
    }


def _old_mmaction(state: State) -> State:
    return {
        f"cls_head.fc_cls.{name[3:]}" if name.startswith("fc.") else f"backbone.{name}": value
        for name, value in state.items()
    }


CONTAINERS: dict[str, Callable[[State], Any]] = {
    "torchvision": lambda state: state,
    "timm without head": lambda state: {n: v for n, v in state.items() if not n.startswith("fc.")},
    "mmaction2": lambda state: {"meta": {"epoch": 1}, "state_dict": _mmaction2(state)},
    "mmcls backbone": lambda state: {
        n.removeprefix("backbone."): v for n, v in _mmaction2(state).items() if n.startswith("backbone.")
    },
    "tsn-pytorch": lambda state: {"epoch": 2, "state_dict": _tsn_pytorch(state)},
    "mmaction 0.x": lambda state: {"state_dict": _old_mmaction(state)},
    "without counters": lambda state: {n: v for n, v in state.items() if "num_batches" not in n},
}


@pytest.mark.parametrize("kind", list(CONTAINERS))
def test_weights_of_every_tool_give_the_features_of_torchvision(
    kind: str, reference: nn.Module, tmp_path: Path
) -> None:
    torch.save(CONTAINERS[kind](reference.state_dict()), tmp_path / "weights.pth")
    encoder = TSN(weights=str(tmp_path / "weights.pth"), num_segments=1)
    pixels = encoder.preprocess(_clips(1, 1))
    with torch.no_grad():
        features = encoder.encode(pixels)
    expected = _pooled(reference, normalise(pixels, encoder.pixels)[:, 0, 0])
    torch.testing.assert_close(features, expected, rtol=1e-5, atol=1e-5)


def test_names_are_mapped_one_to_one(reference: nn.Module) -> None:
    state = reference.state_dict()
    bare = {name for name in state if not name.startswith("fc.")}
    assert len(state) == 320
    assert mmaction2_resnet(_mmaction2(state)).keys() == bare
    assert mmaction2_resnet(_mmaction2(state, level="net")).keys() == bare
    tsn = {name.removeprefix("module."): value for name, value in _tsn_pytorch(state).items()}
    assert tsn_pytorch_resnet(tsn).keys() == bare
    shifted = {
        name.replace(".conv1.weight", ".conv1.net.weight") if ".layer" in name else name: value
        for name, value in tsn.items()
    }
    assert tsn_pytorch_resnet(shifted).keys() == bare
    for name, value in mmaction2_resnet(_mmaction2(state)).items():
        assert value is state[name]


def test_has_2048_channels_and_the_parameters_of_resnet_50_without_classifier() -> None:
    encoder = TSN()
    assert encoder.dim == 2048
    assert sum(p.numel() for p in encoder.parameters()) == 25_557_032 - 2_049_000  # torchvision's, its fc
    assert encoder.store_name == "TSN"


def test_features_are_averaged_over_segments_and_crops() -> None:
    encoder = TSN(backbone="test_resnet", recipe="mmaction2_test", num_segments=3)
    clips = _clips(2, 3, 70, 90)
    pixels = encoder.preprocess(clips)
    assert pixels.shape == (2, 10, 3, 3, 224, 224)
    with torch.no_grad():
        each = encoder.features(normalise(pixels.flatten(0, 2), encoder.pixels))
        torch.testing.assert_close(encoder(clips), each.view(2, 30, -1).mean(1), rtol=1e-4, atol=1e-5)


def test_many_pictures_are_encoded_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = TSN(backbone="test_resnet", num_segments=3)
    clips = _clips(2, 3)
    with torch.no_grad():
        whole = encoder(clips)
        monkeypatch.setattr("vidkit.encoders.visual.pictures._PICTURES_AT_ONCE", 4)
        torch.testing.assert_close(encoder(clips), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("recipe", "num_frames", "num_views", "size"),
    [
        ("mmaction2", 8, 1, 224),
        ("mmaction2_test", 25, 10, 224),
        ("usv_train", 8, 1, 224),
        ("usv_test", 24, 10, 256),
        ("tsn_pytorch", 25, 10, 224),
        ("tsn_caffe", 25, 10, 224),
    ],
)
def test_recipes_read_so_many_frames_and_crops(
    recipe: str, num_frames: int, num_views: int, size: int
) -> None:
    chosen = RECIPES[recipe]
    times = chosen.frames.frame_times(np.array([5.0]), clip_seconds=10.0, source_fps=25.0)
    segments = [int((i + 0.5) * 250 / num_frames) for i in range(num_frames)]
    assert np.floor(times[0] * 25).astype(int).tolist() == segments
    assert chosen.pixels.num_views == num_views
    assert chosen.pixels.crop_size == (size, size)


def test_networks_of_caffe_read_blue_first_in_grey_levels() -> None:
    encoder = TSN(backbone="test_resnet", recipe="tsn_caffe", num_segments=1)
    frames = torch.tensor([10, 20, 30], dtype=torch.uint8).expand(1, 1, 256, 256, 3)
    pictures = normalise(encoder.preprocess(frames), encoder.pixels)[0, 0, 0]
    expected = torch.tensor([30 - 104.0, 20 - 117.0, 10 - 128.0])
    torch.testing.assert_close(pictures[:, 0, 0], expected, rtol=0, atol=1e-4)


def test_keeps_to_what_every_encoder_does() -> None:
    encoder = TSN(backbone="test_resnet", num_segments=2)
    clips = _clips(3, 2)
    check_gradients(encoder, clips)
    check_bfloat16(encoder, clips)
    check_compiles(encoder, clips)
    check_rebuilds(encoder)
    check_batch_independence(encoder, clips)


def test_other_backbones_load_the_files_of_timm(tmp_path: Path) -> None:
    import timm

    torch.manual_seed(5)
    net = timm.create_model("test_vit", pretrained=False)
    torch.save(net.state_dict(), tmp_path / "vit.pth")
    encoder = TSN(backbone="test_vit", weights=str(tmp_path / "vit.pth"))
    assert torch.equal(encoder.backbone.norm.weight, net.norm.weight)
    assert torch.equal(encoder.backbone.cls_token, net.cls_token)


def test_weights_that_do_not_fit_are_refused(reference: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": _mmaction2(reference.state_dict(), level="net")}, path)
    with pytest.raises(ValueError, match=r"looks like weights of mmaction2 TSM; TSN resnet50 loads"):
        TSN(weights=str(path))
    torch.save({"state_dict": _mmaction2(reference.state_dict())}, path)
    with pytest.raises(ValueError, match="weights of mmaction2 ResNet and does not fit TSN resnet18"):
        TSN(backbone="resnet18", weights=str(path))


def test_unknown_names_and_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="num_segments must be at least 1, got 0"):
        TSN(num_segments=0)
    with pytest.raises(ValueError, match=r"unknown recipe of TSN: 'mmaction'.*known: mmaction2"):
        TSN(recipe="mmaction")
    with pytest.raises(ValueError, match="timm has no network 'resnet-50'"):
        TSN(backbone="resnet-50")
