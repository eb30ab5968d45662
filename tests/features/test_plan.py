"""What a job that is started again makes anew, and what it leaves as it is."""

from __future__ import annotations

import json
import os
import shutil
import time
import warnings
from pathlib import Path

import pytest
from conftest import MakeVideo

from vidkit.encoders import HashedText, PixelVisual
from vidkit.features import FeatureStore, extract
from vidkit.features.failures import failed_ids
from vidkit.features.manifest import status_of

SRT = "1\n00:00:00,000 --> 00:00:02,000\n{}\n\n"


@pytest.mark.parametrize("content", ["", '{"format": 1, "fing', "[1]", "{}"])
def test_a_damaged_sidecar_costs_its_own_video_alone(
    make_video: MakeVideo, tmp_path: Path, content: str
) -> None:
    videos = [make_video(f"{name}.mp4", seconds=1.0) for name in "abc"]
    out = tmp_path / "f"
    extract(videos, encoders=[PixelVisual()], out=out)
    for name in "ab":
        (out / f"PixelVisual/{name}.json").write_text(content)
    assert (status_of(out)["PixelVisual"].done, status_of(out)["PixelVisual"].left) == (1, 2)
    with pytest.warns(
        UserWarning, match="the sidecars of 2 videos cannot be read; these are extracted"
    ) as told:
        report = extract(videos, encoders=[PixelVisual()], out=out)
    assert len(told) == 1
    assert (report.done, report.skipped, report.failed) == (videos[:2], videos[2:], {})
    assert status_of(out)["PixelVisual"].done == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert extract(videos, encoders=[PixelVisual()], out=out).skipped == videos


def test_a_damaged_sidecar_hides_no_other_recipe(make_video: MakeVideo, tmp_path: Path) -> None:
    videos = [make_video(f"{name}.mp4", seconds=1.0) for name in "ab"]
    extract(videos, encoders={"A": PixelVisual()}, out=tmp_path / "f")
    (tmp_path / "f/A/a.json").write_text("")
    with pytest.raises(ValueError, match="holds features made with another recipe: 'b' is there"):
        extract(videos, encoders={"A": PixelVisual(size=(8, 8))}, out=tmp_path / "f")


def test_changed_captions_make_new_text_features_and_no_others(make_video: MakeVideo, tmp_path: Path) -> None:
    video, out = make_video("a.mp4", seconds=2.0), tmp_path / "f"
    (tmp_path / "a.srt").write_text(SRT.format("a goal"))
    encoders = [PixelVisual(), HashedText()]
    extract([video], encoders=encoders, out=out)
    assert extract([video], encoders=encoders, out=out).skipped == [video]
    before = (out / "PixelVisual/a.npy").stat().st_mtime_ns
    (tmp_path / "a.srt").write_text(SRT.format("a foul"))
    os.utime(tmp_path / "a.srt", (1, 1))
    assert extract([video], encoders=encoders, out=out).done == [video]
    assert (FeatureStore(out)["HashedText"]["a"] == HashedText()(["a foul"] * 2).numpy()).all()
    assert (out / "PixelVisual/a.npy").stat().st_mtime_ns == before
    said = json.loads((out / "HashedText/a.json").read_text())["source"]["captions"]
    assert said == [{"name": "a.srt", "size": len(SRT.format("a foul")), "mtime_ns": 10**9}]


def test_captions_that_come_beside_others_are_a_change(make_video: MakeVideo, tmp_path: Path) -> None:
    video, out = make_video("a.b.mp4", seconds=1.0), tmp_path / "f"
    (tmp_path / "a.b.de.srt").write_text(SRT.format("ein Tor"))
    extract([video], encoders=[HashedText()], out=out)
    (tmp_path / "c.srt").write_text("")
    (tmp_path / "a.b.words.json").write_text("{}")
    assert extract([video], encoders=[HashedText()], out=out).skipped == [video]
    (tmp_path / "a.b.en.srt").write_text(SRT.format("a goal"))
    assert extract([video], encoders=[HashedText()], out=out).done == [video]
    assert (FeatureStore(out)["HashedText"]["a.b"] == HashedText()(["a goal"]).numpy()).all()


def test_a_video_that_is_gone_keeps_its_features_and_is_done(make_video: MakeVideo, tmp_path: Path) -> None:
    video, out = make_video("a.mp4", seconds=1.0), tmp_path / "f"
    extract([video], encoders=[PixelVisual()], out=out)
    video.unlink()
    report = extract([video], encoders=[PixelVisual()], out=out)
    assert (report.skipped, report.failed) == ([video], {})
    assert failed_ids(out / "PixelVisual") == set()
    assert "no such video" in extract([video], encoders=[PixelVisual(), HashedText()], out=out).failed[video]
    assert (failed_ids(out / "PixelVisual"), failed_ids(out / "HashedText")) == (set(), {"a"})
    other = extract([tmp_path / "x/a.mov"], encoders=[PixelVisual()], out=out)
    assert "no such video" in other.failed[tmp_path / "x/a.mov"]
    assert video in extract([video], encoders=[PixelVisual()], out=out, overwrite=True).failed
    assert FeatureStore(out)["PixelVisual"].video_ids() == ["a"]


def test_a_copy_of_the_same_video_is_no_other(make_video: MakeVideo, tmp_path: Path) -> None:
    video, out = make_video("x/a.mp4", seconds=1.0), tmp_path / "f"
    extract([video], encoders=[PixelVisual()], out=out)
    copy = tmp_path / "y" / "a.mp4"
    copy.parent.mkdir()
    shutil.copyfile(video, copy)
    os.utime(copy, (1, 1))
    assert extract([copy], encoders=[PixelVisual()], out=out).skipped == [copy]
    content = bytearray(copy.read_bytes())
    content[-1] ^= 1  # of one size, but another
    copy.write_bytes(content)
    os.utime(copy, (1, 1))
    refused = extract([copy], encoders=[PixelVisual()], out=out)
    assert "made from another file" in refused.failed[copy]
    shutil.copyfile(video, copy)
    os.utime(copy, (1, 1))
    video.unlink()  # nothing is left to compare with
    assert "made from another file" in extract([copy], encoders=[PixelVisual()], out=out).failed[copy]


def test_what_killed_processes_leave_is_removed_after_a_day(make_video: MakeVideo, tmp_path: Path) -> None:
    video, out = make_video("a.mp4", seconds=1.0), tmp_path / "f"
    folders = [out / "PixelVisual", out / "PixelVisual/.failed", out / ".jobs"]
    old, fresh = [], []
    for folder in folders:
        folder.mkdir(parents=True)
        old.append(folder / ".a.x.tmp.json")
        fresh.append(folder / ".a.y.tmp.json")
    for path in (*old, *fresh):
        path.touch()
    old.append(out / "PixelVisual/.choice-x")
    fresh.append(out / "PixelVisual/.choice-y")
    for path in (old[-1], fresh[-1]):
        path.mkdir()
        (path / "execution").touch()
    for path in old:
        os.utime(path, (time.time() - 90000,) * 2)
    extract([video], encoders=[PixelVisual()], out=out)
    assert not any(path.exists() for path in old)
    assert all(path.exists() for path in fresh)
