"""kill -9 at any moment, and a restart: the features are those of an uninterrupted run, byte for byte."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import MakeVideo

from vidkit.features import FeatureStore, extract, parse_encoder_spec

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes in /proc")

ENCODERS = "MotionVisual,PixelVisual,LogMelAudio"
CLIP_SECONDS = 0.1


def _features(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.glob("[!.]*/[!.]*")}


def _processes_of(folder: Path) -> list[int]:
    """Return the processes that name a folder on their command line, and those below them."""
    parents: dict[int, int] = {}
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if str(folder).encode() in (entry / "cmdline").read_bytes():
                found.add(int(entry.name))
        except (OSError, ValueError):
            continue  # it has ended since
    while below := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= below
    return sorted(found)


def _kill(pids: list[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _start(videos: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "vidkit", "extract", str(videos), "--encoder", ENCODERS]
    command += ["--clip-seconds", str(CLIP_SECONDS), "--out", str(out), "--device", "cpu", *options]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def _write_videos(make_video: MakeVideo, folder: Path, count: int) -> Path:
    for index in range(count):
        make_video(folder / f"{index}.mp4", seconds=20.0 if index % 5 == 0 else 1.5, fps=20)
    return folder


def _expected(videos: Path, out: Path) -> dict[str, bytes]:
    extract(
        sorted(videos.iterdir()),
        encoders=parse_encoder_spec(ENCODERS),
        out=out,
        clip_seconds=CLIP_SECONDS,
        device="cpu",
    )
    return _features(out)


def _kill_and_go_on(
    videos: Path, out: Path, *options: str, rounds: int, seed: int = 0, only_below: bool = False
) -> None:
    """Kill the job ``rounds`` times some time after it has begun to write, then let it end."""
    moments = random.Random(seed)
    for _ in range(rounds):
        process = _start(videos, out, *options)
        before = len(list(out.rglob("*.npy")))
        deadline = time.monotonic() + 120
        while len(list(out.rglob("*.npy"))) <= before and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.4))
        _kill([pid for pid in _processes_of(out) if not (only_below and pid == process.pid)])
        if only_below:
            process.communicate(timeout=240)
        else:
            process.wait(timeout=60)
        deadline = time.monotonic() + 60
        while _processes_of(out):  # workers die with their parent
            _kill(_processes_of(out))
            assert time.monotonic() < deadline
            time.sleep(0.05)
        for name in ("MotionVisual", "PixelVisual", "LogMelAudio"):
            features = FeatureStore(out).encoder(name)
            for video_id in features:
                assert len(features[video_id]) > 0  # what is there is whole
    process = _start(videos, out, *options)
    output, errors = process.communicate(timeout=240)
    assert process.returncode == 0, output + errors


def test_a_job_that_was_killed_goes_on_to_the_same_bytes(make_video: MakeVideo, tmp_path: Path) -> None:
    videos = _write_videos(make_video, tmp_path / "videos", 8)
    _kill_and_go_on(videos, tmp_path / "killed", rounds=1)
    assert _features(tmp_path / "killed") == _expected(videos, tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
def test_however_often_a_job_is_killed(make_video: MakeVideo, tmp_path: Path, workers: str) -> None:
    videos = _write_videos(make_video, tmp_path / "videos", 25)
    _kill_and_go_on(videos, tmp_path / "killed", "--workers", workers, rounds=5, seed=int(workers))
    assert _features(tmp_path / "killed") == _expected(videos, tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("only_below", [False, True], ids=["all", "tasks"])
def test_an_array_of_slurm_that_was_killed(make_video: MakeVideo, tmp_path: Path, only_below: bool) -> None:
    pytest.importorskip("submitit")
    videos = _write_videos(make_video, tmp_path / "videos", 12)
    options = ["--launcher", "slurm", "--slurm", "cluster=local", "--workers", "2"]
    _kill_and_go_on(videos, tmp_path / "killed", *options, rounds=2, only_below=only_below)
    assert _features(tmp_path / "killed") == _expected(videos, tmp_path / "whole")


@pytest.mark.slow
def test_a_ray_cluster_that_was_killed(make_video: MakeVideo, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    videos = _write_videos(make_video, tmp_path / "videos", 12)
    _kill_and_go_on(videos, tmp_path / "killed", "--launcher", "ray", "--workers", "2", rounds=1)
    assert _features(tmp_path / "killed") == _expected(videos, tmp_path / "whole")
