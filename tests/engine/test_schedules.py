"""Schedules of the learning rate that our configs give end with training, however long it is."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from mmengine.optim import OptimWrapper
from toy import write_config, write_store

from vidkit.engine import build_runner, load_config


@pytest.mark.parametrize("name", ["mmct_repurpose10k", "mmct_repurpose10k_released", "mmct_synthetic"])
@pytest.mark.parametrize("max_epochs", [6, 9])
def test_the_warm_up_reaches_the_full_rate_and_the_cosine_ends_at_the_last_step(
    name: str, max_epochs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = load_config(f"repurposing/{name}").param_scheduler
    config = load_config(write_config(write_store(tmp_path), max_epochs=max_epochs))
    config.param_scheduler = schedule
    config.val_dataloader = config.val_evaluator = None
    runner = build_runner(config, work_dir=tmp_path / "run", quiet=True)
    rates: list[float] = []
    monkeypatch.setattr(OptimWrapper, "step", lambda self: rates.append(self.get_lr()["lr"][0]))
    runner.train()
    per_epoch, warm_up = len(rates) // max_epochs, schedule[0]["end"]
    assert rates[0] < 2e-6
    assert rates[warm_up * per_epoch] == pytest.approx(1e-3)
    assert rates == [
        *sorted(rates[: warm_up * per_epoch]),
        *sorted(rates[warm_up * per_epoch :], reverse=True),
    ]
    after = len(rates) - warm_up * per_epoch  # steps of the cosine, whose last is one step from its end
    assert rates[-1] == pytest.approx(1e-3 * (1 + math.cos(math.pi * (after - 1) / after)) / 2)
