"""What a store's jobs were asked for, and how far they are: ``<root>/.jobs/<job>.json``."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vidkit.features.failures import failed_ids
from vidkit.features.plan import JOBS, Job
from vidkit.features.store import EncoderFeatures, FeatureStore
from vidkit.files import read_json, write_json

_MIN_SECONDS = 1e-3


@dataclass(frozen=True)
class EncoderStatus:
    """How far the features of one encoder are.

    Attributes:
        done: Videos that have them.
        failed: Videos that cannot be read; the reasons stand in ``.failed`` beside the features.
        left: Videos of the store's jobs that are neither, those with a damaged sidecar among them.
        hours: Length of the videos that are done.
        megabytes: Size of the features.
        seconds_left: Until nothing is left, at the pace of the latest job; None before its first video.
    """

    done: int
    failed: int
    left: int
    hours: float
    megabytes: float
    seconds_left: float | None


def write_manifest(job: Job, videos: Sequence[Path]) -> None:
    """Write down the videos and the encoders of a job that begins now.

    The same job started again replaces its own; another list of videos is another job.

    Raises:
        OSError: If the store cannot be written.
    """
    wanted = {
        "encoders": sorted(job.encoders),
        "clip_seconds": job.clip_seconds,
        "videos": [os.path.abspath(video) for video in videos],
    }
    name = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:12]
    write_json(job.store.root / JOBS / f"{name}.json", {"started": time.time(), **wanted})


def status_of(root: str | Path) -> dict[str, EncoderStatus]:
    """Return how far the features of each encoder in a store are.

    Raises:
        ValueError: If what is written of a job is damaged.
    """
    store = FeatureStore(root)
    jobs = [read_json(path) for path in sorted((store.root / JOBS).glob("[!.]*.json"))]
    names = sorted({*store.encoders(), *(name for job in jobs for name in job["encoders"])})
    return {
        name: _status(store.encoder(name), [job for job in jobs if name in job["encoders"]]) for name in names
    }


def as_json(status: EncoderStatus) -> dict[str, float | None]:
    """Return the numbers as they are printed."""
    rounded = {"hours": round(status.hours, 3), "megabytes": round(status.megabytes, 1)}
    seconds = None if status.seconds_left is None else round(status.seconds_left)
    return {**asdict(status), **rounded, "seconds_left": seconds}


def _status(features: EncoderFeatures, jobs: Iterable[dict]) -> EncoderStatus:  # type: ignore[type-arg]
    sidecars = {video_id: features.readable_sidecar(video_id) for video_id in features.video_ids()}
    known = {video_id: sidecar for video_id, sidecar in sidecars.items() if sidecar is not None}
    done = set(known)
    failed = failed_ids(features.folder) - done
    wanted = {Path(video).stem for job in jobs for video in job["videos"]}
    left = wanted - done - failed
    started = max((job["started"] for job in jobs), default=time.time())
    seconds, size, finished = 0.0, 0, []
    for video_id in done:
        seconds += known[video_id]["duration_seconds"]
        state = (features.folder / f"{video_id}.npy").stat()
        size += state.st_size
        if state.st_mtime > started:
            finished.append(state.st_mtime)
    seconds_left = None
    if not left:
        seconds_left = 0.0
    elif finished:
        seconds_left = len(left) * max(max(finished) - started, _MIN_SECONDS) / len(finished)
    return EncoderStatus(
        done=len(done),
        failed=len(failed),
        left=len(left),
        hours=seconds / 3600,
        megabytes=size / 1e6,
        seconds_left=seconds_left,
    )
