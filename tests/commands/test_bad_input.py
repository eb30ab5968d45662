"""What a user may give wrong: one clear sentence, the right exit code, nothing half-written."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from vidkit.cli import app, expand_options
from vidkit.media import VideoWriter

ENCODERS = ["--encoder", "PixelVisual,MotionVisual", "--clip-seconds", "0.2"]


def write_video(path: Path, *, seconds: float = 2.0, sound: bool = True, seed: int = 0) -> Path:
    """Write a small video of moving noise, with a tone if ``sound``."""
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    rate = 16000 if sound else None
    with VideoWriter(path, width=64, height=48, fps=10, sample_rate_hz=rate) as writer:
        for frame in range(round(10 * seconds)):
            writer.write_frame(np.roll(picture, frame * 3, axis=1))
        if rate is not None:
            time_axis = np.arange(round(rate * seconds)) / rate
            writer.write_audio((0.3 * np.sin(2 * np.pi * 440 * time_axis)).astype(np.float32))
    return path


def run(*arguments: object) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(app, expand_options([str(argument) for argument in arguments]))


def leftovers(folder: Path) -> list[Path]:
    """Return temporary files that a writer should have removed."""
    return [path for path in folder.rglob("*") if ".tmp" in path.name]


def test_a_text_file_called_mp4_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("these are notes, not a film\n" * 50)
    result = run("extract", tmp_path / "notes.mp4", *ENCODERS, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "notes.mp4" in result.stderr
    assert "is not a video" in result.stderr or "not a video" in result.stderr
    highlights = run("highlights", tmp_path / "notes.mp4", "--out", tmp_path / "hl")
    assert highlights.exit_code == 2
    assert "no video could be read" in highlights.stderr
    assert "Traceback" not in highlights.output


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.mp4", seconds=5).read_bytes()
    (tmp_path / "half.mp4").write_bytes(whole[: len(whole) // 2])
    result = run("extract", tmp_path / "half.mp4", *ENCODERS, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "half.mp4" in result.stderr
    assert not leftovers(tmp_path)


def test_an_empty_folder_and_a_missing_file_are_bad_input(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run("extract", tmp_path / "empty", *ENCODERS, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "no videos in the folder" in result.stderr
    result = run("highlights", tmp_path / "absent.mp4", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "no such file or folder" in result.stderr


def test_one_corrupt_video_of_five_is_named_and_four_are_done(tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    for index in range(4):
        write_video(videos / f"good{index}.mp4", seed=index)
    (videos / "bad.mp4").write_bytes(b"\0" * 2000)
    result = run("extract", videos, *ENCODERS, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "done\t4" in result.stdout
    assert "failed\t1" in result.stdout
    assert "bad.mp4" in result.stderr
    assert sorted(path.stem for path in (tmp_path / "out" / "PixelVisual").glob("*.npy")) == [
        f"good{index}" for index in range(4)
    ]


def test_sound_that_is_needed_and_not_there_is_named(tmp_path: Path) -> None:
    write_video(tmp_path / "silent.mp4", sound=False)
    arguments = ["--encoder", "LogMelAudio", "--out", tmp_path / "out"]
    result = run("extract", tmp_path / "silent.mp4", *arguments)
    assert result.exit_code == 1
    assert "silent.mp4" in result.stderr
    assert "sound" in result.stderr


def test_training_with_sound_refuses_silent_videos_and_says_what_to_do(tmp_path: Path) -> None:
    write_video(tmp_path / "silent.mp4", sound=False)
    run(
        "extract",
        tmp_path / "silent.mp4",
        "--encoder",
        "MotionVisual",
        "--clip-seconds",
        0.2,
        "--out",
        tmp_path / "f",
    )
    data = f"train_dataloader.dataset.features={tmp_path / 'f'}"
    result = run(
        "train", "highlight_detection/rasl_videos", "--work-dir", tmp_path / "work", "--cfg-options", data
    )
    assert result.exit_code == 2
    assert "have no audio features" in result.stderr
    assert "model.audio_encoder=None" in result.stderr
    assert not (tmp_path / "work").exists()
    result = run(
        *("train", "highlight_detection/rasl_videos", "--work-dir", tmp_path / "work", "--quiet"),
        *("--cfg-options", data, "model.audio_encoder=None", "train_cfg.max_epochs=1"),
    )
    assert result.exit_code == 0, result.output


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_writable_is_bad_input(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4")
    (tmp_path / "locked").mkdir(mode=0o500)
    result = run("extract", tmp_path / "a.mp4", *ENCODERS, "--out", tmp_path / "locked" / "out")
    assert result.exit_code == 2
    assert "locked" in result.stderr


def test_a_file_in_the_place_of_the_folder_is_bad_input(tmp_path: Path) -> None:
    """What root sees where others see a folder that is not writable."""
    write_video(tmp_path / "a.mp4")
    (tmp_path / "file").write_text("in the way")
    for command in (["extract", *ENCODERS], ["highlights"]):
        result = run(command[0], tmp_path / "a.mp4", *command[1:], "--out", tmp_path / "file" / "out")
        assert result.exit_code == 2, result.output
        assert "file" in result.stderr
        assert "Traceback" not in result.output


def _limited(size: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command line where no file may grow beyond ``size`` bytes, as on a disk that fills."""
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}));"
        "from vidkit.cli import main; main()"
    )
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_a_full_disk_during_extraction_leaves_nothing_half_written(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", seconds=4)
    result = _limited(20_000, "extract", tmp_path / "a.mp4", *ENCODERS, "--out", tmp_path / "out")
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert not leftovers(tmp_path)
    assert not list((tmp_path / "out").rglob("*.npy"))
    again = run("extract", tmp_path / "a.mp4", *ENCODERS, "--out", tmp_path / "out")
    assert again.exit_code == 0, again.output


def _interrupt(process: subprocess.Popen[str], ready: Path, pattern: str) -> None:
    deadline = time.monotonic() + 120
    while not list(ready.rglob(pattern)) and time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it was interrupted"
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)


def test_ctrl_c_during_extraction_keeps_what_is_whole_and_the_next_run_goes_on(tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    first = write_video(videos / "v00.mp4", seconds=20)
    for index in range(1, 40):
        shutil.copy(first, videos / f"v{index:02}.mp4")
    arguments = ["extract", str(videos), *ENCODERS, "--out", str(tmp_path / "out")]
    process = subprocess.Popen(
        [sys.executable, "-m", "vidkit", *arguments], stderr=subprocess.PIPE, text=True
    )
    _interrupt(process, tmp_path, "v0[12].json")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "run the same command again" in errors
    assert not leftovers(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 0
    counts = dict(line.split("\t") for line in result.stdout.splitlines())
    assert int(counts["skipped"]) >= 1
    assert int(counts["done"]) + int(counts["skipped"]) == 40


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["highlights", "VIDEO", "--ratio", "0"],
            "ratio is the share of the video to select, in (0, 1], got 0.0",
        ),
        (["extract", "VIDEO", "--encoder", "PixelVisul", "--out", "o"], "did you mean 'PixelVisual'?"),
        (["extract", "VIDEO", "--encoder", "PixelVisual:siz=(1,1)", "--out", "o"], "did you mean 'size'?"),
        (
            ["extract", "VIDEO", "--encoder", "PixelVisual", "--clip-seconds", "0", "--out", "o"],
            "clip_seconds",
        ),
        (
            ["predict", "highlight_detection/rasl_synthetic", "absent.pth", "VIDEO"],
            "no checkpoint at absent.pth",
        ),
        (["predict", "highlight_detection/rasl_synthetik", "absent.pth", "VIDEO"], "no config file"),
        (["evaluate", "tvsumm", "a", "b"], "did you mean 'tvsum'?"),
        (["highlights", "VIDEO", "--checkpoint", "absent.pth"], "no checkpoint at absent.pth"),
        (
            ["config", "check", "highlight_detection/rasl", "--cfg-options=model.x=1", "model.y=2"],
            "takes no 'x'",
        ),
        (["list", "encoder"], "known: encoders"),
        (["config", "show", "nothing"], "no config file"),
        (["features", "status", "nowhere"], "no feature store at nowhere"),
    ],
)
def test_wrong_arguments_get_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    video = str(write_video(tmp_path / "a.mp4"))
    result = run(*[video if argument == "VIDEO" else argument for argument in arguments])
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_predictions_of_another_config_are_refused(tmp_path: Path) -> None:
    """A checkpoint that does not fit says which weights."""
    video = write_video(tmp_path / "a.mp4")
    run("highlights", video, "--out", tmp_path / "hl", "--quiet")
    (checkpoint,) = sorted((tmp_path / "hl" / "work").rglob("epoch_*.pth"))[-1:]
    result = run("predict", "highlight_detection/rasl_synthetic_pixels", checkpoint, video)
    assert result.exit_code == 2
    assert "does not fit RASL" in result.stderr
    result = run("predict", "highlight_detection/rasl_videos", checkpoint, video, "--query", "a cat")
    assert result.exit_code == 2
    assert "takes no --query" in result.stderr
    good = run("predict", "highlight_detection/rasl_videos", checkpoint, video, "--quiet")
    assert good.exit_code == 0, good.output
    assert json.loads(good.stdout)["video_id"] == "a"
