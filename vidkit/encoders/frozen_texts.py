"""A language model that training leaves alone: each text is read once.

Shapes: N texts, D channels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

from vidkit.encoders.base import Encoder

MAX_TEXTS = 500_000  # all titles and subtitles of USV-1.0: 1.5 GB at 768 channels
_TEXTS_AT_ONCE = 32


class FrozenTexts:
    """Vectors of texts by an encoder whose weights stay as they are.

    What was read is kept in memory, up to ``MAX_TEXTS`` texts, until the weights change.

    Args:
        encoder: Of texts. It is frozen here; whoever holds it keeps it in eval mode.

    Raises:
        ValueError: If the encoder reads something else.
    """

    def __init__(self, encoder: Encoder) -> None:
        if encoder.modality != "text":
            raise ValueError(f"titles and subtitles need a text encoder, got {type(encoder).__name__}")
        self.encoder = encoder.requires_grad_(False).eval()
        self.num_read = 0
        self._known: dict[bytes, Tensor] = {}
        self._state: tuple[int, ...] = ()

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Return the vectors of the texts, (N, D) float32, on the encoder's device."""
        state = tuple(tensor._version for tensor in self.encoder.state_dict().values())
        if state != self._state:  # weights were loaded
            self._known, self._state = {}, state
        keys = [_key(text) for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        fresh = dict(zip(new, self._read(list(new.values()))))
        for key, vector in fresh.items():
            if len(self._known) < MAX_TEXTS:
                self._known[key] = vector
        if not keys:
            return torch.zeros(0, self.encoder.dim)
        vectors = torch.stack([fresh[key] if key in fresh else self._known[key] for key in keys])
        device = next((tensor.device for tensor in self.encoder.state_dict().values()), vectors.device)
        return vectors.to(device)

    def _read(self, texts: Sequence[str]) -> list[Tensor]:
        """Return the vectors in main memory, those of texts of like length read together."""
        self.num_read += len(texts)
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        vectors: dict[int, Tensor] = {}
        for first in range(0, len(order), _TEXTS_AT_ONCE):
            places = order[first : first + _TEXTS_AT_ONCE]
            with torch.no_grad():
                batch = self.encoder([texts[place] for place in places]).float().cpu()
            vectors.update(zip(places, batch.unbind(0)))
        return [vectors[place] for place in range(len(texts))]


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
