"""vidkit weights: the public weights of encoders, where they are, and what a file holds."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidkit.commands.frame import SOME_FAILED, Quiet, command, print_json

if TYPE_CHECKING:
    from vidkit.encoders.weights import KnownWeights

weights_app = typer.Typer(help="Weights of encoders: what there is, where it is, what a file holds.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON value, with every detail.")]


@weights_app.command("list")
@command
def weights_list(
    encoder: Annotated[
        str | None, typer.Option("--encoder", help="Only those that this encoder loads.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """List the public weights that vidkit's encoders load: names, one a line; in a terminal a table.

    Example: vidkit weights list --encoder CNN14
    """
    from vidkit.encoders.weights import find_file, find_known
    from vidkit.encoders.weights.catalogue import KNOWN

    chosen = list(KNOWN) if encoder is None else find_known(encoder)
    if not chosen:
        known = sorted({name for weights in KNOWN for name in weights.encoders})
        raise ValueError(f"no public weights are known for {encoder!r}; there are for: {', '.join(known)}")
    if as_json:
        print_json([{**asdict(weights), "path": _text(find_file(weights))} for weights in chosen])
    elif sys.stdout.isatty():
        _print_table(chosen)
    else:
        print("\n".join(weights.name for weights in chosen))


@weights_app.command("path")
@command
def weights_path(
    name: Annotated[str, typer.Argument(help="A name that `vidkit weights list` prints.")],
    quiet: Quiet = False,
) -> None:
    """Print where public weights are on this machine, or say what to download and where to put it.

    Example: vidkit weights path panns-cnn14-32k
    """
    from vidkit.encoders.weights import find_file, how_to_get, known_weights

    known = known_weights(name)
    found = find_file(known)
    if found is None:
        raise FileNotFoundError(how_to_get(known))
    print(found)


@weights_app.command("check")
@command
def weights_check(
    file: Annotated[str, typer.Argument(help="A file, a folder of the hub, or a name of the list.")],
    encoder: Annotated[
        str | None,
        typer.Option("--encoder", metavar="SPEC", help="Load them into this encoder: NAME:key=value."),
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Let a pickle run code. Only for files that you made yourself.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Read a file of weights and tell, as JSON, what it is and which encoders load it.

    Example: vidkit weights check model.pth --encoder TSN
    """
    from vidkit.encoders.weights import check_weights, local_weights

    path = local_weights(file)
    if path is None:
        raise FileNotFoundError(
            f"no weights at {file}; give a file or folder, or a name of `vidkit weights list`"
        )
    report = asdict(check_weights(path, trust=trust))
    if encoder is not None:
        report["loaded_by"] = _load(encoder, str(path), trust=trust)
    print_json(report)
    if report["digest"] == "wrong":
        raise typer.Exit(SOME_FAILED)


def _load(spec: str, path: str, *, trust: bool) -> dict[str, Any]:
    """Build the encoder with the weights; what does not fit is a ValueError that says so."""
    from vidkit.features import parse_encoder_spec

    name, _, arguments = spec.partition(":")
    given = [arguments, f"weights={path!r}", "trust=True" if trust else ""]
    (encoder,) = parse_encoder_spec(f"{name}:{';'.join(filter(None, given))}").values()
    description = encoder.description()
    return {key: description[key] for key in ("encoder", "arguments", "dim", "weights")}


def _print_table(chosen: list[KnownWeights]) -> None:
    from rich.console import Console
    from rich.table import Table

    from vidkit.encoders.weights import find_file

    table = Table("name", "encoders", "file", "page", "SHA-256", "here")
    for weights in chosen:
        sha256 = (weights.sha256 or "not published")[:13]
        here = "yes" if find_file(weights) else ""
        table.add_row(
            weights.name, ", ".join(weights.encoders), weights.file_name, weights.page, sha256, here
        )
    Console().print(table)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
