from __future__ import annotations

import dataclasses
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
from text_folders import TEXTS, write_bert, write_vocabulary
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM, BertModel

from vidkit.encoders.text.bert import BERT, VARIANTS
from vidkit.encoders.text.bert_model import BertSize
from vidkit.registry import ENCODERS

TINY = BertSize(
    vocab_size=1300, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64
)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VARIANTS, "tiny", TINY)


def _model(cls: Any = BertModel, **options: Any) -> Any:
    torch.manual_seed(3)
    return cls(BertConfig(**vars(TINY)), **options).eval()


def _folder(path: Path, **options: Any) -> tuple[Path, Any]:
    model = _model()
    return write_bert(path, dict(vars(TINY)), model.state_dict(), **options), model


def _reference_parameters(size: BertSize) -> int:
    """Tables and norm; per layer 4 square maps, 2 of the feed-forward, 2 norms; the pooler's dense layer."""
    d, f = size.hidden_size, size.intermediate_size
    tables = (size.vocab_size + size.max_position_embeddings + size.type_vocab_size + 2) * d
    layer = 4 * (d * d + d) + (d * f + f) + (f * d + d) + 4 * d
    return tables + size.num_hidden_layers * layer + d * d + d


@pytest.mark.slow
def test_the_multilingual_model_has_its_published_size() -> None:
    encoder = BERT()
    count = sum(p.numel() for p in encoder.parameters())
    assert count == _reference_parameters(VARIANTS["base-multilingual-cased"]) == 177_853_440
    assert encoder(["Tor", ""]).shape == (2, 768)
    check_rebuilds(encoder)


@pytest.mark.parametrize("pooling", ["pooler", "cls", "mean"])
def test_agrees_with_transformers_on_its_folder(tmp_path: Path, pooling: Any) -> None:
    folder, model = _folder(tmp_path)
    batch = AutoTokenizer.from_pretrained(str(folder))(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        theirs = model(**batch)
        vectors = BERT(weights=str(folder), variant="tiny", pooling=pooling)(TEXTS)
    mask = batch["attention_mask"][:, :, None].float()
    expected = {
        "pooler": theirs.pooler_output,
        "cls": theirs.last_hidden_state[:, 0],
        "mean": (theirs.last_hidden_state * mask).sum(1) / mask.sum(1),
    }[pooling]
    torch.testing.assert_close(vectors, expected, rtol=1e-6, atol=1e-6)


def test_tokens_are_the_last_states_and_their_mask(tmp_path: Path) -> None:
    folder, model = _folder(tmp_path)
    batch = AutoTokenizer.from_pretrained(str(folder))(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        states, mask = BERT(weights=str(folder), variant="tiny").tokens(TEXTS)
        theirs = model(**batch).last_hidden_state
    assert mask.equal(batch["attention_mask"].bool())
    assert (states[~mask] == 0).all()
    torch.testing.assert_close(states[mask], theirs[mask], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("old_names", [False, True])
def test_the_heads_of_pretraining_are_dropped_and_old_names_read(tmp_path: Path, old_names: bool) -> None:
    model = _model(BertForMaskedLM)
    state = {k: v for k, v in model.state_dict().items() if k != "cls.predictions.decoder.weight"}
    folder = write_bert(tmp_path, dict(vars(TINY)), state, old_names=old_names)
    encoder = BERT(weights=str(folder), variant="tiny", pooling="cls")
    for name, value in model.bert.state_dict().items():
        assert encoder.model.state_dict()[name].equal(value), name


def test_a_checkpoint_of_vidkit_serves_with_its_prefix_and_its_tokenizer(tmp_path: Path) -> None:
    trained = BERT(variant="tiny")
    with torch.no_grad():
        next(trained.parameters()).add_(0.1)
    file = tmp_path / "run" / "epoch_3.pth"
    file.parent.mkdir()
    content = {f"text_encoder.{name}": value for name, value in trained.state_dict().items()}
    torch.save({"state_dict": {**content, "head.weight": torch.zeros(2)}}, file)
    loaded = BERT(weights=f"{file}#text_encoder", tokenizer="bytes", variant="tiny")
    torch.testing.assert_close(loaded(TEXTS), trained(TEXTS))
    assert loaded.fingerprint() == trained.fingerprint()
    write_vocabulary(tmp_path / "vocabulary")
    with_words = BERT(weights=str(file), tokenizer=str(tmp_path / "vocabulary"), variant="tiny")
    assert with_words.description()["tokenizer"]["kind"] == "WordPiece"


@pytest.mark.parametrize(("variant", "kept"), [("tiny", False), ("tiny-uncased", True)])
def test_without_settings_the_variant_says_whether_case_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variant: str, kept: bool
) -> None:
    monkeypatch.setitem(VARIANTS, "tiny-uncased", TINY)
    folder, _ = _folder(tmp_path)
    encoder = BERT(weights=str(folder), variant=variant)
    upper, lower = encoder(["Goal", "goal"])
    assert torch.allclose(upper, lower) is kept
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    upper, lower = BERT(weights=str(folder), variant=variant)(["Goal", "goal"])
    assert torch.allclose(upper, lower)


def test_keeps_the_contract_of_encoders() -> None:
    encoder = BERT(variant="tiny")
    for pooling in ("pooler", "cls", "mean"):
        check_gradients(BERT(variant="tiny", pooling=pooling), TEXTS)
    check_bfloat16(encoder, TEXTS)
    check_compiles(encoder, TEXTS)
    check_rebuilds(encoder)
    check_batch_independence(encoder, TEXTS)
    assert encoder.description()["tokenizer"]["kind"] == "bytes"
    assert type(ENCODERS.build(dict(type="BERT", variant="tiny"))) is BERT


def test_padding_and_truncation_do_not_change_other_texts() -> None:
    encoder = BERT(variant="tiny")
    states, mask = encoder.tokens(["goal", "x" * 5000])
    alone, alone_mask = encoder.tokens(["goal"])
    assert mask.sum(1).tolist() == [6, 512]
    torch.testing.assert_close(states[0, :6], alone[0], rtol=1e-5, atol=1e-5)
    assert alone_mask.all()


def test_no_texts_give_no_vectors() -> None:
    encoder = BERT(variant="tiny")
    assert encoder([]).shape == (0, 32)
    assert [tuple(t.shape) for t in encoder.tokens([])] == [(0, 1, 32), (0, 1)]


def test_random_weights_leave_the_generator_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    BERT(variant="tiny")
    assert torch.rand(1).equal(expected)


def test_a_str_in_place_of_a_list_is_refused() -> None:
    with pytest.raises(TypeError, match="BERT reads a list of str, got the str 'goal'; put it into a list"):
        BERT(variant="tiny")("goal")


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown variant of BERT: 'huge'.* known: base-multilingual-cased"):
        BERT(variant="huge")
    with pytest.raises(ValueError, match="pooling must be pooler, cls or mean, got 'sum'"):
        BERT(pooling="sum")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"unknown recipe of BERT: 'rasl'.* known: usv"):
        BERT(recipe="rasl")


def test_a_folder_of_another_size_is_refused(tmp_path: Path) -> None:
    other = dataclasses.replace(TINY, num_attention_heads=8, hidden_act="relu")
    write_bert(tmp_path, dict(vars(other)), _model().state_dict())
    with pytest.raises(
        ValueError, match="num_attention_heads 8 instead of 4, hidden_act relu instead of gelu; is it another"
    ):
        BERT(weights=str(tmp_path), variant="tiny")


def test_a_folder_of_another_model_is_refused(tmp_path: Path) -> None:
    write_bert(tmp_path, {"model_type": "roberta"}, _model().state_dict())
    with pytest.raises(ValueError, match="holds a model of type 'roberta'; BERT loads BERT"):
        BERT(weights=str(tmp_path), variant="tiny")


def test_a_file_of_another_scheme_is_refused_by_its_name(tmp_path: Path) -> None:
    names = ["conv1.weight", "bn1.weight", "layer1.0.conv1.weight"]
    torch.save({name: torch.zeros(2) for name in names}, tmp_path / "r50.pth")
    with pytest.raises(
        ValueError, match="looks like weights of torchvision ResNet; BERT loads: Hugging Face BERT"
    ):
        BERT(weights=str(tmp_path / "r50.pth"), variant="tiny")


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    state = _model(add_pooling_layer=False).state_dict()
    folder = write_bert(tmp_path, dict(vars(TINY)), state)
    with pytest.raises(ValueError, match=r"does not fit BERT: 2 missing: model\.pooler\.dense\.bias"):
        BERT(weights=str(folder), variant="tiny")
    assert BERT(weights=str(folder), variant="tiny", pooling="mean")(["a"]).isfinite().all()


def test_trained_weights_without_a_tokenizer_are_refused(tmp_path: Path) -> None:
    folder, _ = _folder(tmp_path)
    (folder / "vocab.txt").unlink()
    with pytest.raises(ValueError, match="holds no tokenizer, without which BERT cannot read text"):
        BERT(weights=str(folder), variant="tiny")
    with pytest.raises(FileNotFoundError, match=r"no folder of a tokenizer at .*nowhere"):
        BERT(weights=str(folder), variant="tiny", tokenizer=str(tmp_path / "nowhere"))


def test_half_a_folder_is_refused(tmp_path: Path) -> None:
    folder, _ = _folder(tmp_path)
    (folder / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"holds no model\.safetensors and no pytorch_model\.bin"):
        BERT(weights=str(folder), variant="tiny")
    (folder / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"config\.json is no readable JSON"):
        BERT(weights=str(folder), variant="tiny")
    (folder / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"no config\.json in .*; download the whole folder"):
        BERT(weights=str(folder), variant="tiny")


def test_offline_the_message_says_what_to_get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDKIT_OFFLINE", "1")
    with pytest.raises(
        FileNotFoundError, match=r"the network is off.*download the folder bert-base-multilingual"
    ):
        BERT(weights="google-bert/no-such-model", variant="tiny")
    with pytest.raises(FileNotFoundError, match="no weights at"):
        BERT(weights=str(tmp_path / "no.pth"), variant="tiny")
