from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
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
from torch import Tensor

from vidkit.encoders import CNN14, AudioRecipe
from vidkit.encoders.audio.front_ends import PannsLogMel

State = dict[str, Tensor]
CHANNELS = (1, 64, 128, 256, 512, 1024, 2048)
WINDOW = {"32k": 1024, "16k": 512, "8k": 256}
RATE = {"32k": 32000, "16k": 16000, "8k": 8000}


def _panns_state(variant: str = "16k", seed: int = 0) -> State:
    """Random weights with the names and shapes of a published Cnn14 (spec: 84 entries)."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int, scale: float = 1.0) -> Tensor:
        return torch.randn(*shape, generator=generator) * scale

    def norm(name: str, width: int) -> State:
        return {
            f"{name}.weight": 1 + draw(width, scale=0.1),
            f"{name}.bias": draw(width, scale=0.1),
            f"{name}.running_mean": draw(width, scale=0.1),
            f"{name}.running_var": 1 + draw(width).abs(),
            f"{name}.num_batches_tracked": torch.tensor(7),
        }

    bins = WINDOW[variant] // 2 + 1
    state = {
        "spectrogram_extractor.stft.conv_real.weight": draw(bins, 1, WINDOW[variant]),
        "spectrogram_extractor.stft.conv_imag.weight": draw(bins, 1, WINDOW[variant]),
        "logmel_extractor.melW": PannsLogMel(RATE[variant]).bands.filters.clone(),
        **norm("bn0", 64),
    }
    state["bn0.running_mean"] -= 40
    state["bn0.running_var"] *= 100
    for i, (before, after) in enumerate(pairwise(CHANNELS), 1):
        for j, width in ((1, before), (2, after)):
            weight = draw(after, width, 3, 3, scale=(2 / (9 * width)) ** 0.5)
            state[f"conv_block{i}.conv{j}.weight"] = weight
            state |= norm(f"conv_block{i}.bn{j}", after)
    state |= {"fc1.weight": draw(2048, 2048, scale=0.03), "fc1.bias": draw(2048)}
    state |= {"fc_audioset.weight": draw(527, 2048), "fc_audioset.bias": draw(527)}
    return state


def _reference_embedding(state: State, log_mel: Tensor) -> Tensor:
    """Cnn14 of PANNs as its paper's table I and code describe it, layer by layer: (N, T, 64) -> (N, 2048)."""

    def norm(x: Tensor, name: str) -> Tensor:
        shape = (1, -1, 1, 1)
        mean, var = state[f"{name}.running_mean"].view(shape), state[f"{name}.running_var"].view(shape)
        scaled = (x - mean) / (var + 1e-5).sqrt()
        return scaled * state[f"{name}.weight"].view(shape) + state[f"{name}.bias"].view(shape)

    x = norm(log_mel.permute(0, 2, 1)[..., None], "bn0")  # one norm per mel band
    x = x[..., 0].permute(0, 2, 1)[:, None]
    for i in range(1, 7):
        for j in (1, 2):
            weight = state[f"conv_block{i}.conv{j}.weight"]
            x = norm(F.conv2d(x, weight, padding=1), f"conv_block{i}.bn{j}").clamp(min=0)
        if i < 6:
            height, width = x.shape[2] // 2, x.shape[3] // 2
            x = x[:, :, : 2 * height, : 2 * width].reshape(*x.shape[:2], height, 2, width, 2).mean((3, 5))
    over_bands = x.sum(3) / x.shape[3]
    pooled = over_bands.max(2).values + over_bands.mean(2)
    return (pooled @ state["fc1.weight"].T + state["fc1.bias"]).clamp(min=0)


def _save(path: Path, state: State, **more: object) -> str:
    torch.save({"iteration": 600000, "model": state, **more}, path)
    return str(path)


def _sound(num_clips: int = 2, num_samples: int = 5120) -> Tensor:
    return torch.randn(num_clips, num_samples, generator=torch.Generator().manual_seed(1)) * 0.1


@pytest.fixture(scope="module")
def encoder() -> CNN14:
    return CNN14(variant="16k").eval()


@pytest.fixture(scope="module")
def panns_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _save(tmp_path_factory.mktemp("panns") / "Cnn14_16k.pth", _panns_state())


def test_has_the_parameters_of_the_paper(encoder: CNN14) -> None:
    num_parameters = sum(p.numel() for p in encoder.parameters())
    classifier = 2048 * 527 + 527
    assert num_parameters + classifier == 80_753_615  # table VII of the paper: 81 million
    assert len(_panns_state()) == 84


@pytest.mark.parametrize(
    ("variant", "recipe", "rate", "seconds", "clips"),
    [("32k", "lighthouse", 32000, 2.0, 2.0), ("8k", "audioset", 8000, 10.0, None)],
)
def test_reads_what_the_recipe_says(
    variant: str, recipe: str, rate: int, seconds: float, clips: float | None
) -> None:
    built = CNN14(variant=variant, recipe=recipe)
    assert built.recipe == AudioRecipe(sample_rate_hz=rate, window_seconds=seconds, clip_seconds=clips)
    assert built.arguments() == {"variant": variant, "recipe": recipe}


def test_reads_a_second_at_32_khz_unless_told_otherwise() -> None:
    assert CNN14().recipe == AudioRecipe(sample_rate_hz=32000, window_seconds=1.0, clip_seconds=1.0)


def test_is_no_different_from_a_plain_computation_on_the_weights_of_a_checkpoint(panns_file: str) -> None:
    loaded = CNN14(variant="16k", weights=panns_file).eval()
    sound = _sound()
    with torch.inference_mode():
        got = loaded(sound)
    expected = _reference_embedding(_panns_state(), PannsLogMel(16000)(sound))
    assert expected.std() > 0.1
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


def test_gives_2048_numbers_from_0_on_for_a_clip_and_for_a_second(encoder: CNN14) -> None:
    with torch.inference_mode():
        second, clip = encoder(_sound(2, 16000)), encoder(_sound(1, 48000))
    assert second.shape == (2, 2048)
    assert clip.shape == (1, 2048)
    assert second.min() >= 0
    assert second.max() > 0


def test_a_clip_does_not_depend_on_its_batch(encoder: CNN14) -> None:
    check_batch_independence(encoder, _sound())


def test_every_parameter_gets_a_gradient(encoder: CNN14) -> None:
    check_gradients(encoder, _sound(1))


def test_bfloat16_agrees_with_float32(encoder: CNN14) -> None:
    check_bfloat16(encoder, _sound(), cosine=0.999)


def test_compiles(encoder: CNN14) -> None:
    check_compiles(encoder, _sound(1))


def test_is_rebuilt_from_its_arguments(encoder: CNN14) -> None:
    check_rebuilds(encoder)


def test_the_shortest_sound_is_32_frames(encoder: CNN14) -> None:
    with torch.inference_mode():
        assert encoder(_sound(1, 4960)).shape == (1, 2048)
    with pytest.raises(
        ValueError, match=r"CNN14 needs at least 4960 samples at 16000 Hz \(0.310 s\), got 4959"
    ):
        encoder(_sound(1, 4959))


def test_what_is_no_batch_of_waveforms_is_refused(encoder: CNN14) -> None:
    with pytest.raises(
        ValueError, match=r"reads waveforms \(N, samples\) .* got torch.float32 of shape \(5120,\)"
    ):
        encoder(_sound()[0])
    with pytest.raises(ValueError, match=r"got torch\.int16"):
        encoder(_sound().to(torch.int16))


def test_a_checkpoint_of_another_sample_rate_is_refused(panns_file: str) -> None:
    with pytest.raises(ValueError, match=r"\(257, 64\), CNN14 at 32000 Hz has \(513, 64\); .* variant='16k'"):
        CNN14(weights=panns_file)


def _few(filters: Tensor) -> State:
    """As much of a checkpoint as is read before it is refused."""
    weights = {"bn0.weight": torch.ones(64), "conv_block1.conv1.weight": torch.zeros(64, 1, 3, 3)}
    return {**weights, "logmel_extractor.melW": filters}


def test_a_checkpoint_with_filters_of_no_known_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"shape \(100, 64\), .* it is none of PANNs'"):
        CNN14(variant="16k", weights=_save(tmp_path / "a.pth", _few(torch.zeros(100, 64))))


@pytest.mark.parametrize("by", [1e-3, float("nan")])
def test_a_checkpoint_with_other_mel_filters_is_refused(tmp_path: Path, by: float) -> None:
    filters = PannsLogMel(16000).bands.filters + by
    with pytest.raises(ValueError, match="other mel filters than PANNs' at 16000 Hz"):
        CNN14(variant="16k", weights=_save(tmp_path / "a.pth", _few(filters)))


def test_the_published_files_with_a_numpy_sampler_are_read(tmp_path: Path) -> None:
    sampler = {"indexes": np.arange(3), "random_state": np.random.RandomState(0).get_state(), "pointer": 1}
    file = _save(tmp_path / "a.pth", _panns_state(), sampler=sampler)
    loaded = CNN14(variant="16k", weights=file)
    torch.testing.assert_close(loaded.fc1.bias, _panns_state()["fc1.bias"])


def test_weights_of_vidkit_itself_are_read(encoder: CNN14, tmp_path: Path) -> None:
    inside = {f"audio_encoder.{name}": value + 1 for name, value in encoder.state_dict().items()}
    torch.save({"state_dict": {**inside, "head.weight": torch.zeros(3)}}, tmp_path / "epoch_1.pth")
    loaded = CNN14(variant="16k", weights=f"{tmp_path / 'epoch_1.pth'}#audio_encoder")
    torch.testing.assert_close(loaded.fc1.weight, encoder.fc1.weight + 1)


def test_a_smaller_network_of_panns_is_refused(tmp_path: Path) -> None:
    state = _few(PannsLogMel(16000).bands.filters)
    with pytest.raises(ValueError, match=r"weights of PANNs CNN14 and does not fit CNN14: .* missing"):
        CNN14(variant="16k", weights=_save(tmp_path / "a.pth", state))


def test_weights_of_another_scheme_are_refused_by_its_name(tmp_path: Path) -> None:
    file = _save(
        tmp_path / "a.pth", {"v.patch_embed.proj.weight": torch.zeros(2), "v.dist_token": torch.zeros(2)}
    )
    with pytest.raises(ValueError, match="looks like weights of AST; CNN14 loads: PANNs CNN14"):
        CNN14(weights=file)


def test_a_missing_file_says_what_to_download() -> None:
    with pytest.raises(FileNotFoundError, match=r"no file of weights at panns: download the file Cnn14_16k"):
        CNN14(variant="16k", weights="panns")


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown variant of CNN14: '48k'.* known: 32k, 16k, 8k"):
        CNN14(variant="48k")
    with pytest.raises(ValueError, match="unknown recipe of CNN14: 'umt2'; did you mean 'umt'"):
        CNN14(recipe="umt2")
