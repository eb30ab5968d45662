from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vidkit.features.npy_writer import NpyWriter


def test_writes_what_numpy_reads(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(1000, 7)).astype(np.float32)
    with NpyWriter(tmp_path / "a.npy", dim=7) as writer:
        for start in range(0, 1000, 33):
            writer.append(rows[start : start + 33])
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy", mmap_mode="r"), rows)


def test_other_number_types_become_float32(tmp_path: Path) -> None:
    with NpyWriter(tmp_path / "a.npy", dim=2) as writer:
        writer.append(np.ones((2, 2), np.float64))
        writer.append(np.ones((4, 4), np.float16)[::2, ::2])
    array = np.load(tmp_path / "a.npy")
    assert array.dtype == np.float32
    assert array.tolist() == [[1.0, 1.0]] * 4


def test_a_file_whose_block_raised_does_not_load(tmp_path: Path) -> None:
    writer = NpyWriter(tmp_path / "a.npy", dim=2)
    writer.__enter__()
    writer.append(np.ones((2, 2)))
    writer.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    with pytest.raises(ValueError, match=r"allow_pickle|magic"):
        np.load(tmp_path / "a.npy", allow_pickle=False)


def test_rows_of_another_width_are_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match=r"shape \(n, 2\), got \(2, 3\)"),
        NpyWriter(tmp_path / "a.npy", dim=2) as writer,
    ):
        writer.append(np.ones((2, 3)))


def test_rows_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    with NpyWriter(tmp_path / "a.npy", dim=1) as writer:
        writer.append(np.ones((2, 1)))
        with pytest.raises(ValueError, match="row 3 holds NaN or infinity"):
            writer.append(np.array([[0.0], [np.nan]]))
