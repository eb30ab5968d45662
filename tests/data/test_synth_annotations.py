"""The annotations of the synthetic set against its plans, recomputed plainly, and against the real files."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from vidkit.data import read_tvsum, read_youtube_highlights
from vidkit.data.synth import Script, write_script
from vidkit.data.synth.annotations import (
    SPLITS,
    manifest_row,
    split_of,
    srt_text,
    tvsum_row,
    write_annotations,
    youtube_highlights_row,
)
from vidkit.data.synth.words import TOPIC_NAMES
from vidkit.files import read_json, read_json_lines
from vidkit.media import read_captions

FPS = 25
NUM_VIDEOS = 24


@pytest.fixture(scope="module")
def scripts() -> dict[str, Script]:
    plans = [write_script(index, seed=0, duration_seconds=20.0) for index in range(NUM_VIDEOS)]
    return {plan.video_id: plan for plan in plans}


@pytest.fixture(scope="module")
def folder(scripts: dict[str, Script], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("annotations")
    write_annotations(path, list(scripts.values()), fps=FPS)
    return path


def _lines(folder: Path, form: str) -> list[dict[str, Any]]:
    return [row for split in SPLITS for row in read_json_lines(folder / f"{form}_{split}.jsonl")]


def _highlight_frames(script: Script, fps: int = FPS) -> npt.NDArray[np.bool_]:
    """Return for each frame whether its time lies in a highlight, sampled at its middle."""
    middles = (np.arange(round(script.duration_seconds * fps)) + 0.5) / fps
    covered = np.zeros(len(middles), bool)
    for highlight in script.highlights:
        covered |= (middles >= highlight.start) & (middles < highlight.end)
    return covered


@pytest.mark.parametrize("num_videos", [12, 24, 48, 100])
def test_splits_are_disjoint_cover_all_and_train_on_every_topic(num_videos: int) -> None:
    members: dict[str, list[int]] = {split: [] for split in SPLITS}
    for index in range(num_videos):
        members[split_of(index)].append(index)
    assert sorted(chain.from_iterable(members.values())) == list(range(num_videos))
    assert all(members.values())
    assert 0.6 < len(members["train"]) / num_videos <= 0.75
    if num_videos >= 24:
        num_topics = len(TOPIC_NAMES)
        assert {index % num_topics for index in members["train"]} == set(range(num_topics))


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("qvhighlights", "vid"),
        ("tvsum", "vid"),
        ("youtube_highlights", "vid"),
        ("usv", "video_id"),
        ("repurpose10k", "youtube_id"),
    ],
)
def test_each_video_stands_in_the_file_of_its_split_alone(
    folder: Path, scripts: dict[str, Script], form: str, name: str
) -> None:
    seen: list[str] = []
    for split in SPLITS:
        if form == "repurpose10k":
            rows = read_json(folder / f"{form}_{split}.json")
        else:
            rows = read_json_lines(folder / f"{form}_{split}.jsonl")
        ids = list(dict.fromkeys(row[name] for row in rows))  # one video has several queries
        assert all(split_of(scripts[video_id].index) == split for video_id in ids)
        seen += ids
    assert sorted(seen) == sorted(scripts)


def test_repurpose10k_has_the_passages(folder: Path, scripts: dict[str, Script]) -> None:
    rows = read_json(folder / "repurpose10k.json")
    assert [row["youtube_id"] for row in rows] == list(scripts)
    for row in rows:
        script = scripts[row["youtube_id"]]
        assert row["segments"] == row["segmentsOffset"]
        assert row["timeRange"] == row["timeRangeOffset"] == [0, 20.0]
        np.testing.assert_allclose(row["segments"], script.passages, atol=0.005)
        total = sum(end - start for start, end in row["segments"])
        assert row["coverage"] == pytest.approx(total / 20.0)


def test_qvhighlights_has_the_windows_and_exactly_the_clips_in_them(
    folder: Path, scripts: dict[str, Script]
) -> None:
    rows = _lines(folder, "qvhighlights")
    assert len({row["qid"] for row in rows}) == len(rows) == sum(len(s.events) for s in scripts.values())
    for row in rows:
        script = scripts[row["vid"]]
        (event,) = [event for event in script.events if event.query == row["query"]]
        assert row["relevant_windows"] == [[int(start), int(end)] for start, end in event.windows]
        assert all(type(time) is int and time % 2 == 0 for w in row["relevant_windows"] for time in w)
        assert type(row["duration"]) is int
        assert row["duration"] == 20
        inside = [
            clip
            for clip in range(row["duration"] // 2)
            if any(start <= 2 * clip and 2 * clip + 2 <= end for start, end in row["relevant_windows"])
        ]
        assert row["relevant_clip_ids"] == inside


def test_qvhighlights_scores_are_three_a_clip_and_higher_in_highlights(
    folder: Path, scripts: dict[str, Script]
) -> None:
    inside: list[float] = []
    outside: list[float] = []
    for row in _lines(folder, "qvhighlights"):
        assert len(row["saliency_scores"]) == len(row["relevant_clip_ids"])
        covered = _highlight_frames(scripts[row["vid"]]).reshape(-1, 2 * FPS).mean(axis=1)
        for clip, scores in zip(row["relevant_clip_ids"], row["saliency_scores"]):
            assert len(scores) == 3
            assert all(type(score) is int and 0 <= score <= 4 for score in scores)
            (inside if covered[clip] >= 0.5 else outside).append(float(np.mean(scores)))
    assert np.mean(inside) > np.mean(outside) + 0.5


def test_the_qvhighlights_duration_of_an_odd_video_is_even_and_not_longer(tmp_path: Path) -> None:
    write_annotations(tmp_path, [write_script(0, seed=0, duration_seconds=7.24)], fps=FPS)
    rows = _lines(tmp_path, "qvhighlights")
    assert [row["duration"] for row in rows] == [6] * len(rows) != []
    assert all(end <= 6 for row in rows for _, end in row["relevant_windows"])


def test_tvsum_counts_clips_and_its_annotators_follow_the_highlights(
    folder: Path, scripts: dict[str, Script]
) -> None:
    for row in _lines(folder, "tvsum"):
        script = scripts[row["vid"]]
        label = np.array(row["label"])
        assert row["duration"] == len(label) == 10  # clips of 2 s in 20 s
        assert label.shape == (10, 20)
        assert set(np.unique(label)) <= {1.0, 2.0, 3.0, 4.0, 5.0}
        assert (row["query"], row["domain"]) == (script.title, script.topic)
        share = _highlight_frames(script).reshape(10, -1).mean(axis=1)
        np.testing.assert_allclose(label.mean(axis=1), 1.6 + 2.6 * share, atol=0.6)
        if share.max() > 0.3:
            assert label.mean(axis=1).argmax() in np.flatnonzero(share > share.max() - 0.2)


def test_a_last_clip_that_is_not_whole_has_no_tvsum_label() -> None:
    assert tvsum_row(write_script(0, seed=0, duration_seconds=7.24))["duration"] == 3


@pytest.mark.parametrize("seconds", [20.0, 7.2, 4.0])
def test_youtube_highlights_clips_cover_the_frames_and_match_the_highlights(seconds: float) -> None:
    matches: set[int] = set()
    for index in range(NUM_VIDEOS):
        script = write_script(index, seed=0, duration_seconds=seconds)
        row = youtube_highlights_row(script, fps=FPS)
        covered = _highlight_frames(script)
        assert row["fps"] == FPS
        assert row["frames"] == len(covered)
        assert (row["clip"][0][0], row["clip"][-1][1]) == (0, len(covered))
        assert all(one[1] == two[0] for one, two in zip(row["clip"], row["clip"][1:]))
        shares = np.array([covered[int(first) : int(last)].mean() for first, last in row["clip"]])
        expected = np.where(shares >= 0.5, 1, np.where(shares > 0, 0, -1))
        assert row["match"] == expected.tolist()
        assert row["label"] == [[int(share >= 0.5)] for share in shares]
        assert 1 in row["match"]
        matches |= set(row["match"])
    assert matches >= {-1, 1}


def test_borderline_clips_exist(folder: Path) -> None:
    assert {value for row in _lines(folder, "youtube_highlights") for value in row["match"]} == {-1, 0, 1}


def test_the_readers_of_vidkit_read_the_files(folder: Path, scripts: dict[str, Script]) -> None:
    for split in SPLITS:
        youtube = read_youtube_highlights(folder / f"youtube_highlights_{split}.jsonl")
        tvsum = read_tvsum(folder / f"tvsum_{split}.jsonl")
        assert [one.video_id for one in youtube] == [one.video_id for one in tvsum] != []
        for one, two in zip(youtube, tvsum):
            script = scripts[one.video_id]
            assert one.domain == two.domain == script.topic
            assert one.duration_seconds == two.duration_seconds == 20.0
            np.testing.assert_allclose(one.clips, [[n, n + 1] for n in range(20)])
            covered = _highlight_frames(script).reshape(20, FPS).mean(axis=1)
            np.testing.assert_array_equal(one.labels[:, 0], covered >= 0.5)
            assert two.labels.shape == (10, 20)


def test_usv_rows_have_topic_title_and_what_is_said(folder: Path, scripts: dict[str, Script]) -> None:
    rows = _lines(folder, "usv")
    assert {row["label"] for row in rows} == set(TOPIC_NAMES)
    for row in rows:
        script = scripts[row["video_id"]]
        assert (row["label"], row["title"]) == (script.topic, script.title)
        assert row["subtitle"] == " ".join(caption.text for caption in script.captions)
        assert row["path"] == f"videos/{script.video_id}.mp4"


def test_captions_survive_the_srt_file(tmp_path: Path) -> None:
    script = write_script(4, seed=0, duration_seconds=4000.0)  # beyond one hour
    path = tmp_path / "talk.srt"
    path.write_text(srt_text(script), encoding="utf-8")
    read = read_captions(path)
    assert [caption.text for caption in read] == [caption.text for caption in script.captions]
    np.testing.assert_allclose(
        [[caption.start, caption.end] for caption in read],
        [[caption.start, caption.end] for caption in script.captions],
        atol=1e-3,
    )


def test_the_manifest_survives_json(scripts: dict[str, Script]) -> None:
    for script in scripts.values():
        row = manifest_row(script)
        assert json.loads(json.dumps(row)) == row


@pytest.mark.parametrize(
    ("form", "real"),
    [
        ("qvhighlights", "qvhighlights/highlight_val_release.jsonl"),
        ("tvsum", "tvsum/tvsum_val_release.jsonl"),
        ("youtube_highlights", "youtube_highlight/youtube_highlight_val_release.jsonl"),
        ("repurpose10k", "repurpose10k/val.json"),
    ],
)
def test_the_fields_and_their_types_are_those_of_the_official_files(
    folder: Path, real_data: Path, form: str, real: str
) -> None:
    path = real_data / real
    official = (read_json(path) if path.suffix == ".json" else read_json_lines(path))[0]
    ours = read_json(folder / f"{form}.json") if form == "repurpose10k" else _lines(folder, form)
    assert set(ours[0]) == set(official)
    for name, value in official.items():
        assert _kind(ours[0][name]) == _kind(value), name


def _kind(value: Any) -> str:
    """Return the type of a JSON value down to the first element of lists; int and float are both numbers."""
    if isinstance(value, list):
        return f"[{_kind(value[0])}]"
    return "number" if isinstance(value, int | float) else type(value).__name__
