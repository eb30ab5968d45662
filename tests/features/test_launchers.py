"""What the launchers share; arrays and clusters themselves run in test_extract_killed.py."""

from __future__ import annotations

import importlib
import os
import pickle
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import MakeVideo

from vidkit.encoders import Encoder
from vidkit.features import FeatureStore, Progress
from vidkit.features.failures import failed_ids
from vidkit.features.launchers import ShardJob, extract_with, shards
from vidkit.features.launchers.shards import Outcome, split
from vidkit.features.spec import parse_encoder_spec
from vidkit.offline import is_offline


def _here(job: ShardJob, videos: Sequence[Path]) -> Iterator[Outcome]:
    """Run two shards in this process."""
    for shard in split(videos, 2):
        yield Outcome(shard, report=job(shard))


def _dies_in_the_second(job: ShardJob, videos: Sequence[Path]) -> Iterator[Outcome]:
    """Run the first shard, and of the second one video before it dies."""
    first, second = split(videos, 2)
    yield Outcome(first, report=job(first))
    job(second[:1])
    yield Outcome(second, reason="its task 7 died; read the log and run again")


def test_the_shards_report_together(make_video: MakeVideo, tmp_path: Path) -> None:
    videos = [make_video(f"{name}.mp4", seconds=1.0) for name in "abc"]
    bad = tmp_path / "bad.mp4"
    bad.write_text("no video" * 100)
    job = ShardJob("PixelVisual,LogMelAudio", tmp_path / "f", device="cpu")
    seen: list[Progress] = []
    report = extract_with(_here, [*videos, bad, tmp_path / "none.mp4"], job, on_progress=seen.append)
    assert report.done == videos
    assert list(report.failed) == [bad, tmp_path / "none.mp4"]
    assert seen[-1].total == 1.0
    again = extract_with(_here, [*videos, bad], job)
    assert (again.done, again.skipped, again.not_retried) == ([], videos, [bad])


def test_a_shard_that_dies_loses_only_what_was_not_done(make_video: MakeVideo, tmp_path: Path) -> None:
    videos = [make_video(f"{name}.mp4", seconds=1.0) for name in "abcd"]
    job = ShardJob("PixelVisual", tmp_path / "f", device="cpu")
    report = extract_with(_dies_in_the_second, videos, job)
    assert report.done == videos[:3]
    assert report.failed == {videos[3]: f"{videos[3]}: its task 7 died; read the log and run again"}
    assert failed_ids(tmp_path / "f/PixelVisual") == set()  # the next run tries it again
    assert extract_with(_here, videos, job).done == videos[3:]
    assert FeatureStore(tmp_path / "f")["PixelVisual"].video_ids() == list("abcd")


def test_overwriting_makes_everything_anew(make_video: MakeVideo, tmp_path: Path) -> None:
    video = make_video("a.mp4", seconds=1.0)
    extract_with(_here, [video], ShardJob("PixelVisual", tmp_path / "f", device="cpu"))
    job = ShardJob("PixelVisual", tmp_path / "f", device="cpu", clip_seconds=0.5, overwrite=True)
    assert extract_with(_here, [video], job).done == [video]
    assert len(FeatureStore(tmp_path / "f")["PixelVisual"]["a"]) == 2


def test_a_ray_actor_builds_its_encoders_once(
    make_video: MakeVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actors = pytest.importorskip("vidkit.features.launchers.ray")
    videos = [make_video(f"{name}.mp4", seconds=1.0) for name in "ab"]
    built: list[str] = []

    def count(spec: str) -> dict[str, Encoder]:
        built.append(spec)
        return parse_encoder_spec(spec)

    monkeypatch.setattr(shards, "parse_encoder_spec", count)
    actor = actors._Actor(ShardJob("PixelVisual", tmp_path / "f", device="cpu"))
    assert [actor.extract([video]).done for video in videos] == [[video] for video in videos]
    assert built == ["PixelVisual"]


def test_offline_travels_to_the_process_that_builds_the_encoders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("VIDKIT_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.setenv(name, "0")  # and put back afterwards
    seen: list[bool] = []

    def look(spec: str) -> dict[str, Encoder]:
        seen.append(is_offline())
        return parse_encoder_spec(spec)

    monkeypatch.setattr(shards, "parse_encoder_spec", look)
    job = ShardJob("PixelVisual", tmp_path / "f", device="cpu")
    job.build()
    there = pickle.loads(pickle.dumps(replace(job, offline=True)))
    there.build()
    assert seen == [False, True]
    assert os.environ["VIDKIT_OFFLINE"] == os.environ["HF_HUB_OFFLINE"] == "1"


@pytest.mark.parametrize("name", ["slurm", "ray"])
def test_a_launcher_whose_package_is_absent_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    package = {"slurm": "submitit", "ray": "ray"}[name]
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"vidkit.features.launchers.{name}", raising=False)
    with pytest.raises(ImportError, match=rf"needs {package}: pip install 'vidkit\[{name}\]'"):
        importlib.import_module(f"vidkit.features.launchers.{name}")
