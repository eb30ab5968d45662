"""The same features, made here and elsewhere: cosine, and what a difference looks like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vidkit.encoders import Precomputed
from vidkit.features import FeatureStore, make_sidecar
from vidkit.features.compare import _Tally, compare_features, open_features

Array = NDArray[np.float32]


def _rows(num: int = 40, dim: int = 96, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(num, dim)).astype(np.float32)


def _smooth(num: int = 40, dim: int = 96, seed: int = 0) -> Array:
    """Rows that resemble their neighbours, as those of a video do."""
    rows = np.cumsum(_rows(num + 4, dim, seed), axis=0)
    return np.asarray(rows[4:] - rows[:-4], dtype=np.float32)


def _store(root: Path, name: str, arrays: dict[str, Array]) -> None:
    encoder = Precomputed(next(iter(arrays.values())).shape[1], name=name)
    for video_id, rows in arrays.items():
        sidecar = make_sidecar(encoder, clip_seconds=2.0, duration_seconds=2.0 * len(rows))
        FeatureStore(root).encoder(name).put(video_id, rows, sidecar)


def test_equal_features_agree() -> None:
    found = compare_features({"a": _rows(), "b": _rows(seed=1)}, {"a": _rows(), "b": _rows(seed=1)})
    assert found.agrees
    assert (found.num_videos, found.num_clips, found.findings) == (2, 80, [])
    assert found.cosine["min"] == pytest.approx(1.0)
    assert found.norm_ratio == pytest.approx(1.0)


def test_the_numbers_are_those_of_the_formula() -> None:
    here, there = _rows(), _rows() + 0.5 * _rows(seed=1)
    expected = [
        float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)) for a, b in zip(here, there, strict=True)
    ]
    found = compare_features({"a": here}, {"a": there})
    assert not found.agrees
    assert found.cosine["mean"] == pytest.approx(np.mean(expected))
    assert found.cosine["q05"] == pytest.approx(np.quantile(expected, 0.05))
    assert [each["clip"] for each in found.worst] == np.argsort(expected)[:10].tolist()
    assert found.worst[0]["cosine"] == pytest.approx(min(expected)) == pytest.approx(found.cosine["min"])


def test_the_wanted_cosine_decides() -> None:
    here, there = _rows(), _rows() + 0.05 * _rows(seed=1)
    assert not compare_features({"a": here}, {"a": there}, min_cosine=0.9999).agrees
    assert compare_features({"a": here}, {"a": there}, min_cosine=0.99).agrees


def test_a_swapped_order_of_slowfast_and_clip_is_found() -> None:
    slowfast, clip = _rows(dim=2304), _rows(dim=512, seed=1)
    here = np.concatenate([slowfast, clip], axis=1)
    there = np.concatenate([clip, slowfast], axis=1)
    found = compare_features({"a": here}, {"a": there})
    assert found.findings == [
        "the channels stand in another order: here 2304|512, there 512|2304 of the same 2816"
    ]
    back = compare_features({"a": there}, {"a": here}).findings[0]
    assert "here 512|2304, there 2304|512" in back


@pytest.mark.parametrize(("shift", "way"), [(1, "later"), (-1, "earlier"), (2, "later")])
def test_features_that_are_moved_by_clips_are_found(shift: int, way: str) -> None:
    long = _smooth(60)
    there, here = long[5:45], long[5 - shift : 45 - shift]
    found = compare_features({"a": here}, {"a": there})
    assert found.findings == [f"the clips here stand {abs(shift)} {way} than there: cosine 1.0000 when moved"]


def test_of_moved_clips_the_sums_alone_are_kept() -> None:
    videos = {name: (_rows(30, seed=seed), _rows(20, seed=seed + 9)) for seed, name in enumerate("abc")}
    tally = _Tally()
    for video_id, (here, there) in videos.items():
        tally.add(video_id, here, there)
    for shift in (-2, -1, 1, 2):
        cosines = []
        for here, there in videos.values():
            for i, row in enumerate(here):
                if 0 <= i - shift < len(there):
                    other = there[i - shift]
                    cosines.append(row @ other / np.linalg.norm(row) / np.linalg.norm(other))
        assert tally.num_shifted[shift] == len(cosines)
        assert tally.shifted[shift] == pytest.approx(sum(cosines), abs=1e-4)


def test_float16_is_found_and_agrees() -> None:
    found = compare_features({"a": _rows()}, {"a": _rows().astype(np.float16).astype(np.float32)})
    assert found.agrees
    assert found.findings == ["the numbers there are those of float16; a difference of 1e-3 comes from that"]


def test_normalised_vectors_show_in_the_ratio_of_norms() -> None:
    rows = _rows()
    found = compare_features({"a": rows}, {"a": rows / np.linalg.norm(rows, axis=1, keepdims=True)})
    assert found.agrees
    assert found.norm_ratio == pytest.approx(np.linalg.norm(rows, axis=1).mean(), rel=1e-5)


def test_other_lengths_are_told_and_do_not_agree() -> None:
    found = compare_features({"a": _rows(40), "b": _rows()}, {"a": _rows(40)[:39], "b": _rows()})
    assert not found.agrees
    assert found.lengths == {"a": (40, 39)}
    assert found.findings == ["1 videos have other lengths: -1 clips there"]
    assert found.cosine["min"] == pytest.approx(1.0)


def test_other_widths_are_told() -> None:
    found = compare_features({"a": _rows(dim=4)}, {"a": _rows(dim=6)})
    assert not found.agrees
    assert found.findings == ["other widths: 4 channels here, 6 there; other encoders, or one more beside it"]
    assert (found.num_clips, found.cosine, found.norm_ratio) == (0, {}, None)


def test_videos_that_only_one_has_are_told() -> None:
    found = compare_features({"a": _rows(), "b": _rows()}, {"a": _rows(), "c": _rows()})
    assert (found.only_here, found.only_there, found.agrees) == (["b"], ["c"], False)
    with pytest.raises(
        ValueError, match="no video in common: here a, there b; are they of the same data set"
    ):
        compare_features({"a": _rows()}, {"b": _rows()})


def test_silent_clips_of_zeros_are_equal_and_differ_from_others() -> None:
    zeros = np.zeros((3, 4), np.float32)
    assert compare_features({"a": zeros}, {"a": zeros}).agrees
    other = compare_features({"a": zeros}, {"a": _rows(3, 4)})
    assert other.cosine["mean"] == 0.0
    assert not other.agrees


def test_a_store_an_encoders_folder_and_folders_of_others_open(tmp_path: Path) -> None:
    _store(tmp_path / "store", "SlowFast", {"v": _rows()})
    (tmp_path / "npz").mkdir()
    np.savez(tmp_path / "npz" / "v.npz", features=_rows())
    (tmp_path / "npy").mkdir()
    np.save(tmp_path / "npy" / "v_rgb.npy", _rows())
    for path in ("store", "store/SlowFast", "npz", "npy/{video_id}_rgb.npy"):
        np.testing.assert_array_equal(open_features(tmp_path / path)["v"], _rows())
    assert list(open_features(tmp_path / "npy")) == ["v_rgb"]


def test_a_store_of_several_encoders_wants_a_name(tmp_path: Path) -> None:
    for name in ("CLIPVisual", "SlowFast"):
        _store(tmp_path, name, {"v": _rows()})
    with pytest.raises(
        ValueError, match="holds features of CLIPVisual, SlowFast; say which: --encoder CLIPVisual"
    ):
        open_features(tmp_path)
    assert list(open_features(tmp_path, encoder="SlowFast")) == ["v"]
    with pytest.raises(KeyError, match="no features of 'Slowfast'"):
        open_features(tmp_path, encoder="Slowfast")


def test_what_holds_no_features_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no feature folder at .*nothing"):
        open_features(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match=r"no feature files \(.npy, .npz\) in"):
        open_features(tmp_path)
