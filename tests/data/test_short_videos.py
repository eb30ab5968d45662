"""Lists of short videos: the form of the synthetic set, tables of one's own, wrong rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidkit.data.short_videos import ShortVideo, read_short_videos


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_and_json_lines_say_the_same(tmp_path: Path) -> None:
    table = "title,path,topic,subtitle\n在海边,a.mp4,ocean,\nقطة,sub/b.mp4,,hello\n"
    lines = (
        '{"path": "a.mp4", "label": "ocean", "title": "在海边", "subtitle": ""}\n'
        '{"path": "sub/b.mp4", "label": "", "title": "قطة", "subtitle": "hello", "more": 1}\n'
    )
    expected = [
        ShortVideo("a", tmp_path / "a.mp4", "ocean", "在海边", ""),
        ShortVideo("b", tmp_path / "sub" / "b.mp4", None, "قطة", "hello"),
    ]
    assert read_short_videos(_write(tmp_path / "videos.csv", table)) == expected
    assert read_short_videos(_write(tmp_path / "videos.jsonl", lines)) == expected


def test_paths_count_from_a_root_and_ids_may_be_given(tmp_path: Path) -> None:
    rows = '{"video_id": "x", "path": "v/a.mp4"}\n{"video_id": "y", "path": "w/a.mp4", "title": null}\n'
    first, second = read_short_videos(_write(tmp_path / "videos.jsonl", rows), root="/films")
    assert (first.video_id, first.path) == ("x", Path("/films/v/a.mp4"))
    assert second == ShortVideo("y", Path("/films/w/a.mp4"))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("path,label\na.mp4,ocean\nb/a.mp4,city\n", "line 3: video 'a' stands twice, first in .*line 2"),
        ("path,label\na.mp4,ocaen\n", "line 2: unknown topic 'ocaen'; did you mean 'ocean'. there are 2"),
        ("label\nocean\n", "the first line must name the columns path; it lacks path"),
        ("path,label\n,ocean\n", "line 2: 'path' missing; a row has path and, where it is known, video_id"),
    ],
)
def test_a_wrong_row_is_named(rows: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        read_short_videos(_write(tmp_path / "videos.csv", rows), topics=["ocean", "city"])


def test_a_text_that_is_a_number_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "videos.jsonl", '{"path": "a.mp4", "title": 3}\n')
    with pytest.raises(ValueError, match="line 1: title is 3; it must be a text"):
        read_short_videos(path)
