from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidkit.features import FeatureFolder, read_features

ROWS = np.arange(12, dtype=np.float64).reshape(3, 4)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_npy_of_any_float_is_read_as_float32(tmp_path: Path, dtype: Any) -> None:
    np.save(tmp_path / "a.npy", ROWS.astype(dtype))
    features = read_features(tmp_path / "a.npy")
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features, ROWS)


@pytest.mark.parametrize("key", ["features", "last_hidden_state", "anything"])
def test_npz_is_read_by_its_known_or_only_key(tmp_path: Path, key: str) -> None:
    np.savez(tmp_path / "a.npz", **{key: ROWS.astype(np.float16)})  # type: ignore[arg-type]
    np.testing.assert_array_equal(read_features(tmp_path / "a.npz"), ROWS)


def test_npz_is_read_by_a_given_key(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", one=ROWS, two=2 * ROWS)
    np.testing.assert_array_equal(read_features(tmp_path / "a.npz", key="two"), 2 * ROWS)
    with pytest.raises(KeyError, match="has no array 'features' or 'last_hidden_state' or 'token'; its k"):
        read_features(tmp_path / "a.npz")
    with pytest.raises(KeyError, match="has no array 'three'"):
        read_features(tmp_path / "a.npz", key="three")


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    objects = np.array([ROWS, None], dtype=object)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "a.npz", features=objects)
    for name in ("a.npy", "a.npz"):
        with pytest.raises(ValueError, match="holds pickled objects, which can run any code"):
            read_features(tmp_path / name)


def test_what_is_no_array_of_features_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "flat.npy", np.zeros(3))
    with pytest.raises(ValueError, match=r"holds float64 of shape \(3,\), not features \(T, D\)"):
        read_features(tmp_path / "flat.npy")
    np.save(tmp_path / "whole.npy", np.zeros((3, 2), np.int64))
    with pytest.raises(ValueError, match="holds int64"):
        read_features(tmp_path / "whole.npy")


def test_damaged_files_are_told(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", ROWS)
    (tmp_path / "b.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-8])
    (tmp_path / "c.npz").write_bytes(b"PK nothing")
    (tmp_path / "d.npy").write_bytes(b"")
    for name in ("b.npy", "c.npz", "d.npy"):
        with pytest.raises(ValueError, match=rf"{name} is not a whole"):
            read_features(tmp_path / name)


def test_a_missing_file_and_an_unknown_suffix_are_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such feature file"):
        read_features(tmp_path / "a.npy")
    (tmp_path / "a.h5").write_bytes(b"")
    with pytest.raises(ValueError, match=r"not a feature file by its suffix; known: \.npy"):
        read_features(tmp_path / "a.h5")


@pytest.mark.parametrize("pattern", ["{video_id}.npy", "{video_id}_rgb.npy", "clip/{video_id}.npy"])
def test_folders_of_npy_are_mappings(tmp_path: Path, pattern: str) -> None:
    for name in ("abc", "x_y"):
        path = tmp_path / pattern.format(video_id=name)
        path.parent.mkdir(exist_ok=True)
        np.save(path, ROWS)
    (tmp_path / "readme.txt").write_text("no features")
    folder = FeatureFolder(tmp_path, dim=4, pattern=pattern)
    assert list(folder) == ["abc", "x_y"]
    assert len(folder) == 2
    assert "abc" in folder
    assert "abz" not in folder
    np.testing.assert_array_equal(folder["x_y"], ROWS)
    with pytest.raises(KeyError, match=r"no features of video 'abz': .* is missing; did you mean 'abc'"):
        folder["abz"]


def test_folders_of_npz_take_the_key(tmp_path: Path) -> None:
    np.savez(tmp_path / "v_1_2.npz", first=ROWS, second=ROWS + 1)
    folder = FeatureFolder(tmp_path, pattern="{video_id}.npz", key="second")
    np.testing.assert_array_equal(folder["v_1_2"], ROWS + 1)


def test_another_width_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", ROWS)
    with pytest.raises(ValueError, match=r"a.npy has 4 channels, expected 512; set the encoder's dim to 4"):
        FeatureFolder(tmp_path, dim=512)["a"]


def test_a_missing_folder_and_a_bad_pattern_are_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such feature folder"):
        FeatureFolder(tmp_path / "none")
    for pattern in ("features.npy", "{video_id}.h5", "{video_id}{video_id}.npy"):
        with pytest.raises(ValueError, match=r"once and end in \.npy or \.npz"):
            FeatureFolder(tmp_path, pattern=pattern)
