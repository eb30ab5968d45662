"""Words with times become sentences with times."""

from __future__ import annotations

import random

import pytest

from vidkit.media.captions import SILENCE, Caption, captions_per_clip
from vidkit.media.sentences import (
    MAX_SENTENCE_SECONDS,
    MIN_WORD_SECONDS,
    PAUSE_SECONDS,
    TimedWord,
    sentences,
    whole_sentences,
    words_of_text,
)


def _words(text: str, *, start: float = 0.0, seconds: float = 0.5) -> list[TimedWord]:
    """Words one after the other, each of ``seconds``."""
    return [
        TimedWord(start + n * seconds, start + (n + 1) * seconds, f" {word}")
        for n, word in enumerate(text.split())
    ]


def test_a_sentence_ends_at_its_punctuation() -> None:
    words = _words('He said "Stop!" Why? (Nobody knows…) 3.5 times')
    assert [caption.text for caption in sentences(words)] == [
        'He said "Stop!"',
        "Why?",
        "(Nobody knows…)",
        "3.5 times",
    ]
    assert sentences(words)[1] == Caption(1.5, 2.0, "Why?")


def test_titles_and_initials_do_not_end_a_sentence() -> None:
    words = _words("Dr. J. Smith of the U.S. Navy met Mrs. Jones. So did I. No. Yes")
    assert [caption.text for caption in sentences(words)] == [
        "Dr. J. Smith of the U.S. Navy met Mrs. Jones.",
        "So did I.",
        "No.",
        "Yes",
    ]


def test_languages_without_blanks_are_joined_as_they_are_written() -> None:
    words = [TimedWord(0, 1, "你好"), TimedWord(1, 2, "世界。"), TimedWord(2, 3, "再见")]
    assert sentences(words) == [Caption(0, 2, "你好世界。"), Caption(2, 3, "再见")]


def test_a_pause_ends_a_sentence_so_that_silence_stays_empty() -> None:
    words = [*_words("one two"), *_words("three four.", start=1.0 + PAUSE_SECONDS)]
    captions = sentences(words)
    assert captions == [Caption(0, 1, "one two"), Caption(3, 4, "three four.")]
    assert captions_per_clip(captions, 4, 1.0) == ["one two", SILENCE, SILENCE, "three four."]
    shorter = [*_words("one two"), *_words("three four.", start=0.9 + PAUSE_SECONDS)]
    assert len(sentences(shorter)) == 1


def test_words_without_punctuation_are_cut_at_their_longest_pause() -> None:
    words = [*_words("a " * 50), *_words("b " * 30, start=25.9)]
    assert [caption.text for caption in sentences(words)] == [" ".join("a" * 50), " ".join("b" * 30)]


def test_no_word_is_lost_and_no_sentence_lasts_too_long() -> None:
    generator = random.Random(0)
    for _ in range(20):
        time, words = 0.0, []
        for number in range(300):
            time += generator.choice((0.0, 0.1, 0.5))
            end = time + generator.choice((0.0, 0.2, 1.0))
            words.append(TimedWord(time, end, f" {number}"))
            time = end
        captions = sentences(words)
        assert " ".join(caption.text for caption in captions) == " ".join(map(str, range(300)))
        assert max(caption.end - caption.start for caption in captions) <= MAX_SENTENCE_SECONDS
        assert [caption.start for caption in captions] == sorted(caption.start for caption in captions)


def test_words_without_times_share_the_time_between_their_neighbours_by_their_letters() -> None:
    words = [TimedWord(0, 1, " So."), TimedWord(None, None, " bb."), TimedWord(None, None, " cccccc."),
             TimedWord(11, 12, " D.")]  # fmt: skip
    assert sentences(words) == [
        Caption(0, 1, "So."),
        Caption(1, 4, "bb."),  # 3 letters of 10 in 10 s
        Caption(4, 11, "cccccc."),
        Caption(11, 12, "D."),
    ]


def test_words_before_the_first_and_after_the_last_time_lie_at_it() -> None:
    words = [TimedWord(None, None, " In"), TimedWord(1, 2, " two."), TimedWord(None, None, " More")]
    assert sentences(words) == [Caption(1, 2, "In two."), Caption(2, 2 + MIN_WORD_SECONDS, "More")]


def test_no_words_make_no_sentences_and_no_times_are_refused() -> None:
    assert sentences([]) == []
    assert sentences([TimedWord(0, 1, "  ")]) == []
    with pytest.raises(ValueError, match="none of 1 words has a time"):
        sentences([TimedWord(None, None, " hello")])


def test_a_text_of_which_only_start_and_end_are_known_is_split_by_letters() -> None:
    assert sentences(words_of_text("ab. cdef.", 2.0, 10.0)) == [Caption(2, 5, "ab."), Caption(5, 10, "cdef.")]
    assert words_of_text("  ", 0, 1) == []


def test_a_sentence_that_captions_break_is_whole_again() -> None:
    captions = [
        Caption(4.0, 5.0, "end. Next"),
        Caption(0.0, 2.0, "A sentence"),
        Caption(2.0, 4.0, "without an"),
    ]
    whole = whole_sentences(captions)
    assert [caption.text for caption in whole] == ["A sentence without an end.", "Next"]
    assert whole[0].start == 0.0
    assert whole[0].end == whole[1].start == pytest.approx(4.5)  # four of eight letters are said
    assert whole[1].end == 5.0


def test_captions_without_punctuation_end_at_gaps() -> None:
    captions = [Caption(0.0, 2.0, "and then"), Caption(2.05, 4.0, "we left"), Caption(4.3, 5.0, "so long")]
    assert [caption.text for caption in whole_sentences(captions)] == ["and then we left", "so long"]


def test_sounds_are_no_sentences() -> None:
    captions = [
        Caption(0.0, 1.0, "[Music]"),
        Caption(1.0, 2.0, "(laughs)"),
        Caption(2.0, 3.0, "♪ la la ♪"),
        Caption(3.0, 4.0, "..."),
        Caption(4.0, 5.0, "[Ann] Hello."),
    ]
    assert whole_sentences(captions) == [Caption(4.0, 5.0, "[Ann] Hello.")]
    assert whole_sentences([]) == []
