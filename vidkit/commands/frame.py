"""What every command shares: errors as one sentence, exit codes, progress on stderr.

Nothing heavy is imported here: ``vidkit --help`` must not wait for torch.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Annotated, Any, ParamSpec, TypeVar

import typer

P = ParamSpec("P")
R = TypeVar("R")

DONE, SOME_FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Nothing on stderr but warnings and errors.")]
CfgOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--cfg-options",
        "-c",
        metavar="KEY=VALUE",
        help="Change a key of the config; give it as often as needed.",
    ),
]

_SECONDS_BETWEEN_LINES = 10.0


def command(function: Callable[P, R]) -> Callable[P, R]:
    """Turn what goes wrong in a command into a sentence on stderr and an exit code.

    Bad input (an error that vidkit raises on purpose, or one of the file system) exits with 2, Ctrl-C with
    130. Anything else is a fault of vidkit and keeps its traceback, as everything does with VIDKIT_DEBUG=1.
    """

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        warnings.showwarning = _show_warning
        try:
            return function(*args, **kwargs)
        except KeyboardInterrupt:
            say("interrupted; what was finished is kept, run the same command again to go on")
            raise typer.Exit(INTERRUPTED) from None
        except (ValueError, KeyError, TypeError, OSError, ImportError) as error:
            if os.environ.get("VIDKIT_DEBUG") or not _is_explained(error):
                raise
            say(f"error: {sentence(error)}")
            raise typer.Exit(BAD_INPUT) from None

    return wrapped


def say(text: str) -> None:
    """Write one line to stderr."""
    print(text, file=sys.stderr, flush=True)


def sentence(error: BaseException) -> str:
    """Return the message of an error, without the quotes that KeyError adds."""
    if isinstance(error, KeyError) and error.args:
        return str(error.args[0])
    return str(error)


def print_json(value: Any) -> None:
    """Write one JSON value to stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def seconds_text(seconds: float) -> str:
    """Return a duration as a person says it.

    Example:
        >>> seconds_text(4.2), seconds_text(75), seconds_text(7300)
        ('4 s', '1 min 15 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@contextmanager
def progress(title: str, *, quiet: bool = False) -> Iterator[Callable[[float, str], None]]:
    """Yield a function that shows how much is done: a bar in a terminal, else a line now and then.

    The function takes the share that is done, in [0, 1], and what is at work. The time left is estimated
    from the share.
    """
    if quiet:
        yield lambda share, text: None
    elif sys.stderr.isatty():
        with _bar(title) as update:
            yield update
    else:
        yield _lines(title)


@contextmanager
def _bar(title: str) -> Iterator[Callable[[float, str], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    detail = TextColumn("{task.fields[text]}")
    with Progress(*columns, TimeRemainingColumn(), detail, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=1.0, text="")
        yield lambda share, text: bar.update(task, completed=share, text=text)
        bar.update(task, completed=1.0, text="")


def _lines(title: str) -> Callable[[float, str], None]:
    started = last = time.monotonic()

    def update(share: float, text: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < _SECONDS_BETWEEN_LINES or not 0 < share < 1:
            return
        last = now
        left = (now - started) * (1 - share) / share
        say(f"{title}: {share:.0%}, about {seconds_text(left)} left {text}".rstrip())

    return update


def _is_explained(error: BaseException) -> bool:
    """Return whether vidkit itself raised the error, or the file system did."""
    if isinstance(error, OSError):
        return True
    frame: TracebackType | None = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return frame is not None and frame.tb_frame.f_globals.get("__name__", "").split(".")[0] == "vidkit"


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    if not issubclass(category, (DeprecationWarning, FutureWarning)):
        say(f"warning: {message}")
