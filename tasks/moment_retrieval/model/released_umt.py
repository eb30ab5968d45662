"""UMT with the faults of its released code, for the weights that were trained with them.

Shapes: B samples, T clips, L words, D channels.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from vidkit.registry import MODELS
from vidkit.tasks.moment_retrieval.model.umt import UMT
from vidkit.tasks.moment_retrieval.model.umt_parts import QueryDecoder, QueryGenerator

_NUM_TABLE_ROWS = 5000


class _UnmaskedGenerator(QueryGenerator):
    """Padded words are attended, as vectors of zeros."""

    def forward(self, clips: Tensor, words: Tensor, word_mask: Tensor) -> Tensor:
        """Return (B, T, D); see ``QueryGenerator``."""
        words = words.masked_fill(~word_mask[..., None], 0.0)
        return super().forward(clips, words, torch.ones_like(word_mask))


class _UnmaskedDecoder(QueryDecoder):
    """Padded clips are attended."""

    def forward(self, queries: Tensor, clips: Tensor, mask: Tensor, keys: Tensor | None) -> Tensor:
        """Return (B, T, D); see ``QueryDecoder``."""
        return super().forward(queries, clips, mask, None)


@MODELS.register_module()
class ReleasedUMT(UMT):
    """UMT as TencentARC/UMT released it, for converted weights (``vidkit convert``); train ``UMT`` instead.

    Two of its faults reach what it says, both only in a batch with padding: padded clips are keys of the
    query decoder (its call gets no mask), and padded words are keys of the query generator (its mask is
    computed after the padding has been overwritten). Published figures are of single samples, where ``UMT``
    says the same. Positions are five tables of 5000 rows, of which training has touched as many as a video
    has clips. Losses are those of ``UMTLoss``.

    ``UMT`` itself loads the same weights with ``num_window_clips=5000``.

    Args:
        num_window_clips: How many clips it was trained to read at once.
        **umt: As ``UMT``.

    Raises:
        ValueError: If there is no encoder of clips, or a number is out of range.
        TypeError: If a part is of another kind.
    """

    _generator = _UnmaskedGenerator
    _decoder = _UnmaskedDecoder

    def __init__(self, *, num_window_clips: int = 75, **umt: Any) -> None:
        super().__init__(num_window_clips=_NUM_TABLE_ROWS, **umt)
        self.num_window_clips = num_window_clips
