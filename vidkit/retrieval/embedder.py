"""What turns videos and sentences into vectors of one space."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from vidkit.retrieval.entries import Entry
from vidkit.retrieval.exact import Floats

OnShare = Callable[[float], None]


class Embedder(Protocol):
    """What an archive is made with: a text encoder over what videos say, or a model of both."""

    @property
    def dim(self) -> int:
        """Channels of the vectors, D."""

    def description(self) -> dict[str, Any]:
        """Return what the index keeps, as JSON values.

        "name" for people, "fingerprint", which changes whenever the vectors may, and "settings", from which
        the same embedder is made again.
        """

    def embed_video(self, path: Path, *, on_share: OnShare) -> tuple[Floats, list[Entry]]:
        """Return vectors (N, D) and entries of a video and its moments.

        Args:
            path: The video.
            on_share: Called with the share that is done, in [0, 1].

        Raises:
            ValueError: If the video cannot be read or holds nothing to index.
            OSError: If a file cannot be read.
        """

    def embed_text(self, text: str) -> Floats:
        """Return the vector of a sentence, (D,).

        Raises:
            ValueError: If there is nothing in it.
        """

    def embed_example(self, path: Path) -> Floats:
        """Return the vector of a video or picture, (D,).

        Raises:
            ValueError: If it cannot be read, or the vectors know words alone.
        """
