"""The words of sentences as vectors, a file for each sentence.

Shapes: L words, D channels.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from vidkit.data.feature_videos import Missing
from vidkit.encoders.base import Encoder, FeatureRecipe
from vidkit.encoders.joined import JoinedFeatures
from vidkit.features.layouts import read_features

REMEDY = (
    "make a file (L, D) for each sentence, a vector for each of its words, or let an encoder read the "
    "sentences: --cfg-options model.text_encoder.type=CLIPText model.text_encoder.weights=..."
)
_NUM_NAMED = 5  # of the sentences without a file


class TokenFiles:
    """A folder with the words of sentences, read-only: ``qid<id>.npz`` (QVHighlights), ``<id>.npz`` (TVSum).

    The array is ``last_hidden_state`` or ``token`` of an .npz file, or the one of an .npy file.

    Args:
        folder: The folder of such folders.
        encoder: Its ``name`` is that of the folder, its ``dim`` the width of the vectors.

    Raises:
        ValueError: If the encoder joins several.
    """

    def __init__(self, folder: str | Path, encoder: Encoder) -> None:
        if isinstance(encoder, JoinedFeatures):
            raise ValueError(
                f"the text encoder joins {len(encoder.parts)} encoders; the words of a sentence are those of "
                "one, so name it alone"
            )
        self.folder = Path(folder) / encoder.store_name
        self.dim = encoder.dim
        files = self.folder.iterdir() if self.folder.is_dir() else []
        self._files = {path.stem: path for path in sorted(files) if path.suffix in (".npy", ".npz")}

    def missing(self, ids: Sequence[int | str]) -> list[int | str]:
        """Return the sentences without a file, in their order, each once."""
        return [name for name in dict.fromkeys(ids) if self._path(name) is None]

    def left_out(self, ids: Sequence[int | str], missing: Missing) -> set[int | str]:
        """Return the sentences without a file, after a warning of them.

        Args:
            ids: Those of a data set.
            missing: "error" refuses any without a file.

        Raises:
            FileNotFoundError: If ``missing`` is "error" and some have none, or if all do.
        """
        absent = self.missing(ids)
        if not absent:
            return set()
        told = (
            f"{len(absent)} of {len(set(ids))} sentences, first {absent[0]!r}, have no file in {self.folder}"
        )
        if missing == "error" or len(absent) == len(set(ids)):
            other = next(iter(self._files), None)
            hint = "" if other is None else f", where {other!r} is"
            raise FileNotFoundError(f"{told}{hint}; {REMEDY}")
        named = ", ".join(map(str, absent[:_NUM_NAMED]))
        warnings.warn(f"{told} and are left out: {named}; {REMEDY}", stacklevel=3)
        return set(absent)

    def read(self, name: int | str, query: str | None = None) -> torch.Tensor:
        """Return the words of a sentence, (L, D) float32.

        Args:
            name: Its id.
            query: The sentence, which tells whether one vector can be all its words.

        Raises:
            FileNotFoundError: If it has no file.
            KeyError: If an .npz file has no array that is known.
            ValueError: If the file is damaged, holds one vector for the sentence, or vectors of another
                width, or numbers that are not finite.
        """
        path = self._path(name)
        if path is None:
            raise FileNotFoundError(f"no file of sentence {name!r} in {self.folder}; {REMEDY}")
        try:
            rows = np.array(read_features(path))
        except ValueError as error:
            if "of shape (" in str(error):
                raise ValueError(
                    f"{path} must hold a vector for each word, (L, {self.dim}): {error}; {REMEDY}"
                ) from error
            raise
        if rows.shape[1] != self.dim:
            raise ValueError(
                f"{path} has {rows.shape[1]} channels, the text encoder has {self.dim}; set its dim to "
                f"{rows.shape[1]}, or read files of another folder"
            )
        if len(rows) == 0 or (len(rows) == 1 and query is not None and len(query.split()) > 1):
            raise ValueError(
                f"{path} holds {len(rows)} vectors for the sentence {_short(query)}: the vector of a whole "
                f"sentence does not do; {REMEDY}"
            )
        if not np.isfinite(rows).all():
            raise ValueError(f"{path} holds numbers that are not finite; make it again")
        return torch.from_numpy(rows)

    def _path(self, name: int | str) -> Path | None:
        return self._files.get(f"qid{name}", self._files.get(str(name)))


def reads_token_files(encoder: Encoder | None) -> bool:
    """Return whether the words that a text encoder stands for come from files; else it reads sentences."""
    return encoder is not None and isinstance(encoder.recipe, FeatureRecipe)


def _short(query: str | None) -> str:
    return repr(query if query is None or len(query) <= 60 else f"{query[:57]}...")
