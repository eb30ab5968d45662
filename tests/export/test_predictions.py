"""Predictions as JSON lines: what is written is read, and what is wrong is named with its line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vidkit.export.predictions import Prediction, Segment, read_predictions, write_predictions
from vidkit.media.captions import Caption

ROW: dict[str, Any] = {
    "video_id": "talk",
    "path": "videos/talk.mp4",
    "duration": 60.0,
    "task": "moment_retrieval",
    "clip_seconds": 2.0,
    "segments": [{"start": 2.0, "end": 10.0, "score": 0.75}],
    "saliency": [0.5, 0.25],
    "query": "someone laughs",
}


def _write(path: Path, *rows: Any) -> Path:
    path.write_text(
        "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8"
    )
    return path


def test_a_line_of_the_documented_form_is_read() -> None:
    prediction = Prediction.from_json(ROW)
    assert prediction.segments == (Segment(start=2.0, end=10.0, score=0.75),)
    assert prediction.saliency == (0.5, 0.25)
    assert prediction.query == "someone laughs"


def test_to_json_gives_back_what_from_json_read() -> None:
    assert Prediction.from_json(ROW).to_json() == ROW


def test_a_prediction_without_query_writes_no_query() -> None:
    assert "query" not in replace(Prediction.from_json(ROW), query=None).to_json()


def test_keys_of_a_task_survive_in_segments_and_in_the_line() -> None:
    row = ROW | {"model": "a", "segments": [{"start": 0, "end": 1, "score": 1, "title": "Start"}]}
    prediction = Prediction.from_json(row)
    assert prediction.segments[0].extra == {"title": "Start"}
    assert prediction.to_json()["segments"][0]["title"] == "Start"
    assert prediction.to_json()["model"] == "a"


def test_curves_and_captions_are_read_as_they_were_written() -> None:
    row = ROW | {
        "curves": {"visual": [0.25, 1.0], "text": [0.0, 0.5]},
        "captions": [{"start": 0.5, "end": 2.0, "text": "Hello."}],
    }
    prediction = Prediction.from_json(row)
    assert prediction.curves == {"visual": (0.25, 1.0), "text": (0.0, 0.5)}
    assert prediction.captions == (Caption(0.5, 2.0, "Hello."),)
    assert prediction.to_json() == row


def test_a_task_that_has_read_silence_says_so_and_one_that_reads_nothing_is_silent() -> None:
    plain = Prediction.from_json(ROW)
    assert plain.captions is None
    assert replace(plain, captions=()).to_json()["captions"] == []
    assert not {"captions", "curves"} & set(plain.to_json())


def test_titles_and_notes_are_texts_or_absent() -> None:
    assert Segment(0.0, 1.0, 1.0, {"title": "Bees."}).title == "Bees."
    assert [Segment(0.0, 1.0, 1.0, {"title": title}).title for title in (7, " ", None)] == [None] * 3
    assert Prediction.from_json(ROW | {"note": "no clip"}).note == "no clip"
    assert Prediction.from_json(ROW | {"note": 7}).note is None


def test_written_predictions_are_read_as_they_were(tmp_path: Path) -> None:
    first = Prediction.from_json(ROW)
    second = replace(
        first, video_id="straße 東", path="a b/straße 東.mp4", segments=(), saliency=(), query=None
    )
    write_predictions(tmp_path / "predictions.jsonl", [first, second])
    assert read_predictions(tmp_path / "predictions.jsonl") == [first, second]
    assert len((tmp_path / "predictions.jsonl").read_text(encoding="utf-8").splitlines()) == 2


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.jsonl"):
        read_predictions(tmp_path / "none.jsonl")


def test_an_error_names_the_file_and_the_line_and_counts_empty_lines(tmp_path: Path) -> None:
    path = _write(tmp_path / "p.jsonl", ROW, "", ROW | {"duration": "long"})
    with pytest.raises(ValueError, match=r"p\.jsonl, line 3: duration must be a number, got 'long'"):
        read_predictions(path)


def test_a_line_that_is_not_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"p\.jsonl, line 2: not valid JSON"):
        read_predictions(_write(tmp_path / "p.jsonl", ROW, "{"))


def test_numpy_numbers_are_written_as_plain_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    one = numpy.float32(1.0)
    segment = Segment(start=one, end=one, score=one)
    prediction = Prediction("a", "a.mp4", one, "t", one, (segment,), tuple(numpy.ones(2, numpy.float32)))
    assert json.loads(json.dumps(prediction.to_json()))["saliency"] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"saliency": None}, "saliency must be a list, got None"),
        ({"saliency": [0.0, "x"]}, r"saliency\[1\] must be a number, got 'x'"),
        ({"saliency": [0.0, float("nan")]}, r"saliency\[1\] of talk must be a finite number, got nan"),
        ({"segments": {}}, "segments must be a list"),
        ({"segments": [3]}, "a segment is a JSON object with the keys start, end, score; got 3"),
        ({"segments": [{"start": 1}]}, "a segment lacks end, score; it has start"),
        ({"segments": [{"start": 3, "end": 1, "score": 0}]}, "0 <= start <= end, got start 3.0, end 1.0"),
        ({"segments": [{"start": -1, "end": 1, "score": 0}]}, "0 <= start <= end, got start -1.0"),
        ({"segments": [{"start": 0, "end": 1, "score": True}]}, "segment score must be a number, got True"),
        (
            {"segments": [{"start": 0, "end": 1e999, "score": 1}]},
            "segment end must be a finite number, got inf",
        ),
        ({"segments": [{"start": 0, "end": 10**400, "score": 1}]}, "finite number, got one of 401 digits"),
        ({"duration": -1}, "duration of talk must be >= 0 seconds, got -1.0"),
        ({"duration": float("inf")}, "duration must be a finite number"),
        ({"clip_seconds": 0}, "clip_seconds of talk must be > 0, got 0.0"),
        ({"video_id": ""}, "video_id is empty"),
        ({"video_id": 7}, "video_id must be a string, got 7"),
        ({"query": 7}, "query must be a string, got 7"),
        ({"curves": [0.0]}, r"curves is a JSON object; got \[0.0\]"),
        (
            {"curves": {"audio": [0.0]}},
            "curve 'audio' of talk has 1 numbers and saliency 2; give one per clip",
        ),
        ({"curves": {"audio": [0.0, "x"]}}, r"curves.audio\[1\] must be a number, got 'x'"),
        ({"curves": {"audio": [0.0, float("inf")]}}, r"audio\[1\] of talk must be a finite number, got inf"),
        ({"captions": "Hello"}, "captions must be a list, got 'Hello'"),
        ({"captions": [{"start": 0.0, "end": 1.0}]}, "a caption lacks text; it has start, end"),
        ({"captions": [{"start": 1.0, "end": 0.0, "text": ""}]}, "a caption needs finite times with end >"),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Prediction.from_json(ROW | change)


def test_a_line_of_another_form_says_what_it_lacks() -> None:
    with pytest.raises(ValueError, match=r"a prediction lacks path, duration, .* it has video_id, label"):
        Prediction.from_json({"video_id": "talk", "label": "news"})


def test_extra_must_not_repeat_a_key() -> None:
    with pytest.raises(ValueError, match="extra of a segment repeats score"):
        Segment(start=0.0, end=1.0, score=0.0, extra={"score": 1.0})
    with pytest.raises(ValueError, match="extra of a prediction repeats query"):
        replace(Prediction.from_json(ROW), extra={"query": "again"})
