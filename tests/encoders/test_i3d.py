from __future__ import annotations

from dataclasses import replace
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
from torch import Tensor
from video_references import (
    I3D_KERNELS,
    Weights,
    count_operations,
    mmaction2_i3d,
    mmaction2_slowfast,
    pyslowfast_i3d,
    randomised,
    save,
    save_caffe2,
    to_caffe2,
    to_pytorchvideo,
)

from vidkit.encoders import I3D
from vidkit.encoders.visual.i3d_names import i3d_converters

CLASSIFIER = 2048 * 400 + 400
ALL_OVER_TIME = ((3,) * 3, (3,) * 4, (3,) * 6, (3,) * 3)


def _video(num_frames: int = 8, size: int = 64) -> Tensor:
    return torch.randn(1, 3, num_frames, size, size, generator=torch.Generator().manual_seed(1))


def _clips(num_clips: int, num_frames: int = 8, size: int = 64) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    shape = (num_clips, num_frames, size, size, 3)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


def _small(**arguments: Any) -> I3D:
    """The network on pictures of 64 x 64, which it takes as they come."""
    encoder = I3D(**arguments)
    encoder.pixels = replace(encoder.pixels, resize=None, crop_size=(64, 64))
    return encoder


@pytest.fixture(scope="module")
def pyslowfast() -> tuple[Tensor, Weights]:
    weights = Weights()
    with torch.inference_mode():
        return pyslowfast_i3d(_video(), weights), weights


def test_is_the_network_of_pyslowfast(pyslowfast: tuple[Tensor, Weights], tmp_path: Path) -> None:
    expected, state = pyslowfast
    for path in (
        save(tmp_path / "a.pyth", state, "model_state"),
        save_caffe2(tmp_path / "I3D_8x8_R50.pkl", state),
    ):
        encoder = I3D(weights=path).eval()
        with torch.inference_mode():
            torch.testing.assert_close(encoder.features(_video()), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("variant", "stem_stride", "kernels"),
    [("mmaction2", 2, I3D_KERNELS), ("mmaction2_heavy", 1, ALL_OVER_TIME)],
)
def test_is_the_network_of_mmaction2(variant: Any, stem_stride: int, kernels: Any, tmp_path: Path) -> None:
    weights, video = Weights(), _video(16)
    with torch.inference_mode():
        expected = mmaction2_i3d(video, weights, stem_stride=stem_stride, kernels=kernels)
        path = save(tmp_path / "a.pth", weights, "state_dict")
        encoder = I3D(variant=variant, weights=path).eval()
        torch.testing.assert_close(encoder.features(video), expected, rtol=1e-4, atol=1e-5)


def test_all_public_names_are_one_set_of_weights(pyslowfast: tuple[Tensor, Weights]) -> None:
    state, network = pyslowfast[1], I3D().backbone.state_dict()
    own = {name for name in network if not name.endswith("num_batches_tracked")}
    assert len(own) == 265
    converters = i3d_converters("pyslowfast", network)
    expected = converters["PySlowFast ResNet"](state)
    assert expected.keys() == own
    for scheme, rename in {
        "caffe2 ResNet": to_caffe2,
        "pytorchvideo ResNet": lambda name: to_pytorchvideo(name, num_paths=1),
    }.items():
        converted = converters[scheme]({rename(name): value for name, value in state.items()})
        assert converted.keys() == own
        assert all(converted[name] is expected[name] for name in own)


@pytest.mark.parametrize(
    ("variant", "parameters", "num_frames", "operations", "per_norm"),
    [
        ("pyslowfast", 28.0, 8, 37.5, 5),
        ("mmaction2", 28.0, 32, 43.5, 2),
        ("mmaction2_heavy", 33.0, 32, 166.3, 2),
    ],
)
def test_has_the_size_that_is_published(
    variant: Any, parameters: float, num_frames: int, operations: float, per_norm: int
) -> None:
    """Model zoos of pytorchvideo and mmaction2: 400 classes, pictures of 256.

    Their counters give a norm 5 and 2 operations for each value.
    """
    network = I3D(variant=variant).to("meta").eval()
    num_parameters = sum(p.numel() for p in network.parameters()) + CLASSIFIER
    assert round(num_parameters / 1e6, 1) == parameters
    video = torch.zeros(1, 3, num_frames, 256, 256, device="meta")
    multiplications, normed = count_operations(network, lambda: network.features(video))
    assert round((multiplications + 2048 * 400 + per_norm * normed) / 1e9, 1) == operations


def _resnet50() -> torch.nn.Module:
    torch.manual_seed(3)
    network = timm.create_model("resnet50", zero_init_last=False)
    for name, buffer in network.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.uniform_(0.5, 1.0)
    return network.eval()


def test_inflated_weights_give_what_the_2d_network_gives_of_a_still_picture(tmp_path: Path) -> None:
    network = _resnet50()
    encoder = I3D(weights=save(tmp_path / "resnet50.pth", network.state_dict(), None)).eval()
    picture = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(4))
    still = picture[:, :, None].expand(-1, -1, 48, -1, -1)  # long, so that the middle sees no border
    with torch.inference_mode():
        expected = network.forward_features(picture)
        middle = encoder.backbone(still)[:, :, 12]
        torch.testing.assert_close(middle, expected, rtol=1e-3, atol=1e-4)


def test_inflated_weights_need_no_classifier(tmp_path: Path) -> None:
    network = _resnet50()
    whole = I3D(weights=save(tmp_path / "a.pth", network.state_dict(), None))
    features = {name: value for name, value in network.state_dict().items() if not name.startswith("fc.")}
    without = I3D(weights=save(tmp_path / "b.pth", features, None))
    assert whole.weights_hash() == without.weights_hash() != I3D().weights_hash()
    kernel = network.get_parameter("layer2.0.conv1.weight")
    inflated = without.backbone.get_parameter("layer2.0.conv1.weight")
    assert inflated.shape[2] == 3
    torch.testing.assert_close(inflated.sum(2), kernel)


def test_keeps_to_what_every_encoder_does() -> None:
    encoder, clips = randomised(_small()), _clips(2)
    check_batch_independence(encoder, clips)
    check_gradients(encoder, clips[:1])
    check_bfloat16(encoder, clips[:1])
    check_rebuilds(I3D(variant="mmaction2", recipe="usv_test"))
    assert I3D().store_name == "I3D"


def test_without_weights_the_features_still_tell_clips_apart() -> None:
    with torch.inference_mode():
        features = _small().eval()(_clips(2))
    assert features.isfinite().all()
    assert features.std() < 100
    assert (features[0] - features[1]).std() > 0.1
    conv = I3D().backbone.get_parameter("layer3.1.conv2.weight")
    assert conv.var().item() == pytest.approx(2 / (256 * 9), rel=0.02)


@pytest.mark.slow
def test_compiles() -> None:
    check_compiles(randomised(_small()), _clips(1))


def test_windows_and_crops_are_averaged() -> None:
    encoder = randomised(I3D(recipe="usv_test"))
    encoder.pixels = replace(encoder.pixels, resize=None, crop_size=(32, 32))
    clips = _clips(1, 80, 32)
    clips = torch.cat([clips, clips.flip(1)], dim=3)  # twice as wide
    assert encoder.preprocess(clips).shape == (1, 3, 80, 3, 32, 32)
    with torch.inference_mode():
        views = []
        for window in range(10):
            for x in (0, 32, 16):
                part = clips[:, 8 * window : 8 * window + 8, :, x : x + 32].float() / 255
                mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
                views.append(encoder.features(((part - mean) / std).permute(0, 4, 1, 2, 3)))
        torch.testing.assert_close(encoder(clips), torch.stack(views).mean(0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("recipe", "num_frames", "num_views", "size"),
    [
        (None, 8, 1, 256),
        ("pyslowfast_test", 80, 3, 256),
        ("usv_train", 8, 1, 224),
        ("usv_test", 80, 3, 256),
    ],
)
def test_recipes_read_what_they_say(recipe: str | None, num_frames: int, num_views: int, size: int) -> None:
    encoder = I3D(recipe=recipe)
    assert encoder.recipe.num_frames == num_frames
    clips = torch.zeros(1, num_frames, 90, 160, 3, dtype=torch.uint8)
    assert encoder.preprocess(clips).shape == (1, num_views, num_frames, 3, size, size)


def test_frames_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(ValueError, match=r"I3D reads 8 frames a clip with this recipe, got 7"):
        I3D().preprocess(torch.zeros(1, 7, 90, 160, 3, dtype=torch.uint8))
    with pytest.raises(TypeError, match="I3D reads frames in uint8"):
        I3D().preprocess(torch.zeros(1, 8, 90, 160, 3))


def test_weights_of_another_network_are_refused(pyslowfast: tuple[Tensor, Weights], tmp_path: Path) -> None:
    path = save(tmp_path / "a.pyth", pyslowfast[1], "model_state")
    with pytest.raises(ValueError, match=r"of PySlowFast ResNet; I3D of variant 'mmaction2' loads: torchv"):
        I3D(variant="mmaction2", weights=path)  # the shapes would fit, the strides are others
    slow = {
        name.replace("blocks.3.", "blocks.2."): value  # slow_r50 has no pooling in between
        for name, value in ((to_pytorchvideo(n, num_paths=1), v) for n, v in pyslowfast[1].items())
    }
    path = save(tmp_path / "b.pyth", slow, "model_state")
    with pytest.raises(ValueError, match=r"looks like weights of pytorchvideo ResNet and does not fit I3D"):
        I3D(weights=path)
    weights = Weights()
    mmaction2_slowfast(torch.zeros(1, 3, 32, 32, 32), weights, alpha=8, fusion_kernel=5)
    path = save(tmp_path / "c.pth", weights, "state_dict")
    with pytest.raises(ValueError, match=r"looks like weights of mmaction2 SlowFast; I3D of variant"):
        I3D(variant="mmaction2", weights=path)
    weights = Weights()
    mmaction2_i3d(torch.zeros(1, 3, 8, 32, 32), weights, stem_stride=1, kernels=I3D_KERNELS)
    path = save(tmp_path / "d.pth", weights, "state_dict")
    with pytest.raises(ValueError, match=r"of mmaction2 ResNet; I3D of variant 'pyslowfast' loads: PySlow"):
        I3D(weights=path)
    with pytest.raises(ValueError, match=r"of mmaction2 ResNet and does not fit I3D of variant 'mmaction2_h"):
        I3D(variant="mmaction2_heavy", weights=path)
    with pytest.raises(FileNotFoundError, match="no weights at"):
        I3D(weights=str(tmp_path / "none.pth"))


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown variant of I3D: 'inception'"):
        I3D(variant="inception")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"unknown recipe of I3D: 'mmaction2'"):
        I3D(recipe="mmaction2")
