"""Writing the synthetic set to a folder: videos, captions, annotations, a manifest.

The folder has ``videos/<id>.mp4`` and ``videos/<id>.srt``, ``annotations/`` with the official forms and
``manifest.json``. Every file is whole or absent; a second call continues where the first one stopped.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from vidkit.data.synth.annotations import manifest_row, srt_text, write_annotations
from vidkit.data.synth.picture import MIN_HEIGHT, MIN_WIDTH, Painter
from vidkit.data.synth.script import VERSION, Script
from vidkit.data.synth.sound import SAMPLE_RATE_HZ, Band
from vidkit.data.synth.writing import write_script
from vidkit.files import read_json, write_json, write_text
from vidkit.media.writer import VideoWriter

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SynthSet:
    """A written set: its folder and the scripts of its videos."""

    folder: Path
    scripts: tuple[Script, ...]

    @property
    def videos(self) -> tuple[Path, ...]:
        """The video files, in the order of the scripts."""
        return tuple(self.folder / "videos" / f"{script.video_id}.mp4" for script in self.scripts)

    @property
    def annotations(self) -> Path:
        """The folder of the annotations."""
        return self.folder / "annotations"

    @property
    def manifest(self) -> Path:
        """The file that tells everything that is planted."""
        return self.annotations / "manifest.json"


def generate(
    folder: str | Path,
    *,
    num_videos: int = 24,
    seconds: float = 20.0,
    seed: int = 0,
    width: int = 320,
    height: int = 180,
    fps: float = 25,
    workers: int | None = None,
    progress: Progress | None = None,
) -> SynthSet:
    """Write a set of ``num_videos`` synthetic videos with annotations to ``folder``.

    The same arguments give the same plans, frames and samples on every machine. Video i does not depend on
    ``num_videos``, so a set can be enlarged by a second call; finished videos are not drawn again.

    Args:
        folder: Where to write; made if absent.
        num_videos: How many videos, >= 1.
        seconds: Length of each, >= 2; rounded to whole frames.
        seed: Whole number >= 0; other seeds give other videos with other names.
        width: Width in pixels, even and >= 128.
        height: Height in pixels, even and >= 72. 320x180 and its multiples are drawn fastest.
        fps: Frames per second, 1 to 120.
        workers: How many videos are written at once; the number of CPU cores by default.
        progress: Called with (frames done, frames in all) about once per second of video, from any thread
            but never from two at once.

    Raises:
        ValueError: If an argument is out of its range, or the folder has a different set.
        NotADirectoryError: If ``folder`` is a file.
    """
    _check(num_videos, seconds, seed, width, height, fps)
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be >= 1, got {workers}")
    root = Path(folder)
    if root.exists() and not root.is_dir():
        raise NotADirectoryError(f"{root} is a file; give a folder for the synthetic set")
    arguments = dict(num_videos=num_videos, seconds=seconds, seed=seed, width=width, height=height, fps=fps)
    _claim(root, {"version": VERSION, **arguments})
    duration_seconds = round(seconds * fps) / fps
    scripts = tuple(
        write_script(index, seed=seed, duration_seconds=duration_seconds) for index in range(num_videos)
    )
    synth_set = SynthSet(root, scripts)
    write_annotations(synth_set.annotations, scripts, fps=fps)
    counter = _Counter(progress, num_videos * round(seconds * fps))
    _write_videos(synth_set, (width, height), fps, workers or os.cpu_count() or 1, counter)
    manifest = {"version": VERSION, **arguments, "videos": [manifest_row(script) for script in scripts]}
    write_json(synth_set.manifest, manifest)
    return synth_set


def _check(num_videos: int, seconds: float, seed: int, width: int, height: int, fps: float) -> None:
    if num_videos < 1:
        raise ValueError(f"the number of videos must be >= 1, got {num_videos}")
    if not (isfinite(seconds) and seconds >= 2):
        raise ValueError(f"seconds must be >= 2 (shorter videos have no room for a highlight), got {seconds}")
    if seed < 0:
        raise ValueError(f"seed must be >= 0, got {seed}")
    if width < MIN_WIDTH or height < MIN_HEIGHT or width % 2 or height % 2:
        raise ValueError(
            f"width and height must be even and at least {MIN_WIDTH}x{MIN_HEIGHT}, got {width}x{height}"
        )
    if not 1 <= fps <= 120:
        raise ValueError(f"fps must lie in 1 .. 120, got {fps}")
    if round(seconds * fps) < 2 * fps:
        raise ValueError(f"{seconds} s at {fps} fps is below 2 s in whole frames; give more seconds")


def _claim(root: Path, arguments: dict[str, Any]) -> None:
    """Write down which set the folder holds; refuse a folder that holds another one."""
    path = root / "annotations" / "arguments.json"
    if path.exists():
        there = read_json(path)
        fixed = [name for name in arguments if name != "num_videos"]
        differing = [name for name in fixed if there.get(name) != arguments[name]]
        if differing:
            words = ", ".join(
                f"{name} {there.get(name)!r} instead of {arguments[name]!r}" for name in differing
            )
            raise ValueError(f"{root} has another synthetic set ({words}); give an empty folder or delete it")
        if there["num_videos"] > arguments["num_videos"]:
            raise ValueError(
                f"{root} has {there['num_videos']} videos of this set, more than {arguments['num_videos']}; "
                "give another folder"
            )
    write_json(path, arguments)


class _Counter:
    """Counts frames over threads, and stops them all when one has failed."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0
        self._lock = threading.Lock()
        self.stopped = threading.Event()

    def add(self, num_frames: int) -> None:
        if self.stopped.is_set():
            raise _StoppedError
        with self._lock:
            self._done += num_frames
            if self._progress is not None:
                self._progress(self._done, self._total)


class _StoppedError(Exception):
    """Another video failed or Ctrl-C was pressed; that is what the caller hears of."""


def _write_videos(
    synth_set: SynthSet, size: tuple[int, int], fps: float, workers: int, counter: _Counter
) -> None:
    with ThreadPoolExecutor(max_workers=min(workers, len(synth_set.scripts))) as pool:
        jobs = [
            pool.submit(_write_video, script, path, size, fps, counter)
            for script, path in zip(synth_set.scripts, synth_set.videos)
        ]
        try:
            for job in as_completed(jobs):
                job.result()
        except BaseException:  # Ctrl-C too: the writers must end before their files can be removed
            counter.stopped.set()
            for job in jobs:
                job.cancel()
            raise


def _write_video(script: Script, path: Path, size: tuple[int, int], fps: float, counter: _Counter) -> None:
    """Write one video, its captions and the record that both are done; skip what is done."""
    width, height = size
    num_frames = round(script.duration_seconds * fps)
    record = path.parent.parent / "annotations" / "videos" / f"{script.video_id}.json"
    plan = {"version": VERSION, "width": width, "height": height, "fps": fps, **manifest_row(script)}
    captions = path.with_suffix(".srt")
    if _is_done(record, plan, path, captions):
        counter.add(num_frames)
        return
    painter, band = Painter(script, width=width, height=height), Band(script)
    with VideoWriter(path, width=width, height=height, fps=fps, sample_rate_hz=SAMPLE_RATE_HZ) as writer:
        num_samples = round(script.duration_seconds * SAMPLE_RATE_HZ)
        for second in range(-(-num_samples // SAMPLE_RATE_HZ)):
            times = range(round(second * fps), min(round((second + 1) * fps), num_frames))
            for number in times:
                writer.write_frame(painter.frame(int(number * 1000 / fps)))
            writer.write_audio(band.second(second)[: num_samples - second * SAMPLE_RATE_HZ])
            counter.add(len(times))
    write_text(captions, srt_text(script))
    write_json(record, {"bytes": path.stat().st_size, "plan": plan})


def _is_done(record: Path, plan: dict[str, Any], path: Path, captions: Path) -> bool:
    if not (record.exists() and path.exists() and captions.exists()):
        return False
    there = read_json(record)
    return bool(there["plan"] == plan and there["bytes"] == path.stat().st_size)
