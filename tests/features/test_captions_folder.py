"""Captions from a folder: they go before those beside the videos, in every process that reads them."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import MakeVideo

from vidkit.encoders import HashedText
from vidkit.features import FeatureStore, extract
from vidkit.features.caption_files import CaptionFiles
from vidkit.features.launchers import ShardJob, extract_with
from vidkit.features.launchers.shards import Outcome

SRT = "1\n00:00:00,000 --> 00:00:02,000\n{}\n\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "captions").mkdir()
    return tmp_path / "captions"


def _said(out: Path, video_id: str, text: str) -> bool:
    return bool((FeatureStore(out)["HashedText"][video_id] == HashedText()([text]).numpy()).all())


def test_a_folder_goes_before_what_lies_beside_the_video(
    make_video: MakeVideo, tmp_path: Path, folder: Path
) -> None:
    videos = [make_video(f"{name}.mp4", seconds=1.0) for name in "abc"]
    for name in "ab":
        (tmp_path / f"{name}.srt").write_text(SRT.format("beside"))
    (folder / "a.srt").write_text(SRT.format("in the folder"))
    (folder / "c.srt").write_text("")
    report = extract(videos, encoders=[HashedText()], out=tmp_path / "f", captions=folder)
    assert report.done == videos
    said = {"a": "in the folder", "b": "beside", "c": "[empty]"}
    assert all(_said(tmp_path / "f", name, text) for name, text in said.items())


def test_a_change_in_the_folder_makes_the_features_anew(
    make_video: MakeVideo, tmp_path: Path, folder: Path
) -> None:
    video, out = make_video("a.mp4", seconds=1.0), tmp_path / "f"
    (tmp_path / "a.srt").write_text(SRT.format("beside"))
    extract([video], encoders=[HashedText()], out=out)
    assert extract([video], encoders=[HashedText()], out=out, captions=folder).skipped == [video]
    (folder / "a.srt").write_text(SRT.format("first"))
    for text in ("first", "second"):
        (folder / "a.srt").write_text(SRT.format(text))
        os.utime(folder / "a.srt", (len(text), 1))
        assert extract([video], encoders=[HashedText()], out=out, captions=folder).done == [video]
        assert extract([video], encoders=[HashedText()], out=out, captions=folder).skipped == [video]
        assert _said(out, "a", text)
    said = json.loads((out / "HashedText/a.json").read_text())["source"]["captions"]
    assert [(each["name"], each["size"]) for each in said] == [
        ("a.srt", len(SRT.format("second"))),
        ("a.srt", len(SRT.format("beside"))),
    ]
    assert extract([video], encoders=[HashedText()], out=out).done == [video]
    assert _said(out, "a", "beside")


def test_files_of_the_folder_are_told_before_those_beside(tmp_path: Path, folder: Path) -> None:
    for path in (tmp_path / "a.srt", folder / "a.en.vtt", folder / "b.srt"):
        path.write_text("")
    assert [file["name"] for file in CaptionFiles(folder).of(tmp_path / "a.mp4")] == ["a.en.vtt", "a.srt"]
    assert [file["name"] for file in CaptionFiles().of(tmp_path / "a.mp4")] == ["a.srt"]


@pytest.mark.slow
def test_worker_processes_read_the_folder(make_video: MakeVideo, tmp_path: Path, folder: Path) -> None:
    video = make_video("a.mp4", seconds=1.0)
    (folder / "a.srt").write_text(SRT.format("in the folder"))
    report = extract([video], encoders=[HashedText()], out=tmp_path / "f", captions=folder, workers=1)
    assert (report.done, report.failed) == ([video], {})
    assert _said(tmp_path / "f", "a", "in the folder")


def test_shards_of_a_cluster_read_the_folder(
    make_video: MakeVideo, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = make_video("a.mp4", seconds=1.0)
    (folder / "a.srt").write_text(SRT.format("in the folder"))
    monkeypatch.chdir(tmp_path)
    job = ShardJob("HashedText", Path("f"), device="cpu", captions=Path("captions"))

    def elsewhere(job: ShardJob, videos: Sequence[Path]) -> Iterator[Outcome]:
        monkeypatch.chdir("/")
        there = pickle.loads(pickle.dumps(job))
        yield Outcome(videos, report=there(videos))

    assert extract_with(elsewhere, [video], job).done == [video]
    assert _said(tmp_path / "f", "a", "in the folder")


def test_a_folder_that_is_absent_is_bad_input(make_video: MakeVideo, tmp_path: Path) -> None:
    video = make_video("a.mp4", seconds=1.0)
    message = r"no folder of captions at .*none; vidkit transcribe VIDEOS --out .*none writes one"
    with pytest.raises(FileNotFoundError, match=message):
        extract([video], encoders=[HashedText()], out=tmp_path / "f", captions=tmp_path / "none")
    job = ShardJob("HashedText", tmp_path / "f", device="cpu")
    with pytest.raises(FileNotFoundError, match=message):
        extract_with(lambda job, videos: iter(()), [video], replace(job, captions=tmp_path / "none"))
