"""vidkit demo: the whole story, one task after the other."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from vidkit.commands.frame import SOME_FAILED, Quiet, command, progress, say, seconds_text

_DATA_VARIABLE = "VIDKIT_DATA"
_NUM_VIDEOS, _SECONDS = 24, 20.0
_NUM_SHOWN = 3  # of the generated videos, in the report

# The config of each task on the synthetic data set, and the metric to tell.
_TASKS = {
    "highlight_detection": ("highlight_detection/rasl_synthetic", "average/mAP"),
    "repurposing": ("repurposing/mmct_synthetic", "tIoU@0.5"),
}


@command
def demo(
    videos: Annotated[
        list[Path] | None, typer.Argument(help="Videos for the prediction; generated ones if left out.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder of everything.")] = Path("demo_output"),
    quiet: Quiet = False,
) -> None:
    """Show the whole story on generated videos: extract, train, evaluate, predict, report.

    Example: vidkit demo --out demo_output
    """
    from vidkit.data.synth import generate
    from vidkit.features import find_videos

    started = time.monotonic()
    chosen = find_videos(videos) if videos else []
    folder = out.resolve()
    data = folder / "data" / "synthetic"
    with progress("synthetic videos", quiet=quiet) as tell:
        generate(
            data,
            num_videos=_NUM_VIDEOS,
            seconds=_SECONDS,
            progress=lambda done, total: tell(done / max(1, total), ""),
        )
    print(f"synthetic videos\t{_NUM_VIDEOS} of {_SECONDS:g} s in {data / 'videos'}")
    os.environ[_DATA_VARIABLE] = str(folder / "data")  # where the configs look
    chosen = chosen or sorted((data / "videos").glob("*.mp4"))[:_NUM_SHOWN]
    failed: dict[Path, str] = {}
    for task in _TASKS:
        failed.update(_show(task, folder, data, chosen, quiet=quiet))
    say(f"done in {seconds_text(time.monotonic() - started)}")
    for path, reason in failed.items():
        say(f"failed: {path}: {reason}")
    if failed:
        raise typer.Exit(SOME_FAILED)


def _show(task: str, folder: Path, data: Path, videos: list[Path], *, quiet: bool) -> dict[Path, str]:
    """Extract, train, evaluate, predict and report for one task; return the videos that failed."""
    from vidkit import apis
    from vidkit.engine import latest_checkpoint, load_config
    from vidkit.features import extract, find_videos

    name, metric = _TASKS[task]
    config = load_config(name)
    features = Path(config.train_dataloader.dataset.features)
    with progress(f"{task}: features", quiet=quiet) as tell:
        extract(
            find_videos([data / "videos"]),
            encoders=apis.encoders_of(config),
            out=features,
            clip_seconds=config.model.clip_seconds,
            on_progress=apis.share_of(tell),
        )
    print(f"{task}\tfeatures in {features}")
    if not quiet:
        say(f"{task}: training {name}")
    work = folder / task / "training"
    checkpoint = apis.train(config, work_dir=work, resume=latest_checkpoint(work) is not None, quiet=True)
    print(f"{task}\tcheckpoint {checkpoint}")
    metrics, _ = apis.test(config, checkpoint, quiet=True)
    print(f"{task}\ttest {metric} {metrics[metric]:.3f}")
    with progress(f"{task}: predictions", quiet=quiet) as tell:
        predictions, failed = apis.load(config, checkpoint).predict_many(videos, tell=tell)
    results = folder / task / "predictions"
    title = f"vidkit demo: {task}"
    failed.update(apis.write_results(predictions, out=results, clips=True, report=True, title=title))
    print(f"{task}\tclips in {results / apis.CLIPS}")
    print(f"{task}\treport {results / apis.REPORT}")
    return failed
