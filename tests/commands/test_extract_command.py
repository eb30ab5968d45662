"""vidkit extract and vidkit features status on the command line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from test_bad_input import run, write_video

from vidkit.encoders import HashedText
from vidkit.features import ExtractReport, FeatureStore
from vidkit.features.launchers.shards import ShardJob, split

MOTION = ["--encoder", "MotionVisual", "--clip-seconds", "0.5"]


def test_failures_are_counted_and_tried_again_when_asked(tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    write_video(videos / "good.mp4")
    (videos / "bad.mp4").write_text("no video " * 100)
    out = tmp_path / "out"
    first = run("extract", videos, *MOTION, "--out", out)
    assert first.exit_code == 1
    assert "tried again" not in first.stderr
    again = run("extract", videos, *MOTION, "--out", out)
    assert again.exit_code == 1
    assert again.stdout.splitlines() == ["done\t0", "skipped\t1", "failed\t1"]
    assert "1 of them failed before and were not tried again; --retry-failed tries them" in again.stderr
    assert "bad.mp4 is not a video" in again.stderr
    (videos / "bad.mp4").unlink()
    write_video(videos / "bad.mp4")
    assert run("extract", videos, *MOTION, "--out", out, "--retry-failed").exit_code == 0
    status = json.loads(run("features", "status", out).stdout)["MotionVisual"]
    assert (status["done"], status["failed"], status["left"], status["seconds_left"]) == (2, 0, 0, 0)


def test_captions_come_from_the_folder_that_is_named(tmp_path: Path) -> None:
    video, text = write_video(tmp_path / "talk.mp4"), ["--encoder", "HashedText"]
    (tmp_path / "captions").mkdir()
    (tmp_path / "captions" / "talk.srt").write_text("1\n00:00:00,000 --> 00:00:02,000\na goal\n")
    result = run("extract", video, *text, "--out", tmp_path / "out", "--captions", tmp_path / "captions")
    assert result.exit_code == 0, result.output
    assert (FeatureStore(tmp_path / "out")["HashedText"]["talk"] == HashedText()(["a goal"]).numpy()).all()
    absent = run("extract", video, *text, "--out", tmp_path / "out", "--captions", tmp_path / "none")
    assert absent.exit_code == 2
    assert "no folder of captions at" in absent.stderr


def test_a_list_with_a_missing_path_names_it_and_does_the_rest(tmp_path: Path) -> None:
    write_video(tmp_path / "good.mp4")
    (tmp_path / "list.txt").write_text("good.mp4\nabsent.mp4\n")
    result = run("extract", tmp_path / "list.txt", *MOTION, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "no such video: absent.mp4" in result.stderr
    assert "done\t1" in result.stdout


def test_a_list_with_two_videos_of_one_name_is_refused(tmp_path: Path) -> None:
    for folder in "xy":
        (tmp_path / folder).mkdir()
        write_video(tmp_path / folder / "a.mp4")
    (tmp_path / "list.txt").write_text("x/a.mp4\ny/a.mp4\nx/a.mp4\n")
    result = run("extract", tmp_path / "list.txt", *MOTION, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "two videos have the id 'a'" in result.stderr
    assert "rename one, or extract them into two folders" in result.stderr


def test_features_of_another_encoder_in_the_folder_are_refused(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4")
    run("extract", video, *MOTION, "--out", tmp_path / "out")
    (tmp_path / "out/MotionVisual").rename(tmp_path / "out/PixelVisual")
    arguments = ["--encoder", "PixelVisual", "--clip-seconds", "0.5"]
    result = run("extract", video, *arguments, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "holds features made with another recipe" in result.stderr
    assert "encoder MotionVisual" in result.stderr or "encoder PixelVisual" in result.stderr


def test_offline_is_told_to_everything_that_loads_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("VIDKIT_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, "0")  # and put back afterwards
    write_video(tmp_path / "a.mp4")
    result = run("extract", tmp_path / "a.mp4", *MOTION, "--out", tmp_path / "out", "--offline")
    assert result.exit_code == 0
    assert os.environ["VIDKIT_OFFLINE"] == os.environ["HF_HUB_OFFLINE"] == "1"


def test_offline_is_told_to_the_processes_of_a_launcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("VIDKIT_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, "0")  # and put back afterwards
    jobs: list[ShardJob] = []

    def launch(job: ShardJob, *_: object) -> ExtractReport:
        jobs.append(job)
        return ExtractReport()

    monkeypatch.setattr("vidkit.commands.extract._launch", launch)
    video = write_video(tmp_path / "a.mp4")
    for options in ([], ["--offline"]):
        assert run("extract", video, *MOTION, "--out", tmp_path / "out", *options).exit_code == 0
    assert [job.offline for job in jobs] == [False, True]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--slurm", "partition=gpu"], "use it with --launcher slurm"),
        (["--launcher", "slurm", "--slurm", "partition"], "--slurm 'partition' is not KEY=VALUE"),
        (["--execution", "fast"], "unknown execution 'fast'"),
        (["--batch-size", "0"], "batch_size must be at least 1, got 0"),
    ],
)
def test_wrong_options_are_told(tmp_path: Path, options: list[str], message: str) -> None:
    write_video(tmp_path / "a.mp4")
    result = run("extract", tmp_path / "a.mp4", *MOTION, "--out", tmp_path / "out", *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "out").exists()


def test_shards_hold_every_video_once() -> None:
    shards = split(range(10), 4)
    assert sorted(video for shard in shards for video in shard) == list(range(10))
    assert max(map(len, shards)) - min(map(len, shards)) <= 1
    assert split([1], 4) == [[1]]


def test_random_weights_are_told(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4")
    encoders = "TimmVisual:model=test_resnet.r160_in1k,MotionVisual"
    result = run("extract", video, "--encoder", encoders, "--out", tmp_path / "out", "--execution", "plain")
    assert result.exit_code == 0
    assert "TimmVisual has random weights, so its features mean little; " in result.stderr
    assert "MotionVisual has" not in result.stderr
    (sidecar,) = (tmp_path / "out").glob("TimmVisual*/a.json")
    assert json.loads(sidecar.read_text())["weights_source"] == "random"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--device", "tpu"], "unknown device 'tpu'; give cpu, cuda or cuda:N"),
        (["--device", "cuda:99"], "there is no device cuda:99 here"),
        (["--clip-seconds", "1e-9"], "clip_seconds must be at least 0.001 s, got 1e-09"),
        (["--out", "a.mp4"], "a file is in the way; give another folder"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    options: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "a.mp4")
    result = run("extract", "a.mp4", "--encoder", "PixelVisual", "--out", "out", *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "out").exists()


def test_the_status_of_a_folder_without_features_is_a_sentence(tmp_path: Path) -> None:
    result = run("features", "status", tmp_path)
    assert result.exit_code == 2
    assert "is no feature store; make one with: vidkit extract" in result.stderr
