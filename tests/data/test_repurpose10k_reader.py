"""The released json of Repurpose-10K: what is read, what is counted, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidkit.data import read_repurpose10k


def _row(**changes: Any) -> dict[str, Any]:
    row = dict(youtube_id="abc", timeRange=[0, 100.0], segments=[[10.0, 40.5], [5.0, 20.0]])
    return {**row, **changes}


def _write(path: Path, *rows: Any) -> Path:
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def test_clips_count_from_the_start_of_their_chunk(tmp_path: Path) -> None:
    late = _row(
        timeRange=[1800, 2672.0],
        segments=[[1866.3, 1895.62], [1800, 1820]],
        segmentsOffset=[[66.29999999999995, 95.62], [0, 20]],
        coverage=0.1,
    )
    first, second = read_repurpose10k(_write(tmp_path / "a.json", _row(), late))
    assert (first.video_id, first.start_seconds, first.end_seconds) == ("abc", 0.0, 100.0)
    assert first.segments.tolist() == [[10.0, 40.5], [5.0, 20.0]]  # as they stand, though they overlap
    np.testing.assert_allclose(second.segments, [[66.3, 95.62], [0.0, 20.0]])
    assert second.duration_seconds == 872.0
    assert second.path is None


def test_entries_that_stand_twice_and_entries_without_clips_are_kept(tmp_path: Path) -> None:
    videos = read_repurpose10k(_write(tmp_path / "a.json", _row(), _row(segments=[]), _row()))
    assert [video.segments.shape for video in videos] == [(2, 2), (0, 2), (2, 2)]
    assert read_repurpose10k(_write(tmp_path / "none.json")) == []


def test_a_source_video_ends_with_its_last_chunk_if_that_is_shorter_than_the_others(tmp_path: Path) -> None:
    ranges = {"a": [[0, 1800], [1800, 2000]], "b": [[0, 1800]], "c": [[0, 900], [900, 1000], [0, 900]]}
    rows = [
        _row(youtube_id=name, timeRange=one, segments=[]) for name, listed in ranges.items() for one in listed
    ]
    videos = read_repurpose10k(_write(tmp_path / "a.json", *rows))
    assert [video.is_last for video in videos] == [False, True, False, False, True, False]
    needed = [(video.needed().min_seconds, video.needed().max_seconds) for video in videos[:2]]
    assert needed == [(1800.0, None), (2000.0, 2000.0)]


def test_what_the_file_has_rounded_is_clipped(tmp_path: Path) -> None:
    (video,) = read_repurpose10k(_write(tmp_path / "a.json", _row(segments=[[-0.004, 100.01]])))
    assert video.segments.tolist() == [[0.0, 100.0]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            _row(segments=[[40.0, 10.0]]),
            r"entry 2 \(abc\): the clip \[40, 10\] of segments does not end after",
        ),
        (_row(segments=[[10.0, 10.0]]), "does not end after its start; swap the two, or remove it"),
        (_row(segments=[[10.0, 100.5]]), r"the clip \[10, 100.5\] of segments is not within \[0, 100\]"),
        (_row(segments=[[-1.0, 10.0]]), r"is not within \[0, 100\]; correct its times, or the length"),
        (_row(timeRange=[1800, 1900]), r"the clip \[10, 40.5\] of segments is not within \[1800, 1900\]"),
        (_row(segments=[[100.0, 100.01]]), "is not within"),
        (_row(segments=[[10.0, float("nan")]]), r"the clip \[10, nan\] of segments is not finite"),
        (_row(segments=[[10.0, float("inf")]]), "is not finite; times are numbers of seconds"),
        (
            _row(segments=[10.0, 20.0]),
            r"segments must be a list of \[start, end\] in seconds, got \[10.0, 20",
        ),
        (_row(segments=[["a", 2]]), "segments must be a list of"),
        (_row(segments=[[1, 2, 3]]), "segments must be a list of"),
        (_row(segments={}), "segments must be a list of"),
        (_row(segmentsOffset=[[10.0, 40.5]]), "segmentsOffset are not the segments counted from 0 s"),
        (_row(segmentsOffset=[[11.0, 40.5], [5.0, 20.0]]), "segmentsOffset are not the segments"),
        (_row(segmentsOffset=[[50.0, 40.5], [5.0, 20.0]]), "of segmentsOffset does not end after its start"),
        (
            _row(timeRange=[100, 0]),
            r"timeRange must be \[start, end\] in seconds, 0 <= start < end, got \[100",
        ),
        (_row(timeRange=[-5, 100]), "timeRange must be"),
        (_row(timeRange=[0, float("inf")]), "timeRange must be"),
        (_row(timeRange="0-100"), "timeRange must be"),
        (_row(youtube_id="a/b"), "entry 2: 'a/b' cannot be a video_id"),
        (
            dict(youtube_id="abc", timeRange=[0, 1]),
            "entry 2: 'segments' missing; it has youtube_id, timeRange",
        ),
        ("abc", "entry 2: an object with youtube_id, timeRange, segments must stand there, got str"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_entry(tmp_path: Path, row: Any, message: str) -> None:
    path = _write(tmp_path / "train.json", _row(), row)
    with pytest.raises(ValueError, match=message) as error:
        read_repurpose10k(path)
    assert str(error.value).startswith(f"{path}, entry 2")


def test_a_file_that_is_no_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match="a list of videos must stand there, got dict"):
        read_repurpose10k(tmp_path / "a.json")
    with pytest.raises(FileNotFoundError, match=r"no such file: .*lost\.json"):
        read_repurpose10k(tmp_path / "lost.json")


@pytest.mark.parametrize(
    ("split", "num_videos", "num_clips", "num_ids"), [("val", 1121, 11921, 1092), ("test", 1122, 12025, 1081)]
)
def test_the_released_files_have_their_known_numbers(
    real_data: Path, split: str, num_videos: int, num_clips: int, num_ids: int
) -> None:
    videos = read_repurpose10k(real_data / "repurpose10k" / f"{split}.json")
    lengths = np.concatenate([video.segments[:, 1] - video.segments[:, 0] for video in videos])
    assert (len(videos), len(lengths)) == (num_videos, num_clips)
    assert len({video.video_id for video in videos}) == num_ids
    assert lengths.mean() == pytest.approx(39.5, abs=0.1)
    assert all((video.segments >= 0).all() for video in videos)
    assert all(video.duration_seconds == 1800 for video in videos if not video.is_last)
