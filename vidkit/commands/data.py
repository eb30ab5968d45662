"""vidkit data: which videos a config needs, and whether their features are there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidkit.commands.frame import SOME_FAILED, CfgOptions, Quiet, command, progress, say

if TYPE_CHECKING:
    from vidkit.data import NeededVideo
    from vidkit.data.inspection import ModalityReport
    from vidkit.encoders.base import Encoder

data_app = typer.Typer(help="Look at the data of configs.", no_args_is_help=True)

Config = Annotated[str, typer.Argument(help="A config file, or a name that `vidkit list configs` prints.")]
Splits = Annotated[
    list[str] | None,
    typer.Option("--split", help="Only train, val or test; give it as often as needed."),
]

_NUM_NAMED = 5  # videos of each kind


@data_app.command("list")
@command
def data_list(
    config: Config, split: Splits = None, cfg_options: CfgOptions = None, quiet: Quiet = False
) -> None:
    """Print the videos that the data sets of a config need, one a line: ids, or paths where it names files.

    Example: vidkit data list repurposing/mmct_repurpose10k --split val > val_ids.txt

    No features are needed, and no encoder is loaded. Exit code 1 if the annotations of a split are not there.
    """
    from vidkit.data.inspection import sources_of
    from vidkit.engine import check_config, load_config

    settings = load_config(config, cfg_options or ())
    check_config(settings)
    needed, lacking = _needed(_datasets(settings, split))
    for name, videos in needed.items():
        if videos is None and not quiet:
            folder = settings[f"{name}_dataloader"]["dataset"]["features"]
            say(f"{name}: all videos that have features in {folder}, so none are listed")
    for source in sources_of(video for videos in needed.values() for video in videos or ()):
        print(source)
    for name, reason in lacking.items():
        say(f"{name}: {reason}")
    if lacking:
        raise typer.Exit(SOME_FAILED)


@data_app.command("check")
@command
def data_check(
    config: Config, split: Splits = None, cfg_options: CfgOptions = None, quiet: Quiet = False
) -> None:
    """Read the features that the data sets of a config need, and tell what is missing or wrong.

    Example: vidkit data check repurposing/mmct_repurpose10k

    A line for each split and modality, the first videos that are missing or wrong and why, and the command
    that makes what is missing. Exit code 1 if anything is missing or wrong, the annotations of a split
    among it.
    """
    from vidkit.data.inspection import inspect_features, sources_of
    from vidkit.engine import check_config, load_config

    settings = load_config(config, cfg_options or ())
    check_config(settings)
    datasets = _datasets(settings, split)
    needed, lacking = _needed(datasets)
    sources_of(video for videos in needed.values() for video in videos or ())  # no two of one name
    encoders = _encoders(settings)
    reports: list[ModalityReport] = []
    for name, videos in needed.items():
        with progress(f"data check: {name}", quiet=quiet) as tell:
            found = inspect_features(datasets[name], encoders, videos, path=_path(name), on_progress=tell)
        for report in found:
            _print_report(name, report)
        reports += found
    for name, reason in lacking.items():
        print(f"{name}\t{reason}")
    for line in _how_to_make(reports):
        print(line)
    if lacking or not all(report.is_right for report in reports):
        raise typer.Exit(SOME_FAILED)


def _datasets(config: Mapping[str, Any], chosen: Sequence[str] | None) -> dict[str, Any]:
    """Return the component of the data set by split, of those that are chosen."""
    there = [name for name in ("train", "val", "test") if config.get(f"{name}_dataloader")]
    absent = [name for name in chosen or () if name not in there]
    if absent or not there:
        wanted = f"{absent[0]}_dataloader" if absent else "dataloader"
        raise ValueError(f"the config has no {wanted}; it has data sets for: {', '.join(there) or 'nothing'}")
    datasets = {
        name: config[f"{name}_dataloader"]["dataset"] for name in there if not chosen or name in chosen
    }
    if several := [name for name, dataset in datasets.items() if "datasets" in dataset]:
        tasks = ", ".join(datasets[several[0]]["datasets"])
        raise ValueError(
            f"the config has the data of several tasks ({tasks}); look at that of a task's own config"
        )
    return datasets


def _needed(
    datasets: Mapping[str, Any],
) -> tuple[dict[str, list[NeededVideo] | None], dict[str, str]]:
    """Return what each split needs, and why the annotations of others cannot be read.

    Raises:
        FileNotFoundError: If those of all are missing.
    """
    from vidkit.data.inspection import needed_videos

    needed, lacking = {}, {}
    for name, dataset in datasets.items():
        try:
            needed[name] = needed_videos(dataset, path=_path(name))
        except FileNotFoundError as error:
            lacking[name] = str(error)
    if not needed:
        raise FileNotFoundError(next(iter(lacking.values())))
    return needed, lacking


def _path(split: str) -> str:
    return f"{split}_dataloader.dataset"


def _encoders(config: Mapping[str, Any]) -> dict[str, Encoder]:
    """Return the encoders of a config's model, drawn as training draws them if they have no weights."""
    import torch

    from vidkit.engine.runner import DEFAULT_SEED
    from vidkit.registry import MODELS

    torch.manual_seed((config.get("randomness") or {}).get("seed", DEFAULT_SEED))
    encoders: dict[str, Encoder] = MODELS.build(config["model"], path="model").encoders()
    return encoders


def _print_report(split: str, report: ModalityReport) -> None:
    place = f"{split}\t{report.modality}"
    right = f"{report.num_right} of {report.num_videos} {report.unit} are right"
    print(f"{place}\t{right if report.num_videos else f'there is no {report.unit[:-1]}'}")
    if report.missing:
        print(f"{place}\t{len(report.missing)} missing: {_named(report.missing)}")
    if report.hint:
        print(f"{place}\t{report.hint}")
    if report.wrong:
        print(f"{place}\t{len(report.wrong)} wrong: {_named(report.wrong)}")
        for fault, count in _kinds(report.wrong).items():
            print(f"{place}\t{fault}{f' ({count - 1} more like it)' if count > 1 else ''}")


def _kinds(faults: Mapping[str, str]) -> dict[str, int]:
    """Return the first fault of each kind, and their count: they differ in names and numbers alone."""
    kinds: dict[str, list[str]] = {}
    for video_id, fault in faults.items():
        kinds.setdefault(re.sub(r"\d+", "", fault.replace(video_id, "")), []).append(fault)
    return {of_a_kind[0]: len(of_a_kind) for of_a_kind in kinds.values()}


def _named(video_ids: list[str] | dict[str, str]) -> str:
    named = ", ".join(list(video_ids)[:_NUM_NAMED])
    return f"{named}, ..." if len(video_ids) > _NUM_NAMED else named


def _how_to_make(reports: list[ModalityReport]) -> Iterator[str]:
    """Yield the last lines: for each modality the command that makes what is missing or wrong."""
    for modality, text in dict.fromkeys((report.modality, report.command) for report in reports):
        mine = [report for report in reports if (report.modality, report.command) == (modality, text)]
        if mine[0].unit != "videos":
            if not all(report.is_right for report in mine):
                yield f"{modality}\t{text}"
            continue
        if any(report.missing or not report.num_videos for report in mine):
            yield f"{modality}\tmake what is missing: {text}"
        if any(report.wrong for report in mine):
            yield f"{modality}\tmake what is wrong anew: {text} --overwrite"
