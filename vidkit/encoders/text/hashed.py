"""Words and their letters, hashed into a vector: text without a vocabulary and without weights.

Shapes: N texts, L words, D = ``dim`` channels.
"""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from vidkit.encoders.base import Encoder, TextRecipe
from vidkit.registry import ENCODERS

MAX_TOKENS = 512
SILENCE = "[empty]"  # what a clip in which nobody speaks carries in place of a caption

_WORD = re.compile(r"\w+")
_NGRAM_LETTERS = 3


@ENCODERS.register_module()
class HashedText(Encoder):
    """Bag of hashed words and character 3-grams, L2-normalised; no weights.

    The signed feature hashing of "Feature Hashing for Large Scale Multitask Learning"
    (https://arxiv.org/abs/0902.2206), equation 1. A word's vector is the word itself and the 3-grams of
    ``<word>``, which together weigh as much as the word, so that "goal" and "goals" are near. A text's
    vector is the sum over its words. Texts that share no letters are about orthogonal.

    The empty text and the placeholder of silence, ``[empty]``, give the zero vector: nothing was said,
    which is near to no query, not even to the word "empty".

    Args:
        dim: Channels, > 0. Two words share a channel with probability 1 / dim.

    Raises:
        ValueError: If ``dim`` is not positive.

    Example:
        >>> goal, goals, dog = HashedText()(["a goal", "two goals", "dog"])
        >>> bool(goal @ goals > goal @ dog)
        True
    """

    modality = "text"
    zero: Tensor

    def __init__(self, *, dim: int = 256) -> None:
        super().__init__()
        if dim < 1:
            raise ValueError(f"dim must be at least 1, got {dim}")
        self.dim = dim
        self.recipe = TextRecipe(max_tokens=MAX_TOKENS)
        self.register_buffer("zero", torch.zeros(()), persistent=False)  # says the device and the dtype

    def encode(self, inputs: Sequence[str]) -> Tensor:
        """Return one vector per text, shape (N, D), of length 1, or 0 where there are no words.

        Raises:
            TypeError: If ``inputs`` is one str instead of a list of them.
        """
        words, _ = self.tokens(inputs)  # (N, L, D), zeros at the padding
        return torch.nn.functional.normalize(words.sum(1), dim=-1)

    def tokens(self, clips: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return a vector of length 1 for each of the first 512 words of each text.

        Returns:
            Vectors (N, L, D), zero at the padding; mask (N, L), False in the whole row of a text
            without words. L is at least 1.

        Raises:
            TypeError: If ``clips`` is one str instead of a list of them.
        """
        if isinstance(clips, str):
            raise TypeError(f"HashedText reads a list of str, got the str {clips!r}; put it into a list")
        texts = [split_words(text)[:MAX_TOKENS] for text in clips]
        length = max([1, *map(len, texts)])
        mask = torch.zeros(len(texts), length, dtype=torch.bool)
        vectors = torch.zeros(len(texts), length, self.dim)
        for row, words in enumerate(texts):
            mask[row, : len(words)] = True
            for column, word in enumerate(words):
                channels, values = _hashed_word(word, self.dim)
                vectors[row, column, list(channels)] = torch.tensor(values)
        return vectors.to(self.zero), mask.to(self.zero.device)

    def arguments(self) -> dict[str, Any]:
        """Return dim."""
        return {"dim": self.dim}


def split_words(text: str) -> list[str]:
    """Return the words of a text in lower case; none for the placeholder of silence.

    Example:
        >>> split_words("It's a GOAL!"), split_words("[empty]")
        (['it', 's', 'a', 'goal'], [])
    """
    if text.strip() == SILENCE:
        return []
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


@lru_cache(maxsize=50_000)
def _hashed_word(word: str, dim: int) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return the channels and values of a word's vector, whose length is 1."""
    framed = f"<{word}>"
    ngrams = [framed[i : i + _NGRAM_LETTERS] for i in range(len(framed) - _NGRAM_LETTERS + 1)]
    values: dict[int, float] = {}
    for feature, weight in [("w:" + word, 1.0), *(("g:" + n, 1 / math.sqrt(len(ngrams))) for n in ngrams)]:
        digest = int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest(), "little")
        channel, sign = (digest >> 1) % dim, 1 - 2 * (digest & 1)
        values[channel] = values.get(channel, 0.0) + sign * weight
    norm = math.sqrt(sum(value * value for value in values.values())) or 1.0
    return tuple(values), tuple(value / norm for value in values.values())
