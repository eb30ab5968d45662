from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
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
from torchvision import transforms

from vidkit.encoders.visual import Swin
from vidkit.encoders.visual.pixels import IMAGENET_MEAN, IMAGENET_STD, normalise
from vidkit.encoders.visual.swin import RECIPES, VARIANTS

State = dict[str, torch.Tensor]


def _clips(num_clips: int = 2, height: int = 240, width: int = 320) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = (num_clips, 1, height, width, 3)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


@pytest.fixture(scope="module")
def reference() -> Any:
    """Swin-T of timm with its classifier."""
    torch.manual_seed(3)
    return timm.create_model(VARIANTS["T"], pretrained=False).eval()


def _official_names(net: Any) -> State:
    """The weights as microsoft/Swin-Transformer names them: a stage shrinks at its end, the head is bare."""
    state = {}
    for name, value in net.state_dict().items():
        name = re.sub(r"layers\.(\d)\.downsample", lambda m: f"layers.{int(m[1]) - 1}.downsample", name)
        state[name.replace("head.fc.", "head.")] = value
    for name in [name for name in state if name.endswith("relative_position_bias_table")]:
        index = name.replace("relative_position_bias_table", "relative_position_index")
        state[index] = torch.zeros(49, 49, dtype=torch.int64)
    state["layers.0.blocks.1.attn_mask"] = torch.zeros(64, 49, 49)
    return state


@pytest.mark.parametrize("kind", ["official", "timm", "timm folder", "timm without head"])
def test_weights_give_the_features_of_timm(kind: str, reference: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    if kind == "official":
        path = tmp_path / "swin_tiny_patch4_window7_224.pth"
        torch.save({"model": _official_names(reference)}, path)
    else:
        state = reference.state_dict()
        if kind == "timm without head":
            state = {name: value for name, value in state.items() if not name.startswith("head.")}
        save_file(state, path)
    encoder = Swin(variant="T", weights=str(tmp_path if kind == "timm folder" else path))
    pixels = encoder.preprocess(_clips())
    with torch.no_grad():
        tokens = reference.forward_features(normalise(pixels, encoder.pixels)[:, 0, 0])
        features = encoder.encode(pixels)
    assert tokens.shape == (2, 7, 7, 768)
    torch.testing.assert_close(features, tokens.mean((1, 2)), rtol=0, atol=1e-6)
    pooled = reference.forward_head(tokens, pre_logits=True)
    torch.testing.assert_close(features, pooled, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("variant", "millions", "dim"),
    # Table 1 of the paper, with the classifier of 1000 classes.
    [("T", 28.3, 768), ("S", 49.6, 768), ("B", 87.8, 1024), ("L", 196.5, 1536)],
)
def test_variants_have_the_sizes_of_the_paper(variant: str, millions: float, dim: int) -> None:
    with torch.device("meta"):
        net = timm.create_model(VARIANTS[variant], num_classes=0)
    num_parameters = sum(p.numel() for p in net.parameters()) + 1000 * (dim + 1)
    assert num_parameters == pytest.approx(millions * 1e6, abs=0.06e6)
    assert net.num_features == dim


_INTERPOLATION = transforms.InterpolationMode.BICUBIC
TRANSFORMS = {
    "official": [transforms.Resize(256, _INTERPOLATION), transforms.CenterCrop(224)],
    "rasl": [transforms.Resize(256, _INTERPOLATION), transforms.CenterCrop(224)],
    "timm": [transforms.Resize(248, _INTERPOLATION), transforms.CenterCrop(224)],
    "hf": [transforms.Resize((224, 224), _INTERPOLATION)],
}


@pytest.mark.parametrize("recipe", list(RECIPES))
def test_recipes_prepare_pictures_as_published(recipe: str) -> None:
    clips = _clips(1, 300, 411)
    end = [transforms.ToTensor(), transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD)]
    expected = transforms.Compose([*TRANSFORMS[recipe], *end])(Image.fromarray(clips[0, 0].numpy()))
    encoder = Swin(variant="T", recipe=recipe)
    got = normalise(encoder.preprocess(clips), encoder.pixels)[0, 0, 0]
    difference = (got - expected).abs() * 255 * min(IMAGENET_STD)
    assert difference.max() < 2.01  # pure noise: twice a grey level
    assert difference.mean() < 0.02


def test_the_timm_recipe_is_that_of_timm() -> None:
    from timm.data import create_transform, resolve_model_data_config

    net = timm.create_model(VARIANTS["B"] + ".ms_in1k", pretrained=False, num_classes=0)
    clips = _clips(1, 300, 411)
    transform = create_transform(**resolve_model_data_config(net), is_training=False)
    expected = transform(Image.fromarray(clips[0, 0].numpy()))
    encoder = Swin(variant="T", recipe="timm")
    got = normalise(encoder.preprocess(clips), encoder.pixels)[0, 0, 0]
    assert (got - expected).abs().max() * 255 * min(IMAGENET_STD) < 2.01


def test_rasl_reads_a_frame_at_0_and_every_fifth_of_a_second() -> None:
    middles = (np.arange(150) + 0.5) * 0.2
    times = RECIPES["rasl"].frames.frame_times(middles, clip_seconds=0.2, source_fps=30.0)
    np.testing.assert_allclose(times[:, 0], 0.2 * np.arange(150), atol=1e-9)


def test_the_default_is_b_with_1024_channels() -> None:
    encoder = Swin()
    with torch.inference_mode():
        assert encoder(_clips(1)).shape == (1, 1024)
    assert encoder.arguments() == {"variant": "B", "recipe": "official"}
    assert encoder.store_name == "Swin"


def test_keeps_to_what_every_encoder_does() -> None:
    encoder = Swin(variant="T", recipe="rasl")
    clips = _clips(2, 100, 130)
    check_gradients(encoder, clips[:1])
    check_bfloat16(encoder, clips[:1])
    check_rebuilds(encoder)
    check_batch_independence(encoder, clips)


@pytest.mark.slow
def test_compiles() -> None:
    check_compiles(Swin(variant="T"), _clips(1, 256, 256))


def test_weights_that_do_not_fit_are_refused(reference: Any, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"model": _official_names(reference)}, path)
    with pytest.raises(ValueError, match=r"looks like weights of Swin and does not fit Swin S: .*missing"):
        Swin(variant="S", weights=str(path))
    for names, scheme in [
        (["features.1.0.attn.qkv.weight"], "torchvision Swin"),
        (["swin.encoder.layers.0.blocks.0.attention.self.query.weight"], "Hugging Face Swin"),
        (["layer1.0.conv1.weight", "bn1.weight"], "torchvision ResNet"),
    ]:
        torch.save({name: torch.zeros(1) for name in names}, path)
        with pytest.raises(ValueError, match=f"looks like weights of {scheme}; Swin T loads: Swin"):
            Swin(variant="T", weights=str(path))


def test_offline_says_which_file_to_get(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIDKIT_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"download the file swin_tiny_patch4_window7_224\.pth"):
        Swin(variant="T", weights="ms_in1k")


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown variant of Swin: 'M'"):
        Swin(variant="M")
    with pytest.raises(ValueError, match="unknown recipe of Swin: 'squash'; known: official, timm, hf, rasl"):
        Swin(recipe="squash")
