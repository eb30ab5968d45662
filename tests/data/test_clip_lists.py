"""Lists of clips of one's own videos, and long videos in chunks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vidkit.data import RepurposedVideo, chunks_of, read_clip_list


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_all_rows_of_a_path_are_one_video(tmp_path: Path) -> None:
    text = "path,start,end\nvideos/talk.mp4,10,40\nvideos/walk.mp4,0,5.5\n\nvideos/talk.mp4,20,60\n"
    talk, walk = read_clip_list(_write(tmp_path / "clips.csv", text))
    assert (talk.video_id, talk.start_seconds, talk.end_seconds) == ("talk", 0.0, None)
    assert talk.segments.tolist() == [[10.0, 40.0], [20.0, 60.0]]
    assert talk.duration_seconds is None
    assert walk.segments.tolist() == [[0.0, 5.5]]
    assert (talk.path, walk.path) == ("videos/talk.mp4", "videos/walk.mp4")
    assert (talk.needed().min_seconds, talk.needed().max_seconds) == (60.0, None)


def test_json_lines_say_the_same_as_csv(tmp_path: Path) -> None:
    rows = (
        '{"path": "a.mp4", "start": 1, "end": 2.5, "duration": 30}\n{"path": "b.mp4", "start": 0, "end": 4}\n'
    )
    text = "note,end,start,path,duration\nx,2.5,1,a.mp4,30\ny,4,0,b.mp4,\n"
    lines = read_clip_list(_write(tmp_path / "clips.jsonl", rows))
    table = read_clip_list(_write(tmp_path / "clips.csv", "\ufeff" + text.replace("\n", "\r\n")))
    for one, other in zip(lines, table):
        assert (one.video_id, one.end_seconds, one.path) == (other.video_id, other.end_seconds, other.path)
        assert one.segments.tolist() == other.segments.tolist()
    assert [video.end_seconds for video in lines] == [30.0, None]
    assert lines[0].needed().max_seconds == 30.0


def test_a_relative_path_counts_from_the_list_if_the_file_is_there(tmp_path: Path) -> None:
    (tmp_path / "talk.mp4").touch()
    talk, walk = read_clip_list(
        _write(tmp_path / "clips.csv", "path,start,end\ntalk.mp4,0,1\nwalk.mp4,0,1\n")
    )
    assert talk.path == str(tmp_path / "talk.mp4")
    assert walk.path == "walk.mp4"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a.mp4,5,2", r"line 2: the clip \[5, 2\] of 'a.mp4' does not end after its start"),
        ("a.mp4,0,5\n\n\na.mp4,5,2", "line 5: the clip"),
        ("a.mp4,5,nan", "line 2: end must be a number of seconds >= 0, got 'nan'"),
        ("a.mp4,-5,2", "line 2: start must be a number of seconds >= 0, got '-5'"),
        ("a.mp4,1:05,70", "line 2: start must be a number of seconds >= 0, got '1:05'"),
        ("a.mp4,5,", "line 2: 'end' missing; a row has path,start,end"),
        ("a.mp4", "line 2: 'start', 'end' missing"),
        ("a.mp4,0,5,4", r"line 2: the clip \[0, 5\] of 'a.mp4' is not within \[0, 4\]"),
        ("a.mp4,0,5,0", "line 2: duration must be above 0 seconds; leave it empty"),
        ("a.mp4,0,5,9\na.mp4,0,5,8", "line 3: 'a.mp4' lasts 8 s here and 9 s before; give one duration"),
        ("x/a.mp4,0,5\ny/a.mkv,0,5", "line 3: 'y/a.mkv' and 'x/a.mp4' have one stem, 'a', which names"),
        (".mp4,0,5", "line 2: '.mp4' cannot be a video_id"),
    ],
)
def test_what_is_wrong_is_said_with_the_line(tmp_path: Path, rows: str, message: str) -> None:
    path = _write(tmp_path / "clips.csv", f"path,start,end,duration\n{rows}\n")
    with pytest.raises(ValueError, match=message) as error:
        read_clip_list(path)
    assert str(error.value).startswith(str(path))


def test_two_ways_to_write_one_path_are_one_video(tmp_path: Path) -> None:
    rows = "path,start,end\nvideos/a.mp4,0,5\n./videos/a.mp4,6,9\n"
    assert len(read_clip_list(_write(tmp_path / "clips.csv", rows))) == 1


def test_a_list_without_its_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match="the first line must name the columns path,start,end; it lacks path"
    ):
        read_clip_list(_write(tmp_path / "clips.csv", "a.mp4,0,5\n"))
    with pytest.raises(ValueError, match="lacks path, start, end"):
        read_clip_list(_write(tmp_path / "empty.csv", ""))
    with pytest.raises(
        ValueError, match="line 1: an object with path, start, end must stand there, got list"
    ):
        read_clip_list(_write(tmp_path / "clips.jsonl", "[1, 2]\n"))
    with pytest.raises(ValueError, match="line 1: end must be a number of seconds >= 0, got True"):
        read_clip_list(_write(tmp_path / "true.jsonl", '{"path": "a", "start": 0, "end": true}\n'))
    with pytest.raises(ValueError, match=r"clips.txt is no table by its suffix; known: .csv, .jsonl"):
        read_clip_list(_write(tmp_path / "clips.txt", ""))
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_clip_list(tmp_path / "lost.csv")


def test_a_long_video_comes_in_chunks_and_a_clip_goes_where_more_of_it_is() -> None:
    clips = [[1700, 1790], [1780, 1830], [1790, 1810], [1795, 1805.5], [3590, 3700], [0, 1900]]
    video = RepurposedVideo("long", 0.0, None, np.array(clips, dtype=np.float64), path="long.mp4")
    first, second, third = chunks_of(video, 3700.5)
    assert [(c.start_seconds, c.end_seconds) for c in (first, second, third)] == [
        (0.0, 1800.0),
        (1800.0, 3600.0),
        (3600.0, 3700.5),
    ]
    assert first.segments.tolist() == [[1700, 1790], [1790, 1800], [0, 1800]]  # of equal parts the earlier
    assert second.segments.tolist() == [[0, 30], [0, 5.5]]
    assert third.segments.tolist() == [[0, 100]]
    assert [chunk.is_last for chunk in (first, second, third)] == [False, False, True]
    assert {chunk.path for chunk in (first, second, third)} == {"long.mp4"}


def test_a_short_video_is_one_chunk_and_chunks_may_have_no_clip() -> None:
    video = RepurposedVideo("a", 0.0, None, np.array([[1.0, 2.0]]))
    (only,) = chunks_of(video, 1800.0)
    assert (only.end_seconds, only.is_last) == (1800.0, True)
    assert [len(chunk.segments) for chunk in chunks_of(video, 1801.0)] == [1, 0]


def test_a_clip_may_end_two_seconds_after_the_video_but_not_more() -> None:
    (chunk,) = chunks_of(RepurposedVideo("a", 0.0, None, np.array([[1.0, 62.0]])), 60.4)
    assert chunk.segments.tolist() == [[1.0, 60.4]]
    with pytest.raises(ValueError, match=r"clips of 'a': the clip \[1, 62.5\] of segments is not within"):
        chunks_of(RepurposedVideo("a", 0.0, None, np.array([[1.0, 62.5]])), 60.4)
