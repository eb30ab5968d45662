"""How far a store is."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from conftest import MakeVideo

from vidkit.encoders import LogMelAudio, PixelVisual
from vidkit.features import extract
from vidkit.features.manifest import as_json, status_of


def test_done_failed_and_left_are_counted_against_what_was_asked_for(
    make_video: MakeVideo, tmp_path: Path
) -> None:
    videos = [make_video("a.mp4", seconds=3.0), make_video("b.mp4", seconds=3.0, sample_rate_hz=None)]
    out = tmp_path / "f"

    def interrupt(progress: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(videos, encoders=[PixelVisual(), LogMelAudio()], out=out, on_progress=interrupt)
    begun = status_of(out)["LogMelAudio"]
    assert (begun.done, begun.failed, begun.left, begun.seconds_left) == (0, 0, 2, None)
    extract([*videos, tmp_path / "none.mp4"], encoders=[PixelVisual(), LogMelAudio()], out=out)
    visual, audio = status_of(out)["PixelVisual"], status_of(out)["LogMelAudio"]
    assert (visual.done, visual.failed, visual.left) == (2, 1, 0)
    assert (audio.done, audio.failed, audio.left) == (1, 2, 0)
    assert visual.hours == pytest.approx(6 / 3600)
    assert visual.megabytes == pytest.approx(2 * (128 + 3 * 576 * 4) / 1e6)
    assert visual.seconds_left == 0.0
    assert as_json(visual)["hours"] == 0.002


def test_the_time_left_follows_from_the_pace_of_the_job(make_video: MakeVideo, tmp_path: Path) -> None:
    videos = [make_video(f"{name}.mp4", seconds=1.0) for name in "abc"]
    out = tmp_path / "f"
    extract(videos, encoders=[PixelVisual()], out=out)
    started = time.time() - 3600
    (manifest,) = (out / ".jobs").iterdir()
    text = manifest.read_text()
    first = text.index('"started": ') + len('"started": ')
    manifest.write_text(text[:first] + str(started) + text[text.index(",", first) :])
    for name in "bc":
        (out / f"PixelVisual/{name}.npy").unlink()
    os.utime(out / "PixelVisual/a.npy", (started + 60, started + 60))
    status = status_of(out)["PixelVisual"]
    assert (status.done, status.left) == (1, 2)
    assert status.seconds_left == pytest.approx(120, rel=1e-3)


def test_the_same_job_again_is_no_other_and_jobs_add_up(make_video: MakeVideo, tmp_path: Path) -> None:
    videos = [make_video(f"{name}.mp4", seconds=1.0) for name in "ab"]
    out = tmp_path / "f"
    for chosen in (videos[:1], videos[:1], videos):
        extract(chosen, encoders=[PixelVisual()], out=out)
    assert len(list((out / ".jobs").iterdir())) == 2
    assert status_of(out)["PixelVisual"].done == 2


def test_temporary_files_of_dead_processes_are_removed(make_video: MakeVideo, tmp_path: Path) -> None:
    video, out = make_video("a.mp4"), tmp_path / "f"
    (out / "PixelVisual").mkdir(parents=True)
    old, fresh = out / "PixelVisual/.a.x.tmp.npy", out / "PixelVisual/.b.y.tmp.npy"
    for path in (old, fresh):
        path.touch()
    os.utime(old, (0, 0))
    extract([video], encoders=[PixelVisual()], out=out)
    assert not old.exists()
    assert fresh.exists()
