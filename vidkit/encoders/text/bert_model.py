"""BERT's transformer: its sizes, its weights out of every public container, its tokenizer.

"BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding"
(https://arxiv.org/abs/1810.04805); the module is that of transformers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from vidkit.encoders.text.byte_tokenizer import ByteTokenizer
from vidkit.encoders.text.tokenizer import LibraryTokenizer, Tokenizer, tokenizer_folder
from vidkit.encoders.text.transformer import TextTransformer, find_weights
from vidkit.encoders.weights import State, fixed_random, load_into
from vidkit.encoders.weights.folder import model_json, weights_file
from vidkit.encoders.weights.source import split_prefix

SCHEME = "Hugging Face BERT"

# Ids that every BERT vocabulary of Google's has; the bytes lie behind those that it leaves unused.
_START, _END, _PADDING, _FIRST_BYTE = 101, 102, 0, 1000
# Heads of the tasks on which BERT was trained, and a table of positions that is no weight.
_HEADS = ("cls.", "classifier.", "qa_outputs.", "embeddings.position_ids")


@dataclass(frozen=True)
class BertSize:
    """Sizes of a BERT, named as in its config.json."""

    vocab_size: int
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-12


def build_bert(size: BertSize, *, with_pooler: bool, name: str) -> nn.Module:
    """Return a BERT with random weights, the same in every process."""
    from transformers import BertConfig, BertModel

    with fixed_random(name):
        model: nn.Module = BertModel(BertConfig(**vars(size)), add_pooling_layer=with_pooler)
    return model


def byte_tokenizer(max_tokens: int) -> ByteTokenizer:
    """Return the tokenizer of a BERT with random weights."""
    return ByteTokenizer(max_tokens, _START, _END, _PADDING, _FIRST_BYTE)


def load_bert(
    encoder: TextTransformer,
    weights: str,
    *,
    size: BertSize,
    with_pooler: bool,
    tokenizer: str | None,
    lower_case: bool,
    trust: bool,
) -> Tokenizer:
    """Load weights into ``encoder.model`` and return the tokenizer that belongs to them.

    Args:
        encoder: Has a BERT as ``model`` and its ``recipe``.
        weights: Folder, file or name on the hub.
        size: Sizes of the model, which the folder must share.
        with_pooler: Whether the model has the dense layer behind the start token.
        tokenizer: Folder of the tokenizer, "bytes", or None for that beside the weights.
        lower_case: Whether the vocabulary is of small letters, for folders that do not say it.
        trust: Whether a pickle may run code while it is read.

    Raises:
        FileNotFoundError: If the weights are not there.
        ValueError: If they do not fit, or have no tokenizer.
    """
    owner = type(encoder).__name__
    path = find_weights(weights, owner=owner)
    file: Path | str = path
    if path.is_dir():
        _check_size(path, size, owner=owner)
        file = weights_file(path)
    load_into(encoder, file, converters={SCHEME: _own_names(with_pooler)}, owner=owner, trust=trust)
    folder = tokenizer_folder(split_prefix(path)[0], tokenizer, owner=owner)
    max_tokens = encoder.recipe.max_tokens
    return _word_pieces(folder, lower_case, max_tokens) if folder else byte_tokenizer(max_tokens)


def _own_names(with_pooler: bool) -> Callable[[State], State]:
    dropped = _HEADS if with_pooler else (*_HEADS, "pooler.")

    def convert(state: State) -> State:
        own: dict[str, Tensor] = {}
        for name, value in state.items():
            bare = re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", name.removeprefix("bert."))
            bare = re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", bare)
            if not bare.startswith(dropped):
                own[f"model.{bare}"] = value
        return own

    return convert


def _check_size(folder: Path, size: BertSize, *, owner: str) -> None:
    config = model_json(folder / "config.json")
    model_type = config.get("model_type", "bert")
    if model_type != "bert":
        raise ValueError(f"{folder} holds a model of type {model_type!r}; {owner} loads BERT")
    wrong = [
        f"{name} {config[name]} instead of {value}"
        for name, value in vars(size).items()
        if config.get(name, value) != value
    ]
    if wrong:
        raise ValueError(f"{folder} does not fit {owner}: it has {', '.join(wrong)}; is it another variant?")


def _word_pieces(folder: Path, lower_case: bool, max_tokens: int) -> LibraryTokenizer:
    from transformers import BertTokenizer

    settings = folder / "tokenizer_config.json"
    if settings.is_file():
        lower_case = model_json(settings).get("do_lower_case", lower_case)
    tokenizer = BertTokenizer.from_pretrained(str(folder), local_files_only=True, do_lower_case=lower_case)
    return LibraryTokenizer(tokenizer, max_tokens=max_tokens)
