"""Worker processes, without starting one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from vidkit.encoders import PixelVisual
from vidkit.features import FeatureStore
from vidkit.features.plan import Item, Job
from vidkit.features.pool import _for_worker, _Pool, _Worker


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job({"P": PixelVisual()}, FeatureStore(tmp_path), 1.0, device="cuda")


def test_a_worker_that_replaces_a_dead_one_gets_the_same_gpu(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []

    def start(pool: _Pool, slot: int) -> None:
        started.append(slot)
        nothing: Any = SimpleNamespace(close=lambda: None, join=lambda: None)
        pool._workers.append(_Worker(slot, nothing, nothing, has_begun=True))

    monkeypatch.setattr(_Pool, "_start", start)
    pool = _Pool(job, [Item(Path("a.mp4"), ("P",), {})], 3, lambda path, reason: None)
    for slot in range(3):
        pool._start(slot)
    pool._bury(pool._workers[0])
    pool._bury(pool._workers[0])
    assert started == [0, 1, 2, 0, 1]


def test_workers_share_the_gpus(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [_for_worker(job, slot).device for slot in range(3)] == ["cuda:0", "cuda:1", "cuda:0"]
