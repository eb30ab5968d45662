"""Text as the bytes of its UTF-8: tokens that need no vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ByteTokenizer:
    """One token for each byte, between a start and an end token.

    Stands in for a model's own tokenizer where there are no files of it: with random weights. The ids lie in
    the vocabulary of the model, so that its shape stays; they mean nothing to weights that were trained with
    another tokenizer.

    Args:
        max_tokens: Tokens of a text at most, start and end included, >= 2; the bytes behind are left out.
        start_id: Id of the start token.
        end_id: Id of the end token.
        padding_id: Id with which a batch is filled.
        first_byte_id: Id of byte 0; byte b is ``first_byte_id + b``.

    Raises:
        ValueError: If ``max_tokens`` is below 2.

    Example:
        >>> tokenizer = ByteTokenizer(5, start_id=101, end_id=102, padding_id=0, first_byte_id=1000)
        >>> tokenizer.ids(["é", "goal"])
        [[101, 1195, 1169, 102], [101, 1103, 1111, 1097, 102]]
    """

    max_tokens: int
    start_id: int
    end_id: int
    padding_id: int
    first_byte_id: int

    def __post_init__(self) -> None:
        if self.max_tokens < 2:
            raise ValueError(
                f"max_tokens must be at least 2, a start and an end token, got {self.max_tokens}"
            )

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text. What UTF-8 has no bytes for (half a surrogate pair) is "?"."""
        room = self.max_tokens - 2
        cut = [text.encode("utf-8", errors="replace")[:room] for text in texts]
        return [[self.start_id, *(self.first_byte_id + b for b in data), self.end_id] for data in cut]

    def description(self) -> dict[str, Any]:
        """Return what the sidecar of a feature file says of the tokenizer."""
        return {"kind": "bytes", "first_byte_id": self.first_byte_id}
