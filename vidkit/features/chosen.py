"""The way in which the features of a folder were computed, so that a job that goes on takes the same.

Ways of one precision agree up to rounding only: ``<root>/<encoder>/.execution-<device>`` holds the first one.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from vidkit.features.execution import Execution, Precision, parse_execution

_PREFIX = ".execution-"


def chosen_execution(folder: Path, device: str) -> Execution | None:
    """Return the way in which the features of a folder are computed on a kind of device; None if none is yet.

    Raises:
        ValueError: If the record is damaged.
    """
    path = folder / f"{_PREFIX}{device}"
    return _read(path) if path.is_file() else None


def choose_execution(folder: Path, device: str, execution: Execution) -> Execution:
    """Write the way down, unless another process has been faster; return the one that stands there."""
    path = folder / f"{_PREFIX}{device}"
    with tempfile.TemporaryDirectory(prefix=".choice-", dir=folder) as place:
        mine = Path(place, "execution")
        mine.write_text(str(execution), encoding="utf-8")
        try:
            os.link(mine, path)
        except FileExistsError:
            return _read(path)
        except OSError:  # a file system without hard links: the last one to write wins
            os.replace(mine, path)
    return execution


def forget_executions(folder: Path) -> None:
    """Remove what is written down, because all features of the folder are made anew."""
    for path in folder.glob(f"{_PREFIX}*"):
        path.unlink(missing_ok=True)


def check_precision(folder: Path, execution: Execution | Precision) -> None:
    """Check that features of this precision may join those in the folder.

    Raises:
        ValueError: If those have another one.
    """
    precision = execution.precision if isinstance(execution, Execution) else execution
    for path in folder.glob(f"{_PREFIX}*"):
        known = _read(path)
        if known.precision != precision:
            raise ValueError(
                f"{folder} holds features computed in {known.precision}, now it would be {precision}; choose "
                f"that precision (--execution auto+{known.precision}), write to another folder, or overwrite "
                "(--overwrite)"
            )


def _read(path: Path) -> Execution:
    execution = parse_execution(path.read_text(encoding="utf-8").strip())
    if not isinstance(execution, Execution):
        raise ValueError(f"{path} names no way to run an encoder; remove it and extract with --overwrite")
    return execution
