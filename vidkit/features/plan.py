"""What an extraction job has to do: checks before it starts, and what is there already."""

from __future__ import annotations

import os
import shutil
import time
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from vidkit.encoders.base import Encoder, FeatureRecipe
from vidkit.features.caption_files import CaptionFiles
from vidkit.features.chosen import check_precision, forget_executions
from vidkit.features.execution import Execution, Precision
from vidkit.features.failures import FOLDER as FAILED
from vidkit.features.failures import known_failure, record_failure
from vidkit.features.sidecar import difference, is_copy, is_same_source, make_sidecar, source_of
from vidkit.features.store import FeatureStore, check_video_id

JOBS = ".jobs"  # below the root: what jobs were asked for
_STALE_SECONDS = 24 * 3600.0  # no writer pauses for a day: the process of an older temporary file is dead


@dataclass(frozen=True)
class Job:
    """How features are made; it travels to worker processes.

    Args:
        encoders: By the name of their folder.
        store: Where to.
        clip_seconds: Length of a clip.
        batch_size: Rows of every call of an encoder; None fits them to the device.
        device: Where the encoders run; None leaves them where they are.
        execution: How they run, or the precision whose fastest way is to be measured.
        overwrite: Whether features that exist are made anew, also those of another recipe.
        captions: Folder of captions that go before those beside the videos.

    Raises:
        ValueError: If the clip length is not positive, or the batch size below 1.
    """

    encoders: Mapping[str, Encoder]
    store: FeatureStore
    clip_seconds: float
    batch_size: int | None = None
    device: str | torch.device | None = None
    execution: Execution | Precision = "float32"
    overwrite: bool = False
    captions: Path | None = None
    sidecars: Mapping[str, Mapping[str, Any]] = field(init=False)
    """What stands in the sidecar of every video, by encoder; taken before the encoders are moved."""

    def __post_init__(self) -> None:
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {self.batch_size}")
        sidecars = {
            name: make_sidecar(encoder, clip_seconds=self.clip_seconds, duration_seconds=0.0)
            for name, encoder in self.encoders.items()
        }
        object.__setattr__(self, "sidecars", sidecars)

    def folder(self, name: str) -> Path:
        """Return the folder of an encoder in the store."""
        return self.store.encoder(name).folder


@dataclass(frozen=True)
class Item:
    """One video and the encoders whose features of it are to be made.

    Args:
        path: The video; its stem is the video_id.
        names: Folders of the encoders.
        source: Of ``source_of``, when the job was planned; in a job that reads text also the caption files.
    """

    path: Path
    names: tuple[str, ...]
    source: Mapping[str, Any]


@dataclass
class Plan:
    """What a job has to do with each of its videos.

    Attributes:
        work: What is to be made.
        finished: Videos whose features are all there.
        failed: Videos that cannot be tried, or are not tried again, and why.
        not_retried: Those of ``failed`` that have failed before and have not changed.
    """

    work: list[Item] = field(default_factory=list)
    finished: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)
    not_retried: list[Path] = field(default_factory=list)


def make_plan(paths: Iterable[Path], job: Job, *, retry_failed: bool) -> Plan:
    """Return what is to be done, compared with what stands in the store.

    A video may be in ``work`` and in ``failed``: with some encoders it failed before, others are new. One
    that is gone is finished if its features are there.

    Args:
        paths: Videos with different stems.
        job: How features are made.
        retry_failed: Whether videos that failed before are tried again although they have not changed.

    Raises:
        OSError: If the failure of a missing video cannot be recorded.
    """
    plan = Plan()
    reads_text = any(encoder.modality == "text" for encoder in job.encoders.values())
    captions = CaptionFiles(job.captions) if reads_text else None
    damaged = 0
    for path in paths:
        source: dict[str, Any]
        try:
            source = source_of(path)
        except FileNotFoundError as error:
            _plan_missing(plan, path, job, str(error))
            continue
        if captions is not None:
            source["captions"] = captions.of(path)
        try:
            pending = [name for name in job.encoders if not _is_finished(path, name, job, source)]
        except ValueError as error:
            plan.failed[path] = str(error)
            continue
        damaged += any(_is_damaged(path.stem, name, job) for name in pending)
        known = {} if retry_failed or job.overwrite else _known_failures(path, pending, job, source)
        if names := tuple(name for name in pending if name not in known):
            plan.work.append(Item(path, names, source))
        if known:
            plan.failed[path] = "; ".join(dict.fromkeys(known.values()))
            plan.not_retried.append(path)
        elif not pending:
            plan.finished.append(path)
    if damaged:
        warnings.warn(
            f"{job.store.root}: the sidecars of {damaged} videos cannot be read; these are extracted again",
            stacklevel=2,
        )
    return plan


def named_encoders(encoders: Mapping[str, Encoder] | Iterable[Encoder]) -> dict[str, Encoder]:
    """Return the encoders by the name of their folder.

    Raises:
        ValueError: If there is none, one stands twice, or one reads features.
    """
    if not isinstance(encoders, Mapping):
        given = list(encoders)
        encoders = {encoder.store_name: encoder for encoder in given}
        if len(encoders) < len(given):
            raise ValueError(f"an encoder stands twice in {[encoder.store_name for encoder in given]}")
    if not encoders:
        raise ValueError("no encoders are given; name at least one, such as PixelVisual()")
    for name, encoder in encoders.items():
        if isinstance(encoder.recipe, FeatureRecipe):
            raise ValueError(
                f"{type(encoder).__name__} ({name!r}) reads features that exist and cannot extract any; "
                "name an encoder that reads videos"
            )
    return dict(encoders)


def unique_paths(paths: Iterable[Path]) -> list[Path]:
    """Return the paths, each once, in order.

    Raises:
        ValueError: If two videos have the same stem, or one has a stem that cannot name a file.
    """
    by_id: dict[str, Path] = {}
    for path in paths:
        check_video_id(path.stem)
        other = by_id.setdefault(path.stem, path)
        if other != path and os.path.abspath(other) != os.path.abspath(path):
            raise ValueError(
                f"two videos have the id {path.stem!r}: {other} and {path}; rename one, or extract them into "
                "two folders"
            )
    return list(by_id.values())


def check_store(job: Job) -> None:
    """Check that the job may write for each of its encoders, and make the folders.

    Temporary files that processes left behind when they were killed, a day ago or longer, are removed.

    Raises:
        ValueError: If a folder holds features of another recipe, clip length or precision.
        OSError: If a folder cannot be made or written.
    """
    for name in job.encoders:
        features = job.store.encoder(name)
        if not job.overwrite:
            features.check_recipe(job.sidecars[name])
            check_precision(features.folder, job.execution)
        try:
            features.folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise FileExistsError(
                f"cannot write features to {features.folder}: a file is in the way; give another folder"
            ) from error
        except OSError as error:
            raise OSError(
                f"cannot write features to {features.folder}: {error.strerror}; give another folder"
            ) from error
        if not os.access(features.folder, os.W_OK | os.X_OK):
            raise PermissionError(
                f"cannot write features to {features.folder}: not writable; give another folder"
            )
        if job.overwrite:
            forget_executions(features.folder)
        _remove_leftovers(features.folder)
        _remove_leftovers(features.folder / FAILED)
    _remove_leftovers(job.store.root / JOBS)


def _remove_leftovers(folder: Path) -> None:
    for temporary in [*folder.glob(".*.tmp.*"), *folder.glob(".choice-*")]:
        with suppress(FileNotFoundError):  # another process cleans up as well
            if time.time() - temporary.stat().st_mtime <= _STALE_SECONDS:
                continue
            if temporary.is_dir():
                shutil.rmtree(temporary, ignore_errors=True)
            else:
                temporary.unlink()


def _plan_missing(plan: Plan, path: Path, job: Job, reason: str) -> None:
    """Put a video that is not there where it belongs: features that were made of it are kept and do."""
    missing = [name for name in job.encoders if not _has_features_of(path, name, job)]
    if not missing:
        plan.finished.append(path)
        return
    plan.failed[path] = reason
    for name in missing:
        sidecar = job.sidecars[name]
        record_failure(job.folder(name), path.stem, reason, source={"path": str(path)}, sidecar=sidecar)


def _has_features_of(path: Path, name: str, job: Job) -> bool:
    known = None if job.overwrite else job.store.encoder(name).readable_sidecar(path.stem)
    if known is None or difference(known, job.sidecars[name]):
        return False
    return Path((known.get("source") or {}).get("path", "")).name == path.name


def _is_damaged(video_id: str, name: str, job: Job) -> bool:
    features = job.store.encoder(name)
    return not job.overwrite and video_id in features and features.readable_sidecar(video_id) is None


def _known_failures(path: Path, names: list[str], job: Job, source: Mapping[str, Any]) -> dict[str, str]:
    """Return why encoders have failed on this file. Captions may have come beside it: text is tried again."""
    known = {}
    for name in names:
        if job.encoders[name].modality != "text":
            reason = known_failure(job.folder(name), path.stem, source=source, sidecar=job.sidecars[name])
            if reason is not None:
                known[name] = reason
    return known


def _is_finished(path: Path, name: str, job: Job, source: Mapping[str, Any]) -> bool:
    features = job.store.encoder(name)
    known = None if job.overwrite else features.readable_sidecar(path.stem)
    if known is None:
        return False
    if wrong := difference(known, job.sidecars[name]):
        raise ValueError(
            f"{features.folder} holds features of {path.stem!r} made with {wrong}; write to another folder, "
            "or overwrite (--overwrite)"
        )
    before = known.get("source") or {}
    origin = before.get("path")
    is_same = is_same_source(before, source)
    if not is_same and origin is not None and origin != source["path"]:
        is_same = is_copy(before, source)
    if is_same:
        return job.encoders[name].modality != "text" or before.get("captions") == source["captions"]
    if origin != source["path"]:
        raise ValueError(
            f"{features.folder} holds features of {path.stem!r} made from another file, {origin}; rename "
            f"{path}, write to another folder, or overwrite (--overwrite)"
        )
    return False  # the same file has changed since
