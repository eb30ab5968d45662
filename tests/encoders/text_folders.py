"""Small folders of text models, written by the tests as the public tools write theirs."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

WORDS = ["a", "the", "goal", "match", "wins", "late", "dough", "knead", "dog", "[", "]", "empty", ",", "!"]
TEXTS = ["a late goal wins the match!", "the dog", "", "[empty]", "knead the dough, knead " * 12]


def write_vocabulary(folder: Path, *, size: int = 1300) -> None:
    """Write the vocab.txt of a BERT with Google's ids of the special tokens."""
    words = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]"}
    words |= {200 + i: word for i, word in enumerate(WORDS)}
    folder.mkdir(parents=True, exist_ok=True)
    lines = [words.get(i, f"[unused{i}]") for i in range(size)]
    (folder / "vocab.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_bert(
    folder: Path,
    config: dict[str, object],
    state: dict[str, torch.Tensor],
    *,
    prefix: str = "",
    old_names: bool = False,
) -> Path:
    """Write a folder of Hugging Face: config.json, weights, vocab.txt."""
    write_vocabulary(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", **config}))
    named = {prefix + name: value.contiguous().clone() for name, value in state.items()}
    if old_names:
        named = {
            name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): v
            for name, v in named.items()
        }
        torch.save(named, folder / "pytorch_model.bin")
    else:
        save_file(named, folder / "model.safetensors", metadata={"format": "pt"})
    return folder
