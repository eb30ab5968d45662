"""The way in which the features of a folder were computed, so that a job that goes on takes the same.

Ways of one precision, batch sizes and numbers of threads agree up to rounding only:
``<root>/<encoder>/.execution-<device>`` holds the first ones.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from vidkit.features.execution import Execution, Precision, parse_execution
from vidkit.files import read_json, write_json

_PREFIX = ".execution-"


@dataclass(frozen=True)
class Choice:
    """How the features of a folder are computed on a kind of device.

    Args:
        execution: The way.
        batch_size: Rows of a call; None where the calls depend on the video alone.
        num_threads: Of torch, in the process that began.
    """

    execution: Execution
    batch_size: int | None
    num_threads: int


def chosen_execution(folder: Path, device: str) -> Choice | None:
    """Return how the features of a folder are computed on a kind of device; None if that is open.

    Raises:
        ValueError: If the record is damaged.
    """
    path = folder / f"{_PREFIX}{device}"
    return _read(path) if path.is_file() else None


def choose_execution(folder: Path, device: str, choice: Choice) -> Choice:
    """Write the choice down, unless another process has been faster; return the one that stands there."""
    path = folder / f"{_PREFIX}{device}"
    with tempfile.TemporaryDirectory(prefix=".choice-", dir=folder) as place:
        mine = Path(place, "execution")
        write_json(mine, {**asdict(choice), "execution": str(choice.execution)})
        try:
            os.link(mine, path)
        except FileExistsError:
            return _read(path)
        except OSError:  # a file system without hard links: the last one to write wins
            os.replace(mine, path)
    return choice


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
        known = _read(path).execution
        if known.precision != precision:
            raise ValueError(
                f"{folder} holds features computed in {known.precision}, now it would be {precision}; choose "
                f"that precision (--execution auto+{known.precision}), write to another folder, or overwrite "
                "(--overwrite)"
            )


def _read(path: Path) -> Choice:
    try:
        fields = read_json(path)
        execution = parse_execution(fields.pop("execution"))
        if not isinstance(execution, Execution):
            raise TypeError(f"{execution} is to be measured")
        return Choice(execution, **fields)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f"{path} does not say how to run an encoder; remove it and extract with --overwrite"
        ) from error
