from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidkit.encoders import PixelVisual, Precomputed
from vidkit.features import FeatureStore, make_sidecar
from vidkit.features.store import check_video_id

DIM = 192
ENCODER = PixelVisual(size=(8, 8))
NAME = ENCODER.store_name


def _sidecar(seconds: float = 3.0, clip_seconds: float = 1.0, **changes: Any) -> dict[str, Any]:
    sidecar = make_sidecar(ENCODER, clip_seconds=clip_seconds, duration_seconds=seconds)
    return {**sidecar, **changes}


def _rows(num_clips: int = 3) -> np.ndarray:
    return np.random.default_rng(num_clips).normal(size=(num_clips, DIM)).astype(np.float32)


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    store = FeatureStore(tmp_path / "store")
    store.encoder(NAME).put("match.part1", _rows(), _sidecar())
    return store


def test_what_was_put_is_read_memory_mapped(store: FeatureStore) -> None:
    features = store[NAME]["match.part1"]
    assert isinstance(features, np.memmap)
    assert not features.flags.writeable
    np.testing.assert_array_equal(features, _rows())
    assert store[NAME].sidecar("match.part1") == _sidecar()


def test_is_a_mapping_of_mappings(store: FeatureStore) -> None:
    assert store.encoders() == [NAME]
    assert NAME in store
    assert ENCODER in store
    assert "Other" not in store
    assert store[NAME].video_ids() == list(store[NAME]) == ["match.part1"]
    assert len(store[NAME]) == 1
    assert "match.part1" in store[NAME]
    assert "match" not in store[NAME]
    assert 7 not in store[NAME]
    assert store[NAME].get("match") is None


def test_an_empty_store_holds_nothing(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path / "nowhere")
    assert store.encoders() == []
    assert store.encoder("PixelVisual").video_ids() == []


def test_rows_may_come_in_blocks(store: FeatureStore) -> None:
    def blocks() -> Iterator[np.ndarray]:
        yield _rows()[:1]
        yield _rows()[1:]

    store[NAME].put("b", blocks(), _sidecar())
    np.testing.assert_array_equal(store[NAME]["b"], _rows())


def test_an_array_without_a_sidecar_is_not_there(store: FeatureStore) -> None:
    (store.root / NAME / "match.part1.json").unlink()
    assert "match.part1" not in store[NAME]
    assert store[NAME].video_ids() == []


def test_missing_features_name_the_command_that_makes_them(store: FeatureStore) -> None:
    with pytest.raises(
        KeyError, match=r"did you mean .*PixelVisual-.* there are: .*make them: vidkit extract VIDEOS"
    ):
        store[NAME[:-1]]
    with pytest.raises(KeyError, match=r"no features of 'Swin'.*; there are: PixelVisual-"):
        store["Swin"]
    with pytest.raises(KeyError, match=r"video 'match.part2' .*did you mean 'match.part1'.*vidkit extract"):
        store[NAME]["match.part2"]


def test_a_wrong_width_is_refused_and_leaves_nothing(store: FeatureStore) -> None:
    with pytest.raises(ValueError, match=r"rows must have shape \(n, 192\), got \(3, 5\)"):
        store[NAME].put("b", np.zeros((3, 5), np.float32), _sidecar())
    assert sorted(path.name for path in (store.root / NAME).iterdir()) == [
        "match.part1.json",
        "match.part1.npy",
    ]


@pytest.mark.parametrize("num_rows", [2, 4])
def test_a_wrong_length_is_refused_and_leaves_nothing(store: FeatureStore, num_rows: int) -> None:
    with pytest.raises(ValueError, match=rf"'b': {num_rows} rows came for 3 clips of 1.0 s in 3.00 s"):
        store[NAME].put("b", _rows(num_rows), _sidecar())
    assert len(list((store.root / NAME).iterdir())) == 2


def test_ctrl_c_leaves_nothing_and_what_was_there(store: FeatureStore) -> None:
    def blocks() -> Iterator[np.ndarray]:
        yield _rows()[:1]
        raise KeyboardInterrupt

    for video_id in ("b", "match.part1"):
        with pytest.raises(KeyboardInterrupt):
            store[NAME].put(video_id, blocks(), _sidecar())
    assert len(list((store.root / NAME).iterdir())) == 2
    np.testing.assert_array_equal(store[NAME]["match.part1"], _rows())


def test_another_recipe_in_the_folder_is_refused(store: FeatureStore) -> None:
    for video_id in ("match.part1", "b"):
        with pytest.raises(
            ValueError, match=r"another recipe: 'match.part1' is there.*clip_seconds 1.5 instead"
        ):
            store[NAME].put(video_id, _rows(2), _sidecar(clip_seconds=1.5))
    with pytest.raises(ValueError, match="fingerprint 0 instead of"):
        store[NAME].put("b", _rows(), _sidecar(fingerprint="0"))


def test_overwriting_replaces_another_recipe(store: FeatureStore) -> None:
    store[NAME].put("match.part1", _rows(2), _sidecar(clip_seconds=1.5), overwrite=True)
    assert store[NAME]["match.part1"].shape == (2, DIM)


def test_features_of_another_recipe_are_refused_when_read_by_the_encoder(store: FeatureStore) -> None:
    assert store[ENCODER]["match.part1"].shape == (3, DIM)
    store[NAME].put("b", _rows(), _sidecar(fingerprint="0" * 12), overwrite=True)
    assert store[NAME]["b"].shape == (3, DIM)  # by name there is nothing to compare with
    with pytest.raises(
        ValueError, match=r"features of 'b' .* were made with fingerprint 000000000000 instead"
    ):
        store[ENCODER]["b"]


def test_features_of_another_clip_length_are_refused_if_one_is_expected(store: FeatureStore) -> None:
    assert FeatureStore(store.root, clip_seconds=1.0)[NAME]["match.part1"].shape == (3, DIM)
    with pytest.raises(ValueError, match=r"made with clip_seconds 1.0 instead of 2.0; extract them again"):
        FeatureStore(store.root, clip_seconds=2.0)[NAME]["match.part1"]


def test_an_array_that_does_not_fit_its_sidecar_is_refused(store: FeatureStore) -> None:
    path = store.root / NAME / "match.part1.npy"
    np.save(path, _rows(4))
    with pytest.raises(ValueError, match=r"holds float32 \(4, 192\), its sidecar says float32 \(3, 192\)"):
        store[NAME]["match.part1"]
    np.save(path, _rows().astype(np.float64))
    with pytest.raises(ValueError, match="holds float64"):
        store[NAME]["match.part1"]


def test_a_damaged_array_is_told(store: FeatureStore) -> None:
    path = store.root / NAME / "match.part1.npy"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match=r"match.part1.npy is not a whole .npy file .*extract it again"):
        store[NAME]["match.part1"]


def test_a_damaged_sidecar_is_told(store: FeatureStore) -> None:
    path = store.root / NAME / "match.part1.json"
    path.write_text("[1]")
    with pytest.raises(ValueError, match="is no sidecar"):
        store[NAME].sidecar("match.part1")
    path.write_text("{")
    with pytest.raises(ValueError, match=r"match.part1\.json, line 1: not valid JSON"):
        store[NAME].sidecar("match.part1")


@pytest.mark.parametrize("video_id", ["", ".hidden", "a/b", "a\\b"])
def test_a_video_id_that_is_no_file_name_is_refused(video_id: str) -> None:
    with pytest.raises(ValueError, match="cannot be a video_id"):
        check_video_id(video_id)


@pytest.mark.parametrize("name", ["", "../up", ".hidden"])
def test_an_encoder_name_that_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name an encoder's folder"):
        FeatureStore(tmp_path).encoder(name)


def test_precomputed_reads_what_any_encoder_has_made(tmp_path: Path) -> None:
    maker = PixelVisual(size=(4, 4))
    sidecar = make_sidecar(maker, clip_seconds=1.0, duration_seconds=2.0)
    FeatureStore(tmp_path).encoder("mine").put("a", np.ones((2, 48), np.float32), sidecar)
    store = FeatureStore(tmp_path, clip_seconds=1.0)
    assert store[Precomputed(48, name="mine")]["a"].shape == (2, 48)
    with pytest.raises(ValueError, match="have 48 channels instead of 32; set dim to theirs"):
        store[Precomputed(32, name="mine")]["a"]
    with pytest.raises(ValueError, match=r"clip_seconds 1\.0 instead of 0\.2"):
        FeatureStore(tmp_path, clip_seconds=0.2)[Precomputed(48, name="mine")]["a"]
    with pytest.raises(KeyError, match=r"--encoder ENCODER:folder=other --clip-seconds 1\.0 --out"):
        store[Precomputed(48, name="other")]
