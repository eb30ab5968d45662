"""The `vidkit` command."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from vidkit import __version__
from vidkit.commands import looking, training, videos
from vidkit.commands.convert import convert
from vidkit.commands.data import data_app
from vidkit.commands.demo import demo
from vidkit.commands.extract import extract
from vidkit.commands.features import features_app
from vidkit.commands.index import index_app
from vidkit.commands.search import search
from vidkit.commands.sweep import sweep
from vidkit.commands.transcribe import transcribe
from vidkit.commands.weights import weights_app

_OPTION_NAMES = ("--cfg-options", "-c")
_CHANGE = re.compile(r"[A-Za-z_][\w.]*=")

app = typer.Typer(
    help="Multimodal video understanding: highlights, features, training, evaluation.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:
    if value:
        print(f"vidkit {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Multimodal video understanding: highlights, features, training, evaluation."""


app.command()(videos.highlights)
app.command()(demo)
app.command()(videos.synth)
app.command()(extract)
app.command()(transcribe)
app.command()(training.train)
app.command()(training.test)
app.command()(training.evaluate)
app.command()(sweep)
app.command()(videos.predict)
app.add_typer(index_app, name="index")
app.command()(search)
app.command()(convert)
app.command("list")(looking.list_)
app.command()(looking.doctor)
app.add_typer(looking.config_app, name="config")
app.add_typer(data_app, name="data")
app.add_typer(features_app, name="features")
app.add_typer(weights_app, name="weights")


def main() -> None:
    """Run the command line."""
    app(args=expand_options(sys.argv[1:]))


def expand_options(arguments: Sequence[str]) -> list[str]:
    """Repeat ``--cfg-options`` before each change that follows it, as the parser wants one at a time.

    Example:
        >>> expand_options(["train", "--cfg-options", "a=1", "b.c=2", "--quiet"])
        ['train', '--cfg-options', 'a=1', '--cfg-options', 'b.c=2', '--quiet']
    """
    expanded: list[str] = []
    in_options = False
    for argument in arguments:
        if in_options and _CHANGE.match(argument) and expanded[-1] not in _OPTION_NAMES:
            expanded.append("--cfg-options")
        in_options = argument.startswith(_OPTION_NAMES) or (in_options and bool(_CHANGE.match(argument)))
        expanded.append(argument)
    return expanded
