"""The shape of an array in a .npy file, without the array: thousands of files in a second."""

from __future__ import annotations

import io
import math
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

_FIRST_BYTES = 128  # the whole head of all files but those of structured arrays
_LARGEST_HEAD = 2**16  # of format 1.0


def npy_header(path: str | Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and type of the array in a .npy file, from its first bytes and its size.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a whole .npy file.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.npy"
        >>> np.save(path, np.zeros((3, 2), np.float32))
        >>> npy_header(path)
        ((3, 2), dtype('float32'))
    """
    try:
        with Path(path).open("rb", buffering=0) as file:
            head = file.read(_FIRST_BYTES)
            num_bytes = os.fstat(file.fileno()).st_size
            try:
                shape, dtype, offset = parse_npy_header(head)
            except ValueError:
                shape, dtype, offset = parse_npy_header(head + file.read(_LARGEST_HEAD))
    except FileNotFoundError:
        raise FileNotFoundError(f"no such feature file: {path}") from None
    except ValueError as error:
        raise ValueError(f"{path} is not a whole .npy file ({error}); extract it again") from error
    if num_bytes < offset + math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{path} is not a whole .npy file (its end is missing); extract it again")
    return shape, dtype


@lru_cache(maxsize=4096)  # features of videos of one length begin with the same bytes
def parse_npy_header(head: bytes) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Return shape, type and where the array begins, from the first bytes of a file.

    Raises:
        ValueError: If they are those of no .npy file, or too few.
    """
    file = io.BytesIO(head)
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError(f"its format {version[0]}.{version[1]} is for arrays with names")
    shape, _, dtype = read(file)
    return shape, dtype, file.tell()
