"""From a feature store to the layouts of the benchmarks, and back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vidkit.encoders import Precomputed
from vidkit.encoders.base import Modality
from vidkit.features import FeatureFolder, FeatureStore, make_sidecar
from vidkit.features.convert import convert_features

Array = NDArray[np.float32]
DIMS = {"SlowFast": 2304, "CLIPVisual": 512, "CNN14": 2048, "MiniLM": 384}
MODALITIES: dict[str, Modality] = {"CNN14": "audio", "MiniLM": "text"}


def _put(
    root: Path, name: str, *, ids: list[str], clip_seconds: float = 2.0, dim: int = 0, num: int = 5
) -> dict[str, Array]:
    """Put random features of an encoder into a store, and return them."""
    width = dim or DIMS[name]
    encoder = Precomputed(width, name=name, modality=MODALITIES.get(name, "visual"))
    arrays = {}
    for i, video_id in enumerate(ids):
        rows = np.random.default_rng(i).normal(size=(num, width)).astype(np.float32)
        duration = clip_seconds * num
        sidecar: dict[str, Any] = make_sidecar(encoder, clip_seconds=clip_seconds, duration_seconds=duration)
        FeatureStore(root).encoder(name).put(video_id, rows, {**sidecar, "encoder": name})
        arrays[video_id] = rows
    return arrays


def _assert_holds(folder: FeatureFolder, arrays: dict[str, Array]) -> None:
    assert list(folder) == sorted(arrays)
    for video_id, rows in arrays.items():
        np.testing.assert_array_equal(folder[video_id], rows)


def test_qvhighlights_has_the_folders_and_files_of_moment_detr(tmp_path: Path) -> None:
    ids = ["NUsG9BgSes0_210.0_360.0", "nXuF9dfUKUE_60.0_210.0"]
    put = {name: _put(tmp_path / "store", name, ids=ids) for name in ("SlowFast", "CLIPVisual", "CNN14")}
    out = tmp_path / "out"
    written = convert_features(tmp_path / "store", "qvhighlights", out)
    assert written == {"clip_features": 2, "pann_features": 2, "slowfast_features": 2}
    with np.load(out / "slowfast_features" / f"{ids[0]}.npz") as arrays:
        assert list(arrays) == ["features"]
    for name, folder, end in (
        ("SlowFast", "slowfast_features", ".npz"),
        ("CLIPVisual", "clip_features", ".npz"),
        ("CNN14", "pann_features", ".npy"),
    ):
        read = FeatureFolder(
            out / folder, dim=DIMS[name], pattern="{video_id}" + end, clip_seconds=2.0, order=[name]
        )
        _assert_holds(read, put[name])


def test_repurpose10k_has_three_folders_of_npy(tmp_path: Path) -> None:
    names = ("CLIPVisual", "CNN14", "MiniLM")
    put = {name: _put(tmp_path / "store", name, ids=["o1diW_2W-cM"], clip_seconds=1.0) for name in names}
    convert_features(tmp_path / "store", "repurpose10k", tmp_path / "out")
    folders = ("video_clip_features", "audio_pann_features", "caption_features")
    for name, folder in zip(names, folders, strict=True):
        assert np.load(tmp_path / "out" / folder / "o1diW_2W-cM.npy").dtype == np.float32
        _assert_holds(FeatureFolder(tmp_path / "out" / folder, dim=DIMS[name], clip_seconds=1.0), put[name])


def test_umt_has_rgb_and_opt_in_the_order_of_the_encoders(tmp_path: Path) -> None:
    ids = ["-4wsuPCjDBc"]
    put = {name: _put(tmp_path / "store", name, ids=ids) for name in ("SlowFast", "CLIPVisual", "CNN14")}
    names = ["SlowFast", "CLIPVisual", "CNN14"]
    written = convert_features(tmp_path / "store", "umt", tmp_path / "out", encoders=names)
    assert written == {"video_features": 2, "audio_features": 1}
    for name, folder, end in (
        ("SlowFast", "video_features", "_rgb.npy"),
        ("CLIPVisual", "video_features", "_opt.npy"),
        ("CNN14", "audio_features", ".npy"),
    ):
        read = FeatureFolder(tmp_path / "out" / folder, dim=DIMS[name], pattern="{video_id}" + end)
        _assert_holds(read, put[name])


def test_names_of_real_annotations_find_their_files(tmp_path: Path, real_data: Path) -> None:
    lines = (real_data / "qvhighlights" / "highlight_val_release.jsonl").read_text().splitlines()[:5]
    rows = [json.loads(line) for line in lines]
    repurpose = json.loads((real_data / "repurpose10k" / "val.json").read_text())[:5]
    _put(tmp_path / "two", "SlowFast", ids=[row["vid"] for row in rows], num=75)
    _put(tmp_path / "one", "CLIPVisual", ids=[row["youtube_id"] for row in repurpose], clip_seconds=1.0)
    convert_features(tmp_path / "two", "qvhighlights", tmp_path / "out")
    convert_features(tmp_path / "one", "repurpose10k", tmp_path / "out")
    slowfast = FeatureFolder(
        tmp_path / "out" / "slowfast_features", pattern="{video_id}.npz", clip_seconds=2.0
    )
    for row in rows:
        slowfast.check_length(row["vid"], row["duration"])
        assert len(slowfast[row["vid"]]) >= max(row["relevant_clip_ids"])
    assert set(FeatureFolder(tmp_path / "out" / "video_clip_features")) == {
        row["youtube_id"] for row in repurpose
    }


def test_other_encoders_get_a_folder_of_their_name(tmp_path: Path) -> None:
    put = _put(tmp_path / "store", "Mine", ids=["v"], dim=7)
    assert convert_features(tmp_path / "store", "qvhighlights", tmp_path / "out") == {"mine_features": 1}
    _assert_holds(FeatureFolder(tmp_path / "out" / "mine_features", pattern="{video_id}.npz"), put)


def test_converting_again_replaces_and_leaves_no_temporary_files(tmp_path: Path) -> None:
    _put(tmp_path / "store", "SlowFast", ids=["v"])
    for _ in range(2):
        convert_features(tmp_path / "store", "qvhighlights", tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out" / "slowfast_features").iterdir())
    assert names == ["v.npz", "vidkit.json"]


@pytest.mark.parametrize(
    ("layout", "name", "more", "message"),
    [
        (
            "qvhighlights",
            "SlowFast",
            {"dim": 256},
            "qvhighlights has 2304 channels in the place of SlowFast, the",
        ),
        (
            "repurpose10k",
            "CNN14",
            {"dim": 64, "clip_seconds": 1.0},
            "repurpose10k has 2048 channels in the place",
        ),
        (
            "qvhighlights",
            "SlowFast",
            {"clip_seconds": 1.0},
            "qvhighlights has clips of 2.0 s, the features of 'v'",
        ),
        ("repurpose10k", "CNN14", {}, "have clips of 2.0 s; extract them again with --clip-seconds 1.0"),
        ("umt", "MiniLM", {}, "MiniLM reads text, and umt has features of words for queries only"),
        ("umd", "MiniLM", {}, "unknown layout 'umd'.*did you mean 'umt'"),
    ],
)
def test_what_a_layout_has_no_place_for_is_refused_and_nothing_written(
    layout: str, name: str, more: dict[str, Any], message: str, tmp_path: Path
) -> None:
    _put(tmp_path / "store", name, ids=["v"], **more)
    with pytest.raises(ValueError, match=message):
        convert_features(tmp_path / "store", layout, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_two_encoders_for_one_place_are_refused(tmp_path: Path) -> None:
    for name in ("CLIPVisual", "Mine"):
        _put(tmp_path, name, ids=["v"], dim=512, clip_seconds=1.0)
    with pytest.raises(
        ValueError, match=r"one place for CLIPVisual and Mine, video_clip_features; name one of them"
    ):
        convert_features(tmp_path, "repurpose10k", tmp_path / "out")
    for name in ("Third", "Fourth"):
        _put(tmp_path, name, ids=["v"], dim=3, clip_seconds=1.0)
    with pytest.raises(ValueError, match="two places for visual features, _rgb and _opt; leave out Mine"):
        convert_features(tmp_path, "umt", tmp_path / "out")


def test_a_store_without_features_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no features in .*; make them: vidkit extract"):
        convert_features(tmp_path, "umt", tmp_path / "out")
    (tmp_path / "Empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no features in .*Empty; extract them first"):
        convert_features(tmp_path, "umt", tmp_path / "out", encoders=["Empty"])


def test_readers_refuse_another_width_clip_length_order_and_pattern(tmp_path: Path) -> None:
    _put(tmp_path / "store", "SlowFast", ids=["v"])
    convert_features(tmp_path / "store", "qvhighlights", tmp_path)
    folder, npz = tmp_path / "slowfast_features", "{video_id}.npz"
    with pytest.raises(
        ValueError, match="holds 2304 channels of SlowFast, expected 512; set the encoder's dim to"
    ):
        FeatureFolder(folder, pattern=npz, dim=512)
    with pytest.raises(
        ValueError, match=r"clips of 2.0 s, expected 1.0 s; extract them again with --clip-seconds 1"
    ):
        FeatureFolder(folder, pattern=npz, clip_seconds=1.0)
    with pytest.raises(
        ValueError, match=r"holds SlowFast, expected CLIPVisual\|SlowFast; name the encoders in its"
    ):
        FeatureFolder(folder, pattern=npz, order=["CLIPVisual", "SlowFast"])
    with pytest.raises(
        ValueError, match=re.escape("holds {video_id}.npz, not {video_id}.npy; give one of these")
    ):
        FeatureFolder(folder)


def test_features_that_do_not_cover_their_video_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.zeros((75, 4), np.float32))
    folder = FeatureFolder(tmp_path, clip_seconds=2.0)
    for seconds in (148.0, 150.0, 152.0):
        folder.check_length("v", seconds)
    with pytest.raises(
        ValueError, match=r"have 75 clips of 2.0 s, the video of 75.0 s has 38; extract them again"
    ):
        folder.check_length("v", 75.0)
    with pytest.raises(ValueError, match=r"how long a clip of .* is must be given; set clip_seconds"):
        FeatureFolder(tmp_path).check_length("v", 75.0)


def test_a_damaged_origin_is_told(tmp_path: Path) -> None:
    (tmp_path / "vidkit.json").write_text("{}")
    with pytest.raises(
        ValueError, match=r"vidkit.json does not say layout, clip_seconds, files; write it again"
    ):
        FeatureFolder(tmp_path)
