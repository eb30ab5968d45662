"""What all launchers share: the job as it travels, its shards, and the report of them together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch

from vidkit.features.execution import Execution, Precision
from vidkit.features.extract import (
    ExtractReport,
    OnProgress,
    Progress,
    checked_captions,
    extract,
    run_plan,
)
from vidkit.features.manifest import write_manifest
from vidkit.features.plan import Job, check_store, make_plan, unique_paths
from vidkit.features.spec import parse_encoder_spec
from vidkit.features.store import FeatureStore
from vidkit.offline import go_offline

Item = TypeVar("Item")


@dataclass(frozen=True)
class ShardJob:
    """A job in words, from which each process builds its own encoders; called with videos, it extracts them.

    Args:
        encoders: As on the command line: ``NAME:key=value,NAME``.
        out: Root of the feature store, which all processes see under this name.
        clip_seconds: Length of a clip.
        device: Where the encoders run; None is a GPU if the process has one.
        execution: How they run, or the precision whose fastest way is measured.
        batch_size: Clips that an encoder gets at once; None fits them to the device.
        overwrite: Whether features that exist are made anew.
        retry_failed: Whether videos that failed before are tried again.
        offline: Whether the processes that build the encoders never touch the network for weights.
        captions: Folder of captions that go before those beside the videos; all processes see it.
    """

    encoders: str
    out: Path
    clip_seconds: float = 1.0
    device: str | None = None
    execution: Execution | Precision = "float32"
    batch_size: int | None = None
    overwrite: bool = False
    retry_failed: bool = False
    offline: bool = False
    captions: Path | None = None

    def build(self) -> Job:
        """Return the job with its encoders; if it is ``offline``, this process is from now on."""
        if self.offline:
            go_offline()
        return Job(
            parse_encoder_spec(self.encoders),
            FeatureStore(self.out),
            self.clip_seconds,
            self.batch_size,
            self.device or ("cuda" if torch.cuda.is_available() else "cpu"),
            self.execution,
            self.overwrite,
            self.captions,
        )

    def extract(
        self, videos: Iterable[str | Path], *, workers: int, on_progress: OnProgress | None = None
    ) -> ExtractReport:
        """Extract all videos on this machine; see ``vidkit.features.extract``."""
        job = self.build()
        return extract(
            videos,
            encoders=job.encoders,
            out=self.out,
            clip_seconds=self.clip_seconds,
            workers=workers,
            device=job.device,
            execution=self.execution,
            batch_size=self.batch_size,
            overwrite=self.overwrite,
            retry_failed=self.retry_failed,
            captions=self.captions,
            on_progress=on_progress,
        )

    def __call__(self, videos: Sequence[Path], *, built: Job | None = None) -> ExtractReport:
        """Extract a shard in this process.

        Args:
            videos: Of the shard.
            built: Of ``build``, for a process that gets several shards; None builds the encoders anew.
        """
        job = built or self.build()
        return run_plan(job, videos, make_plan(videos, job, retry_failed=self.retry_failed), workers=0)


@dataclass(frozen=True)
class Outcome:
    """What became of a shard.

    Args:
        videos: Of the shard.
        report: What its process says; None if it died.
        reason: Why it died, one sentence; None if it did not.
    """

    videos: Sequence[Path]
    report: ExtractReport | None = None
    reason: str | None = None


Launch = Callable[[ShardJob, Sequence[Path]], Iterator[Outcome]]
"""Runs a job over videos somewhere, and yields what became of each shard, in any order."""


def extract_with(
    launch: Launch, videos: Iterable[str | Path], job: ShardJob, *, on_progress: OnProgress | None = None
) -> ExtractReport:
    """Write the features of videos through a launcher; run it again to continue.

    Args:
        launch: Of ``on_slurm`` or ``on_ray``.
        videos: Video files, which all processes see under these names. A video's stem is its video_id.
        job: What to make of them.
        on_progress: Called when a shard has ended.

    Returns:
        What became of each video. The videos of a shard that died are in ``failed`` unless they were done.

    Raises:
        ValueError: If two videos have the same stem, or the store holds features of another recipe.
        FileNotFoundError: If there is no such folder of captions.
        OSError: If the store cannot be written.
    """
    paths = unique_paths([Path(os.path.abspath(video)) for video in videos])
    captions = checked_captions(job.captions)
    job = replace(
        job,
        out=Path(os.path.abspath(job.out)),
        captions=None if captions is None else Path(os.path.abspath(captions)),
    )
    built = job.build()
    check_store(built)
    write_manifest(built, paths)
    plan = make_plan(paths, built, retry_failed=job.retry_failed)
    pending = [item.path for item in plan.work]
    report = ExtractReport(
        skipped=list(plan.finished),
        failed={path: reason for path, reason in plan.failed.items() if path not in pending},
        not_retried=list(plan.not_retried),
    )
    for outcome in launch(job, pending) if pending else ():
        part = outcome.report
        if part is None:
            left = make_plan(outcome.videos, built, retry_failed=True)
            assert outcome.reason is not None
            failed = {item.path: f"{item.path}: {outcome.reason}" for item in left.work}
            part = ExtractReport(done=left.finished, failed={**failed, **left.failed})
        report.done += part.done + part.skipped
        report.failed.update(part.failed)
        if on_progress is not None:
            on_progress(Progress(report.num_finished, len(paths), outcome.videos[-1], 0.0))
    report.sort(paths)
    return report


def split(items: Sequence[Item], count: int) -> list[list[Item]]:
    """Return at most ``count`` shards, dealt out like cards; none is empty.

    Example:
        >>> split("abcde", 2)
        [['a', 'c', 'e'], ['b', 'd']]
    """
    return [list(items[first::count]) for first in range(min(count, len(items)))]
