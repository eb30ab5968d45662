"""Two processes train and evaluate as one does."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from toy import run_vidkit, write_config, write_store

from vidkit import apis
from vidkit.engine import read_checkpoint


def _losses(work_dir: Path) -> list[float]:
    (log,) = work_dir.glob("*/vis_data/scalars.json")
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    return [row["loss"] for row in rows if "loss" in row]


@pytest.mark.slow
def test_two_processes_agree_with_one(tmp_path: Path) -> None:
    config = write_config(write_store(tmp_path / "data"), batch_size=4)
    # RMSprop divides tiny gradients by their own size, which turns rounding into steps; SGD does not.
    plain = "optim_wrapper.optimizer=dict(type='SGD', lr=0.05)"
    one = apis.train(config, work_dir=tmp_path / "one", options=[plain], quiet=True)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    options = ["--launcher", "pytorch", "--cfg-options", "train_dataloader.batch_size=2", plain]
    work = tmp_path / "two"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = run_vidkit(
        ["train", str(config), "--work-dir", str(work), *options], launcher=launcher, env=environment
    )
    assert result.returncode == 0, result.stderr[-3000:]
    two = work / one.name
    # The losses of every step, and what is left of them in the weights.
    torch.testing.assert_close(
        torch.tensor(_losses(work)), torch.tensor(_losses(tmp_path / "one")), atol=1e-5, rtol=1e-6
    )
    weights, others = (read_checkpoint(path)["state_dict"] for path in (one, two))
    for name, weight in weights.items():
        torch.testing.assert_close(weight, others[name], atol=1e-4, rtol=1e-3)
    # Evaluation: the same rows, none dropped or twice (8 videos over 2 processes, and 7 over 2).
    for number in (8, 7):
        rows = (tmp_path / "data" / "annotations.jsonl").read_text().splitlines()[:number]
        (tmp_path / "some.jsonl").write_text("\n".join(rows))
        option = f"test_dataloader.dataset.annotations={tmp_path / 'some.jsonl'}"
        single, rows_of_one = apis.test(config, one, options=[option], quiet=True)
        result = run_vidkit(
            [
                "test",
                str(config),
                str(one),
                "--launcher",
                "pytorch",
                "--dump",
                str(tmp_path / "dump.jsonl"),
                "-c",
                option,
            ],
            launcher=launcher,
            env=environment,
        )
        assert result.returncode == 0, result.stderr[-3000:]
        assert json.loads(result.stdout) == pytest.approx(single, abs=1e-5)
        assert len((tmp_path / "dump.jsonl").read_text().splitlines()) == len(rows_of_one) == number
