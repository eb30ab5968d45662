"""vidkit highlights, predict and synth: commands that read or write videos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from vidkit.commands.frame import (
    SOME_FAILED,
    CfgOptions,
    Quiet,
    command,
    progress,
    say,
    seconds_text,
)

Videos = Annotated[list[Path], typer.Argument(help="Video files, folders, or .txt lists of paths.")]
Clips = Annotated[bool, typer.Option("--clips", help="Cut the segments into mp4 files.")]


@command
def highlights(
    videos: Videos,
    out: Annotated[Path, typer.Option("--out", help="Folder of the results.")] = Path("highlights"),
    ratio: Annotated[float, typer.Option("--ratio", help="Share of each video to select, in (0, 1].")] = 0.15,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", help="A fitted model, instead of fitting one to the videos."),
    ] = None,
    clips: Clips = False,
    quiet: Quiet = False,
) -> None:
    """Find the highlights of videos: no labels, no weights, no network.

    Example: vidkit highlights holiday.mp4 --out holiday --clips

    Writes predictions.jsonl, report.html and, with --clips, clips/*.mp4. Exit code 1 if some videos could not
    be read.
    """
    from vidkit.features import find_videos
    from vidkit.highlight_videos import highlights as find_highlights

    found = find_videos(videos)
    note = (lambda text: None) if quiet else say
    with progress("highlights", quiet=quiet) as tell:
        result = find_highlights(
            found, out=out, ratio=ratio, clips=clips, checkpoint=checkpoint, tell=tell, note=note
        )
    for prediction in result.predictions:
        total = sum(segment.duration_seconds for segment in prediction.segments)
        print(
            f"{prediction.video_id}\t{len(prediction.segments)} highlights, {seconds_text(total)} of "
            f"{seconds_text(prediction.duration)}"
        )
        for segment in prediction.segments[:5]:
            print(f"\t{segment.start:8.1f} - {segment.end:8.1f} s\tscore {segment.score:.2f}")
    print(f"report\t{result.report}")
    finish(result.failed)


@command
def predict(
    config: Annotated[str, typer.Argument(help="The config of the model: a file or a name.")],
    checkpoint: Annotated[Path, typer.Argument(help="The .pth file that training wrote.")],
    videos: Videos,
    query: Annotated[
        list[str] | None,
        typer.Option("--query", help="A sentence to answer; give it as often as needed."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder of the results; else stdout, or predictions/ if it gets files."),
    ] = None,
    clips: Clips = False,
    report: Annotated[bool, typer.Option("--report", help="Write report.html into the folder.")] = False,
    features: Annotated[
        Path | None,
        typer.Option("--features", help="Keep features here, and go on from those that are there."),
    ] = None,
    cfg_options: CfgOptions = None,
    quiet: Quiet = False,
) -> None:
    """Run a trained model on raw videos of any length; prints one JSON line for each video and query.

    Example: vidkit predict highlight_detection/rasl_synthetic epoch_20.pth film.mp4 --out film --report

    With --out, --clips or --report the lines go to predictions.jsonl in the folder. Videos in which nothing
    is found are named with the reason. Exit code 1 if some videos could not be read.
    """
    from vidkit import apis
    from vidkit.engine import check_config, load_config
    from vidkit.features import find_videos

    settings = load_config(config, cfg_options or ())
    check_config(settings)
    if (clips or report) and out is None:
        out = Path("predictions")
    found = find_videos(videos)
    predictor = apis.load(settings, checkpoint)
    with progress("predict", quiet=quiet) as tell:
        predictions, failed = predictor.predict_many(found, queries=query or (), features=features, tell=tell)
    for prediction in predictions:
        if (note := prediction.note) is not None:
            asked = "" if prediction.query is None else f", {prediction.query!r}"
            say(f"warning: {prediction.path}{asked}: {note}")
    if out is None:
        for prediction in predictions:
            print(json.dumps(prediction.to_json(), ensure_ascii=False))
    else:
        with progress("results", quiet=quiet) as tell:
            failed.update(apis.write_results(predictions, out=out, clips=clips, report=report, tell=tell))
        print(out)
    finish(failed)


@command
def synth(
    folder: Annotated[Path, typer.Argument(help="Where to write.")],
    videos: Annotated[int, typer.Option("--videos", help="How many videos.")] = 24,
    seconds: Annotated[float, typer.Option("--seconds", help="Length of each.")] = 20.0,
    seed: Annotated[int, typer.Option("--seed", help="Other seeds give other videos.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Write the synthetic data set: real videos with annotations in the official formats.

    Example: vidkit synth data/synthetic --videos 24 --seconds 20 --seed 0
    """
    from vidkit.data.synth import generate

    with progress("synth", quiet=quiet) as tell:
        result = generate(
            folder,
            num_videos=videos,
            seconds=seconds,
            seed=seed,
            progress=lambda done, total: tell(done / max(1, total), ""),
        )
    print(f"{len(result.scripts)} videos of {seconds:g} s in {result.folder}")


def finish(failed: dict[Path, str]) -> None:
    """Name the videos that failed and leave with exit code 1, if there are any."""
    for path, reason in failed.items():
        say(f"failed: {reason}" if str(path) in reason else f"failed: {path}: {reason}")
    if failed:
        raise typer.Exit(SOME_FAILED)
