"""vidkit sweep: several seeds of one config."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vidkit.commands.frame import CfgOptions, Quiet, command, print_json, say


@command
def sweep(
    config: Annotated[
        str, typer.Argument(help="A config file, or a name that `vidkit list configs` prints.")
    ],
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How many seeds.")] = 5,
    first_seed: Annotated[int, typer.Option("--first-seed", min=0, help="The first of them.")] = 0,
    work_dir: Annotated[
        Path | None, typer.Option("--work-dir", help="A run a seed; work_dirs/sweeps/NAME by default.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the numbers here too.")] = None,
    cfg_options: CfgOptions = None,
    quiet: Quiet = False,
) -> None:
    """Train and test a config with several seeds; prints mean and spread of every metric as JSON.

    Example: vidkit sweep moment_retrieval/umt_synthetic --seeds 5 --work-dir runs/umt_seeds

    The last epoch and the checkpoint that was best on the validation data are told apart, guesses without a
    model beside them where the task has some. The same as a table goes to stderr. After a stop, the same
    command goes on: finished seeds are kept.
    """
    from vidkit.files import write_json
    from vidkit.sweeps import sweep as run
    from vidkit.sweeps import table_of

    report = run(
        config,
        seeds=range(first_seed, first_seed + seeds),
        work_dir=work_dir or Path("work_dirs") / "sweeps" / Path(config).stem,
        options=cfg_options or (),
        quiet=quiet,
        tell=None if quiet else say,
    )
    if out is not None:
        write_json(out, report)
    if not quiet:
        say(table_of(report))
    print_json(report)
