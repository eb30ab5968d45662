"""Features of many videos: resumable, one bad video never stops the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from vidkit.encoders.base import Encoder, check_clip_seconds
from vidkit.features.execution import Execution, Precision, usable_device
from vidkit.features.manifest import write_manifest
from vidkit.features.outputs import NO_SPACE
from vidkit.features.pipeline import OnFinish, OnPart, num_readers, ready, run_pipeline
from vidkit.features.plan import Item, Job, Plan, check_store, make_plan, named_encoders, unique_paths
from vidkit.features.pool import run_in_processes
from vidkit.features.store import FeatureStore

_SHORTEST_CLIP = 0.001  # seconds; below, a minute has more clips than samples of sound


@dataclass
class ExtractReport:
    """What became of each video.

    Attributes:
        done: Videos whose features are new.
        skipped: Videos whose features were there.
        failed: Why the others lack features, one sentence a video.
        not_retried: Those of ``failed`` that failed in an earlier job, have not changed, and were not tried.
    """

    done: list[Path] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)
    not_retried: list[Path] = field(default_factory=list)

    @property
    def num_finished(self) -> int:
        """Videos that are done, skipped or failed."""
        return len(self.done) + len(self.skipped) + len(self.failed)

    def sort(self, order: Sequence[Path]) -> None:
        """Put the videos into the order in which they were given."""
        place = {path: index for index, path in enumerate(order)}
        for paths in (self.done, self.skipped, self.not_retried):
            paths.sort(key=place.__getitem__)
        self.failed = {path: self.failed[path] for path in sorted(self.failed, key=place.__getitem__)}


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes:
        num_finished: Videos that are done, skipped or failed.
        num_videos: All videos of the job.
        path: A video at work, or the one that has just been finished.
        fraction: The part of that video that is read, in [0, 1]; 0 when it has been finished.
        others: The sum of the parts of the other videos at work.
    """

    num_finished: int
    num_videos: int
    path: Path
    fraction: float
    others: float = 0.0

    @property
    def total(self) -> float:
        """The part of the whole job that is done, in [0, 1], all videos counted alike."""
        return (self.num_finished + self.fraction + self.others) / self.num_videos


OnProgress = Callable[[Progress], None]


def extract(
    videos: Iterable[str | Path],
    *,
    encoders: Mapping[str, Encoder] | Iterable[Encoder],
    out: str | Path,
    clip_seconds: float = 1.0,
    workers: int = 0,
    device: str | torch.device | None = None,
    execution: Execution | Precision = "float32",
    batch_size: int | None = None,
    overwrite: bool = False,
    retry_failed: bool = False,
    captions: str | Path | None = None,
    on_progress: OnProgress | None = None,
) -> ExtractReport:
    """Write the features of videos into a feature store; run it again to continue.

    Clip i covers [i, i + 1) x ``clip_seconds`` and there are ceil(duration / clip_seconds) of them. An
    encoder reads a window of its own length round the clip's middle; frames beyond the edges of the file
    are its first and last, sound beyond them is silence. What exists for the same encoder, clip length and
    file is skipped; what failed with them is not tried again.

    Videos are read and encoded at once, and clips of several videos share a batch. All batches of an
    encoder have one size, so a video's features depend neither on the other videos nor on the other encoders
    of a job: one that is killed and started again gives the same files, byte for byte, on the same machine.

    Args:
        videos: Video files; ``find_videos`` makes them of folders and lists. A video's stem is its video_id.
        encoders: By the name of their folder, or without names: ``encoder.store_name`` then.
        out: Root of the feature store.
        clip_seconds: Length of a clip.
        workers: Processes that share the videos; 0 works in this one. A script that uses them must
            guard its main part by ``if __name__ == "__main__":``.
        device: Where the encoders run; None leaves them where they are. They come back as they were.
        execution: How they run, or the precision whose fastest way on this machine is measured and kept.
        batch_size: Clips that an encoder gets at once; None takes up to 16 on a CPU and 256 on a GPU, less
            where a clip is larger than a picture of 224 x 224.
        overwrite: Whether features that exist are made anew, also those of another recipe.
        retry_failed: Whether videos that failed before are tried again.
        captions: Folder of caption files, ``<stem>.srt`` or another name that ``find_captions`` takes, which
            go before what lies beside the videos; an empty one says that nobody speaks.
        on_progress: Called often, from this process.

    Returns:
        What became of each video; a video that cannot be read is in ``failed``, and the others are done.

    Raises:
        ValueError: If an argument is out of its range, if two videos have the same stem, if an encoder
            reads features, if the store holds features of another recipe or clip length, or if a batch does
            not fit into the memory of the device.
        FileNotFoundError: If there is no such folder of captions.
        OSError: If ``out`` cannot be written or the disk is full; what is whole stays.
        KeyboardInterrupt: On Ctrl-C; what is whole stays, nothing else does.
    """
    named = named_encoders(encoders)
    paths = unique_paths([Path(video) for video in videos])
    if workers < 0:
        raise ValueError(f"workers must be >= 0, got {workers}; 0 works in this process")
    if device is not None:
        device = usable_device(device)
    if 0 < clip_seconds < _SHORTEST_CLIP:
        raise ValueError(f"clip_seconds must be at least {_SHORTEST_CLIP} s, got {clip_seconds}")
    folder = checked_captions(captions)
    job = Job(named, FeatureStore(out), clip_seconds, batch_size, device, execution, overwrite, folder)
    for encoder in named.values():
        check_clip_seconds(encoder, clip_seconds)
    check_store(job)
    write_manifest(job, paths)
    plan = make_plan(paths, job, retry_failed=retry_failed)
    return run_plan(job, paths, plan, workers=workers, on_progress=on_progress)


def checked_captions(folder: str | Path | None) -> Path | None:
    """Return a folder of captions.

    Raises:
        FileNotFoundError: If there is no such folder.
    """
    if folder is not None and not Path(folder).is_dir():
        raise FileNotFoundError(
            f"no folder of captions at {folder}; vidkit transcribe VIDEOS --out {folder} writes one"
        )
    return None if folder is None else Path(folder)


def run_plan(
    job: Job, paths: Sequence[Path], plan: Plan, *, workers: int, on_progress: OnProgress | None = None
) -> ExtractReport:
    """Do what a plan says, on this machine.

    Args:
        job: How features are made.
        paths: All videos of the plan, in the order of the report.
        plan: What is to be made.
        workers: Processes that share the videos; 0 works in this one.
        on_progress: Called often, from this process.

    Raises:
        OSError: If the disk is full; what is whole stays.
    """
    tell = on_progress or (lambda progress: None)
    report = ExtractReport()
    tried = {item.path for item in plan.work}

    parts: dict[Path, float] = {}  # of the videos at work

    def finish(path: Path, reason: str | None) -> None:
        reasons = dict.fromkeys(filter(None, [plan.failed.get(path), reason]))
        if reasons:
            report.failed[path] = "; ".join(reasons)
        else:
            report.done.append(path)
        parts.pop(path, None)
        tell(Progress(report.num_finished, len(paths), path, 0.0, sum(parts.values())))

    def part(path: Path, fraction: float) -> None:
        parts[path] = fraction
        tell(Progress(report.num_finished, len(paths), path, fraction, sum(parts.values()) - fraction))

    for path in paths:
        if path not in tried:
            if path in plan.failed:
                report.failed[path] = plan.failed[path]
            else:
                report.skipped.append(path)
            tell(Progress(report.num_finished, len(paths), path, 0.0))
    report.not_retried = list(plan.not_retried)
    try:
        _run(job, plan.work, workers=workers, on_finish=finish, on_part=part)
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        raise OSError(
            error.errno,
            f"cannot write features to {job.store.root}: {error.strerror}; {len(report.done)} of "
            f"{len(plan.work)} videos are done; make room and run again to continue",
        ) from error
    report.sort(paths)
    return report


def _run(job: Job, work: Sequence[Item], *, workers: int, on_finish: OnFinish, on_part: OnPart) -> None:
    if not work:
        return
    if workers:
        run_in_processes(job, work, workers=workers, on_finish=on_finish)
        return
    items = iter(work)
    lock = threading.Lock()

    def next_item() -> Item | None:
        with lock:
            return next(items, None)

    readers = min(num_readers(), len(work))
    with ready(job):
        run_pipeline(job, next_item, readers=readers, on_finish=on_finish, on_part=on_part)
