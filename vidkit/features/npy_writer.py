"""Writing an array of unknown length to a .npy file, row by row, in bounded memory."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

# Format 1.0 with a header of two times 64 bytes: enough for any number of rows that fits in a file.
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER_BYTES = 128


class NpyWriter:
    """Append float32 rows to a .npy file, as a context manager.

    The header is written last, so a file whose block raised does not load. Use it on a temporary path
    (``vidkit.files.atomic_path``).

    Args:
        path: The file to write.
        dim: Columns of the array, > 0.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "rows.npy"
        >>> with NpyWriter(path, dim=2) as writer:
        ...     writer.append(np.zeros((3, 2)))
        ...     writer.append(np.ones((1, 2)))
        >>> np.load(path).shape
        (4, 2)
    """

    def __init__(self, path: str | Path, *, dim: int) -> None:
        self.path = Path(path)
        self.dim = dim
        self.num_rows = 0
        self._file: BinaryIO | None = None

    def __enter__(self) -> NpyWriter:
        self._file = self.path.open("wb")
        self._file.write(bytes(_HEADER_BYTES))
        return self

    def append(self, rows: NDArray[np.floating]) -> None:
        """Append rows, shape (n, dim).

        Raises:
            ValueError: If the rows have another width, or hold NaN or infinity.
            OSError: If the disk is full.
        """
        assert self._file is not None, "append outside the with block"
        if rows.ndim != 2 or rows.shape[1] != self.dim:
            raise ValueError(f"rows must have shape (n, {self.dim}), got {rows.shape}")
        if not np.isfinite(rows).all():
            raise ValueError(
                f"row {self.num_rows + int(np.argmin(np.isfinite(rows).all(1)))} holds NaN or infinity; "
                "look at the encoder's weights and input"
            )
        self._file.write(np.ascontiguousarray(rows, dtype="<f4").data)
        self.num_rows += len(rows)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None
        file, self._file = self._file, None
        if kind is not None:
            with suppress(OSError):  # on a full disk; the exception that ended the block tells why
                file.close()
            return
        with file:
            file.seek(0)
            file.write(_header(self.num_rows, self.dim))
            file.flush()
            os.fsync(file.fileno())  # the sidecar, written next, promises that the rows are on the disk


def _header(num_rows: int, dim: int) -> bytes:
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({num_rows}, {dim}), }}"
    length = _HEADER_BYTES - len(_MAGIC) - 2
    return _MAGIC + length.to_bytes(2, "little") + text.ljust(length - 1).encode() + b"\n"
