"""Tokenizers: texts -> ids of a model's vocabulary, from the files beside the model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

BYTES = "bytes"  # what ``tokenizer=`` takes for the tokenizer of vidkit's own
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model", "spiece.model")

# Ids of this text are part of a tokenizer's hash: two that share a vocabulary may still split otherwise.
_PROBE = "[empty] Été GOAL's don't x-1,234 日本"


class Tokenizer(Protocol):
    """What turns texts into ids, start and end tokens included."""

    @property
    def padding_id(self) -> int:
        """Id with which a batch is filled."""
        ...

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text, no more than the encoder reads."""
        ...

    def description(self) -> dict[str, Any]:
        """Return what the sidecar of a feature file says of the tokenizer."""
        ...


class LibraryTokenizer:
    """A tokenizer of the library tokenizers, as transformers builds it.

    Args:
        tokenizer: One of transformers, with a backend of the library tokenizers.
        max_tokens: Tokens of a text at most, start and end included.
        lower_case: Whether texts are written small before the tokenizer sees them.

    Raises:
        TypeError: If the tokenizer is written in Python alone.
    """

    def __init__(self, tokenizer: Any, *, max_tokens: int, lower_case: bool = False) -> None:
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise TypeError(
                f"{type(tokenizer).__name__} has no fast version; save the folder with tokenizer.json"
            )
        self._backend = backend
        self._backend.no_padding()  # both are read from tokenizer.json, where the last user left them
        self._backend.enable_truncation(max_tokens)
        self._lower_case = lower_case
        padding_id = tokenizer.pad_token_id
        self.padding_id: int = padding_id if padding_id is not None else tokenizer.eos_token_id or 0

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text."""
        texts = [text.lower() for text in texts] if self._lower_case else list(texts)
        return [encoding.ids for encoding in self._backend.encode_batch(texts)]

    def description(self) -> dict[str, Any]:
        """Return the kind, the size of the vocabulary, and 12 hex digits of a hash of what it does."""
        vocabulary = self._backend.get_vocab()
        digest = hashlib.sha256(str(sorted(vocabulary.items())).encode("utf-8", errors="replace"))
        digest.update(str(self.ids([_PROBE])).encode())
        kind = type(self._backend.model).__name__
        return {"kind": kind, "vocabulary": len(vocabulary), "hash": digest.hexdigest()[:12]}


def tokenizer_folder(weights: Path, tokenizer: str | None, *, owner: str) -> Path | None:
    """Return the folder of the tokenizer's files, or None for the byte tokenizer, which must be asked for.

    Args:
        weights: Folder of the model, or file of weights, beside which the files of its tokenizer lie.
        tokenizer: What the user gave: a folder, "bytes", or None for the files beside the weights.
        owner: Name of the encoder, for messages.

    Raises:
        FileNotFoundError: If ``tokenizer`` names a folder that is not there.
        ValueError: If there are no files of a tokenizer: weights that were trained read no other ids.
    """
    if tokenizer == BYTES:
        return None
    folder = Path(tokenizer).expanduser() if tokenizer else weights if weights.is_dir() else weights.parent
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder of a tokenizer at {folder}; give the folder that holds vocab.txt")
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise ValueError(
            f"{folder} holds no tokenizer, without which {owner} cannot read text for the weights {weights}; "
            f"put {', '.join(TOKENIZER_FILES[:2])} or vocab.json and merges.txt there, or give "
            'tokenizer=FOLDER; tokenizer="bytes" is for weights that vidkit trained with bytes'
        )
    return folder
