"""Features of many videos: resumable, one bad video never stops the others."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch

from vidkit.encoders.base import Encoder
from vidkit.features.one_video import extract_video
from vidkit.features.plan import check_store, named_encoders, pending_encoders, unique_paths
from vidkit.features.pool import run_in_processes
from vidkit.features.store import FeatureStore

# What makes every further video fail as well: a full disk, a quota, a limit on file sizes.
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


@dataclass
class ExtractReport:
    """What became of each video.

    Attributes:
        done: Videos whose features are new.
        skipped: Videos whose features were there.
        failed: Why the others have none, one sentence a video.
    """

    done: list[Path] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)

    @property
    def num_finished(self) -> int:
        """Videos that are done, skipped or failed."""
        return len(self.done) + len(self.skipped) + len(self.failed)


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes:
        num_finished: Videos that are done, skipped or failed.
        num_videos: All videos of the job.
        path: The video at work, or the one that has just been finished.
        fraction: The part of the video at work that is done, in [0, 1]; 0 when it has been finished.
    """

    num_finished: int
    num_videos: int
    path: Path
    fraction: float

    @property
    def total(self) -> float:
        """The part of the whole job that is done, in [0, 1], all videos counted alike."""
        return (self.num_finished + self.fraction) / self.num_videos


def extract(
    videos: Iterable[str | Path],
    *,
    encoders: Mapping[str, Encoder] | Iterable[Encoder],
    out: str | Path,
    clip_seconds: float = 1.0,
    workers: int = 0,
    device: str | torch.device | None = None,
    overwrite: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
    batch_size: int = 32,
) -> ExtractReport:
    """Write the features of videos into a feature store; run it again to continue.

    Clip i covers [i, i + 1) x ``clip_seconds`` and there are ceil(duration / clip_seconds) of them. An
    encoder reads a window of its own length round the clip's middle; frames beyond the edges of the file
    are its first and last, sound beyond them is silence. A video's features do not depend on which
    other encoders run with it. What exists for the same encoder, clip length and file is skipped.

    Args:
        videos: Video files; ``find_videos`` makes them of folders and lists. A video's stem is its video_id.
        encoders: By the name of their folder, or without names: ``encoder.store_name`` then.
        out: Root of the feature store.
        clip_seconds: Length of a clip.
        workers: Processes that share the videos; 0 works in this one. A script that uses them must
            guard its main part by ``if __name__ == "__main__":``.
        device: Where the encoders run; None leaves them where they are. They come back as they were.
        overwrite: Whether features that exist are made anew, also those of another recipe.
        on_progress: Called often, from this process.
        batch_size: Clips that an encoder gets at once, at most.

    Returns:
        What became of each video; a video that cannot be read is in ``failed``, and the others are done.

    Raises:
        ValueError: If an argument is out of its range, if two videos have the same stem, if an encoder
            reads features, or if the store holds features of another recipe or clip length.
        OSError: If ``out`` cannot be written or the disk is full; what is whole stays.
        KeyboardInterrupt: On Ctrl-C; what is whole stays, nothing else does.
    """
    named = named_encoders(encoders)
    paths = unique_paths([Path(video) for video in videos])
    if workers < 0 or batch_size < 1:
        raise ValueError(f"workers must be >= 0 and batch_size >= 1, got {workers} and {batch_size}")
    store = FeatureStore(out)
    check_store(store, named, clip_seconds, overwrite)
    report = ExtractReport()
    tell = on_progress or (lambda progress: None)

    def finish(path: Path, error: str | None, *, is_skipped: bool = False) -> None:
        if error is not None:
            report.failed[path] = error
        else:
            (report.skipped if is_skipped else report.done).append(path)
        tell(Progress(report.num_finished, len(paths), path, 0.0))

    def tell_part(path: Path, fraction: float) -> None:
        tell(Progress(report.num_finished, len(paths), path, fraction))

    work: list[tuple[Path, tuple[str, ...]]] = []
    for path in paths:
        try:
            pending = pending_encoders(path, named, store, clip_seconds, overwrite)
        except (OSError, ValueError) as error:
            finish(path, str(error))
            continue
        if pending:
            work.append((path, pending))
        else:
            finish(path, None, is_skipped=True)

    extractor = Extractor(named, store, clip_seconds, batch_size, overwrite, device)
    try:
        if workers and work:
            run_in_processes(extractor, work, workers=workers, on_finish=finish)
        else:
            with extractor.ready():
                for path, names in work:
                    finish(path, extractor(path, names, partial(tell_part, path)))
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        raise OSError(
            error.errno,
            f"cannot write features to {out}: {error.strerror}; {len(report.done)} of {len(work)} "
            "videos are done; make room and run again to continue",
        ) from error
    return report


@dataclass
class Extractor:
    """Extracts one video at a time; it travels to worker processes."""

    encoders: Mapping[str, Encoder]
    store: FeatureStore
    clip_seconds: float
    batch_size: int
    overwrite: bool
    device: str | torch.device | None

    def __call__(
        self, path: Path, names: tuple[str, ...], on_fraction: Callable[[float], None]
    ) -> str | None:
        """Extract the features that ``names`` lacks; return why it failed, or None.

        Raises:
            OSError: If the disk is full, which is no fault of the video.
        """
        try:
            extract_video(
                path,
                {name: self.encoders[name] for name in names},
                self.store,
                clip_seconds=self.clip_seconds,
                batch_size=self.batch_size,
                overwrite=self.overwrite,
                on_fraction=on_fraction,
            )
        except Exception as error:  # whatever one video does to a decoder or an encoder
            if isinstance(error, OSError) and error.errno in _NO_SPACE:
                raise
            is_plain = isinstance(error, (ValueError, OSError)) and str(error)
            return str(error) if is_plain else f"{type(error).__name__}: {error}"
        return None

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Put the encoders on the device and into eval mode; then back to how they were."""
        modules = [module for encoder in self.encoders.values() for module in encoder.modules()]
        modes = [module.training for module in modules]
        homes = {name: _device_of(encoder) for name, encoder in self.encoders.items()}
        try:
            for encoder in self.encoders.values():
                encoder.eval()
                if self.device is not None:
                    encoder.to(self.device)
            yield
        finally:
            for module, mode in zip(modules, modes):
                module.training = mode
            for name, encoder in self.encoders.items():
                encoder.to(homes[name])


def _device_of(encoder: Encoder) -> torch.device:
    for tensor in (*encoder.parameters(), *encoder.buffers()):
        return tensor.device
    return torch.device("cpu")
