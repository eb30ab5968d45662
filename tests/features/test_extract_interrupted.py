"""Extraction that is stopped, killed or run by several processes."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import MakeVideo
from torch import Tensor

from vidkit.encoders import LogMelAudio, PixelVisual
from vidkit.features import FeatureStore, Progress, extract
from vidkit.features.failures import failed_ids
from vidkit.features.npy_writer import NpyWriter


class Crashing(PixelVisual):
    """Kills its process at videos that are all white."""

    def encode(self, inputs: Tensor) -> Tensor:
        if (inputs.amin((1, 2, 3)) > 200).any():
            os._exit(9)
        return super().encode(inputs)


def _files(folder: Path) -> list[str]:
    """All files below, temporary ones as well, but for what a job writes down of itself."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(file.as_posix() for file in files if not {".jobs", ".failed"} & set(file.parts))


def _at(video: str, fraction: float, action: Callable[[], None]) -> Callable[[Progress], None]:
    def act(progress: Progress) -> None:
        if progress.path.stem == video and progress.fraction >= fraction:
            action()

    return act


def _interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.95])
def test_ctrl_c_leaves_whole_features_alone_and_the_next_run_continues(
    make_video: MakeVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fraction: float
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)  # one video is read at a time
    videos = [make_video(f"{name}.mp4", seconds=5.0) for name in "abc"]
    out = tmp_path / "f"
    encoders = [PixelVisual(), LogMelAudio()]
    with pytest.raises(KeyboardInterrupt):
        extract(videos, encoders=encoders, out=out, on_progress=_at("b", fraction, _interrupt))
    names = {f"{name}/{{}}.{suffix}" for name in ("PixelVisual", "LogMelAudio") for suffix in ("npy", "json")}
    assert {name.format("a") for name in names} <= set(_files(out))
    assert set(_files(out)) <= {name.format(video_id) for name in names for video_id in "ab"}
    assert not any(".tmp" in name for name in _files(out))
    report = extract(videos, encoders=encoders, out=out)
    assert videos[0] in report.skipped  # b too, if its last clips had come
    assert videos[2] in report.done
    assert sorted(report.skipped + report.done) == videos
    extract(videos, encoders=encoders, out=tmp_path / "g")
    for name in ("PixelVisual", "LogMelAudio"):
        for video_id in "abc":
            np.testing.assert_array_equal(
                FeatureStore(out)[name][video_id], FeatureStore(tmp_path / "g")[name][video_id]
            )


def _break_append(monkeypatch: pytest.MonkeyPatch, video_id: str, number: int) -> None:
    """Let writing the features of a video fail as the system does."""
    append = NpyWriter.append

    def broken(self: NpyWriter, rows: np.ndarray) -> None:
        if self.path.name.startswith(f".{video_id}."):
            raise OSError(number, os.strerror(number))
        append(self, rows)

    monkeypatch.setattr(NpyWriter, "append", broken)


def test_a_full_disk_stops_the_job_with_a_sentence(
    make_video: MakeVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos = [make_video("a.mp4"), make_video("b.mp4")]
    _break_append(monkeypatch, "b", errno.ENOSPC)
    with pytest.raises(
        OSError, match="No space left on device; 1 of 2 videos are done; make room and run again"
    ):
        extract(videos, encoders=[PixelVisual()], out=tmp_path / "f")
    assert _files(tmp_path / "f") == ["PixelVisual/a.json", "PixelVisual/a.npy"]
    assert failed_ids(tmp_path / "f" / "PixelVisual") == set()


def test_other_errors_of_the_system_are_the_videos_own(
    make_video: MakeVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break_append(monkeypatch, "a", errno.EIO)
    videos = [make_video("a.mp4"), make_video("b.mp4")]
    report = extract(videos, encoders=[PixelVisual()], out=tmp_path / "f")
    assert "Input/output error" in report.failed[videos[0]]
    assert report.done == videos[1:]


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_limit_on_file_sizes_leaves_nothing_half_written(
    make_video: MakeVideo, tmp_path: Path, workers: int
) -> None:
    video = make_video("a.mp4", seconds=20.0)
    program = f"""
        import resource
        from vidkit.encoders import PixelVisual
        from vidkit.features import extract
        if __name__ == "__main__":
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
            try:
                extract([{str(video)!r}], encoders=[PixelVisual()], workers={workers},
                        out={str(tmp_path / "f")!r})
            except OSError as error:
                print(error.errno, error)
    """
    script = tmp_path / "job.py"
    script.write_text(textwrap.dedent(program))
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert run.stdout.startswith(f"{errno.EFBIG} "), run.stderr
    assert "0 of 1 videos are done; make room and run again" in run.stdout
    assert _files(tmp_path / "f") == []


@pytest.mark.slow
def test_processes_give_the_same_features(make_video: MakeVideo, tmp_path: Path) -> None:
    videos = [make_video(f"{name}.mp4") for name in "abcd"]
    (tmp_path / "bad.mp4").write_text("no video")
    seen: list[Progress] = []
    report = extract(
        [*videos, tmp_path / "bad.mp4"],
        encoders=[PixelVisual(), LogMelAudio()],
        out=tmp_path / "f",
        workers=2,
        on_progress=seen.append,
    )
    assert sorted(report.done) == videos
    assert "is not a video" in report.failed[tmp_path / "bad.mp4"]
    assert seen[-1].total == 1.0
    extract(videos, encoders=[PixelVisual(), LogMelAudio()], out=tmp_path / "g")
    for name in ("PixelVisual", "LogMelAudio"):
        for video_id in "abcd":
            np.testing.assert_allclose(
                FeatureStore(tmp_path / "f")[name][video_id],
                FeatureStore(tmp_path / "g")[name][video_id],
                atol=1e-5,
            )


@pytest.mark.slow
def test_a_worker_that_dies_takes_only_its_own_video_with_it(make_video: MakeVideo, tmp_path: Path) -> None:
    videos = [make_video(f"{name}.mp4", seconds=1.0) for name in "abc"]
    white = make_video("white.mp4", seconds=1.0, level=230)
    report = extract([videos[0], white, *videos[1:]], encoders=[Crashing()], out=tmp_path / "f", workers=2)
    assert sorted(report.done) == videos
    assert list(report.failed) == [white]
    assert "the process that read it died" in report.failed[white]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_ctrl_c_stops_the_processes_and_leaves_nothing_half_written(
    make_video: MakeVideo, tmp_path: Path
) -> None:
    videos = [make_video(f"{name}.mp4", seconds=60.0, fps=25, height=240, width=320) for name in "ab"]
    program = f"""
        from vidkit.encoders import PixelVisual
        from vidkit.features import extract
        if __name__ == "__main__":
            try:
                extract({[str(video) for video in videos]!r}, encoders=[PixelVisual(size=(96, 128))],
                        out={str(tmp_path / "f")!r}, workers=2, clip_seconds=0.04)
            except KeyboardInterrupt:
                print("interrupted")
    """
    script = tmp_path / "job.py"
    script.write_text(textwrap.dedent(program))
    process = subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not list((tmp_path / "f").rglob("*.tmp.npy")):  # both are at work when there is a file to be
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert out.strip() == "interrupted", err
    assert not any(".tmp" in name for name in _files(tmp_path / "f"))


def _peak_rss_kib(video: Path, out: Path) -> int:
    program = f"""
        import resource
        from vidkit.encoders import LogMelAudio, PixelVisual
        from vidkit.features import extract
        extract([{str(video)!r}], encoders=[PixelVisual(size=(96, 128)), LogMelAudio()], out={str(out)!r},
                clip_seconds=0.04)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True
    )
    return int(run.stdout)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length_of_the_video(make_video: MakeVideo, tmp_path: Path) -> None:
    short = make_video("short.mp4", seconds=10.0, fps=25)
    long = make_video("long.mp4", seconds=60.0, fps=25)  # its features alone are 220 MB
    growth = _peak_rss_kib(long, tmp_path / "l") - _peak_rss_kib(short, tmp_path / "s")
    assert growth < 60_000


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_what_it_lacks(make_video: MakeVideo, tmp_path: Path) -> None:
    video = make_video("a.mp4")
    program = f"""
        from vidkit.encoders import PixelVisual
        from vidkit.features import extract
        extract([{str(video)!r}], encoders=[PixelVisual()], out={str(tmp_path / "f")!r}, workers=1)
    """
    script = tmp_path / "job.py"
    script.write_text(textwrap.dedent(program))
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=240)
    assert run.returncode == 1
    assert (
        "a worker process ended before it began (exit code 1); a script that uses workers guards"
        in run.stderr
    )
