"""Shape and type of .npy files from their heads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vidkit.features.npy_header import npy_header
from vidkit.features.npy_writer import NpyWriter


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
@pytest.mark.parametrize("shape", [(0, 3), (7, 3), (2, 3, 4), (5,)])
def test_agrees_with_numpy(tmp_path: Path, shape: tuple[int, ...], dtype: type) -> None:
    np.save(tmp_path / "a.npy", np.zeros(shape, dtype))
    assert npy_header(tmp_path / "a.npy") == (shape, np.dtype(dtype))


def test_reads_what_vidkit_writes_and_long_heads(tmp_path: Path) -> None:
    with NpyWriter(tmp_path / "a.npy", dim=2) as writer:
        writer.append(np.zeros((3, 2)))
    assert npy_header(tmp_path / "a.npy") == ((3, 2), np.dtype(np.float32))
    fields = [(f"field_{number}", np.float32) for number in range(20)]
    np.save(tmp_path / "b.npy", np.zeros(3, fields))
    assert npy_header(tmp_path / "b.npy") == ((3,), np.dtype(fields))
    with (tmp_path / "c.npy").open("wb") as file:
        np.lib.format.write_array(file, np.zeros((4, 5)), version=(2, 0))
    assert npy_header(tmp_path / "c.npy") == ((4, 5), np.dtype(np.float64))


def test_what_is_not_whole_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such feature file"):
        npy_header(tmp_path / "lost.npy")
    np.save(tmp_path / "a.npy", np.zeros((7, 3)))
    whole = (tmp_path / "a.npy").read_bytes()
    for content, message in (
        (whole[:-1], "its end is missing"),
        (whole[:50], "is not a whole .npy file"),
        (b"", "is not a whole .npy file"),
        (b"not an array" * 20, "is not a whole .npy file"),
        (b"\x93NUMPY\x03\x00" + whole[8:], r"its format 3.0 is for arrays with names"),
    ):
        (tmp_path / "b.npy").write_bytes(content)
        with pytest.raises(ValueError, match=message):
            npy_header(tmp_path / "b.npy")
