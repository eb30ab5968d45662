"""Files of which no sample could be made are named once an epoch; data sets hear of the epoch."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from torch import nn

from vidkit.data import VideoSample
from vidkit.engine.hooks import SeedHook, UnreadFilesHook


def _batch(*samples: dict[str, Any]) -> dict[str, Any]:
    return dict(data_samples=[VideoSample(metainfo=meta) for meta in samples])


def _runner() -> Any:
    return SimpleNamespace(logger=logging.getLogger("unread"))


def test_replaced_files_are_named_once_at_the_end_of_an_epoch(caplog: pytest.LogCaptureFixture) -> None:
    hook, runner = UnreadFilesHook(), _runner()
    for _ in range(2):
        hook.before_train_epoch(runner)
        for batch in (
            _batch(dict(video_id="a", replaces=(("x", "x is cut off"), ("y", "y is noise")))),
            _batch(dict(video_id="b", replaces=()), dict(video_id="c", replaces=(("x", "x is cut off"),))),
            _batch(dict(video_id="d")),
        ):
            hook.after_train_iter(runner, 0, batch)
        assert not caplog.records
        hook.after_train_epoch(runner)
        (record,) = caplog.records
        assert record.levelname == "WARNING"
        assert record.getMessage() == (
            "2 videos could not be read, and others stood in their place: x (x is cut off); y (y is noise)"
        )
        caplog.clear()


def test_empty_samples_of_a_test_are_errors_by_name(caplog: pytest.LogCaptureFixture) -> None:
    hook, runner = UnreadFilesHook(), _runner()
    hook.before_test_epoch(runner)
    hook.after_test_iter(
        runner, 0, _batch(dict(video_id="a", fault=None), dict(video_id="b", fault="broken"))
    )
    hook.after_test_epoch(runner)
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "1 video could not be read, and count" in record.getMessage()
    assert record.getMessage().endswith(": b (broken)")


def test_all_files_are_named_but_only_five_with_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    hook, runner = UnreadFilesHook(), _runner()
    hook.after_val_iter(runner, 0, _batch(*(dict(video_id=f"v{n}", fault="bad") for n in range(7))))
    hook.after_val_epoch(runner)
    assert caplog.records[0].getMessage().endswith("v4 (bad); and v5, v6")


def test_an_epoch_without_faults_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    hook, runner = UnreadFilesHook(), _runner()
    hook.after_train_iter(runner, 0, dict(inputs=1))  # a batch without samples
    hook.after_train_epoch(runner)
    assert not caplog.records


def test_data_sets_that_draw_hear_of_the_epoch() -> None:
    heard: list[tuple[int, int]] = []
    data = SimpleNamespace(set_epoch=lambda *, seed, epoch: heard.append((seed, epoch)))
    runner = SimpleNamespace(
        model=nn.Identity(), train_dataloader=SimpleNamespace(dataset=data), seed=7, epoch=3
    )
    SeedHook().before_train_epoch(runner)
    assert heard == [(7, 3)]
