"""Annotations of Charades-STA: one moment a sentence, as UMT's text or as JSON lines."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from vidkit.data.moments import MomentAnnotation, checked_query, read_moment_lines
from vidkit.files import read_numbered_lines


def read_charades_sta(path: str | Path) -> list[MomentAnnotation]:
    """Return the annotations of a Charades-STA file.

    A name that ends in .txt is UMT's form, lines ``VID start end##sentence.``; any other holds JSON lines
    with qid, query, duration, vid and relevant_windows. The text form has no qid and no duration: a query is
    named by the place of its line among those that are not empty, from 0, and its ``duration_seconds`` is
    None. Where start and end are swapped they are put in order, as in UMT, which one warning counts.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line breaks the form; the message says which.
    """
    if Path(path).suffix.lower() != ".txt":
        return read_moment_lines(path, clip_seconds=None)
    annotations: list[MomentAnnotation] = []
    num_swapped = 0
    for number, line in read_numbered_lines(path):
        place = f"{path}, line {number}"
        head, mark, sentence = line.partition("##")
        words = head.split()
        if not mark or len(words) != 3:
            raise ValueError(f"{place}: a line is 'VID start end##sentence.', got {line.strip()!r}")
        query = checked_query(sentence, place)
        start, end = (_seconds(word, place) for word in words[1:])
        num_swapped += start > end
        moments = np.array([[min(start, end), max(start, end)]])
        annotations.append(MomentAnnotation(len(annotations), words[0], query, None, moments))
    if num_swapped:
        warnings.warn(f"{path}: start and end of {num_swapped} lines were put in order", stacklevel=2)
    return annotations


def _seconds(word: str, place: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = float("nan")
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"{place}: {word!r} is no time; start and end are seconds, 0 or more")
    return seconds
