"""Chunks of a sequence that is too long to be read at once."""

from __future__ import annotations

from itertools import pairwise


def chunks_of(num_clips: int, length: int, overlap: int) -> list[tuple[int, int, int, int]]:
    """Return chunks (start, stop, first, last): [start, stop) is read, [first, last) of it is kept.

    Chunks have one length, neighbours share at least ``overlap``, and what two share is parted in its middle.
    A sequence of at most ``length`` is one chunk.

    Example:
        >>> chunks_of(10, length=6, overlap=2)
        [(0, 6, 0, 5), (4, 10, 5, 10)]
    """
    if num_clips <= length:
        return [(0, num_clips, 0, num_clips)]
    count = -(-(num_clips - overlap) // (length - overlap))
    starts = [round(index * (num_clips - length) / (count - 1)) for index in range(count)]
    borders = [0, *((start + length + after) // 2 for start, after in pairwise(starts)), num_clips]
    return [(start, start + length, *kept) for start, kept in zip(starts, pairwise(borders))]
