"""Captions: every form of file found in the wild, and what is written."""

from __future__ import annotations

import json
import math
import random
import warnings
from pathlib import Path

import pytest

from vidkit.media.captions import (
    Caption,
    find_captions,
    read_captions,
    write_srt,
    write_vtt,
)

SRT = """1
00:00:01,000 --> 00:00:02,500
Hello,
world.

2
00:00:03,000 --> 00:00:04,000
Bye.
"""
TWO = [Caption(1.0, 2.5, "Hello, world."), Caption(3.0, 4.0, "Bye.")]


def _write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        SRT.encode(),
        b"\xef\xbb\xbf" + SRT.encode(),
        SRT.replace("\n", "\r\n").encode(),
        SRT.replace("\n", "\r").encode(),
        SRT.encode("utf-16"),
        SRT.encode("utf-16-le"),
        SRT.encode("utf-16-be"),
        SRT.replace(",000", ".000").replace(",500", ".5").encode(),
        SRT.replace("00:00:0", "00:0").encode(),
        SRT.replace("1\n00", "00").replace("2\n00", "00").encode(),
        SRT.replace("\n\n", "\n").encode(),
        SRT.replace("\n\n", "\n\n\n").encode(),
        SRT.rstrip().encode(),
        (SRT + "\n3\n").encode(),
        SRT.replace("Hello,", "<i>{\\an8}Hello,</i>").replace("Bye", '<font size="1">Bye</font>').encode(),
        SRT.replace("02,500", "02,500  X1:10 X2:20 Y1:30 Y2:40").encode(),
        SRT.replace("Hello", "[SPEAKER_00]: Hello").encode(),
        SRT.replace("1\n", "2\n").replace("\n2\n", "\n1\n").encode(),
    ],
    ids=[
        "plain", "bom", "crlf", "cr", "utf16", "utf16le", "utf16be", "point", "no-hours", "no-index",
        "no-blank",
        "more-blanks", "no-last-newline", "index-without-cue", "tags", "positions", "speaker", "wrong-index",
    ],
)  # fmt: skip
def test_srt_is_read_in_every_common_form(tmp_path: Path, content: bytes) -> None:
    assert read_captions(_write(tmp_path, "a.srt", content)) == TWO


def test_srt_in_cp1252_keeps_its_letters(tmp_path: Path) -> None:
    path = _write(tmp_path, "a.srt", SRT.replace("Bye", "Küsse – ciao").encode("cp1252"))
    assert read_captions(path)[1].text == "Küsse – ciao."


def test_numbers_arrows_and_comparisons_in_the_text_stay(tmp_path: Path) -> None:
    text = "00:01,000 --> 00:02,000\n10\n\n2\n"
    text += "00:02,000 --> 00:03,000\n1 < 2 > 0, go --> there\n\n3\n00:04,0 --> 00:05,0\n7"
    assert [caption.text for caption in read_captions(_write(tmp_path, "a.srt", text))] == [
        "10",
        "1 < 2 > 0, go --> there",
        "7",
    ]


def test_captions_come_sorted_and_from_second_zero_on(tmp_path: Path) -> None:
    text = "00:05,000 --> 00:06,000\nlate\n\n-00:00:01,000 --> 00:01,000\nearly\n"
    assert read_captions(_write(tmp_path, "a.srt", text)) == [Caption(0, 1, "early"), Caption(5, 6, "late")]


@pytest.mark.parametrize("name", ["a.srt", "a.vtt", "b.SRT"])
@pytest.mark.parametrize("content", ["", "\n \n", "\ufeff"])
def test_an_empty_file_has_no_captions(tmp_path: Path, name: str, content: str) -> None:
    assert read_captions(_write(tmp_path, name, content)) == []


def test_cues_that_last_no_time_are_counted_in_one_warning(tmp_path: Path) -> None:
    text = "00:01,000 --> 00:01,000\na\n\n00:02,000 --> 00:02,000\nb\n\n00:02,000 --> 00:03,000\nc\n"
    with pytest.warns(UserWarning, match="left out 2 captions"):
        assert read_captions(_write(tmp_path, "a.srt", text)) == [Caption(2, 3, "c")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1\n00:00:01,000 --> nonsense\nHi\n", r"a\.srt, line 2: cannot read the times"),
        ("1\n00:00:01,000 -->\nHi\n", r"line 2: cannot read the times '00:00:01,000 -->'"),
        ("1\n00:00:01,000 -> 00:00:02,000\nHi\n", "line 2: cannot read the times"),
        ("\n\nHello there\n", r"line 3: 'Hello there' stands before any times"),
        (
            SRT + "\n3\n00:00:05,000 --> 00:00:06,000\n\n4\n00:00:09,000 --> 00:00:08,000\nHi\n",
            r"line 14: .*before its start",
        ),
        (b"\x00\x01\x02\xff\xfe" * 99, r"a\.srt is not text in UTF-8, UTF-16 or cp1252"),
        (b"Hi \x81\x8d", "is not text in UTF-8"),
    ],
)
def test_a_broken_srt_is_told_with_file_and_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_captions(_write(tmp_path, "a.srt", content))


def test_unknown_suffixes_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"known: \.srt, \.vtt, \.json"):
        read_captions(tmp_path / "a.txt")
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_captions(tmp_path / "a.srt")
    with pytest.raises(FileNotFoundError, match="no such video"):
        find_captions(tmp_path / "a.mp4")
    with pytest.raises(ValueError, match=r"line 1: a \.vtt file starts with WEBVTT"):
        read_captions(_write(tmp_path, "a.vtt", SRT))


def test_vtt_notes_styles_ids_settings_and_inline_tags_are_not_text(tmp_path: Path) -> None:
    text = """WEBVTT - a title
Kind: captions
Language: en

STYLE
::cue { color: red }

REGION
id:fred

NOTE
a comment, 1

intro
00:01.000 --> 00:02.500 align:start position:0%
<v Ann><b>Hello</b>,
<c.yellow>wor&shy;ld</c>.

NOTE 00:00 is the start

2 - second
00:00:03.000 --> 00:00:04.000
<lang en>Bye</lang>.
"""
    assert read_captions(_write(tmp_path, "a.vtt", text)) == [
        Caption(1.0, 2.5, "Hello, wor\xadld."),
        Caption(3.0, 4.0, "Bye."),
    ]


def test_vtt_without_blank_lines_round_the_header_is_read(tmp_path: Path) -> None:
    assert read_captions(_write(tmp_path, "a.vtt", "WEBVTT\n00:01.000 --> 00:02.000\nHi &lt;3\n")) == [
        Caption(1, 2, "Hi <3")
    ]


ROLLING = """WEBVTT
Kind: captions

00:00:00.000 --> 00:00:02.350 align:start position:0%
 
we<00:00:00.500><c> have</c><00:00:01.000><c> seen</c>

00:00:02.350 --> 00:00:02.360 align:start position:0%
we have seen
 

00:00:02.360 --> 00:00:05.000 align:start position:0%
we have seen
it<00:00:03.000><c> all</c>

00:00:05.000 --> 00:00:05.010 align:start position:0%
it all
 

00:00:05.010 --> 00:00:07.000 align:start position:0%
it all
it<00:00:06.000><c> all</c>
"""  # noqa: W293
UNROLLED = [Caption(0, 2.35, "we have seen"), Caption(2.36, 5, "it all"), Caption(5.01, 7, "it all")]


def test_rolling_captions_say_each_line_once(tmp_path: Path) -> None:
    assert read_captions(_write(tmp_path, "a.vtt", ROLLING)) == UNROLLED


def test_rolling_captions_converted_to_srt_say_each_line_once(tmp_path: Path) -> None:
    lines = [line.replace(".", ",") if "-->" in line else line for line in ROLLING.splitlines()[3:]]
    text = "\n".join(line.split(" align")[0] for line in lines)
    for tag in ("<c>", "</c>", "<00:00:00.500>", "<00:00:01.000>", "<00:00:03.000>", "<00:00:06.000>"):
        text = text.replace(tag, "")
    assert read_captions(_write(tmp_path, "a.srt", text)) == UNROLLED


def test_a_refrain_in_a_plain_file_stays(tmp_path: Path) -> None:
    text = "00:01,000 --> 00:02,000\nla la\n\n00:02,000 --> 00:03,000\nla la\n"
    assert [caption.text for caption in read_captions(_write(tmp_path, "a.srt", text))] == ["la la", "la la"]


def test_transcripts_of_the_three_whispers_are_read(tmp_path: Path) -> None:
    segments = [
        {"start": 1.0, "end": 2.5, "text": " Hello, world.", "words": [{"word": "Hello,"}], "speaker": "S0"},
        {"id": 1, "start": 3.0, "end": 4.0, "text": "Bye.", "avg_logprob": float("nan"), "words": None},
    ]
    assert (
        read_captions(_write(tmp_path, "a.json", json.dumps({"segments": segments, "language": "en"}))) == TWO
    )
    assert read_captions(_write(tmp_path, "b.json", json.dumps(segments))) == TWO
    assert read_captions(_write(tmp_path, "c.json", '{"segments": [], "text": ""}')) == []


def test_transcript_segments_without_times_take_those_of_their_words(tmp_path: Path) -> None:
    words = [{"word": "In"}, {"word": " two", "start": 1.0, "end": 1.5}, {"word": " go", "end": 2.0}]
    segments = [
        {"start": math.nan, "end": None, "words": words},
        {"text": "never", "start": math.nan, "end": 3.0},
        {"text": "backwards", "start": 4.0, "end": 3.0},
        {"text": "  ", "start": 5.0, "end": 6.0},
    ]
    with pytest.warns(UserWarning, match="left out 2 captions"):
        captions = read_captions(_write(tmp_path, "a.json", json.dumps({"segments": segments})))
    assert captions == [Caption(1.0, 2.0, "In two go")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"segments": [', "line 1: not valid JSON"),
        ('{"fps": 25}', 'it has no "segments"'),
        ('{"segments": {"a": 1}}', 'it has no "segments"'),
        ('{"segments": ["hello"]}', "segment 0 is 'hello'"),
    ],
)
def test_a_broken_transcript_is_told(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_captions(_write(tmp_path, "a.json", content))


@pytest.mark.parametrize(("start", "end"), [(1.0, 1.0), (2.0, 1.0), (math.nan, 1.0), (0.0, math.inf)])
def test_a_caption_must_last_some_time(start: float, end: float) -> None:
    with pytest.raises(ValueError, match="finite times with end > start"):
        Caption(start, end, "a")


@pytest.mark.parametrize("write", [write_srt, write_vtt])
def test_what_is_written_reads_back(tmp_path: Path, write: object) -> None:
    captions = [
        Caption(0.0, 0.0004, "Short & <sharp>."),
        Caption(1.0, 3599.9996, "Grüße, 1 < 2"),
        Caption(360000.5, 360001.0, "go"),
    ]
    path = tmp_path / ("a.srt" if write is write_srt else "a.vtt")
    write(path, captions)  # type: ignore[operator]
    expected = [(0.0, 0.001), (1.0, 3600.0), (360000.5, 360001.0)]
    read = read_captions(path)
    assert [(caption.start, caption.end) for caption in read] == expected
    if write is write_vtt:
        assert [caption.text for caption in read][1:] == ["Grüße, 1 < 2", "go"]
    assert [path.name for path in tmp_path.iterdir()] == [path.name]


def test_an_arrow_in_a_sentence_does_not_break_a_written_srt(tmp_path: Path) -> None:
    write_srt(tmp_path / "a.srt", [Caption(1, 2, "from 0:01 --> 0:02\n\nagain")])
    assert read_captions(tmp_path / "a.srt") == [Caption(1, 2, "from 0:01 -> 0:02 again")]


def test_any_text_gives_captions_or_a_sentence(tmp_path: Path) -> None:
    generator = random.Random(1)
    pieces = [
        "00:01,000 --> 00:02,000",
        "1",
        "",
        "WEBVTT",
        "NOTE",
        "<c>",
        "hello",
        "-->",
        "\ufeff",
        "{\\an8}",
        "9:",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for trial in range(300):
            text = "\n".join(generator.choices(pieces, k=12))
            path = _write(tmp_path, f"{trial}.srt", text)
            try:
                read_captions(path)
            except ValueError as error:
                assert path.name in str(error)  # noqa: PT017
