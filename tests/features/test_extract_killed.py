"""kill -9 at any moment, and a restart: the features are those of an uninterrupted run, byte for byte."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import MakeVideo

from vidkit.features import FeatureStore

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes in /proc")

NAMES = ("MotionVisual", "PixelVisual", "LogMelAudio", "SmallConvolutions", "SmallLinear")
CLIP_SECONDS = 0.1

# What the killed processes import as they start: two encoders with weights, whose way is measured and kept.
SITE = """
import torch
from torch import nn

from vidkit.encoders import Encoder, VisualRecipe
from vidkit.registry import ENCODERS


class Small(Encoder):
    modality = "visual"

    def __init__(self) -> None:
        super().__init__()
        self.recipe = VisualRecipe(decode_size=(32, 32))
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.model = self.make()

    def preprocess(self, clips):
        return clips[:, 0].permute(0, 3, 1, 2).contiguous()

    def encode(self, inputs):
        return self.model(inputs.to(next(self.parameters()).dtype) / 255).float()


@ENCODERS.register_module()
class SmallConvolutions(Small):
    dim = 16

    def make(self):
        layers = [nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3, 2)]
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


@ENCODERS.register_module()
class SmallLinear(Small):
    dim = 24

    def make(self):
        return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 64), nn.GELU(), nn.Linear(64, 24))
"""


@pytest.fixture(autouse=True)
def small_encoders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Register two encoders with weights in every process that is started."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SITE)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("VIDKIT_CACHE", str(tmp_path / "cache"))


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
    command = [sys.executable, "-m", "vidkit", "extract", str(videos), "--encoder", ",".join(NAMES)]
    command += ["--clip-seconds", str(CLIP_SECONDS), "--out", str(out), "--device", "cpu", *options]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def _write_videos(make_video: MakeVideo, folder: Path, count: int) -> Path:
    for index in range(count):
        make_video(folder / f"{index}.mp4", seconds=20.0 if index % 5 == 0 else 1.5, fps=20)
    return folder


def _expected(videos: Path, killed: Path, *options: str) -> dict[str, bytes]:
    """Return the features of a job that is not killed; it takes the way that the other one has measured."""
    out = killed.parent / "whole"
    for choice in killed.glob("*/.execution-*"):
        (out / choice.parent.name).mkdir(parents=True)
        shutil.copy(choice, out / choice.parent.name)
    process = _start(videos, out, *options)
    output, errors = process.communicate(timeout=240)
    assert process.returncode == 0, output + errors
    return _features(out)


def _kill_and_go_on(
    videos: Path, out: Path, *options: str, rounds: int, seed: int = 0, only_below: bool = False
) -> None:
    """Kill the job ``rounds`` times some time after it has begun to write, then let it end."""
    moments = random.Random(seed)
    num_caught = 0
    for _ in range(rounds):
        process = _start(videos, out, *options)
        before = len(list(out.rglob("*.npy")))
        deadline = time.monotonic() + 120
        while len(list(out.rglob("*.npy"))) <= before and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.4))
        num_caught += process.poll() is None
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
        for name in NAMES:
            features = FeatureStore(out).encoder(name)
            for video_id in features:
                assert len(features[video_id]) > 0  # what is there is whole
    assert num_caught > 0, "every job had ended before it was killed"
    process = _start(videos, out, *options)
    output, errors = process.communicate(timeout=240)
    assert process.returncode == 0, output + errors


def test_a_job_that_was_killed_goes_on_to_the_same_bytes(make_video: MakeVideo, tmp_path: Path) -> None:
    videos = _write_videos(make_video, tmp_path / "videos", 8)
    _kill_and_go_on(videos, tmp_path / "killed", rounds=1)
    assert _features(tmp_path / "killed") == _expected(videos, tmp_path / "killed")


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
def test_however_often_a_job_is_killed(make_video: MakeVideo, tmp_path: Path, workers: str) -> None:
    videos = _write_videos(make_video, tmp_path / "videos", 25)
    _kill_and_go_on(videos, tmp_path / "killed", "--workers", workers, rounds=5, seed=int(workers))
    assert _features(tmp_path / "killed") == _expected(videos, tmp_path / "killed", "--workers", workers)


@pytest.mark.slow
@pytest.mark.parametrize("only_below", [False, True], ids=["all", "tasks"])
def test_an_array_of_slurm_that_was_killed(make_video: MakeVideo, tmp_path: Path, only_below: bool) -> None:
    pytest.importorskip("submitit")
    videos = _write_videos(make_video, tmp_path / "videos", 12)
    options = ["--launcher", "slurm", "--slurm", "cluster=local", "--workers", "2"]
    _kill_and_go_on(videos, tmp_path / "killed", *options, rounds=2, only_below=only_below)
    assert _features(tmp_path / "killed") == _expected(videos, tmp_path / "killed", *options)


@pytest.mark.slow
def test_a_ray_cluster_that_was_killed(make_video: MakeVideo, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    videos = _write_videos(make_video, tmp_path / "videos", 12)
    options = ["--launcher", "ray", "--workers", "2"]
    _kill_and_go_on(videos, tmp_path / "killed", *options, rounds=1)
    assert _features(tmp_path / "killed") == _expected(videos, tmp_path / "killed", *options)
