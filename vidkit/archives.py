"""Archives by a trained model: what videos show, sound like and say, in the space of sentences.

``vidkit.retrieval`` knows no models; here they meet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from vidkit import apis
from vidkit.retrieval import Archive, Embedder, Entry, Index
from vidkit.retrieval.embedder import OnShare
from vidkit.retrieval.exact import Floats
from vidkit.retrieval.text_embedder import open_embedder, shortened

DEFAULT_WINDOW_SECONDS = 10.0
_SETTINGS = {"config", "checkpoint", "options", "window_seconds"}


@runtime_checkable
class EmbeddingInference(Protocol):
    """How a trained model turns raw videos and sentences into vectors of one space."""

    dim: int

    def fingerprint(self) -> str:
        """Return what changes whenever the vectors may."""

    def embed_parts(
        self, path: Path, *, window_seconds: float | None, on_share: OnShare
    ) -> tuple[np.ndarray, list[tuple[tuple[float, float], str]]]:
        """Return vectors (N, D) of a video and of its windows, None for none, and span and text of each."""

    def embed_text(self, text: str) -> np.ndarray:
        """Return the vector of a sentence, (D,)."""


class ModelEmbedder:
    """Videos and sentences through a trained model of video-text retrieval.

    A video has one row for the whole and one for each window of it.

    Args:
        config: The config that the model was trained with: a file or a name.
        checkpoint: The file that training wrote.
        options: Changes of the config, each "key.path=value".
        window_seconds: Length of a window, > 0.

    Raises:
        ConfigError: If the config is wrong.
        FileNotFoundError: If a file is missing.
        ValueError: If the checkpoint does not fit, the model gives no vectors of videos and sentences, or the
            windows have no length.
    """

    def __init__(
        self,
        config: str | Path,
        checkpoint: str | Path,
        *,
        options: Sequence[str] = (),
        window_seconds: float = DEFAULT_WINDOW_SECONDS,
    ) -> None:
        if not 0 < window_seconds < float("inf"):
            raise ValueError(f"a window of a model must be longer than 0 s, got {window_seconds}")
        place = Path(config)
        inference = apis.load(config, checkpoint, options=options).inference
        if not isinstance(inference, EmbeddingInference):
            raise ValueError(
                f"{config} is of {inference.task}, whose models put no sentences and videos into one space; "
                "give a config of video_text_retrieval"
            )
        self._inference = inference
        self._window_seconds = window_seconds
        self._name = type(inference.model).__name__ if hasattr(inference, "model") else place.stem
        self.settings = {
            "config": str(place.absolute()) if place.is_file() else str(config),
            "checkpoint": str(Path(checkpoint).absolute()),
            "options": list(options),
            "window_seconds": float(window_seconds),
        }

    @property
    def dim(self) -> int:
        """Channels of the vectors, D."""
        return self._inference.dim

    def description(self) -> dict[str, Any]:
        """Return name, fingerprint and settings."""
        return {"name": self._name, "fingerprint": self._inference.fingerprint(), "settings": self.settings}

    def embed_video(self, path: Path, *, on_share: OnShare) -> tuple[Floats, list[Entry]]:
        """Return vectors (N, D) and entries of a video, that of the whole first.

        Raises:
            ValueError: If the video cannot be read, or has nothing that the model reads.
            OSError: If a file cannot be read.
        """
        vectors, parts = self._inference.embed_parts(
            path, window_seconds=self._window_seconds, on_share=on_share
        )
        place = str(path.absolute())
        entries = [
            Entry(path.stem, place, start, end, "moment" if number else "video", shortened(text))
            for number, ((start, end), text) in enumerate(parts)
        ]
        return vectors.astype(np.float32), entries

    def embed_text(self, text: str) -> Floats:
        """Return the vector of a sentence, (D,).

        Raises:
            ValueError: If it has no word.
        """
        words = " ".join(text.split())
        if not words:
            raise ValueError(f"there is no word in {text!r}; write what the video should show or say")
        vector: Floats = np.asarray(self._inference.embed_text(words), np.float32)
        return vector

    def embed_example(self, path: Path) -> Floats:
        """Return the vector of a video, all of it, (D,).

        Raises:
            ValueError: If it cannot be read, or has nothing that the model reads.
            OSError: If it cannot be read.
        """
        vectors, _ = self._inference.embed_parts(path, window_seconds=None, on_share=lambda share: None)
        vector: Floats = np.asarray(vectors[0], np.float32)
        return vector


def open_archive(path: str | Path) -> Archive:
    """Return the archive in a folder, with the embedder that it was made with: of texts, or a trained model.

    Raises:
        FileNotFoundError: If there is no index, or weights, config or checkpoint are not where they were.
        ValueError: If the index is damaged, or the weights have changed since.
    """
    index = Index.open(path)
    return Archive(index, _embedder_of(index.encoder))


def _embedder_of(description: Mapping[str, Any]) -> Embedder:
    settings = description.get("settings")
    if not isinstance(settings, dict) or set(settings) != _SETTINGS:
        return open_embedder(description)
    rest = {key: value for key, value in settings.items() if key not in ("config", "checkpoint")}
    return ModelEmbedder(settings["config"], settings["checkpoint"], **rest)
