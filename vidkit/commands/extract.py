"""vidkit extract: features of videos, here or on many machines."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from vidkit.commands.frame import Quiet, command, progress, say
from vidkit.commands.videos import Videos, finish
from vidkit.offline import go_offline

if TYPE_CHECKING:
    from vidkit.features.extract import ExtractReport, OnProgress
    from vidkit.features.launchers import ShardJob


@command
def extract(
    videos: Videos,
    encoder: Annotated[
        str, typer.Option("--encoder", help="NAME or NAME:key=value;key=value; several with commas.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the feature store.")],
    clip_seconds: Annotated[float, typer.Option("--clip-seconds", help="Length of a clip.")] = 1.0,
    workers: Annotated[
        int, typer.Option("--workers", help="Processes, tasks or actors that share the videos.")
    ] = 0,
    device: Annotated[
        str | None, typer.Option("--device", help="cpu or cuda; else a GPU where there is one.")
    ] = None,
    execution: Annotated[
        str,
        typer.Option("--execution", help="auto, auto+bfloat16, plain, or words that docs/commands.md names."),
    ] = "auto",
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", help="Clips that an encoder gets at once.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Make features anew that are there.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try videos again that failed before.")
    ] = False,
    captions: Annotated[
        Path | None,
        typer.Option("--captions", help="Folder of NAME.srt files that go before those beside the videos."),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Never touch the network for weights.")] = False,
    launcher: Annotated[
        Literal["local", "slurm", "ray"],
        typer.Option("--launcher", help="Who runs the job: this machine, a SLURM array, a Ray cluster."),
    ] = "local",
    slurm: Annotated[
        list[str] | None,
        typer.Option("--slurm", metavar="KEY=VALUE", help="An option of sbatch, such as partition=gpu."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Extract features of videos; run it again to continue.

    Example: vidkit extract videos --encoder MotionVisual,LogMelAudio --clip-seconds 0.2 --out features

    Exit code 1 if some videos could not be read; the others are done.
    """
    if offline:  # before anything is imported that reads them
        go_offline()
    from vidkit.apis import share_of
    from vidkit.features import find_videos
    from vidkit.features.execution import parse_execution
    from vidkit.features.launchers import ShardJob
    from vidkit.features.spec import random_encoders

    if slurm and launcher != "slurm":
        raise ValueError("--slurm gives options of sbatch; use it with --launcher slurm")
    job = ShardJob(
        encoders=encoder,
        out=out,
        clip_seconds=clip_seconds,
        device=device,
        execution=parse_execution(execution),
        batch_size=batch_size,
        overwrite=overwrite,
        retry_failed=retry_failed,
        offline=offline,
        captions=captions,
    )
    without_weights = random_encoders(encoder)
    found = find_videos(videos)
    for name in without_weights:
        say(
            f"{name} has random weights, so its features mean little; give it weights=FILE "
            "(`vidkit weights list` names the public ones)"
        )
    with progress("extract", quiet=quiet) as tell:
        result = _launch(job, found, launcher, workers, slurm or [], share_of(tell))
    print(f"done\t{len(result.done)}")
    print(f"skipped\t{len(result.skipped)}")
    print(f"failed\t{len(result.failed)}")
    if result.not_retried:
        count = len(result.not_retried)
        say(f"{count} of them failed before and were not tried again; --retry-failed tries them")
    finish(result.failed)


def _launch(
    job: ShardJob, videos: list[Path], launcher: str, workers: int, slurm: list[str], tell: OnProgress
) -> ExtractReport:
    from vidkit.features.launchers import extract_with

    if launcher == "slurm":
        from vidkit.features.launchers.slurm import on_slurm

        return extract_with(on_slurm(max(1, workers), _options(slurm)), videos, job, on_progress=tell)
    if launcher == "ray":
        from vidkit.features.launchers.ray import on_ray

        return extract_with(on_ray(max(1, workers)), videos, job, on_progress=tell)
    return job.extract(videos, workers=workers, on_progress=tell)


def _options(pairs: list[str]) -> dict[str, Any]:
    """Return KEY=VALUE pairs as a dict, numbers as numbers."""
    options: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not key.isidentifier() or not equals:
            raise ValueError(f"--slurm {pair!r} is not KEY=VALUE, such as partition=gpu")
        try:
            options[key] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            options[key] = text
    return options
