from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from checks import (
    check_batch_independence,
    check_bfloat16,
    check_compiles,
    check_gradients,
    check_rebuilds,
)
from torch import Tensor, nn
from video_references import (
    Weights,
    count_operations,
    mmaction2_r2plus1d,
    pytorchvideo_r2plus1d,
    randomised,
    save,
)

from vidkit.encoders import I3D, R2Plus1D
from vidkit.encoders.visual.resnet3d import spatial_first, temporal_first

CLASSIFIER = 2048 * 400 + 400


def _video(num_frames: int = 8, size: int = 64) -> Tensor:
    return torch.randn(1, 3, num_frames, size, size, generator=torch.Generator().manual_seed(1))


def _clips(num_clips: int, num_frames: int = 16, size: int = 64) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    shape = (num_clips, num_frames, size, size, 3)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


def _small(**arguments: Any) -> R2Plus1D:
    """The network on pictures of 64 x 64, which it takes as they come."""
    encoder = R2Plus1D(**arguments)
    encoder.pixels = replace(encoder.pixels, resize=None, crop_size=(64, 64))
    return encoder


@pytest.mark.parametrize(
    ("variant", "reference", "place"),
    [
        ("pytorchvideo", pytorchvideo_r2plus1d, "model_state"),
        ("mmaction2", mmaction2_r2plus1d, "state_dict"),
    ],
)
def test_is_the_network_of_the_tool(variant: Any, reference: Any, place: str, tmp_path: Path) -> None:
    weights, video = Weights(), _video()
    with torch.inference_mode():
        expected = reference(video, weights)
        encoder = R2Plus1D(variant=variant, weights=save(tmp_path / "a.pth", weights, place)).eval()
        torch.testing.assert_close(encoder.features(video), expected, rtol=1e-4, atol=1e-5)


def test_the_default_has_the_size_that_is_published() -> None:
    """28.11 M with 400 classes, 76.45 G for 16 frames at 256: model zoo of pytorchvideo.

    Its counter gives each value of a norm 5 operations. Over space first it would be 71.5 G.
    """
    network = R2Plus1D().to("meta").eval()
    num_parameters = sum(p.numel() for p in network.parameters()) + CLASSIFIER
    assert round(num_parameters / 1e6, 2) == 28.11
    video = torch.zeros(1, 3, 16, 256, 256, device="meta")
    multiplications, normed = count_operations(network, lambda: network.features(video))
    assert round((multiplications + 2048 * 400 + 5 * normed) / 1e9, 2) == 76.45


def test_mmaction2s_splits_all_its_convolutions() -> None:
    network = R2Plus1D(variant="mmaction2")
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 1) == 50.7
    names = [name for name in network.state_dict() if "num_batches" not in name]
    assert len(names) == 530
    convs = {name: module for name, module in network.named_modules() if isinstance(module, nn.Conv3d)}
    assert all(name.endswith((".spatial", ".temporal")) for name in convs)
    eps = {name.rpartition(".")[2]: module.eps for name, module in network.named_modules() if "bn" in name}
    assert eps == {"bn": 1e-5, "bn1": 1e-3, "bn2": 1e-3, "bn3": 1e-3}


def test_usvs_is_its_i3d_with_only_the_convolutions_over_time_split() -> None:
    i3d = {name: m for name, m in I3D().named_modules() if isinstance(m, nn.Conv3d)}
    split = {name: m for name, m in R2Plus1D(variant="usv").named_modules() if isinstance(m, nn.Conv3d)}
    over_time = {name for name, conv in i3d.items() if conv.kernel_size[0] > 1}
    assert len(over_time) == 1 + 3 + 2 + 3 + 1  # the first, and every second block from the first stage on
    assert split.keys() == (i3d.keys() - over_time) | {
        f"{name}.{part}" for name in over_time for part in ("spatial", "temporal")
    }
    for name in over_time:
        kernel = i3d[name].kernel_size
        assert split[f"{name}.spatial"].kernel_size == (1, *kernel[1:])
        assert split[f"{name}.temporal"].kernel_size == (kernel[0], 1, 1)


@pytest.mark.parametrize("make", [spatial_first, temporal_first])
def test_a_split_convolution_is_its_two_halves_with_a_norm_between(make: Any) -> None:
    torch.manual_seed(0)
    split = make(6, 10, (3, 3, 3), (2, 2, 2)).eval()
    x = torch.randn(2, 6, 5, 8, 8)
    halves = {
        "spatial": dict(stride=(1, 2, 2), padding=(0, 1, 1)),
        "temporal": dict(stride=(2, 1, 1), padding=(1, 0, 0)),
    }
    order = ["spatial", "temporal"] if make is spatial_first else ["temporal", "spatial"]
    y = F.conv3d(x, split.get_submodule(order[0]).weight, **halves[order[0]])
    y = F.relu(y / (1 + 1e-5) ** 0.5)  # a fresh norm: mean 0, variance 1
    y = F.conv3d(y, split.get_submodule(order[1]).weight, **halves[order[1]])
    torch.testing.assert_close(split(x), y)


def test_the_middle_channels_of_a_split_keep_the_number_of_weights() -> None:
    stem = spatial_first(3, 64, (3, 7, 7), (1, 2, 2))
    assert stem.get_submodule("spatial").out_channels == 83
    whole = nn.Conv3d(64, 64, 3, bias=False).weight.numel()
    split = spatial_first(64, 64, (3, 3, 3), (1, 1, 1))
    parts = sum(split.get_submodule(name).weight.numel() for name in ("spatial", "temporal"))
    assert 0.99 * whole < parts <= whole
    assert temporal_first(64, 64, (3, 3, 3), (1, 1, 1)).get_submodule("spatial").in_channels == 64


@pytest.mark.parametrize("variant", ["pytorchvideo", "usv"])
def test_keeps_to_what_every_encoder_does(variant: Any) -> None:
    encoder = randomised(_small(variant=variant))
    clips = _clips(2, encoder.recipe.num_frames)
    check_batch_independence(encoder, clips)
    check_gradients(encoder, clips[:1])
    check_bfloat16(encoder, clips[:1])
    check_rebuilds(R2Plus1D(variant=variant, recipe="usv_test"))


def test_the_variant_of_mmaction2_keeps_to_it_too() -> None:
    encoder, clips = randomised(_small(variant="mmaction2")), _clips(1, 8)
    check_gradients(encoder, clips)
    check_bfloat16(encoder, clips)
    check_rebuilds(R2Plus1D(variant="mmaction2"))


@pytest.mark.slow
def test_compiles() -> None:
    check_compiles(randomised(_small()), _clips(1))


@pytest.mark.parametrize(
    ("variant", "recipe", "num_frames", "num_views", "size"),
    [
        ("pytorchvideo", None, 16, 1, 256),
        ("pytorchvideo", "pyslowfast_test", 160, 3, 256),
        ("mmaction2", None, 8, 1, 224),
        ("usv", None, 8, 1, 224),
        ("usv", "usv_test", 80, 3, 256),
    ],
)
def test_recipes_read_what_they_say(
    variant: Any, recipe: str | None, num_frames: int, num_views: int, size: int
) -> None:
    encoder = R2Plus1D(variant=variant, recipe=recipe)
    clips = torch.zeros(1, num_frames, 90, 160, 3, dtype=torch.uint8)
    assert encoder.recipe.num_frames == num_frames
    assert encoder.preprocess(clips).shape == (1, num_views, num_frames, 3, size, size)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    weights = Weights()
    pytorchvideo_r2plus1d(torch.zeros(1, 3, 8, 32, 32), weights)
    path = save(tmp_path / "a.pyth", weights, "model_state")
    with pytest.raises(
        ValueError, match=r"looks like weights of pytorchvideo R\(2\+1\)D; R2Plus1D of variant 'mmaction2'"
    ):
        R2Plus1D(variant="mmaction2", weights=path)
    weights["blocks.1.res_blocks.0.branch2.conv_d.weight"] = torch.zeros(1)
    path = save(tmp_path / "b.pyth", weights, "model_state")
    with pytest.raises(ValueError, match=r"1 unexpected: s2.pathway0_res0.branch2.conv_d.weight"):
        R2Plus1D(weights=path)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown variant of R2Plus1D: 'torchvision'"):
        R2Plus1D(variant="torchvision")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"unknown recipe of R2Plus1D: 'mmaction2'"):
        R2Plus1D(recipe="mmaction2")
