"""Folders of sentence-transformers, of both its schemas: what they compute, as data.

Up to version 5 a folder names its modules ``sentence_transformers.models.Pooling``, says the pooling by flags
and the length in ``sentence_bert_config.json``; from 6 on they have other places, one ``pooling_mode``, and
the length of the tokenizer. What is the same in both is the last part of a module's name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidkit.encoders.text.pooling import POOLINGS
from vidkit.encoders.weights import read_weights
from vidkit.encoders.weights.folder import model_json, weights_file

_FLAGS = {
    "cls": "pooling_mode_cls_token",
    "max": "pooling_mode_max_tokens",
    "mean": "pooling_mode_mean_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}
# Where the length stands: named after the model in old folders.
_SETTINGS = tuple(
    f"sentence_{model}_config.json"
    for model in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "Tanh": torch.tanh,
    "Identity": lambda x: x,
    "ReLU": F.relu,
    "GELU": F.gelu,
}


@dataclass(frozen=True)
class SentenceFolder:
    """What a folder says.

    Args:
        transformer: Folder of the transformer and its tokenizer.
        poolings: Names of ``POOLINGS``, whose vectors are joined.
        heads: What follows the pooling.
        prompt: What is put before every text.
        max_tokens: Tokens of a text at most, or None if the tokenizer says it.
        lower_case: Whether texts are written small first.
    """

    transformer: Path
    poolings: tuple[str, ...]
    heads: nn.Sequential
    prompt: str
    max_tokens: int | None
    lower_case: bool


class Dense(nn.Module):
    """A linear map and an activation, as sentence-transformers puts it behind the pooling."""

    def __init__(self, *, num_in: int, num_out: int, bias: bool, activation: str) -> None:
        super().__init__()
        self.linear = nn.Linear(num_in, num_out, bias=bias)
        self.activation = activation

    def forward(self, vectors: Tensor) -> Tensor:
        """Return the mapped vectors: (N, num_in) -> (N, num_out)."""
        mapped: Tensor = _ACTIVATIONS[self.activation](self.linear(vectors.to(self.linear.weight.dtype)))
        return mapped


class Normalize(nn.Module):
    """Vectors of length 1."""

    def forward(self, vectors: Tensor) -> Tensor:
        """Return the vectors divided by their lengths, (N, D)."""
        return F.normalize(vectors, dim=-1)


def read_sentence_folder(folder: Path) -> SentenceFolder:
    """Return what a folder of sentence-transformers says.

    Raises:
        FileNotFoundError: If a file of it is missing.
        ValueError: If it has modules that vidkit does not compute.
    """
    if not (folder / "modules.json").is_file():
        raise FileNotFoundError(
            f"{folder} holds no modules.json, so it is no folder of sentence-transformers; "
            "for a plain folder of BERT take the encoder BERT"
        )
    modules = sorted(model_json(folder / "modules.json"), key=lambda module: int(module["idx"]))
    kinds = [str(module["type"]).split(".")[-1] for module in modules]
    if kinds[:2] != ["Transformer", "Pooling"] or not set(kinds[2:]) <= {"Dense", "Normalize"}:
        raise ValueError(
            f"{folder} has the modules {', '.join(kinds)}; SentenceEncoder computes Transformer, Pooling, "
            "and then Dense and Normalize; encode such texts with sentence-transformers and load the features"
        )
    places = [folder / str(module["path"]) for module in modules]
    heads = [_dense(place) if kind == "Dense" else Normalize() for kind, place in zip(kinds[2:], places[2:])]
    settings = next(filter(None, (_optional(places[0] / name) for name in _SETTINGS)), {})
    length = settings.get("max_seq_length")
    return SentenceFolder(
        transformer=places[0],
        poolings=_poolings(places[1] / "config.json"),
        heads=nn.Sequential(*heads),
        prompt=_prompt(_optional(folder / "config_sentence_transformers.json")),
        max_tokens=int(length) if length else None,
        lower_case=bool(settings.get("do_lower_case", False)),
    )


def folder_poolings(folder: Path) -> tuple[str, ...] | None:
    """Return how a folder of sentence-transformers pools the states of the tokens; None for another folder.

    Raises:
        FileNotFoundError: If a file of it is missing.
        ValueError: If it pools in a way that vidkit does not compute.
    """
    if not (folder / "modules.json").is_file():
        return None
    places = [
        folder / str(module["path"])
        for module in model_json(folder / "modules.json")
        if str(module["type"]).split(".")[-1] == "Pooling"
    ]
    return tuple(name for place in places for name in _poolings(place / "config.json"))


def _poolings(path: Path) -> tuple[str, ...]:
    config = model_json(path)
    modes = config.get("pooling_mode")
    if modes is None:
        modes = [mode for mode, flag in _FLAGS.items() if config.get(flag)] or ["mean"]
    names = (modes,) if isinstance(modes, str) else tuple(modes)
    if unknown := [name for name in names if name not in POOLINGS]:
        raise ValueError(f"{path} pools by {', '.join(unknown)}; SentenceEncoder by: {', '.join(POOLINGS)}")
    if not config.get("include_prompt", True):
        raise ValueError(f"{path} leaves the prompt out of the pooling, which SentenceEncoder does not")
    return names


def _dense(folder: Path) -> Dense:
    config = model_json(folder / "config.json")
    activation = str(config.get("activation_function", "torch.nn.modules.activation.Tanh")).split(".")[-1]
    special = config.get("use_residual") or config.get("module_input_name", "sentence_embedding") != (
        "sentence_embedding"
    )
    if special or activation not in _ACTIVATIONS:
        known = ", ".join(_ACTIVATIONS)
        raise ValueError(
            f"the dense layer in {folder} is of a kind that SentenceEncoder does not compute; it maps the "
            f"pooled vector, without a short cut, with one of: {known} (here: {activation})"
        )
    dense = Dense(
        num_in=int(config["in_features"]),
        num_out=int(config["out_features"]),
        bias=bool(config.get("bias", True)),
        activation=activation,
    )
    dense.load_state_dict(read_weights(weights_file(folder)))
    return dense


def _prompt(config: dict[str, Any]) -> str:
    name = config.get("default_prompt_name")
    return str(config.get("prompts", {}).get(name) or "") if name else ""


def _optional(path: Path) -> dict[str, Any]:
    return dict(model_json(path)) if path.is_file() else {}
