from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F
from checks import (
    check_batch_independence,
    check_bfloat16,
    check_compiles,
    check_gradients,
    check_rebuilds,
)
from torch import Tensor
from video_references import (
    I3D_KERNELS,
    Weights,
    conv,
    count_operations,
    mmaction2_i3d,
    norm,
    randomised,
    save,
)

from vidkit.encoders import TSM
from vidkit.encoders.visual.sampling import SegmentMiddles
from vidkit.encoders.visual.tsm import temporal_shift


def _video(num_windows: int = 1, size: int = 64) -> Tensor:
    return torch.randn(num_windows, 3, 8, size, size, generator=torch.Generator().manual_seed(1))


def _clips(num_clips: int, size: int = 64) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(0, 256, (num_clips, 8, size, size, 3), dtype=torch.uint8, generator=generator)


def _small(**arguments: Any) -> TSM:
    """The network on pictures of 64 x 64, which it takes as they come."""
    encoder = TSM(**arguments)
    encoder.pixels = replace(encoder.pixels, resize=None, crop_size=(64, 64))
    return encoder


def _reference_shift(x: Tensor) -> Tensor:
    """Frame by frame: the first eighth from the frame after, the second from the frame before, else 0."""
    shifted, fold = x.clone(), x.shape[2] // 8
    for t in range(x.shape[1]):
        shifted[:, t, :fold] = x[:, t + 1, :fold] if t + 1 < x.shape[1] else 0
        shifted[:, t, fold : 2 * fold] = x[:, t - 1, fold : 2 * fold] if t > 0 else 0
    return shifted


def _reference_tsm(video: Tensor, w: Weights, style: str) -> Tensor:
    """``ResNetTSM`` of mmaction2, or mit-han-lab's, in plain functions by their names."""
    base = "backbone." if style == "mmaction2" else "base_model."

    def layer(x: Tensor, block: str, number: int, num_out: int, kernel: int, stride: int, net: str) -> Tensor:
        mine = f"{block}conv{number}"
        names = (
            (f"{mine}.conv{net}", f"{mine}.bn")
            if style == "mmaction2"
            else (f"{mine}{net}", f"{block}bn{number}")
        )
        return norm(w, conv(w, x, names[0], num_out, (kernel, kernel), stride), names[1])

    num_windows = len(video)
    x = video.transpose(1, 2).flatten(0, 1)
    x = F.max_pool2d(layer(x, base, 1, 64, 7, 2, "").relu(), 3, 2, 1)
    for stage, num_blocks in enumerate((3, 4, 6, 3)):
        width = 64 * 2**stage
        for b in range(num_blocks):
            block, stride = f"{base}layer{stage + 1}.{b}.", 2 if stage and not b else 1
            y = _reference_shift(x.unflatten(0, (num_windows, 8))).flatten(0, 1)
            y = layer(y, block, 1, width, 1, 1, ".net").relu()
            y = layer(y, block, 2, width, 3, stride, "").relu()
            y = layer(y, block, 3, 4 * width, 1, 1, "")
            if not b:
                names = ("conv", "bn") if style == "mmaction2" else ("0", "1")
                x = conv(w, x, f"{block}downsample.{names[0]}", 4 * width, (1, 1), stride)
                x = norm(w, x, f"{block}downsample.{names[1]}")
            x = (x + y).relu()
    classifier = "cls_head.fc_cls" if style == "mmaction2" else "new_fc"
    w.draw(f"{classifier}.weight", (400, 2048))
    w.draw(f"{classifier}.bias", (400,))
    return x.mean((2, 3)).unflatten(0, (num_windows, 8)).mean(1)


def test_the_shift_is_its_definition_frame_by_frame() -> None:
    x = torch.randn(3, 8, 20, 2, 2, generator=torch.Generator().manual_seed(0))
    got = temporal_shift(x.flatten(0, 1), 8).unflatten(0, (3, 8))
    assert torch.equal(got, _reference_shift(x))


@pytest.mark.parametrize("style", ["mmaction2", "mit-han-lab"])
def test_is_the_network_of_the_tool(style: str, tmp_path: Path) -> None:
    weights, video = Weights(), _video(2)
    with torch.inference_mode():
        expected = _reference_tsm(video, weights, style)
        state = weights if style == "mmaction2" else {f"module.{n}": v for n, v in weights.items()}
        encoder = TSM(weights=save(tmp_path / "a.pth", state, "state_dict")).eval()
        torch.testing.assert_close(encoder.features(video), expected, rtol=1e-4, atol=1e-5)


def test_starts_from_a_2d_network(tmp_path: Path) -> None:
    network = timm.create_model("resnet50")
    encoder = TSM(weights=save(tmp_path / "resnet50.pth", network.state_dict(), None))
    for name, value in encoder.backbone.state_dict().items():
        assert torch.equal(value, network.state_dict()[name]), name


def test_the_order_of_the_frames_counts() -> None:
    encoder, clips = randomised(_small()), _clips(1)
    with torch.inference_mode():
        assert not torch.allclose(encoder(clips), encoder(clips.flip(1)), atol=1e-3)


def test_has_the_size_that_is_published() -> None:
    """32.88 G for 8 frames at 224: model zoo of mmaction2, counted with 2 for each value of a norm."""
    network = TSM()
    assert sum(p.numel() for p in network.parameters()) == 23_508_032  # ResNet-50; the shift has none
    network = network.to("meta").eval()
    video = torch.zeros(1, 3, 8, 224, 224, device="meta")
    multiplications, normed = count_operations(network, lambda: network.features(video))
    assert round((multiplications + 8 * 2048 * 400 + 2 * normed) / 1e9, 2) == 32.88


def test_keeps_to_what_every_encoder_does() -> None:
    encoder, clips = randomised(_small()), _clips(3)
    check_batch_independence(encoder, clips)
    check_gradients(encoder, clips[:1])
    check_bfloat16(encoder, clips[:1])
    check_rebuilds(TSM(recipe="usv_test"))
    assert TSM().store_name == "TSM"


@pytest.mark.slow
def test_compiles() -> None:
    check_compiles(randomised(_small()), _clips(1))


@pytest.mark.parametrize(
    ("recipe", "num_views", "size"),
    [("mmaction2", 1, 224), ("mmaction2_test", 10, 224), ("usv_train", 1, 224), ("usv_test", 10, 256)],
)
def test_recipes_read_what_they_say(recipe: str, num_views: int, size: int) -> None:
    encoder = TSM(recipe=recipe)
    assert encoder.recipe == SegmentMiddles(8)
    clips = torch.zeros(1, 8, 90, 160, 3, dtype=torch.uint8)
    assert encoder.preprocess(clips).shape == (1, num_views, 8, 3, size, size)
    times = encoder.recipe.frame_times(np.array([2.0]), clip_seconds=4.0, source_fps=8.0)
    assert np.floor(times * 8).tolist() == [[2, 6, 10, 14, 18, 22, 26, 30]]


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    weights = Weights()
    mmaction2_i3d(torch.zeros(1, 3, 8, 32, 32), weights, stem_stride=1, kernels=I3D_KERNELS)
    path = save(tmp_path / "a.pth", weights, "state_dict")
    with pytest.raises(ValueError, match=r"looks like weights of mmaction2 ResNet and does not fit TSM"):
        TSM(weights=path)
    path = save(tmp_path / "b.pth", {"s1.pathway0_stem.conv.weight": torch.zeros(1)}, None)
    with pytest.raises(
        ValueError, match=r"looks like weights of PySlowFast ResNet; TSM loads: mmaction2 TSM"
    ):
        TSM(weights=path)


def test_an_unknown_recipe_is_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown recipe of TSM: 'pyslowfast'"):
        TSM(recipe="pyslowfast")
