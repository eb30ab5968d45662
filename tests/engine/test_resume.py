"""A run that was killed and resumed equals one that was not, bit for bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from toy import run_vidkit, write_config, write_store

from vidkit import apis
from vidkit.engine import latest_checkpoint, read_checkpoint


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(tmp_path_factory.mktemp("toy"))


def _assert_same(first: Path, second: Path) -> None:
    left, right = read_checkpoint(first), read_checkpoint(second)
    assert left["meta"]["epoch"] == right["meta"]["epoch"]
    for name, weight in left["state_dict"].items():
        assert torch.equal(weight, right["state_dict"][name]), name
    for index, state in left["optimizer"]["state"].items():
        for key, value in state.items():
            assert torch.equal(
                torch.as_tensor(value), torch.as_tensor(right["optimizer"]["state"][index][key])
            )
    assert left["param_schedulers"] == right["param_schedulers"]


def test_four_epochs_equal_two_epochs_killed_and_two_resumed(root: Path, tmp_path: Path) -> None:
    config = write_config(root)
    whole = apis.train(config, work_dir=tmp_path / "whole", quiet=True)
    killed = tmp_path / "killed"
    command = [sys.executable, "-m", "vidkit", "train", str(config), "--work-dir", str(killed), "--quiet"]
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 120
    while not (killed / "epoch_2.pth").exists():  # written whole or not at all
        assert process.poll() is None, "the run ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    interrupted = latest_checkpoint(killed)
    assert interrupted is not None
    assert read_checkpoint(interrupted)["meta"]["epoch"] < 4
    resumed = apis.train(config, work_dir=killed, resume=True, quiet=True)
    _assert_same(whole, resumed)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(root: Path, tmp_path: Path) -> None:
    config = write_config(root, max_epochs=1)
    first = apis.train(config, work_dir=tmp_path / "first", quiet=True)
    again = apis.train(config, work_dir=tmp_path / "again", quiet=True)
    _assert_same(first, again)
    other = apis.train(config, work_dir=tmp_path / "other", options=["randomness.seed=1"], quiet=True)
    weights, others = (read_checkpoint(path)["state_dict"] for path in (first, other))
    assert any(not torch.equal(weights[name], others[name]) for name in weights)


def test_ctrl_c_leaves_a_run_that_resumes(root: Path, tmp_path: Path) -> None:
    config = write_config(root, max_epochs=400)
    work = tmp_path / "work"
    command = [sys.executable, "-m", "vidkit", "train", str(config), "--work-dir", str(work)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ})
    deadline = time.monotonic() + 120
    while latest_checkpoint(work) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume" in errors.splitlines()[-1]
    assert not list(work.glob("*.tmp*"))
    before = latest_checkpoint(work)
    assert before is not None
    epoch = int(read_checkpoint(before)["meta"]["epoch"])
    resumed = apis.train(
        config, work_dir=work, resume=True, options=[f"train_cfg.max_epochs={epoch + 1}"], quiet=True
    )
    assert read_checkpoint(resumed)["meta"]["epoch"] == epoch + 1


def test_a_work_folder_with_a_run_is_not_overwritten(root: Path, tmp_path: Path) -> None:
    config = write_config(root, max_epochs=1)
    apis.train(config, work_dir=tmp_path, quiet=True)
    with pytest.raises(ValueError, match=r"holds a run \(epoch_1.pth\); add --resume"):
        apis.train(config, work_dir=tmp_path, quiet=True)


def test_the_best_checkpoint_has_a_name_of_its_own(root: Path, tmp_path: Path) -> None:
    apis.train(write_config(root, max_epochs=2), work_dir=tmp_path, quiet=True)
    (best,) = tmp_path.glob("best_*.pth")
    assert (tmp_path / "best.pth").read_bytes() == best.read_bytes()


def test_a_full_disk_leaves_no_half_written_checkpoint(root: Path, tmp_path: Path) -> None:
    config = write_config(root, max_epochs=2)
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"
        "sys.argv[0] = 'vidkit'; from vidkit.cli import main; main()"
    )
    command = [sys.executable, "-c", script, "train", str(config), "--work-dir", str(tmp_path), "--quiet"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode != 0
    assert not list(tmp_path.glob("*.pth"))
    assert not list(tmp_path.glob(".*tmp*"))


def test_several_processes_without_a_launcher_are_refused(root: Path, tmp_path: Path) -> None:
    result = run_vidkit(
        ["train", str(write_config(root)), "--work-dir", str(tmp_path), "--launcher", "pytorch"]
    )
    assert result.returncode == 2
    assert "torchrun" in result.stderr
