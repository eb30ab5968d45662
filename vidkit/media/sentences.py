"""Words with times -> sentences with times: what recognisers of speech hear, as captions.

A sentence ends at its punctuation, at a pause, and where it would last longer than Whisper's own window.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from vidkit.media.caption_formats import Caption, clean_text, make_caption

PAUSE_SECONDS = 2.0  # a clip of Repurpose-10K is 1 s: within a longer pause one lies that must be [empty]
MAX_SENTENCE_SECONDS = 30.0  # the window of Whisper, for text without any punctuation
MIN_WORD_SECONDS = 0.02  # Whisper's step of time; its words may last none

_PUNCTUATED = 0.1  # sentence ends for each caption, from which a file is taken to have punctuation
_GAP_SECONDS = 0.1  # captions of running speech touch, or nearly

_END = re.compile(r"[.!?…。！？]+[\"'”’»)\]]*$")
_TITLES = frozenset(("mr", "mrs", "ms", "dr", "prof", "st", "vs"))
_SOUND = re.compile(r"^(?:\[[^\]]*\]|\([^)]*\)|♪.*|\W*)$")
_INITIALS = re.compile(r"^(?:[A-HJ-Z]|(?:[A-Za-z]\.)+[A-Za-z])\.$")  # "J." and "U.S."; "I." is a word


@dataclass(frozen=True)
class TimedWord:
    """A word and when it is said, in seconds; None where the recogniser does not know.

    ``text`` keeps the blank before the word, as the Whisper family writes it; a language without blanks
    has none.
    """

    start: float | None
    end: float | None
    text: str


def sentences(words: Iterable[TimedWord], *, pause_seconds: float = PAUSE_SECONDS) -> list[Caption]:
    """Return the sentences that the words make, in order.

    Words without times get theirs from their neighbours, in proportion to their letters.

    Args:
        words: In the order in which they are said.
        pause_seconds: The shortest pause that ends a sentence.

    Raises:
        ValueError: If no word has a time.

    Example:
        >>> sentences([TimedWord(0.0, 0.4, " Good"), TimedWord(0.4, 0.7, " bye."), TimedWord(1, 2, " So")])
        [Caption(start=0.0, end=0.7, text='Good bye.'), Caption(start=1, end=2, text='So')]
    """
    captions = []
    timed = _with_times([word for word in words if word.text.strip()])
    for run in _sentence_runs(timed, pause_seconds):
        for part in _short_enough(run):
            start, end = part[0].start, max(word.end for word in part)
            text = clean_text("".join(word.text for word in part))
            caption = make_caption(start, max(end, start + MIN_WORD_SECONDS), text)
            captions += [caption] if caption else []
    return captions


def whole_sentences(captions: Iterable[Caption]) -> list[Caption]:
    """Return the sentences that captions make together: caption files break a sentence where a line is full.

    In a file without punctuation a sentence ends where a caption is followed by any gap, and captions that
    touch are one. Captions that name a sound ("[Music]", "(laughs)", "♪") are no speech and left out.

    Example:
        >>> whole_sentences([Caption(0.0, 1.0, "And that"), Caption(1.0, 2.0, "is all.")])
        [Caption(start=0.0, end=2.0, text='And that is all.')]
    """
    spoken = [caption for caption in captions if not _SOUND.match(caption.text)]
    spoken.sort(key=lambda caption: caption.start)
    words = [word for caption in spoken for word in words_of_text(caption.text, caption.start, caption.end)]
    num_ends = sum(_ends_sentence(word.text.strip()) for word in words)
    is_punctuated = num_ends >= _PUNCTUATED * len(spoken)
    return sentences(words, pause_seconds=PAUSE_SECONDS if is_punctuated else _GAP_SECONDS)


def words_of_text(text: str, start: float, end: float) -> list[TimedWord]:
    """Return the words of a text of which only the start and the end are known."""
    parts = text.split()
    last = len(parts) - 1
    return [
        TimedWord(start if place == 0 else None, end if place == last else None, f" {part}")
        for place, part in enumerate(parts)
    ]


@dataclass(frozen=True)
class _Said:
    start: float
    end: float
    text: str


def _with_times(words: Sequence[TimedWord]) -> list[_Said]:
    """Return the words with every time known: those between two known times share what lies between."""
    if not words:
        return []
    times = [time for word in words for time in (word.start, word.end)]
    spoken = list(accumulate(len(word.text.strip()) * edge for word in words for edge in (0, 1)))  # letters
    known = [(place, time) for place, time in enumerate(times) if time is not None]
    if not known:
        raise ValueError(f"none of {len(words)} words has a time; give at least one")
    filled = np.interp(spoken, [spoken[place] for place, _ in known], [time for _, time in known])
    exact = [float(guess) if time is None else time for time, guess in zip(times, filled, strict=True)]
    return [
        _Said(start, max(start, end), word.text)
        for word, start, end in zip(words, exact[::2], exact[1::2], strict=True)
    ]


def _sentence_runs(words: Sequence[_Said], pause_seconds: float) -> Iterator[list[_Said]]:
    run: list[_Said] = []
    for word in words:
        if run and word.start - run[-1].end >= pause_seconds:
            yield run
            run = []
        run.append(word)
        if _ends_sentence(word.text.strip()):
            yield run
            run = []
    if run:
        yield run


def _ends_sentence(word: str) -> bool:
    if not _END.search(word):
        return False
    bare = word.lstrip("\"'“‘«([")
    return not (bare.rstrip(".").lower() in _TITLES or _INITIALS.match(bare))


def _short_enough(run: list[_Said]) -> Iterator[list[_Said]]:
    """Cut a run that lasts too long at the longest pause near its middle; of equal ones, at the first."""
    start, length = run[0].start, run[-1].end - run[0].start
    if len(run) < 2 or length <= MAX_SENTENCE_SECONDS:
        yield run
        return
    places = range(1, len(run))
    near = [place for place in places if length / 4 <= run[place].start - start <= length * 3 / 4]
    cut = max(near or places, key=lambda place: run[place].start - run[place - 1].end)
    yield from _short_enough(run[:cut])
    yield from _short_enough(run[cut:])
