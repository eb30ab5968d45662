"""Chunks of a long sequence: every clip is kept once, and read with others round it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from vidkit.postprocessing import chunks_of


@pytest.mark.parametrize("num_clips", [1, 5, 59, 60, 61, 119, 120, 121, 1000])
@pytest.mark.parametrize("overlap", [0, 1, 20, 59])
def test_chunks_cover_every_clip_once(num_clips: int, overlap: int) -> None:
    chunks = chunks_of(num_clips, length=60, overlap=overlap)
    kept = [clip for _, _, first, last in chunks for clip in range(first, last)]
    assert kept == list(range(num_clips))
    assert all(start <= first < last <= stop for start, stop, first, last in chunks)
    assert {stop - start for start, stop, *_ in chunks} == {min(num_clips, 60)}
    shared = [before[1] - after[0] for before, after in pairwise(chunks)]
    assert all(number >= overlap for number in shared)
