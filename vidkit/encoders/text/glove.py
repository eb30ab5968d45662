"""GloVe: one vector for each word, whatever stands beside it.

Shapes: N texts, L words, D = ``dim`` channels.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Callable, Container, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vidkit.encoders.base import Encoder, TextRecipe
from vidkit.encoders.options import one_of
from vidkit.encoders.text.glove_file import GloveFile
from vidkit.encoders.text.hashed import SILENCE
from vidkit.encoders.weights import local_weights, where_to_get
from vidkit.registry import ENCODERS

MAX_WORDS = 512

_WORD = re.compile(r"[^\W_]+(?:[-'./,&][^\W_]+)*")
_CLITIC = re.compile(r"(.+?)(n't|'(?:s|re|ve|ll|d|m))", re.IGNORECASE)
_PART = re.compile(r"[^\W_]+")

Splitter = Callable[[str, Container[str]], list[str]]


def split_glove_words(text: str, known: Container[str]) -> list[str]:
    """Return the words of a text as GloVe's own tokenizer cuts them, without the punctuation between them.

    "doesn't" is "does" and "n't", "person's" is "person" and "'s", as in the corpora of GloVe. A word with a
    hyphen or the like stays whole if it is known, else its parts stand for it.

    Args:
        text: A sentence, in the case of the file.
        known: The words that have a vector.

    Example:
        >>> split_glove_words("the person's t-shirt doesn't fit.", {"t-shirt"})
        ['the', 'person', "'s", 't-shirt', 'does', "n't", 'fit']
    """
    words: list[str] = []
    for word in _WORD.findall(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")):
        clitic = _CLITIC.fullmatch(word)
        stem, rest = clitic.groups() if clitic else (word, None)
        words += [stem] if stem in known else _PART.findall(stem)
        words += [rest] if rest else []
    return words


def _split_as_umt(text: str, known: Container[str]) -> list[str]:
    return text[:-1].split()


def _split_at_blanks(text: str, known: Container[str]) -> list[str]:
    return text.split()


RECIPES: dict[str, Splitter] = {
    "words": split_glove_words,
    # TencentARC/UMT on Charades-STA: the last character is cut, taken for a full stop; then at blanks.
    "umt": _split_as_umt,
    # line/lighthouse: at blanks alone, so that the last word keeps its full stop and has no vector.
    "lighthouse": _split_at_blanks,
}
"""Name -> how a sentence is cut into words."""


@ENCODERS.register_module()
class GloVe(Encoder):
    """GloVe word vectors out of their text file; the text encoder of Charades-STA.

    "GloVe: Global Vectors for Word Representation" (https://aclanthology.org/D14-1162). Charades-STA's models
    read glove.6B.300d word by word: ``tokens``. A text's own vector is the mean over its known words.

    Text is written small if the file has only small letters (6B has, 840B has not). A word that the file
    lacks is a zero vector, and is counted in ``unknown_words``; the first gives a warning.

    The empty text and the placeholder of silence, ``[empty]``, have no words and the zero vector.

    Args:
        weights: The file, ``word v1 .. vD`` on each line. It must stay there: vectors are read when needed.
        recipe: One of ``RECIPES``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If no file is given, a line of it is malformed, or the recipe is unknown.

    Attributes:
        unknown_words: How often each word came that the file lacks.
    """

    modality = "text"
    zero: Tensor

    def __init__(self, *, weights: str | None = None, recipe: str = "words") -> None:
        super().__init__()
        one_of(RECIPES, recipe, "recipe of GloVe")
        path = local_weights(weights) if weights is not None else None
        if path is None:
            given = f"{weights!r} is no file" if weights else "GloVe has no vectors of its own"
            raise ValueError(f"{given}: {where_to_get('GloVe')}")
        self._recipe_name = recipe
        self._file = GloveFile(path)
        self.dim = self._file.dim
        self.recipe = TextRecipe(max_tokens=MAX_WORDS)
        self.unknown_words: Counter[str] = Counter()
        self.register_buffer("zero", torch.zeros(()), persistent=False)  # says the device and the dtype

    def preprocess(self, clips: Sequence[str]) -> Tensor:
        """Return the mean vector of each text, (N, D), on the encoder's device.

        Raises:
            TypeError: If ``clips`` is one str instead of a list of them.
        """
        means = np.zeros((len(clips), self.dim), dtype=np.float32)
        for row, words in enumerate(self._split(clips)):
            known = [self._file.vector(word) for word in words if word in self._file]
            if known:
                means[row] = np.mean(known, axis=0)
        return torch.from_numpy(means).to(self.zero.device)

    def encode(self, inputs: Tensor) -> Tensor:
        """Return one vector per text, the mean over its known words, (N, D); 0 where there are none.

        Args:
            inputs: What ``preprocess`` gave.
        """
        return inputs.float()

    def tokens(self, clips: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return the vector of each of the first 512 words of each text; 0 for an unknown word.

        Returns:
            Vectors (N, L, D), zero at the padding; mask (N, L), True also for unknown words. L is at least 1.

        Raises:
            TypeError: If ``clips`` is one str instead of a list of them.
        """
        texts = self._split(clips)
        length = max([1, *map(len, texts)])
        vectors = np.zeros((len(texts), length, self.dim), dtype=np.float32)
        mask = torch.zeros(len(texts), length, dtype=torch.bool)
        for row, words in enumerate(texts):
            mask[row, : len(words)] = True
            for column, word in enumerate(words):
                if word in self._file:
                    vectors[row, column] = self._file.vector(word)
        device = self.zero.device
        return torch.from_numpy(vectors).to(device), mask.to(device)

    def arguments(self) -> dict[str, Any]:
        """Return recipe. The file is in ``weights_hash``."""
        return {"recipe": self._recipe_name}

    def weights_hash(self) -> str:
        """Return 16 hex digits of the SHA-256 of the file."""
        return self._file.content_hash()

    def _split(self, clips: Sequence[str]) -> list[list[str]]:
        if isinstance(clips, str):
            raise TypeError(f"GloVe reads a list of str, got the str {clips!r}; put it into a list")
        split, texts = RECIPES[self._recipe_name], []
        for text in clips:
            text = text.lower() if self._file.is_lower_case else text
            words = [] if text.strip().lower() == SILENCE else split(text, self._file)
            texts.append(words[:MAX_WORDS])
        unknown = [word for words in texts for word in words if word not in self._file]
        if unknown and not self.unknown_words:
            warnings.warn(
                f"{self._file.path.name} has no vector of {unknown[0]!r}, which is zero; such words are "
                "counted in unknown_words, and this is said once",
                stacklevel=3,
            )
        self.unknown_words.update(unknown)
        return texts
