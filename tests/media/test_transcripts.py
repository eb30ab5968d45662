"""What speech recognisers write, in the shapes that each of them writes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from vidkit.media.captions import Caption, find_captions, read_captions


def _json(folder: Path, value: Any) -> Path:
    path = folder / "talk.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def _words(confidence: str, *words: tuple[float | None, float | None, str]) -> list[dict[str, Any]]:
    """Words as JSON; one without times has no confidence either, as WhisperX leaves them out."""
    return [
        {"word": word} if start is None else {"word": word, "start": start, "end": end, confidence: 0.9}
        for start, end, word in words
    ]


def test_segments_of_whisperx_are_sentences_already(tmp_path: Path) -> None:
    first = _words("score", (0.0, 0.5, "It"), (0.5, 1.0, "is"), (None, None, "3."), (1.5, 2.0, "Or"))
    segments = [
        {"start": 0.0, "end": 2.0, "text": " It is 3. Or", "words": first, "speaker": "SPEAKER_00"},
        {"start": 2.0, "end": 3.0, "text": "four.", "words": _words("score", (2.0, 3.0, "four."))},
    ]
    path = _json(tmp_path, {"segments": segments, "word_segments": first, "language": "en"})
    assert read_captions(path) == [Caption(0, 2, "It is 3. Or"), Caption(2, 3, "four.")]


@pytest.mark.parametrize("wrapped", [True, False])
def test_words_of_the_other_whispers_are_put_together_into_sentences(tmp_path: Path, wrapped: bool) -> None:
    segments = [
        {"id": 0, "seek": 0, "start": 0.0, "end": 1.0, "text": " Hello. Let", "avg_logprob": math.nan,
         "words": _words("probability", (0.0, 0.5, " Hello."), (0.6, 1.0, " Let"))},
        {"id": 1, "seek": 0, "start": 1.0, "end": 2.0, "text": " us go.",
         "words": _words("probability", (1.0, 1.5, " us"), (1.5, 2.0, " go."))},
        {"id": 2, "seek": 0, "start": 5.0, "end": 6.0, "text": " Bye.", "words": []},
    ]  # fmt: skip
    path = _json(tmp_path, {"text": "", "segments": segments, "language": "en"} if wrapped else segments)
    assert read_captions(path) == [
        Caption(0.0, 0.5, "Hello."),
        Caption(0.6, 2.0, "Let us go."),
        Caption(5.0, 6.0, "Bye."),
    ]


def test_segments_without_times_of_words_stay_as_they_are(tmp_path: Path) -> None:
    segments = [{"start": 0.0, "end": 4.0, "text": " One. Two.", "words": None}]
    assert read_captions(_json(tmp_path, {"segments": segments})) == [Caption(0, 4, "One. Two.")]


def test_nan_counts_as_no_time_also_of_words(tmp_path: Path) -> None:
    words = _words("probability", (0.0, 1.0, " One"), (math.nan, math.nan, " two"), (3.0, 4.0, " three."))
    path = _json(tmp_path, {"segments": [{"start": 0.0, "end": 4.0, "text": "", "words": words}]})
    assert "NaN" in path.read_text()
    assert read_captions(path) == [Caption(0, 4, "One two three.")]
    silent = [
        {"start": math.nan, "end": None, "text": "", "words": _words("probability", (math.nan, 0, " x"))}
    ]
    silent[0]["words"][0]["end"] = math.nan  # type: ignore[index]
    with pytest.warns(UserWarning, match="left out 1 captions"):
        assert read_captions(_json(tmp_path, {"segments": silent})) == []


def test_every_form_of_one_transcript_says_the_same(tmp_path: Path) -> None:
    """WhisperX, faster-whisper and openai-whisper JSON, SubRip, WebVTT and TSV read as equals."""
    said = [(0.5, 1.5, "Hello there."), (2.0, 3.25, "Good bye.")]
    segments = [{"start": start, "end": end, "text": f" {text}"} for start, end, text in said]
    words = [
        {**segment, "words": _words("probability", (start, end - 0.1, f" {text.split()[0]}"),
                                    (end - 0.1, end, f" {text.split()[1]}"))}
        for segment, (start, end, text) in zip(segments, said, strict=True)
    ]  # fmt: skip
    files = {
        "x.json": json.dumps({"segments": segments, "word_segments": [], "language": "en"}),
        "f.json": json.dumps(words),
        "o.json": json.dumps({"text": "", "segments": words, "language": "en"}),
        "a.srt": "1\n00:00:00,500 --> 00:00:01,500\n[SPEAKER_00]: Hello there.\n\n"
        "2\n00:00:02,000 --> 00:00:03,250\nGood bye.\n",
        "a.vtt": "WEBVTT\n\n00:00.500 --> 00:01.500\nHello there.\n\n00:02.000 --> 00:03.250\nGood bye.\n",
        "a.tsv": "start\tend\ttext\n500\t1500\tHello there.\n2000\t3250\tGood bye.\n",
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert read_captions(tmp_path / name) == [Caption(*each) for each in said], name


def test_a_tsv_may_be_empty_have_gaps_and_tabs_in_its_text(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("")
    assert read_captions(path) == []
    path.write_text("start\tend\ttext\r\n\r\n1000\t2000\tone\ttwo\r\n3000\t3000\tno time\r\n")
    with pytest.warns(UserWarning, match="left out 1 captions"):
        assert read_captions(path) == [Caption(1, 2, "one two")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("from\tto\twhat\n1\t2\ta\n", r"a\.tsv, line 1: a transcript starts with start<TAB>end<TAB>text"),
        ("start\tend\ttext\n1\t2\ta\n0.5\t1\tb\n", r"a\.tsv, line 3: no start and end in whole milliseconds"),
        ("start\tend\ttext\nhello\n", "line 2: no start and end"),
    ],
)
def test_a_broken_tsv_is_told_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.tsv").write_text(content)
    with pytest.raises(ValueError, match=message):
        read_captions(tmp_path / "a.tsv")


def test_a_tsv_beside_a_video_is_not_taken_for_its_captions(tmp_path: Path) -> None:
    """Annotations are .tsv too: only a file that is named is read as a transcript."""
    (tmp_path / "talk.tsv").write_text("video\tlabel\ntalk\tcooking\n")
    (tmp_path / "talk.mp4").write_bytes(b"")
    (tmp_path / "talk.srt").write_text("00:01,000 --> 00:02,000\nHi\n")
    assert find_captions(tmp_path / "talk.mp4") == [Caption(1, 2, "Hi")]
