"""Threads that read: whatever ends one is heard, and nobody waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import MakeVideo
from torch import Tensor

from vidkit.encoders import PixelVisual
from vidkit.features import FeatureStore, extract, readers
from vidkit.features.one_video import Clips
from vidkit.features.pipeline import ready, run_pipeline
from vidkit.features.plan import Item, Job
from vidkit.features.readers import End, Readers


class PanicError(BaseException):
    """What a library in Rust raises."""


class Dying(PixelVisual):
    """Ends the thread that reads."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def preprocess(self, clips: Tensor) -> Tensor:
        raise self.error

    def arguments(self) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize("error", [SystemExit(0), PanicError("index out of bounds")], ids=repr)
def test_a_thread_that_dies_ends_the_job(make_video: MakeVideo, tmp_path: Path, error: BaseException) -> None:
    encoders = {"P": PixelVisual(), "D": Dying(error)}
    with pytest.raises(RuntimeError, match=r"a reading thread ended: (SystemExit|PanicError)"):
        extract([make_video("a.mp4")], encoders=encoders, out=tmp_path / "f")
    assert FeatureStore(tmp_path / "f").encoders() == []


def test_an_error_of_whoever_gives_the_videos_ends_the_job(tmp_path: Path) -> None:
    def next_item() -> Item | None:
        raise OSError("the list of videos is gone")

    job = Job({"P": PixelVisual()}, FeatureStore(tmp_path), 1.0)
    with ready(job), pytest.raises(OSError, match="the list of videos is gone"):
        run_pipeline(
            job,
            next_item,
            readers=2,
            on_finish=lambda path, reason: None,
            on_part=lambda path, fraction: None,
        )


def _once(item: Item) -> Callable[[], Item | None]:
    items = iter([item])
    return lambda: next(items, None)


def test_a_reader_that_is_stuck_is_left_behind_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(readers, "_SECONDS_TO_STOP", 0.2)
    monkeypatch.setattr(readers, "read_video", lambda path, encoders, **_: [release.wait(30)])
    job = Job({"P": PixelVisual()}, FeatureStore(tmp_path), 1.0)
    try:
        with (
            pytest.warns(UserWarning, match="1 of 2 reading threads have not stopped"),
            pytest.raises(KeyboardInterrupt),
            Readers(job, _once(Item(tmp_path, ("P",), {})), 2),
        ):
            raise KeyboardInterrupt
    finally:
        release.set()


def test_the_bytes_that_wait_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def read(path: Path, encoders: object, **_: object) -> Any:
        for index in range(20):
            made.append(index)
            yield Clips("P", torch.zeros(2, 50, dtype=torch.uint8), index / 20)

    monkeypatch.setattr(readers, "_BYTES_OF_BLOCKS", 150)
    monkeypatch.setattr(readers, "_BLOCKS_PER_READER", 10)
    monkeypatch.setattr(readers, "read_video", read)
    job = Job({"P": PixelVisual()}, FeatureStore(tmp_path), 1.0)
    ahead, taken = 0, 0
    with Readers(job, _once(Item(tmp_path, ("P",), {})), 1) as messages:
        for _, message in messages:
            threading.Event().wait(0.02)  # the reader makes what it may
            ahead = max(ahead, len(made) - taken - 1)
            taken += not isinstance(message, End)
    assert taken == 20
    assert 1 <= ahead <= 3  # two wait, and one is ready to join them
