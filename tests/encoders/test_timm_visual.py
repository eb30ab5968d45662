from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from checks import (
    check_batch_independence,
    check_bfloat16,
    check_compiles,
    check_gradients,
    check_rebuilds,
)
from PIL import Image
from safetensors.torch import save_file
from timm.data import create_transform, resolve_model_data_config

from vidkit.encoders.visual import TimmVisual
from vidkit.encoders.visual.pixels import Exact, ShorterSide, normalise
from vidkit.encoders.visual.timm_visual import timm_network, timm_pixels

SMALL = "test_resnet.r160_in1k"  # a network of timm's own tests, half a million weights


def _clips(num_clips: int = 3, height: int = 240, width: int = 320) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = (num_clips, 1, height, width, 3)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


def _with_head(model: str) -> Any:
    torch.manual_seed(2)
    return timm.create_model(model, pretrained=False).eval()


@pytest.mark.parametrize(
    "model", [SMALL, "resnet50.tv2_in1k", "vit_tiny_patch16_224.augreg_in21k_ft_in1k", "test_vit3.r160_in1k"]
)
def test_prepares_pictures_as_timm_does(model: str) -> None:
    """Pillow's bicubic and torch's differ by a grey level here and there, on pure noise by two."""
    net = timm_network(model, owner="test")
    recipe = timm_pixels(net)
    clips = _clips(1)
    transform = create_transform(**resolve_model_data_config(net), is_training=False)
    expected = transform(Image.fromarray(clips[0, 0].numpy()))
    encoder = TimmVisual(model=model)
    got = normalise(encoder.preprocess(clips), encoder.pixels)[0, 0, 0]
    assert got.shape == expected.shape
    difference = (got - expected).abs() * 255 * min(recipe.std)
    assert difference.max() < 2.01
    assert difference.mean() < 0.02


def test_squashing_and_odd_preprocessing_are_told_apart() -> None:
    net = timm_network(SMALL, owner="test")
    assert timm_pixels(net).resize == ShorterSide(168)  # 160 / 0.95
    net.pretrained_cfg = {**net.pretrained_cfg, "crop_mode": "squash", "crop_pct": 1.0}
    assert timm_pixels(net).resize == Exact(160, 160)
    net.pretrained_cfg = {**net.pretrained_cfg, "crop_mode": "border"}
    with pytest.raises(ValueError, match=r"test_resnet reads 160 x 160 .* crops by 'border'"):
        timm_pixels(net)


@pytest.mark.parametrize("model", [SMALL, "mobilenetv3_small_050.lamb_in1k", "test_vit.r160_in1k"])
def test_gives_what_timm_pools(model: str, tmp_path: Path) -> None:
    net = _with_head(model)
    save_file(net.state_dict(), tmp_path / "model.safetensors")
    encoder = TimmVisual(model=model, weights=str(tmp_path / "model.safetensors"))
    pixels = encoder.preprocess(_clips(2))
    with torch.no_grad():
        pictures = normalise(pixels, encoder.pixels)[:, 0, 0]
        expected = net.forward_head(net.forward_features(pictures), pre_logits=True)
        features = encoder.encode(pixels)
    assert encoder.dim == features.shape[1]
    torch.testing.assert_close(features, expected, rtol=0, atol=0)


@pytest.mark.parametrize("wrap", ["state_dict", "folder", "module."])
def test_files_and_folders_load(wrap: str, tmp_path: Path) -> None:
    net = _with_head(SMALL)
    path = tmp_path / "pytorch_model.bin"
    state: dict[str, Any] = dict(net.state_dict())
    if wrap == "module.":
        state = {f"module.{name}": value for name, value in state.items()}
    torch.save({"state_dict": state, "epoch": 1} if wrap == "state_dict" else state, path)
    encoder = TimmVisual(model=SMALL, weights=str(tmp_path if wrap == "folder" else path))
    assert torch.equal(encoder.model.conv1[0].weight, net.conv1[0].weight)


def test_resnet_50_has_the_parameters_of_torchvision_without_the_classifier() -> None:
    from torchvision.models import resnet50

    with torch.device("meta"):
        reference = resnet50()
        net = timm.create_model("resnet50", num_classes=0)
    own, fc = sum(p.numel() for p in net.parameters()), 2048 * 1000 + 1000
    assert own == sum(p.numel() for p in reference.parameters()) - fc == 23_508_032


def test_the_tag_is_told_since_it_decides_on_the_preprocessing() -> None:
    assert TimmVisual(model="test_resnet").arguments() == {"model": SMALL, "recipe": "middle"}


def test_keeps_to_what_every_encoder_does() -> None:
    encoder = TimmVisual(model=SMALL, recipe="video_features")
    clips = _clips(3, 100, 130)
    check_gradients(encoder, clips)
    check_bfloat16(encoder, clips)
    check_compiles(encoder, clips)
    check_rebuilds(encoder)
    check_batch_independence(encoder, clips)


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    torch.save(_with_head("test_vit.r160_in1k").state_dict(), tmp_path / "vit.pth")
    with pytest.raises(ValueError, match="looks like weights of timm ViT and does not fit"):
        TimmVisual(model=SMALL, weights=str(tmp_path / "vit.pth"))
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"of no scheme we know \(a\) and does not fit TimmVisual"):
        TimmVisual(model=SMALL, weights=str(tmp_path / "other.pth"))


@pytest.mark.parametrize("weights", ["timm/test_resnet.r160_in1k", "r160_in1k"])
def test_offline_names_what_it_looked_for(
    weights: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VIDKIT_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"timm/test_resnet\.r160_in1k is neither a file"):
        TimmVisual(model=SMALL, weights=weights)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="timm has no network 'resnet51'; did you mean 'resnet51q'"):
        TimmVisual(model="resnet51")
    with pytest.raises(ValueError, match=r"no weights 'x' of test_resnet; known: test_resnet\.r160"):
        TimmVisual(model="test_resnet.x")
    with pytest.raises(ValueError, match="unknown recipe of TimmVisual: 'hero'"):
        TimmVisual(model=SMALL, recipe="hero")
