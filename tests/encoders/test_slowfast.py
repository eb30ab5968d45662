from __future__ import annotations

import math
import shutil
import subprocess
from dataclasses import replace
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
from torch import Tensor
from video_references import (
    I3D_KERNELS,
    Weights,
    count_operations,
    mmaction2_i3d,
    mmaction2_slowfast,
    pyslowfast_slowfast,
    randomised,
    save,
    save_caffe2,
    to_caffe2,
    to_pytorchvideo,
)

from vidkit.encoders import SlowFast
from vidkit.encoders.visual.slowfast import slow_frames
from vidkit.encoders.visual.slowfast_names import SLOWFAST_NAMES
from vidkit.media import open_video
from vidkit.sizes import FfmpegScale

ALPHAS = {"8x8": 4, "4x16": 8}
KERNELS = {"8x8": 7, "4x16": 5}
CASES = [(family, variant) for family in ("pyslowfast", "mmaction2") for variant in ("8x8", "4x16")]
CLASSIFIER = 2304 * 400 + 400


def _video(size: int = 64, num_windows: int = 1) -> Tensor:
    return torch.randn(num_windows, 3, 32, size, size, generator=torch.Generator().manual_seed(1))


def _clips(num_clips: int, size: int = 64) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(0, 256, (num_clips, 32, size, size, 3), dtype=torch.uint8, generator=generator)


def _reference(family: str, variant: str, video: Tensor) -> tuple[Tensor, Weights]:
    """The network of the tool in plain functions, and a checkpoint of it."""
    weights = Weights()
    run = pyslowfast_slowfast if family == "pyslowfast" else mmaction2_slowfast
    return run(video, weights, alpha=ALPHAS[variant], fusion_kernel=KERNELS[variant]), weights


def _small(**arguments: Any) -> SlowFast:
    """The network on pictures of 64 x 64, which it takes as they come."""
    encoder = SlowFast(**arguments)
    encoder.pixels = replace(encoder.pixels, resize=None, crop_size=(64, 64))
    return encoder


@pytest.fixture(scope="module")
def pyslowfast() -> tuple[Tensor, Weights]:
    with torch.inference_mode():
        return _reference("pyslowfast", "8x8", _video())


@pytest.mark.parametrize(("family", "variant"), CASES)
def test_is_the_network_of_the_tool(family: Any, variant: Any, tmp_path: Path) -> None:
    video = _video()
    with torch.inference_mode():
        expected, weights = _reference(family, variant, video)
        place = "model_state" if family == "pyslowfast" else "state_dict"
        path = save(tmp_path / "a.pyth", weights, place)
        encoder = SlowFast(variant=variant, family=family, weights=path).eval()
        torch.testing.assert_close(encoder.features(video), expected, rtol=1e-4, atol=1e-5)


def test_all_public_names_are_one_set_of_weights(pyslowfast: tuple[Tensor, Weights]) -> None:
    state = pyslowfast[1]
    own = {name for name in SlowFast().state_dict() if not name.endswith("num_batches_tracked")}
    assert len(state) == 552  # as PySlowFast's own state dict
    converters = SLOWFAST_NAMES["pyslowfast"]
    expected = converters["PySlowFast SlowFast"](state)
    assert expected.keys() == own
    for scheme, rename in {
        "caffe2 SlowFast": to_caffe2,
        "pytorchvideo SlowFast": lambda name: to_pytorchvideo(name, num_paths=2),
    }.items():
        named = {rename(name): value for name, value in state.items()}
        assert len(named) == len(state)
        converted = converters[scheme](named)
        assert converted.keys() == own
        assert all(converted[name] is expected[name] for name in own)


def test_reads_the_pickle_of_caffe2(pyslowfast: tuple[Tensor, Weights], tmp_path: Path) -> None:
    expected, state = pyslowfast
    encoder = SlowFast(weights=save_caffe2(tmp_path / "SLOWFAST_8x8_R50.pkl", state)).eval()
    with torch.inference_mode():
        torch.testing.assert_close(encoder.features(_video()), expected, rtol=1e-4, atol=1e-5)


def test_examples_of_caffe2s_names_are_those_of_the_public_file() -> None:
    names = {
        "s1_fuse.conv_f2s.weight": "t_pool1_subsample_w",
        "s1_fuse.bn.running_var": "t_pool1_subsample_bn_riv",
        "s2_fuse.conv_f2s.weight": "t_res2_2_branch2c_bn_subsample_w",
        "s4_fuse.bn.weight": "t_res4_5_branch2c_bn_subsample_bn_s",
        "s1.pathway0_stem.bn.running_mean": "res_conv1_bn_rm",
        "s1.pathway1_stem.conv.weight": "t_conv1_w",
        "s2.pathway0_res0.branch1_bn.bias": "res2_0_branch1_bn_b",
        "s5.pathway1_res2.branch2.c.weight": "t_res5_2_branch2c_w",
        "head.projection.bias": "pred_b",
    }
    assert {name: to_caffe2(name) for name in names} == names


@pytest.mark.parametrize(
    ("family", "variant", "parameters", "operations", "per_norm"),
    [
        ("pyslowfast", "8x8", 34.57, 65.7, 0),
        ("pyslowfast", "4x16", 34.48, 36.1, 0),
        ("mmaction2", "8x8", 34.57, 66.1, 2),
        ("mmaction2", "4x16", 34.48, 36.3, 2),
    ],
)
def test_has_the_size_that_is_published(
    family: Any, variant: Any, parameters: float, operations: float, per_norm: int
) -> None:
    """400 classes, pictures of 256: table 3 of the paper and pytorchvideo's model zoo; that of mmaction2.

    The latter's counter gives a norm 2 operations for each value.
    """
    network = SlowFast(family=family, variant=variant).to("meta").eval()
    num_parameters = sum(p.numel() for p in network.parameters()) + CLASSIFIER
    assert round(num_parameters / 1e6, 2) == parameters
    video = torch.zeros(1, 3, 32, 256, 256, device="meta")
    multiplications, normed = count_operations(network, lambda: network.features(video))
    assert round((multiplications + 2304 * 400 + per_norm * normed) / 1e9, 1) == operations


def test_laterals_of_mmaction2_have_no_norm() -> None:
    names = [name for name in SlowFast(family="mmaction2").state_dict() if "num_batches" not in name]
    assert len(names) == 534  # mmaction2's backbone; PySlowFast's has 4 norms of 4 tensors more
    assert not any(name.startswith("laterals.") and ".bn." in name for name in names)


def test_slow_frames_are_those_of_each_tool() -> None:
    assert slow_frames(32, 4, "pyslowfast") == (0, 4, 8, 13, 17, 22, 26, 31)
    assert slow_frames(32, 8, "pyslowfast") == (0, 10, 20, 31)
    assert slow_frames(32, 4, "mmaction2") == (0, 4, 8, 12, 16, 20, 24, 28)
    assert slow_frames(32, 8, "mmaction2") == (0, 8, 16, 24)


def test_the_order_of_the_two_networks_can_be_turned_round() -> None:
    slow_first, fast_first = _small(variant="4x16"), _small(variant="4x16", order="fast|slow")
    with torch.inference_mode():
        a, b = slow_first.eval()(_clips(1)), fast_first.eval()(_clips(1))
        slow = slow_first.slow.dim
        assert a.shape == (1, 2304)
        assert slow == 2048
        torch.testing.assert_close(torch.cat([b[:, 256:], b[:, :256]], 1), a)
    assert slow_first.fingerprint() != fast_first.fingerprint()


def test_keeps_to_what_every_encoder_does() -> None:
    encoder = randomised(_small(variant="4x16"))
    clips = _clips(2)
    check_batch_independence(encoder, clips)
    check_gradients(encoder, clips[:1])
    check_bfloat16(encoder, clips[:1])
    check_rebuilds(SlowFast(variant="4x16", family="mmaction2", order="fast|slow"))
    check_rebuilds(SlowFast(recipe="qvhighlights_hero"))


@pytest.mark.slow
def test_compiles() -> None:
    check_compiles(randomised(_small(variant="4x16")), _clips(1))


def test_the_default_has_the_folder_of_its_class_and_tells_its_rates() -> None:
    encoder = SlowFast()
    assert encoder.store_name == "SlowFast"
    assert encoder.arguments() == {
        "variant": "8x8",
        "family": "pyslowfast",
        "recipe": None,
        "order": "slow|fast",
    }
    assert encoder.description()["recipe"]["interval"] == 2


def test_hero_reads_the_pixels_of_its_ffmpeg_command(real_data: Path) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("needs the ffmpeg program")
    path = real_data / "videos" / "v_GGSY1Qvo990.mp4"
    encoder = SlowFast(variant="4x16", recipe="qvhighlights_hero")
    with open_video(path) as reader:
        height, width = FfmpegScale(224).of(reader.info.height, reader.info.width)
        rates = dict(clip_seconds=2.0, source_fps=reader.info.fps)
        times = encoder.recipe.frame_times(np.array([1.0, 3.0]), **rates)
        frames = reader.frames_at(times.ravel().tolist(), size=encoder.recipe.decode_size)
    clips = torch.from_numpy(frames.data).unflatten(0, (2, 32))
    pixels = encoder.preprocess(clips)[:, 0].permute(0, 1, 3, 4, 2)
    x, y = int((width - 224) / 2.0), int((height - 224) / 2.0)  # as the tool writes its command
    filters = f"fps=30,scale={width}:{height},crop=224:224:{x}:{y}"
    command = ["ffmpeg", "-v", "error", "-t", "4.5", "-i", str(path), "-map", "0:v:0", "-vf", filters]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:"]
    output = subprocess.run(command, capture_output=True, check=True).stdout
    program = np.frombuffer(output, np.uint8).reshape(-1, 224, 224, 3)
    last = 64 * math.floor(rates["source_fps"]) / 30 - 1
    for clip in range(2):
        picks = [60 * clip + int(min(last * i / 31 + 1e-9, 59)) for i in range(32)]
        assert np.array_equal(pixels[clip].numpy(), program[picks])


def test_hero_takes_frames_that_ffmpeg_scaled_and_refuses_others() -> None:
    encoder = SlowFast(variant="4x16", recipe="qvhighlights_hero")
    assert encoder.recipe.decode_size == FfmpegScale(224)
    frames = torch.zeros(1, 32, 224, 300, 3, dtype=torch.uint8)
    assert encoder.preprocess(frames).shape == (1, 1, 32, 3, 224, 224)
    with pytest.raises(ValueError, match=r"takes frames that ffmpeg's scaler brought to a shorter side of"):
        encoder.preprocess(frames[:, :, :200])


def test_weights_of_another_network_are_refused(pyslowfast: tuple[Tensor, Weights], tmp_path: Path) -> None:
    path = save(tmp_path / "a.pyth", pyslowfast[1], "model_state")
    with pytest.raises(
        ValueError, match=r"looks like weights of PySlowFast SlowFast; SlowFast of family 'mmaction2' loads"
    ):
        SlowFast(family="mmaction2", weights=path)
    with pytest.raises(ValueError, match=r"looks like weights of PySlowFast SlowFast and does not fit"):
        SlowFast(variant="4x16", weights=path)  # its laterals have a kernel of 5
    weights = Weights()
    mmaction2_i3d(torch.zeros(1, 3, 8, 32, 32), weights, stem_stride=1, kernels=I3D_KERNELS)
    path = save(tmp_path / "b.pth", weights, "state_dict")
    with pytest.raises(ValueError, match=r"looks like weights of mmaction2 ResNet; SlowFast of family"):
        SlowFast(family="mmaction2", weights=path)


def test_a_weight_that_is_missing_or_left_over_is_named(
    pyslowfast: tuple[Tensor, Weights], tmp_path: Path
) -> None:
    state = dict(pyslowfast[1])
    state["s6.more.weight"] = state.pop("s3_fuse.bn.bias")
    with pytest.raises(ValueError, match=r"1 missing: laterals.2.bn.bias; 1 unexpected: s6.more.weight"):
        SlowFast(weights=save(tmp_path / "a.pyth", state, "model_state"))


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown variant of SlowFast: '16x8'.* known: 8x8, 4x16"):
        SlowFast(variant="16x8")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"unknown family of SlowFast: 'mmaction'"):
        SlowFast(family="mmaction")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"unknown order of SlowFast: 'slow'"):
        SlowFast(order="slow")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"unknown recipe of SlowFast: 'qvhighlights_hero'"):
        SlowFast(family="mmaction2", recipe="qvhighlights_hero")
