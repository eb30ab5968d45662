"""Annotations of moments: the real files, both forms of Charades-STA, and what is wrong with a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidkit.data import MomentAnnotation, read_charades_sta, read_qvhighlights
from vidkit.data.synth import write_script
from vidkit.data.synth.annotations import SPLITS, write_annotations

RIGHT = dict(
    qid=7,
    query=" a cat. ",
    vid="a",
    duration=11,
    relevant_windows=[[2, 6], [8, 10]],
    relevant_clip_ids=[1, 2, 4],
    saliency_scores=[[4, 2, 0], [3, 2, 1], [0, 0, 0]],
)


def _read(tmp_path: Path, *rows: Any) -> list[MomentAnnotation]:
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    (tmp_path / "truth.jsonl").write_text(text)
    return read_qvhighlights(tmp_path / "truth.jsonl")


def _text(tmp_path: Path, text: str) -> list[MomentAnnotation]:
    (tmp_path / "charades.txt").write_text(text)
    return read_charades_sta(tmp_path / "charades.txt")


def test_a_line_is_read_whole(tmp_path: Path) -> None:
    (one,) = _read(tmp_path, RIGHT)
    assert (one.query_id, one.video_id, one.query, one.duration_seconds) == (7, "a", "a cat.", 11.0)
    assert one.clip_seconds == 2.0
    assert one.moments is not None
    assert one.relevant_clips is not None
    assert one.saliency is not None
    assert one.moments.tolist() == [[2.0, 6.0], [8.0, 10.0]]
    assert one.relevant_clips.tolist() == [1, 2, 4]
    assert one.saliency.tolist() == [[0, 0, 0], [4, 2, 0], [3, 2, 1], [0, 0, 0], [0, 0, 0]]


def test_what_a_file_lacks_is_none(tmp_path: Path) -> None:
    hidden = {key: RIGHT[key] for key in ("qid", "query", "vid", "duration")}
    nulls = {
        **hidden,
        "qid": "8",
        "relevant_windows": None,
        "relevant_clip_ids": None,
        "saliency_scores": None,
    }
    for one in _read(tmp_path, hidden, nulls):
        assert one.moments is one.relevant_clips is one.saliency is None
    transcript = {key: value for key, value in RIGHT.items() if key != "saliency_scores"}
    (one,) = _read(tmp_path, {**transcript, "qid": "a_0.0_150.0_3"})
    assert one.query_id == "a_0.0_150.0_3"
    assert one.saliency is None
    assert one.relevant_clips is not None
    assert len(one.relevant_clips) == 3


def test_the_real_val_split(real_data: Path) -> None:
    annotations = read_qvhighlights(real_data / "qvhighlights" / "highlight_val_release.jsonl")
    assert len(annotations) == 1550
    lengths = np.concatenate(
        [np.diff(a.moments, axis=1).ravel() for a in annotations if a.moments is not None]
    )
    counts, _ = np.histogram(lengths, [0, 10.5, 30.5, 151])
    assert counts.tolist() == [1130, 1062, 611]
    assert sum(a.saliency is not None and a.saliency.shape[1] == 3 for a in annotations) == 1550
    for one in annotations:  # the relevant clips are those that the moments cover
        assert one.moments is not None
        assert one.relevant_clips is not None
        covered = [c for s, e in one.moments for c in range(int(s // 2), int(e // 2))]
        assert sorted(one.relevant_clips.tolist()) == covered


def test_the_real_test_split_of_charades_sta(real_data: Path) -> None:
    annotations = read_charades_sta(real_data / "charades_sta" / "charades_test_release.jsonl")
    assert len(annotations) == 3720
    assert len({a.video_id for a in annotations}) == 1334
    lengths = [float(np.diff(a.moments)[0, 0]) for a in annotations if a.moments is not None]
    assert np.mean(lengths) == pytest.approx(7.8, abs=0.05)
    assert all(a.clip_seconds is None for a in annotations)


def test_the_synthetic_data_set_is_read(tmp_path: Path) -> None:
    write_annotations(tmp_path, [write_script(n, seed=0, duration_seconds=20.0) for n in range(12)], fps=25)
    for split in SPLITS:
        for one in read_qvhighlights(tmp_path / f"qvhighlights_{split}.jsonl"):
            assert one.moments is not None
            assert one.saliency is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(qid=1.5), "truth.jsonl, line 1: qid is 1.5; it must be an integer or a text"),
        (dict(query="  "), "line 1: query is '  '; it must be a sentence"),
        (dict(query=5), "line 1: query is 5; it must be a sentence"),
        (dict(duration=0), "line 1: duration is 0; it must be above 0 seconds"),
        (dict(duration="150"), "line 1: duration must be a finite number"),
        (dict(relevant_windows=[]), "line 1: relevant_windows must be a list of rows of finite numbers"),
        (
            dict(relevant_windows=[[2, 6], [8]]),
            "line 1: relevant_windows must be a list of rows of finite numbers",
        ),
        (
            dict(relevant_windows=[[2, 6, 1]]),
            r"line 1: relevant_windows are \[start, end\] in seconds, got \[2, 6, 1\]",
        ),
        (
            dict(relevant_windows=[[6, 2]]),
            r"line 1: the window \[6, 2\] is inverted or empty; its start lies before",
        ),
        (dict(relevant_windows=[[2, 2]]), r"line 1: the window \[2, 2\] is inverted or empty"),
        (
            dict(relevant_windows=[[2, 12]]),
            r"line 1: the window \[2, 12\] leaves the video, which lasts 11 s; cut it",
        ),
        (dict(relevant_windows=[[-2, 4]]), r"line 1: the window \[-2, 4\] leaves the video"),
        (
            dict(relevant_clip_ids=[1, 2, 5]),
            "line 1: relevant_clip_ids has 5; the video has 5 clips, counted from 0",
        ),
        (dict(relevant_clip_ids=[1, 2, -1]), "line 1: relevant_clip_ids has -1; the video has 5 clips"),
        (dict(relevant_clip_ids=[1, 2, 2.5]), "line 1: relevant_clip_ids has 2.5; the video has 5 clips"),
        (dict(relevant_clip_ids=[1, 2, 2]), "line 1: relevant_clip_ids names a clip twice; name each once"),
        (dict(relevant_clip_ids=["a"]), "line 1: relevant_clip_ids must be a list of finite numbers"),
        (
            dict(relevant_clip_ids=None),
            "line 1: saliency_scores without relevant_clip_ids; say which clips they",
        ),
        (
            dict(saliency_scores=[[1, 1, 1]]),
            "line 1: 1 saliency_scores for 3 relevant_clip_ids; they must be as many",
        ),
        (
            dict(saliency_scores=[[5, 0, 0]] * 3),
            r"line 1: saliency_scores go from 0 \(very bad\) to 4 \(very good\), got 0",
        ),
        (
            dict(saliency_scores=[[1, 1], [1, 1], [1]]),
            "line 1: saliency_scores must be a list of rows of finite",
        ),
        (
            dict(saliency_scores=[[], [], []]),
            "line 1: saliency_scores without annotators; give each clip one number",
        ),
    ],
)
def test_a_wrong_line_is_named(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        _read(tmp_path, {**RIGHT, **change})


def test_lines_that_do_not_fit_together_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line 3: qid 7 stands twice, first in line 1; keep one"):
        _read(tmp_path, RIGHT, {**RIGHT, "qid": 8}, RIGHT)
    with pytest.raises(
        ValueError, match="line 2: 1 annotators, but 3 in the lines before; every clip needs as many"
    ):
        _read(tmp_path, RIGHT, {**RIGHT, "qid": 8, "saliency_scores": [[1], [1], [1]]})
    with pytest.raises(ValueError, match="line 1: 'duration', 'vid' missing; it has qid, query"):
        _read(tmp_path, dict(qid=1, query="a cat"))
    with pytest.raises(
        ValueError, match="line 1: an object with qid, query, duration, vid must stand there, got int"
    ):
        _read(tmp_path, 5)


def test_the_text_form_names_queries_by_place(tmp_path: Path) -> None:
    first, second = _text(tmp_path, "3MSZA 24.3 30.4##person turn a light on.\n\nAO8RW 0.0 6.9##a person.\n")
    assert (first.query_id, first.video_id, first.query) == (0, "3MSZA", "person turn a light on.")
    assert (second.query_id, second.video_id, second.duration_seconds) == (1, "AO8RW", None)
    assert first.moments is not None
    assert first.moments.tolist() == [[24.3, 30.4]]
    assert first.relevant_clips is first.saliency is first.clip_seconds is None


def test_swapped_times_of_the_text_form_are_put_in_order_and_counted(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="start and end of 1 lines were put in order"):
        first, second = _text(tmp_path, "A 9 2##a dog.\nB 3 3##a dog.")
    assert first.moments is not None
    assert first.moments.tolist() == [[2.0, 9.0]]
    assert second.moments is not None
    assert second.moments.tolist() == [[3.0, 3.0]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("A 1 2 a dog.", "charades.txt, line 2: a line is 'VID start end##sentence.', got 'A 1 2 a dog.'"),
        ("A 1##a dog.", "line 2: a line is 'VID start end##sentence.', got 'A 1##a dog.'"),
        ("A 1 2##  ", "line 2: query is '  '; it must be a sentence"),
        ("A 1 x##a dog.", "line 2: 'x' is no time; start and end are seconds, 0 or more"),
        ("A nan 2##a dog.", "line 2: 'nan' is no time"),
        ("A -1 2##a dog.", "line 2: '-1' is no time"),
        ("A 1 inf##a dog.", "line 2: 'inf' is no time"),
    ],
)
def test_a_wrong_line_of_the_text_form_is_named(line: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        _text(tmp_path, f"A 1 2##a dog.\n{line}")


def test_missing_files_are_named(tmp_path: Path) -> None:
    for read, name in (
        (read_qvhighlights, "a.jsonl"),
        (read_charades_sta, "a.jsonl"),
        (read_charades_sta, "a.txt"),
    ):
        with pytest.raises(FileNotFoundError, match=f"no such file: .*{name}"):
            read(tmp_path / name)
