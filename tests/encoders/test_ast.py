from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification, ASTModel

from vidkit.encoders import AST, AudioRecipe
from vidkit.encoders.audio import ast

State = dict[str, Tensor]
NUM_LAYERS = 2  # of the tests: twelve take seconds a clip


@pytest.fixture(autouse=True)
def _few_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ast.SIZES, "num_hidden_layers", NUM_LAYERS)


@pytest.fixture
def encoder() -> AST:
    return AST()


def _sound(num_clips: int = 1, num_samples: int = 32000) -> Tensor:
    return torch.randn(num_clips, num_samples, generator=torch.Generator().manual_seed(1)) * 0.1


def _authors_state() -> State:
    """Random weights with the names and shapes of YuanGongND/ast (a distilled DeiT of timm 0.4.5)."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator) * 0.05

    state = {f"v.{name}": draw(1, 1, 768) for name in ("cls_token", "dist_token")}
    state["v.pos_embed"] = draw(1, 1214, 768)
    shapes = {"v.patch_embed.proj": (768, 1, 16, 16), "v.head": (1000, 768), "v.head_dist": (1000, 768)}
    for i in range(NUM_LAYERS):
        block = f"v.blocks.{i}"
        shapes |= {f"{block}.attn.qkv": (2304, 768), f"{block}.attn.proj": (768, 768)}
        shapes |= {f"{block}.mlp.fc1": (3072, 768), f"{block}.mlp.fc2": (768, 3072)}
        shapes |= {f"{block}.norm1": (768,), f"{block}.norm2": (768,)}
    shapes |= {"v.norm": (768,), "mlp_head.0": (768,), "mlp_head.1": (527, 768)}
    for name, shape in shapes.items():
        state[f"{name}.weight"] = draw(*shape) + (1 if len(shape) == 1 else 0)
        state[f"{name}.bias"] = draw(shape[0])
    return {f"module.{name}": value for name, value in state.items()}


def _reference_vectors(state: State, banks: Tensor) -> Tensor:
    """forward() of YuanGongND/ast and of timm's blocks in plain formulas: (N, 1024, 128) -> (N, 768)."""
    state = {name.removeprefix("module.v."): value for name, value in state.items()}

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    def norm(x: Tensor, name: str) -> Tensor:
        scaled = (x - x.mean(-1, keepdim=True)) / (x.var(-1, correction=0, keepdim=True) + 1e-6).sqrt()
        return scaled * state[f"{name}.weight"] + state[f"{name}.bias"]

    patches = banks.transpose(1, 2).unfold(1, 16, 10).unfold(2, 16, 10)  # (N, 12, 101, 16, 16)
    kernel = state["patch_embed.proj.weight"].flatten(1)
    x = patches.flatten(3).flatten(1, 2) @ kernel.T + state["patch_embed.proj.bias"]
    tokens = torch.cat([state["cls_token"], state["dist_token"]], 1).expand(len(x), -1, -1)
    x = torch.cat([tokens, x], 1) + state["pos_embed"]
    for i in range(NUM_LAYERS):
        qkv = linear(norm(x, f"blocks.{i}.norm1"), f"blocks.{i}.attn.qkv")
        query, key, value = (t.unflatten(2, (12, 64)).transpose(1, 2) for t in qkv.split(768, dim=2))
        weights = (query @ key.transpose(2, 3) / 8).softmax(-1)
        x = x + linear((weights @ value).transpose(1, 2).flatten(2), f"blocks.{i}.attn.proj")
        hidden = torch.nn.functional.gelu(linear(norm(x, f"blocks.{i}.norm2"), f"blocks.{i}.mlp.fc1"))
        x = x + linear(hidden, f"blocks.{i}.mlp.fc2")
    x = norm(x, "norm")
    return (x[:, 0] + x[:, 1]) / 2


def _folder(path: Path, kind: type, **config: Any) -> Any:
    """A folder as transformers saves it, and the model in it."""
    torch.manual_seed(0)
    model = kind(ASTConfig(num_hidden_layers=NUM_LAYERS, **config)).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    model.save_pretrained(path)
    return model


def test_has_the_parameters_of_the_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    layer = 4 * (768 * 768 + 768) + 2 * 768 * 3072 + 768 + 3072 + 4 * 768
    patches, tokens, norm = 257 * 768, (2 + 1214) * 768, 2 * 768
    num_parameters = sum(p.numel() for p in AST().parameters())
    assert num_parameters == 12 * layer + patches + tokens + norm
    assert round(num_parameters / 1e6) == 86  # the paper has 87 M, with the classifier


def test_reads_10_24_seconds_at_16_khz(encoder: AST) -> None:
    assert encoder.recipe == AudioRecipe(sample_rate_hz=16000, window_seconds=10.24)
    assert encoder.recipe.num_samples == 163840


@pytest.mark.parametrize("kind", [ASTModel, ASTForAudioClassification])
def test_equals_transformers_on_a_folder_with_its_own_extractor(tmp_path: Path, kind: type) -> None:
    model = _folder(tmp_path, kind)
    loaded = AST(weights=str(tmp_path))
    assert loaded.arguments()["layer_norm_eps"] == 1e-12
    sound = _sound()
    extracted = ASTFeatureExtractor()(list(sound.numpy()), sampling_rate=16000, return_tensors="pt")
    base = getattr(model, "audio_spectrogram_transformer", model)
    with torch.inference_mode():
        expected = base(extracted["input_values"]).pooler_output
        same_input = loaded.encode(extracted["input_values"])
        got = loaded(sound)
    torch.testing.assert_close(same_input, expected, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-3)  # its filter bank differs by 2e-4


def test_agrees_with_plain_formulas_on_the_authors_names(tmp_path: Path) -> None:
    torch.save(_authors_state(), tmp_path / "audioset.pth")
    loaded = AST(weights=str(tmp_path / "audioset.pth"))
    banks = loaded.preprocess(_sound())
    with torch.inference_mode():
        got = loaded.encode(banks)
    expected = _reference_vectors(_authors_state(), banks)
    assert expected.std() > 0.1
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


def test_weights_of_vidkit_itself_are_read(encoder: AST, tmp_path: Path) -> None:
    state = {name: value + 0.01 for name, value in encoder.state_dict().items()}
    inside = {f"audio_encoder.{name}": value for name, value in state.items()}
    torch.save({"state_dict": {**inside, "head.weight": torch.zeros(2)}}, tmp_path / "epoch_1.pth")
    loaded = AST(weights=f"{tmp_path / 'epoch_1.pth'}#audio_encoder")
    torch.testing.assert_close(loaded.state_dict(), state)


def test_a_checkpoint_of_other_strides_or_with_missing_weights_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    state = _authors_state()
    state["module.v.pos_embed"] = torch.zeros(1, 514, 768)  # strides of 16
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=r"does not fit AST: 1 of another shape: .*position_embeddings"):
        AST(weights=str(tmp_path / "a.pth"))
    state = _authors_state()
    del state["module.v.blocks.1.norm1.weight"]
    state["module.v.extra.weight"] = torch.zeros(2)
    torch.save(state, tmp_path / "b.pth")
    with pytest.raises(ValueError, match=r"does not fit AST: 1 missing: .*; 1 left over: v\.extra\.weight"):
        AST(weights=str(tmp_path / "b.pth"))
    printed = capfd.readouterr()
    assert "LOAD REPORT" not in printed.err + printed.out


def test_weights_of_another_scheme_are_refused_by_its_name(tmp_path: Path) -> None:
    torch.save({"conv_block1.conv1.weight": torch.zeros(1), "bn0.weight": torch.zeros(1)}, tmp_path / "a.pth")
    with pytest.raises(
        ValueError, match="looks like weights of PANNs CNN14; AST loads: AST, Hugging Face AST"
    ):
        AST(weights=str(tmp_path / "a.pth"))


def test_folders_of_other_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no config\.json in .*; download the whole folder"):
        AST(weights=str(tmp_path))
    config = tmp_path / "config.json"
    config.write_text("{")
    with pytest.raises(ValueError, match="is no readable JSON"):
        AST(weights=str(tmp_path))
    config.write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ValueError, match="is of a model of type 'bert'; AST loads 'audio-spec"):
        AST(weights=str(tmp_path))
    config.write_text(json.dumps({"model_type": "audio-spectrogram-transformer", "time_stride": 16}))
    with pytest.raises(ValueError, match="another size than the published AST: time_stride = 16"):
        AST(weights=str(tmp_path))
    config.write_text(json.dumps({"model_type": "audio-spectrogram-transformer", "num_hidden_layers": 2}))
    with pytest.raises(FileNotFoundError, match=r"holds no model\.safetensors and no pytorch_model\.bin"):
        AST(weights=str(tmp_path))


def test_without_a_network_a_hub_name_says_what_to_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDKIT_OFFLINE", "1")
    with pytest.raises(FileNotFoundError, match=r"the network is off .*; download the file audioset_10_10"):
        AST(weights="nobody/no-such-model")


def test_arguments_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown recipe of AST: 'umt'.* known: audioset"):
        AST(recipe="umt")
    with pytest.raises(ValueError, match="layer_norm_eps must be above 0, got 0"):
        AST(layer_norm_eps=0)


def test_what_is_too_short_is_refused(encoder: AST) -> None:
    assert encoder.preprocess(_sound(1, 400)).shape == (1, 1024, 128)
    with pytest.raises(ValueError, match="AST needs at least 400 samples at 16000 Hz"):
        encoder(_sound(1, 399))


def test_a_clip_does_not_depend_on_its_batch(encoder: AST) -> None:
    check_batch_independence(encoder, _sound(2))


def test_every_parameter_gets_a_gradient(encoder: AST) -> None:
    check_gradients(encoder, _sound())


def test_bfloat16_agrees_with_float32(encoder: AST) -> None:
    check_bfloat16(encoder, _sound(), cosine=0.999)


def test_compiles(encoder: AST) -> None:
    check_compiles(encoder, _sound())


def test_is_rebuilt_from_its_arguments() -> None:
    check_rebuilds(AST(layer_norm_eps=1e-12))
