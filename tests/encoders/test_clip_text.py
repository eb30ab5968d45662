"""CLIPText beside transformers and open_clip; the vocabulary is CLIP's own, which open_clip carries."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from checks import (
    check_batch_independence,
    check_bfloat16,
    check_compiles,
    check_gradients,
    check_rebuilds,
)
from transformers import CLIPConfig, CLIPModel, CLIPTextModelWithProjection, CLIPTokenizer

from vidkit.encoders.text.clip_text import VARIANTS, CLIPText
from vidkit.encoders.text.clip_tokenizer import VOCABULARY, load_clip_tokenizer
from vidkit.registry import ENCODERS

TEXTS = ["A man's DOG runs, isn't it?  ", "", "[empty]", "Größe 日本 🎬 1234 x-y", "goal " * 100]
TINY = dict(hidden_size=64, projection_dim=64, vocab_size=49408, num_hidden_layers=2)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VARIANTS, "tiny", TINY)


def _tokenizer() -> CLIPTokenizer:
    package = Path(open_clip.__file__).parent
    tokenizer = load_clip_tokenizer(package, None, max_tokens=77, vocab_size=49408)
    backend = tokenizer._backend  # type: ignore[attr-defined]
    model = json.loads(backend.to_str())["model"]
    return CLIPTokenizer(vocab=model["vocab"], merges=[tuple(pair) for pair in model["merges"]])


def _clip(activation: str = "quick_gelu", **text: Any) -> CLIPModel:
    torch.manual_seed(7)
    vision = dict(
        hidden_size=64, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2, patch_size=32
    )
    sizes = {**TINY, "intermediate_size": 256, "num_attention_heads": 1, "hidden_act": activation, **text}
    sizes["eos_token_id"] = 2  # as in OpenAI's folders on the hub
    return CLIPModel(CLIPConfig(text_config=sizes, vision_config=vision, projection_dim=64)).eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip")
    _clip().save_pretrained(path)
    _tokenizer().save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def open_clip_model() -> Any:
    torch.manual_seed(8)
    model = open_clip.model.CLIP(
        embed_dim=64,
        vision_cfg=dict(layers=1, width=64, head_width=32, patch_size=32),
        text_cfg=dict(width=64, heads=1, layers=2, vocab_size=49408),
        quick_gelu=True,
    ).eval()
    with torch.no_grad():  # open_clip starts the biases at 0, where an exchange of them would not show
        for value in model.parameters():
            value.add_(0.02 * torch.randn_like(value))
    return model


def test_the_tokenizer_gives_the_ids_of_open_clip(tmp_path: Path) -> None:
    expected = open_clip.tokenize(TEXTS)
    encoder = CLIPText(variant="tiny")
    encoder.tokenizer = load_clip_tokenizer(tmp_path, None, max_tokens=77, vocab_size=49408)
    ids = encoder.preprocess(TEXTS)
    assert ids.clamp(min=0).equal(expected)
    assert encoder.description()["tokenizer"]["kind"] == "BPE"


@pytest.mark.slow
@pytest.mark.parametrize(("variant", "width"), [("ViT-B/32", 512), ("ViT-B/16", 512), ("ViT-L/14", 768)])
def test_the_variants_have_their_published_sizes(variant: str, width: int) -> None:
    layer = 4 * (width**2 + width) + 2 * 4 * width**2 + 5 * width + 4 * width
    expected = (49408 + 77 + 2) * width + 12 * layer + width * width
    encoder = CLIPText(variant=variant)
    assert sum(p.numel() for p in encoder.parameters()) == expected
    assert encoder(["a"]).shape == (1, width)
    check_rebuilds(encoder)


def test_vectors_and_tokens_agree_with_transformers(folder: Path) -> None:
    model = CLIPModel.from_pretrained(folder)
    batch = CLIPTokenizer.from_pretrained(folder)(
        TEXTS, padding=True, truncation=True, max_length=77, return_tensors="pt"
    )
    encoder = CLIPText(variant="tiny", weights=str(folder))
    with torch.no_grad():
        pooled = model.get_text_features(**batch)
        states = model.text_model(**batch).last_hidden_state
        ours, mask = encoder.tokens(TEXTS)
        expected = pooled if isinstance(pooled, torch.Tensor) else pooled.pooler_output
        torch.testing.assert_close(encoder(TEXTS), expected, rtol=1e-5, atol=1e-5)
    assert mask.equal(batch["attention_mask"].bool())
    assert mask.sum(1).tolist() == [12, 2, 5, 18, 77]
    assert (ours[~mask] == 0).all()
    torch.testing.assert_close(ours[mask], states[mask], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("wrapped", [False, True])
def test_files_of_openai_and_open_clip_give_their_vectors(
    tmp_path: Path, open_clip_model: Any, wrapped: bool
) -> None:
    state = open_clip_model.state_dict()
    content = {"state_dict": {f"module.{k}": v for k, v in state.items()}} if wrapped else state
    torch.save(content, tmp_path / "clip.pt")
    encoder = CLIPText(variant="tiny", weights=str(tmp_path / "clip.pt"))
    with torch.no_grad():
        expected = open_clip_model.encode_text(open_clip.tokenize(TEXTS))
        torch.testing.assert_close(encoder(TEXTS), expected, rtol=1e-5, atol=1e-5)
        states, mask = encoder.tokens(TEXTS)
        projected = states[torch.arange(5), mask.sum(1) - 1] @ open_clip_model.text_projection
        torch.testing.assert_close(projected, expected, rtol=1e-5, atol=1e-5)


def test_a_half_precision_torch_script_archive_is_read_in_full_precision(
    tmp_path: Path, open_clip_model: Any
) -> None:
    class Names(torch.nn.Module):
        """Holds weights under OpenAI's names; what it computes is never called."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    root = Names()
    for name, value in open_clip_model.state_dict().items():
        owner = root
        *path, last = name.split(".")
        for part in path:
            if part not in owner._modules:
                owner.add_module(part, Names())
            owner = owner._modules[part]  # type: ignore[assignment]
        owner.register_parameter(last, torch.nn.Parameter(value.half(), requires_grad=False))
    torch.jit.script(root).save(str(tmp_path / "ViT-tiny.pt"))
    encoder = CLIPText(variant="tiny", weights=str(tmp_path / "ViT-tiny.pt"))
    assert {p.dtype for p in encoder.parameters()} == {torch.float32}
    with torch.no_grad():
        expected = open_clip_model.encode_text(open_clip.tokenize(TEXTS))
        torch.testing.assert_close(encoder(TEXTS), expected, rtol=0, atol=5e-3)


def test_the_text_side_alone_loads_and_the_config_names_the_activation(folder: Path, tmp_path: Path) -> None:
    full = _clip("gelu")
    full.save_pretrained(tmp_path / "full")
    half = CLIPTextModelWithProjection.from_pretrained(tmp_path / "full")
    half.save_pretrained(tmp_path / "half")
    erf = CLIPText(variant="tiny", weights=str(tmp_path / "full"))
    alone = CLIPText(variant="tiny", weights=str(tmp_path / "half"))
    quick = CLIPText(variant="tiny", weights=str(folder))
    assert (erf.activation, alone.activation, quick.activation) == ("gelu", "gelu", "quick_gelu")
    assert erf(TEXTS).equal(alone(TEXTS))
    assert not torch.allclose(erf(TEXTS), quick(TEXTS), atol=1e-4)
    assert erf.arguments()["activation"] == "gelu"


def test_qvhighlights_reads_the_first_32_states_of_the_whole_text(folder: Path) -> None:
    whole, _ = CLIPText(variant="tiny", weights=str(folder)).tokens(TEXTS)
    encoder = CLIPText(variant="tiny", weights=str(folder), recipe="qvhighlights")
    states, mask = encoder.tokens(TEXTS)
    assert states.shape == (5, 32, 64)
    assert mask.sum(1).tolist() == [12, 2, 5, 18, 32]
    assert states.equal(whole[:, :32])
    assert encoder(TEXTS).equal(CLIPText(variant="tiny", weights=str(folder))(TEXTS))


def test_keeps_the_contract_of_encoders() -> None:
    encoder = CLIPText(variant="tiny")
    check_gradients(encoder, TEXTS)
    check_bfloat16(encoder, TEXTS)
    check_compiles(encoder, TEXTS)
    check_rebuilds(encoder)
    check_batch_independence(encoder, TEXTS)
    assert encoder.description()["tokenizer"]["kind"] == "bytes"
    assert encoder.preprocess(["ab"])[0, :5].tolist() == [49406, 97, 98, 49407, -1]
    assert encoder([]).shape == (0, 64)
    assert type(ENCODERS.build(dict(type="CLIPText", variant="tiny"))) is CLIPText


def test_a_checkpoint_of_vidkit_serves_with_its_prefix(tmp_path: Path) -> None:
    trained = CLIPText(variant="tiny")
    torch.save({f"text_encoder.{k}": v for k, v in trained.state_dict().items()}, tmp_path / "epoch_1.pth")
    file = f"{tmp_path / 'epoch_1.pth'}#text_encoder"
    assert CLIPText(variant="tiny", weights=file, tokenizer="bytes").fingerprint() == trained.fingerprint()


def test_vocabularies_beside_the_weights_and_in_a_folder_are_read(folder: Path, tmp_path: Path) -> None:
    encoder = CLIPText(variant="tiny", weights=str(folder))
    alone = tmp_path / "weights"
    alone.mkdir()
    shutil.copy(folder / "model.safetensors", alone)
    (tmp_path / "words").mkdir()
    shutil.copy(Path(open_clip.__file__).parent / VOCABULARY, tmp_path / "words")
    file = str(alone / "model.safetensors")
    given = CLIPText(variant="tiny", weights=file, tokenizer=str(tmp_path / "words"))
    assert given.fingerprint() == encoder.fingerprint()
    shutil.copy(tmp_path / "words" / VOCABULARY, alone)
    assert CLIPText(variant="tiny", weights=file).fingerprint() == encoder.fingerprint()


def test_trained_weights_without_a_vocabulary_are_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(folder / "model.safetensors", tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    file = str(tmp_path / "model.safetensors")
    with pytest.raises(
        ValueError, match=r"holds no vocabulary, without which CLIPText.*pip install vidkit\[text\]"
    ):
        CLIPText(variant="tiny", weights=file)
    with pytest.raises(FileNotFoundError, match=r"no folder of a tokenizer at .*nowhere"):
        CLIPText(variant="tiny", weights=file, tokenizer=str(tmp_path / "nowhere"))


def test_broken_and_other_vocabularies_are_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "model.safetensors", tmp_path)
    file = str(tmp_path / "model.safetensors")
    (tmp_path / VOCABULARY).write_bytes(b"no gzip")
    with pytest.raises(ValueError, match="is no readable vocabulary of CLIP"):
        CLIPText(variant="tiny", weights=file)
    (tmp_path / VOCABULARY).write_bytes(gzip.compress(b"#version\na b\n"))
    with pytest.raises(ValueError, match=r"has 515 tokens and the weights .* 49408"):
        CLIPText(variant="tiny", weights=file)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown variant of CLIPText: 'RN50'.* known: ViT-B/32"):
        CLIPText(variant="RN50")
    with pytest.raises(ValueError, match=r"unknown recipe of CLIPText: 'usv'.* known: clip, qvhighlights"):
        CLIPText(recipe="usv")
    with pytest.raises(ValueError, match="activation must be 'quick_gelu' or 'gelu', got 'relu'"):
        CLIPText(activation="relu")  # type: ignore[arg-type]


def test_folders_of_another_size_or_kind_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"another size than CLIP\w+ ViT-B/32; .*hidden_size = 64"):
        CLIPText(weights=str(folder))
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ValueError, match="is of a model of type 'bert'; CLIPText ViT-B/32 loads 'clip'"):
        CLIPText(weights=str(tmp_path))
    _clip("gelu_new").save_pretrained(tmp_path / "new")
    with pytest.raises(ValueError, match="names the activation 'gelu_new'; known: quick_gelu, gelu"):
        CLIPText(variant="tiny", weights=str(tmp_path / "new"))


def test_files_of_another_scheme_or_size_are_refused(
    tmp_path: Path, open_clip_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(VARIANTS, "other", {**TINY, "num_hidden_layers": 3})
    torch.save({"encoder.layer.0.attention.self.query.weight": torch.zeros(2)}, tmp_path / "bert.bin")
    with pytest.raises(
        ValueError, match="looks like weights of Hugging Face BERT; CLIPText tiny loads: OpenAI"
    ):
        CLIPText(variant="tiny", weights=str(tmp_path / "bert.bin"))
    torch.save(open_clip_model.state_dict(), tmp_path / "clip.pt")
    with pytest.raises(ValueError, match="looks like weights of OpenAI CLIP and does not fit CLIPText other"):
        CLIPText(variant="other", weights=str(tmp_path / "clip.pt"))
