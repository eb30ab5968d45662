from __future__ import annotations

import copy
import math
from argparse import Namespace
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
from torch import Tensor

from vidkit.encoders import Mockingjay, SequenceRecipe
from vidkit.encoders.audio.front_ends import MockingjayLogMel
from vidkit.encoders.audio.mockingjay import sinusoids

State = dict[str, Tensor]
CONFIG = {
    "transformer": {
        "hidden_size": 768,
        "num_hidden_layers": 3,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "hidden_act": "gelu",
        "layer_norm_eps": "1.e-12",
        "share_layer": False,
        "pre_layer_norm": False,
    },
    "task": {"sequence_length": 40},
    "audio": {
        "target_level": -25,
        "win_ms": 25,
        "hop_ms": 10,
        "n_freq": 201,
        "n_mels": 80,
        "input": {"feat_type": "mel", "channel": 0, "log": True, "delta": 0, "cmvn": True},
    },
}


def _s3prl_state(num_layers: int = 3) -> State:
    """Random weights with s3prl's names (upstream/mockingjay/model.py)."""
    generator = torch.Generator().manual_seed(0)

    def linear(name: str, before: int, after: int) -> State:
        weight = torch.randn(after, before, generator=generator) * 0.05
        return {f"{name}.weight": weight, f"{name}.bias": torch.randn(after, generator=generator) * 0.1}

    def norm(name: str) -> State:
        shift = torch.randn(2, 768, generator=generator) * 0.1
        return {f"{name}.weight": 1 + shift[0], f"{name}.bias": shift[1]}

    state = linear("input_representations.spec_transform", 80, 768) | norm("input_representations.LayerNorm")
    for i in range(num_layers):
        layer = f"encoder.layer.{i}"
        for part in ("query", "key", "value"):
            state |= linear(f"{layer}.attention.self.{part}", 768, 768)
        state |= linear(f"{layer}.attention.output.dense", 768, 768) | norm(
            f"{layer}.attention.output.LayerNorm"
        )
        state |= linear(f"{layer}.intermediate.dense", 768, 3072)
        state |= linear(f"{layer}.output.dense", 3072, 768) | norm(f"{layer}.output.LayerNorm")
    return state


def _reference_vectors(state: State, spectra: Tensor, num_layers: int = 3) -> Tensor:
    """s3prl's TransformerModel, last layer, in plain formulas: (T, 80) -> (T, 768)."""

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    def norm(x: Tensor, name: str) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / (centred.pow(2).mean(-1, keepdim=True) + 1e-12).sqrt()
        return scaled * state[f"{name}.weight"] + state[f"{name}.bias"]

    def code(t: int, j: int) -> float:
        angle = t / 10000 ** (2 * (j // 2) / 768)
        return math.sin(angle) if j % 2 == 0 else math.cos(angle)

    codes = torch.tensor([[code(t, j) for j in range(768)] for t in range(len(spectra))])
    x = norm(
        linear(spectra, "input_representations.spec_transform") + codes, "input_representations.LayerNorm"
    )
    for i in range(num_layers):
        layer = f"encoder.layer.{i}"
        query, key, value = (linear(x, f"{layer}.attention.self.{p}") for p in ("query", "key", "value"))
        heads = []
        for h in range(12):
            part = slice(64 * h, 64 * (h + 1))
            weights = (query[:, part] @ key[:, part].T / 8).softmax(-1)
            heads.append(weights @ value[:, part])
        mixed = linear(torch.cat(heads, -1), f"{layer}.attention.output.dense")
        x = norm(mixed + x, f"{layer}.attention.output.LayerNorm")
        hidden = linear(x, f"{layer}.intermediate.dense")
        hidden = hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2)))
        x = norm(linear(hidden, f"{layer}.output.dense") + x, f"{layer}.output.LayerNorm")
    return x


def _save(path: Path, state: State, config: dict[str, Any] | None, place: str = "Upstream_Config") -> str:
    """What s3prl's runner writes."""
    content: dict[str, Any] = {
        "Transformer": state,
        "SpecHead": {"dense.weight": torch.zeros(2, 2)},
        "Optimizer": {"state": {}, "param_groups": []},
        "Global_step": 500000,
        "Settings": {"Config": {}, "Paras": Namespace(seed=1337, gpu=True)},
        "Config": {"runner": {"total_steps": 500000}},
    }
    if config is not None:
        content[place] = config
    torch.save(content, path)
    return str(path)


def _changed(section: str, name: str, value: object) -> dict[str, Any]:
    config = copy.deepcopy(CONFIG)
    place = config["audio"]["input"] if section == "input" else config[section]
    place[name] = value
    return config


def _sound(num_clips: int = 2, num_samples: int = 8000) -> Tensor:
    return torch.randn(num_clips, num_samples, generator=torch.Generator().manual_seed(1)) * 0.1


@pytest.fixture(scope="module")
def encoder() -> Mockingjay:
    return Mockingjay(variant="base").eval()


def test_has_the_parameters_of_s3prls_network(encoder: Mockingjay) -> None:
    assert sum(p.numel() for p in encoder.parameters()) == sum(v.numel() for v in _s3prl_state().values())
    large = Mockingjay()
    layer = 4 * (768 * 768 + 768) + 2 * 768 * 3072 + 768 + 3072 + 4 * 768
    assert sum(p.numel() for p in large.parameters()) == 81 * 768 + 2 * 768 + 12 * layer
    check_rebuilds(large)


def test_reads_30_seconds_at_16_khz(encoder: Mockingjay) -> None:
    assert encoder.recipe == SequenceRecipe(sample_rate_hz=16000, window_seconds=30.0, clip_seconds=0.2)
    assert encoder.arguments() == {"variant": "base", "recipe": "rasl", "max_frames": None}
    assert Mockingjay().store_name == "Mockingjay"
    assert Mockingjay(variant="base", max_frames=500).arguments()["max_frames"] == 500


def test_agrees_with_plain_formulas_on_the_weights_of_a_checkpoint(tmp_path: Path) -> None:
    """51 frames, at most 40 at once: s3prl cuts them into 26 and 25."""
    loaded = Mockingjay(variant="base", weights=_save(tmp_path / "a.ckpt", _s3prl_state(), CONFIG)).eval()
    assert loaded.arguments()["max_frames"] == 40
    spectra = MockingjayLogMel()(_sound())
    with torch.inference_mode():
        got = loaded.sequence(loaded.preprocess(_sound()))
        mean = loaded(_sound())
    for clip, vectors in zip(spectra, got, strict=True):
        pieces = [_reference_vectors(_s3prl_state(), piece) for piece in (clip[:26], clip[26:])]
        expected = torch.cat(pieces)[:50]
        torch.testing.assert_close(vectors, expected, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(mean, got.mean(1))


def test_agrees_with_the_bert_of_transformers(tmp_path: Path) -> None:
    from transformers import BertConfig, BertModel

    state = _s3prl_state()
    config = BertConfig(hidden_size=768, num_hidden_layers=3, intermediate_size=3072, layer_norm_eps=1e-12)
    bert = BertModel(config, add_pooling_layer=False).encoder.eval()
    names = {
        name.removeprefix("encoder."): value for name, value in state.items() if name.startswith("encoder.")
    }
    bert.load_state_dict(names)
    spectra = MockingjayLogMel()(_sound())
    x = F.linear(
        spectra,
        state["input_representations.spec_transform.weight"],
        state["input_representations.spec_transform.bias"],
    )
    weight, bias = (state[f"input_representations.LayerNorm.{kind}"] for kind in ("weight", "bias"))
    x = F.layer_norm(x + sinusoids(51, 768), (768,), weight, bias, 1e-12)
    loaded = Mockingjay(variant="base", weights=_save(tmp_path / "a.ckpt", state, None)).eval()
    with torch.inference_mode():
        expected = bert(x).last_hidden_state[:, :50]
        got = loaded.sequence(loaded.preprocess(_sound()))
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("num_samples", "num_vectors"), [(1, 2), (399, 2), (400, 2), (8079, 50), (8080, 50)])
def test_gives_a_vector_every_10_milliseconds(
    encoder: Mockingjay, num_samples: int, num_vectors: int
) -> None:
    with torch.inference_mode():
        vectors = encoder.sequence(encoder.preprocess(_sound(1, num_samples)))
    assert vectors.shape == (1, num_vectors, 768)
    assert vectors.isfinite().all()


@pytest.mark.parametrize("place", ["Config", "Upstream_Config"])
def test_reads_the_configs_of_old_and_new_checkpoints(tmp_path: Path, place: str) -> None:
    file = _save(tmp_path / "a.ckpt", _s3prl_state(), CONFIG, place)
    assert Mockingjay(variant="base", weights=file).arguments()["max_frames"] == 40
    assert Mockingjay(variant="base", weights=file, max_frames=0).arguments()["max_frames"] == 0


def test_without_a_limit_everything_is_read_at_once(tmp_path: Path) -> None:
    file = _save(tmp_path / "a.ckpt", _s3prl_state(), _changed("task", "sequence_length", 0))
    loaded = Mockingjay(variant="base", weights=file).eval()
    limited = Mockingjay(variant="base", weights=file, max_frames=51).eval()
    with torch.inference_mode():
        torch.testing.assert_close(loaded(_sound()), limited(_sound()))
    with pytest.raises(
        ValueError, match="reads at most 24000 frames of 10 ms at once, got 24001; set max_frames"
    ):
        loaded.sequence(torch.zeros(1, 24001, 80))


def test_old_names_of_norms_are_read(tmp_path: Path) -> None:
    state = _s3prl_state()
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for name, value in state.items()
    }
    new_file, old_file = _save(tmp_path / "new.ckpt", state, None), _save(tmp_path / "old.ckpt", old, None)
    hashes = {Mockingjay(variant="base", weights=file).weights_hash() for file in (new_file, old_file)}
    assert len(hashes) == 1


def test_weights_of_vidkit_itself_are_read(encoder: Mockingjay, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    state = {name: value + 1 for name, value in encoder.state_dict().items()}
    save_file(state, tmp_path / "own.safetensors")
    loaded = Mockingjay(variant="base", weights=str(tmp_path / "own.safetensors"))
    torch.testing.assert_close(loaded.state_dict(), state)


def test_a_checkpoint_of_another_size_is_refused(tmp_path: Path) -> None:
    file = _save(tmp_path / "a.ckpt", {}, CONFIG)
    with pytest.raises(ValueError, match="is of 3 layers, this variant of 12; use variant='base'"):
        Mockingjay(weights=file)
    file = _save(tmp_path / "b.ckpt", {}, _changed("transformer", "num_hidden_layers", 6))
    with pytest.raises(ValueError, match="is of 6 layers, this variant of 12; vidkit has no such variant"):
        Mockingjay(weights=file)
    file = _save(tmp_path / "c.ckpt", _s3prl_state(2), None)
    with pytest.raises(
        ValueError, match="weights of s3prl Mockingjay and does not fit Mockingjay: 12 missing"
    ):
        Mockingjay(variant="base", weights=file)


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("transformer", "pre_layer_norm", True),
        ("transformer", "hidden_act", "relu"),
        ("audio", "n_mels", 40),
        ("audio", "kaldi", {"feat_type": "fbank"}),
        ("input", "cmvn", False),
        ("input", "feat_type", "mfcc"),
    ],
)
def test_a_checkpoint_trained_otherwise_is_refused(
    tmp_path: Path, section: str, name: str, value: object
) -> None:
    file = _save(tmp_path / "a.ckpt", {}, _changed(section, name, value))
    with pytest.raises(ValueError, match=rf"otherwise than Mockingjay's published log-mel networks: {name}"):
        Mockingjay(variant="base", weights=file)


def test_weights_of_another_scheme_are_refused_by_its_name(tmp_path: Path) -> None:
    torch.save({"conv_block1.conv1.weight": torch.zeros(1), "bn0.weight": torch.zeros(1)}, tmp_path / "a.pth")
    with pytest.raises(
        ValueError, match="looks like weights of PANNs CNN14; Mockingjay loads: s3prl Mockingjay"
    ):
        Mockingjay(variant="base", weights=str(tmp_path / "a.pth"))


def test_a_missing_file_says_what_to_download() -> None:
    with pytest.raises(
        FileNotFoundError, match=r"no file of weights at mockingjay: download the file states-"
    ):
        Mockingjay(weights="mockingjay")


def test_arguments_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown variant of Mockingjay: 'huge'.* known: large, base"):
        Mockingjay(variant="huge")
    with pytest.raises(ValueError, match=r"unknown recipe of Mockingjay: 'umt'.* known: rasl"):
        Mockingjay(recipe="umt")
    with pytest.raises(ValueError, match=r"max_frames must be at least 0 \(no limit\), got -1"):
        Mockingjay(variant="base", max_frames=-1)


def test_what_is_no_batch_of_waveforms_is_refused(encoder: Mockingjay) -> None:
    with pytest.raises(ValueError, match=r"Mockingjay reads waveforms \(N, samples\)"):
        encoder(_sound()[0])
    with pytest.raises(ValueError, match="Mockingjay needs at least 1 samples"):
        encoder(_sound(2, 0))


def test_silence_gives_numbers(encoder: Mockingjay) -> None:
    with torch.inference_mode():
        assert encoder(torch.zeros(1, 8000)).isfinite().all()


def test_a_piece_does_not_depend_on_its_batch(encoder: Mockingjay) -> None:
    check_batch_independence(encoder, _sound())


def test_every_parameter_gets_a_gradient(encoder: Mockingjay) -> None:
    check_gradients(encoder, _sound(1))


def test_bfloat16_agrees_with_float32(encoder: Mockingjay) -> None:
    check_bfloat16(encoder, _sound(), cosine=0.999)


def test_compiles(encoder: Mockingjay) -> None:
    check_compiles(encoder, _sound(1))


def test_is_rebuilt_from_its_arguments(encoder: Mockingjay) -> None:
    check_rebuilds(encoder)
