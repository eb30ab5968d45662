"""vidkit convert: public checkpoints of models, for the models of vidkit."""

from __future__ import annotations

from typing import Annotated

import typer

from vidkit.commands.frame import Quiet, command, print_json, say


@command
def convert(
    checkpoint: Annotated[str, typer.Argument(help="A checkpoint as its authors released it.")],
    out: Annotated[str, typer.Option("--out", help="File to write, such as umt.pth.")],
    trust: Annotated[
        bool, typer.Option("--trust", help="Let a pickle run code. Only for files that you made yourself.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Turn a public checkpoint of a model into one that `vidkit test` and `vidkit predict` take.

    Example: vidkit convert umt_qvhighlights.pth --out umt.pth

    Prints the config of the model that loads it, as far as the weights show it, as JSON.
    """
    from vidkit.engine.convert import convert_checkpoint

    model = convert_checkpoint(checkpoint, out, trust=trust)
    print_json(model)
    if not quiet:
        say(f"wrote {out}: the weights of a {model['type']}")
