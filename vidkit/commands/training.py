"""vidkit train, test and evaluate."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from vidkit.commands.frame import INTERRUPTED, CfgOptions, Quiet, command, print_json, say

Config = Annotated[str, typer.Argument(help="A config file, or a name that `vidkit list configs` prints.")]
Launch = Annotated[
    Literal["none", "pytorch", "slurm"], typer.Option("--launcher", help="How processes were started.")
]


@command
def train(
    config: Config,
    work_dir: Annotated[
        Path | None, typer.Option("--work-dir", help="Checkpoints and logs; work_dirs/NAME by default.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    cfg_options: CfgOptions = None,
    launcher: Launch = "none",
    quiet: Quiet = False,
) -> None:
    """Train the model of a config.

    Example: vidkit train highlight_detection/rasl_synthetic --work-dir runs/rasl -c train_cfg.max_epochs=5

    Prints the last checkpoint. After a stop, the same command with --resume continues as if there had been
    none.
    """
    from vidkit import apis
    from vidkit.engine import is_main, stop_processes

    folder = work_dir or Path("work_dirs") / Path(config).stem
    try:
        checkpoint = apis.train(
            config,
            work_dir=folder,
            resume=resume,
            launcher=launcher,
            options=cfg_options or (),
            quiet=quiet,
        )
    except KeyboardInterrupt:
        options = [word for option in cfg_options or () for word in ("--cfg-options", option)]
        again = ["vidkit", "train", config, "--work-dir", str(folder), "--resume", *options]
        say(f"interrupted; go on with: {shlex.join(again)}")
        raise typer.Exit(INTERRUPTED) from None
    else:
        if is_main():
            print(checkpoint)
    finally:
        stop_processes()


@command
def test(
    config: Config,
    checkpoint: Annotated[Path, typer.Argument(help="The .pth file that training wrote.")],
    dump: Annotated[
        Path | None, typer.Option("--dump", help="Write the predictions here, for evaluate.")
    ] = None,
    cfg_options: CfgOptions = None,
    launcher: Launch = "none",
    quiet: Quiet = False,
) -> None:
    """Evaluate a checkpoint on the test data of its config; prints the metrics as JSON.

    Example: vidkit test highlight_detection/rasl_synthetic runs/rasl/epoch_20.pth --dump predictions.jsonl

    Of video-text retrieval, --dump pairs.npz writes the embeddings of videos there and those of titles to
    pairs_titles.npz.
    """
    from vidkit import apis
    from vidkit.engine import is_main, stop_processes
    from vidkit.evaluation.retrieval_files import is_embeddings, write_embeddings
    from vidkit.files import write_json_lines

    try:
        metrics, rows = apis.test(
            config, checkpoint, launcher=launcher, options=cfg_options or (), quiet=quiet
        )
        if is_main():
            if dump is not None and is_embeddings(rows):
                titles = write_embeddings(dump, rows)
                if not quiet:
                    say(f"the embeddings of the titles are in {titles}")
            elif dump is not None:
                write_json_lines(dump, rows)
            print_json(metrics)
    finally:
        stop_processes()


@command
def evaluate(
    protocol: Annotated[str, typer.Argument(help="A benchmark of `vidkit list protocols`.")],
    predictions: Annotated[Path, typer.Argument(help="What `vidkit test --dump` writes.")],
    ground_truth: Annotated[Path, typer.Argument(help="The annotations of the benchmark.")],
    out: Annotated[Path | None, typer.Option("--out", help="Write the metrics here too.")] = None,
    nms: Annotated[
        Literal["none", "gaussian", "linear", "hard"] | None,
        typer.Option("--nms", help="charades_sta: suppression before ranking; none by default."),
    ] = None,
    sigma: Annotated[
        float | None, typer.Option("--sigma", help="Of --nms gaussian; 0.5 by default, as in UMT.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="tIoU from which --nms linear (0) and hard (0.3) act.")
    ] = None,
    subsets: Annotated[
        int | None,
        typer.Option("--subsets", help="usv_retrieval: means over so many; by default of 1,000 pairs each."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="usv_retrieval: of the parting into subsets; 0 by default.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="usv_topics: write a page of easy and hard topics here.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Score the predictions of any tool; prints the metrics as one JSON object.

    Example: vidkit evaluate qvhighlights predictions.jsonl highlight_val_release.jsonl

    qvhighlights and charades_sta read lines {"qid", "query", "vid", "pred_relevant_windows",
    "pred_saliency_scores"}, a window being start, end and score.

    youtube_highlights and tvsum read lines {"vid", "domain", "pred_saliency_scores"}.

    repurpose10k reads lines {"video_id", "time_range", "segments": [{"start", "end", "score"}, ...]} and a
    released json.

    usv_topics reads lines {"video_id", "scores": {topic: score}} or {"video_id", "label"}, and lines
    {"video_id", "label"}.

    usv_retrieval reads the embeddings of videos and of titles, (N, D): two .npy, or two .npz with ids.
    """
    from vidkit.evaluation.protocols import evaluate_files
    from vidkit.files import write_json

    if report is not None and protocol != "usv_topics":
        raise ValueError(f"{protocol} takes no --report, which belongs to usv_topics; leave it out")
    options = dict(nms=nms, sigma=sigma, threshold=threshold, subsets=subsets, seed=seed)
    metrics = evaluate_files(protocol, predictions, ground_truth, **options)
    if report is not None:
        _write_topic_report(report, predictions, ground_truth)
    if out is not None:
        write_json(out, metrics)
    print_json(metrics)


def _write_topic_report(report: Path, predictions: Path, ground_truth: Path) -> None:
    """Write the page of what each part of a topic model recognises."""
    from vidkit.evaluation.topic_comparison import compare_parts, read_parts
    from vidkit.evaluation.topic_files import read_labels
    from vidkit.export.topic_report import write_topic_report

    said = read_parts(predictions)
    base = next((part for part in said if part != "fused"), None)  # pictures, where the model sees them
    parts = compare_parts(read_labels(ground_truth), said, base=base)
    write_topic_report(report, parts, title=f"Topics of {predictions.stem}", base=base)
