"""The main job: videos without labels in, highlights, clips and a report out."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmengine.config import Config

from vidkit import apis
from vidkit.apis import Tell, share_of
from vidkit.engine import (
    build_runner,
    change_config,
    latest_checkpoint,
    load_config,
    read_checkpoint,
    state_dict_of,
)
from vidkit.engine.hooks import ProgressHook
from vidkit.export import Prediction
from vidkit.features import extract
from vidkit.files import write_json_lines
from vidkit.media import MediaError, VideoInfo, open_video
from vidkit.seeds import derived_seed

CONFIG = "highlight_detection/rasl_videos"
"""The config that is fitted to given videos."""

MIN_STEPS = 60  # of the optimiser: on synthetic videos the scores settle after 20 to 40
MIN_EPOCHS = 4
_BATCH = 8
_CHUNK_SECONDS = 30.0
_SECONDS_PER_STEP = 0.5  # of training, on 2 cores; the estimate that is told before the start
_SAMPLE_SECONDS = 4.0  # of the first video, decoded to estimate the time of all


@dataclass
class HighlightsReport:
    """What the main job made.

    Attributes:
        predictions: One per video that could be read.
        failed: Why the other videos have no prediction, one sentence each.
        report: The HTML page.
    """

    predictions: list[Prediction] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)
    report: Path | None = None


def highlights(
    videos: Sequence[str | Path],
    *,
    out: str | Path,
    ratio: float = 0.15,
    clips: bool = False,
    checkpoint: str | Path | None = None,
    tell: Tell | None = None,
    note: Callable[[str], None] | None = None,
) -> HighlightsReport:
    """Find the highlights of videos, without labels and without weights.

    Fits RASL on the given videos (or takes a checkpoint), and writes ``predictions.jsonl``, ``report.html``
    and, if asked, ``clips/*.mp4`` into ``out``. Features and the fitted model stay in ``out/work``, so that a
    run that was stopped goes on where it was.

    Args:
        videos: Video files with different stems.
        out: Folder of the results; made if absent.
        ratio: Share of each video to select, in (0, 1].
        clips: Whether the segments are cut into files.
        checkpoint: A checkpoint of the config ``highlight_detection/rasl_videos``, instead of fitting one.
        tell: Called with the share of the whole job that is done and what is at work.
        note: Called with sentences for the user, such as that the videos have no sound.

    Raises:
        ValueError: If an argument is wrong.
        MediaError: If no video can be read.
        OSError: If ``out`` cannot be written.
    """
    if not 0 < ratio <= 1:
        raise ValueError(f"ratio is the share of the video to select, in (0, 1], got {ratio}")
    if checkpoint is not None:
        read_checkpoint(checkpoint)  # a wrong file is told before a video is opened
    folder = Path(out)
    work = folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    say = note or (lambda sentence: None)
    result = HighlightsReport()
    infos = _probe([Path(video) for video in videos], result.failed)
    if not infos:
        raise MediaError("no video could be read: " + "; ".join(result.failed.values()))
    seconds = _estimate(infos, fits=checkpoint is None)
    say(f"{len(infos)} video{'s' * (len(infos) > 1)}, {_total(infos):.0f} s: about {seconds:.0f} s of work")
    shares = _Shares(tell)
    if checkpoint is None:
        silent = sum(not info.has_audio for info in infos.values())
        if silent:
            say(f"{silent} of {len(infos)} videos have no sound: the visual branch is trained alone")
        config = _config(work / "features", with_audio=not silent, ratio=ratio)
        _extract(infos, config, work / "features", result.failed, shares.part(0.0, 0.5))
        readable = [path for path in infos if path not in result.failed]
        checkpoint = _fit(config, readable, infos, work, shares.part(0.5, 0.8))
    else:
        with_audio = any(
            name.startswith("branches.audio.") for name in state_dict_of(read_checkpoint(checkpoint))
        )
        config = _config(work / "features", with_audio=with_audio, ratio=ratio)
        readable = list(infos)
    predictor = apis.load(config, checkpoint)
    result.predictions, failed = predictor.predict_many(
        readable, features=work / "features", tell=shares.part(0.8, 0.85)
    )
    result.failed.update(failed)
    if not result.predictions:
        raise MediaError("no video could be read: " + "; ".join(result.failed.values()))
    told = shares.part(0.85, 1.0)
    problems = apis.write_results(
        result.predictions, out=folder, clips=clips, report=True, title="Highlights", tell=told
    )
    result.failed.update(problems)
    result.report = folder / apis.REPORT
    return result


def _probe(paths: Sequence[Path], failed: dict[Path, str]) -> dict[Path, VideoInfo]:
    """Return what is known of the videos that open; those that do not go into ``failed``."""
    infos = {}
    for path in paths:
        try:
            with open_video(path) as reader:
                infos[path] = reader.probe()
                if not infos[path].video_streams:
                    failed[path] = f"{path} has no video stream; highlights are found in pictures"
                    del infos[path]
        except (MediaError, OSError) as error:
            failed[path] = str(error)
    return infos


def _total(infos: dict[Path, VideoInfo]) -> float:
    return sum(info.duration_seconds for info in infos.values())


def _estimate(infos: dict[Path, VideoInfo], *, fits: bool) -> float:
    """Return the seconds that the job will take: decoding as measured on the first video, and training."""
    path = next(iter(infos))
    seconds = min(_SAMPLE_SECONDS, infos[path].duration_seconds)
    started = time.perf_counter()
    with open_video(path) as reader:
        times = [0.2 * step for step in range(max(1, int(seconds / 0.2)))]
        for _ in reader.stream(times=times, size=(12, 16)):
            pass
    decoding = (time.perf_counter() - started) / max(seconds, 0.2) * _total(infos)
    num_epochs, num_chunks = _schedule(infos)
    training = num_epochs * math.ceil(num_chunks / _BATCH) * _SECONDS_PER_STEP if fits else 0.0
    return 1.3 * decoding + training + 3.0  # sound, pictures of the report, start


def _schedule(infos: dict[Path, VideoInfo]) -> tuple[int, int]:
    """Return the number of epochs that gives enough steps, and the chunks of an epoch."""
    num_chunks = sum(max(1, math.ceil(info.duration_seconds / _CHUNK_SECONDS)) for info in infos.values())
    return max(MIN_EPOCHS, math.ceil(MIN_STEPS / math.ceil(num_chunks / _BATCH))), num_chunks


def _config(features: Path, *, with_audio: bool, ratio: float) -> Config:
    """Return the packaged config for these features."""
    options = [f"train_dataloader.dataset.features={features}", f"inference.ratio={ratio}"]
    if not with_audio:
        options.append("model.audio_encoder=None")
    return load_config(CONFIG, options)


def _extract(
    infos: dict[Path, VideoInfo], config: Config, features: Path, failed: dict[Path, str], tell: Tell
) -> None:
    """Write the features that training reads."""
    report = extract(
        list(infos),
        encoders=apis.encoders_of(config),
        out=features,
        clip_seconds=config.model.clip_seconds,
        on_progress=share_of(tell),
    )
    failed.update(report.failed)
    if len(failed) and len(report.failed) == len(infos):
        raise MediaError("no video could be read: " + "; ".join(report.failed.values()))


def _fit(config: Config, paths: Sequence[Path], infos: dict[Path, VideoInfo], work: Path, tell: Tell) -> Path:
    """Train on the videos, or go on with a run on the same ones that was stopped; return the checkpoint."""
    rows = [{"vid": path.stem} for path in paths]
    files = [(path.stem, path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    num_epochs, _ = _schedule({path: infos[path] for path in paths})
    key = derived_seed(json.dumps(files), config.model.to_dict().__repr__(), num_epochs)
    folder = work / f"training-{key % 16**8:08x}"
    write_json_lines(folder / "videos.jsonl", rows)
    settings = change_config(
        config,
        [
            f"train_dataloader.dataset.videos={folder / 'videos.jsonl'}",
            f"train_cfg.max_epochs={num_epochs}",
            f"default_hooks.checkpoint.interval={math.ceil(num_epochs / 4)}",  # to go on from, after a stop
        ],
    )
    runner = build_runner(settings, work_dir=folder, resume=True, quiet=True)
    runner.register_hook(ProgressHook(tell))
    runner.train()
    checkpoint = latest_checkpoint(folder)
    assert checkpoint is not None, "the config of the main job writes checkpoints"
    return checkpoint


class _Shares:
    """Tells the share of the whole job, from those of its parts."""

    def __init__(self, tell: Tell | None) -> None:
        self.tell = tell or (lambda share, text: None)

    def part(self, first: float, last: float) -> Tell:
        """Return what a part of the job that goes from share ``first`` to ``last`` tells to."""
        return lambda share, text: self.tell(first + (last - first) * share, text)
