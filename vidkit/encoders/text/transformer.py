"""What the transformers for text share: texts -> ids -> states of the tokens -> one vector.

Shapes: N texts, L tokens, D = ``dim`` channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vidkit.encoders.base import Encoder, TextRecipe
from vidkit.encoders.text.tokenizer import Tokenizer
from vidkit.encoders.weights import local_weights
from vidkit.encoders.weights.hub import hub_folder

NO_TOKEN = -1  # stands in the ids behind the last token; no vocabulary has it


class TextTransformer(Encoder):
    """Base of the text encoders with a transformer.

    A subclass sets ``tokenizer`` in its constructor and writes ``states`` and ``pooled``.
    """

    modality = "text"
    recipe: TextRecipe
    tokenizer: Tokenizer

    def preprocess(self, clips: Sequence[str]) -> Tensor:
        """Return the ids of the tokens, (N, max_tokens) int64, -1 behind the last.

        Raises:
            TypeError: If ``clips`` is one str instead of a list of them.
        """
        if isinstance(clips, str):
            name = type(self).__name__
            raise TypeError(f"{name} reads a list of str, got the str {clips!r}; put it into a list")
        ids = torch.full((len(clips), self.recipe.max_tokens), NO_TOKEN)
        for row, tokens in enumerate(self.tokenizer.ids(clips)):
            ids[row, : len(tokens)] = torch.tensor(tokens, dtype=torch.int64)
        return ids.to(next(self.parameters()).device)

    def encode(self, inputs: Tensor) -> Tensor:
        """Return one vector per text, shape (N, D), float32.

        Args:
            inputs: Ids (N, max_tokens), -1 behind the last.
        """
        if not len(inputs):
            return torch.zeros(0, self.dim, device=inputs.device)
        ids, mask = self._batch(inputs)
        return self.pooled(self.states(ids, mask), mask).float()

    def tokens(self, clips: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return the states of the tokens of each text, start and end included.

        Returns:
            States (N, L, D) float32, zero at the padding; mask (N, L). L is at least 1.

        Raises:
            TypeError: If ``clips`` is one str instead of a list of them.
        """
        inputs = self.preprocess(clips)
        if not len(inputs):
            device = inputs.device
            return torch.zeros(0, 1, self.dim, device=device), torch.zeros(0, 1, device=device).bool()
        ids, mask = self._batch(inputs)
        return self.states(ids, mask).float() * mask[:, :, None], mask

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the last states of the tokens, (N, L, D).

        Args:
            ids: Ids (N, L).
            mask: (N, L), True where a token is real.
        """
        raise NotImplementedError

    def pooled(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return one vector per text, (N, D), out of the states (N, L, D)."""
        raise NotImplementedError

    def description(self) -> dict[str, Any]:
        """Return what the base says, and which tokenizer reads the text."""
        return {**super().description(), "tokenizer": self.tokenizer.description()}

    def _batch(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return ids and mask, (N, L), as long as the longest text."""
        mask = inputs != NO_TOKEN
        length = max(1, int(mask.sum(1).max()))
        ids, mask = inputs[:, :length], mask[:, :length]
        return ids.masked_fill(~mask, self.tokenizer.padding_id), mask


def find_weights(weights: str, *, owner: str, variant: str | None = None) -> Path:
    """Return the file or folder of weights on this machine; a name on the hub is downloaded unless offline.

    Raises:
        FileNotFoundError: If it is not here and cannot be downloaded; the message says what to get.
    """
    return local_weights(weights) or hub_folder(weights, owner=owner, variant=variant)
