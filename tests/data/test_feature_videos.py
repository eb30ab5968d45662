"""Features of several modalities from stores and from bare files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from vidkit.data import FeatureVideos, NeededVideo
from vidkit.encoders import Encoder, HashedText, JoinedFeatures, PixelVisual, Precomputed
from vidkit.features import FeatureStore, make_sidecar
from vidkit.features.convert import convert_features

ENCODERS: dict[str, Encoder] = {
    "visual": Precomputed(4, name="clip"),
    "audio": Precomputed(3, modality="audio", name="pann"),
}


def _rows(num_clips: int, dim: int) -> np.ndarray:
    return np.arange(num_clips * dim, dtype=np.float32).reshape(num_clips, dim)


def _bare(root: Path, name: str, rows: np.ndarray, video_id: str = "a") -> Path:
    (root / name).mkdir(parents=True, exist_ok=True)
    np.save(root / name / f"{video_id}.npy", rows)
    return root / name / f"{video_id}.npy"


def _stored(root: Path, encoder: Encoder, num_clips: int, video_id: str = "a", seconds: float = 0.0) -> None:
    sidecar = make_sidecar(encoder, clip_seconds=1.0, duration_seconds=seconds or num_clips)
    FeatureStore(root).encoder(encoder).put(video_id, _rows(num_clips, encoder.dim), sidecar)


def _both(root: Path) -> FeatureVideos:
    """One modality in a store, the other bare."""
    _stored(root, ENCODERS["visual"], 10)
    _bare(root, "pann", _rows(9, 3))
    return FeatureVideos(root, ENCODERS, 1.0)


def test_a_store_and_bare_files_are_read_alike(tmp_path: Path) -> None:
    videos = _both(tmp_path)
    assert videos.num_clips("a") == 9
    assert videos.common_ids() == ["a"]
    read = videos.read("a", 2, 5)
    np.testing.assert_array_equal(read["visual"], _rows(10, 4)[2:5])
    np.testing.assert_array_equal(read["audio"], _rows(9, 3)[2:5])
    assert {rows.dtype for rows in read.values()} == {torch.float32}


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_bare_files_of_other_floats_come_as_float32(tmp_path: Path, dtype: type) -> None:
    _bare(tmp_path, "clip", _rows(5, 4).astype(dtype))
    videos = FeatureVideos(tmp_path, {"visual": ENCODERS["visual"]}, 1.0)
    rows = videos.read("a", 1, 3)["visual"]
    assert rows.dtype == torch.float32
    np.testing.assert_array_equal(rows, _rows(5, 4)[1:3])


def test_a_folder_that_vidkit_converted_is_bare_and_says_what_it_holds(tmp_path: Path) -> None:
    encoder = Precomputed(384, modality="text", name="minilm")
    _stored(tmp_path / "store", encoder, 5)
    convert_features(tmp_path / "store", "repurpose10k", tmp_path / "out")
    converted = Precomputed(384, modality="text", name="caption_features")
    assert FeatureVideos(tmp_path / "out", {"text": converted}, 1.0).num_clips("a") == 5
    with pytest.raises(ValueError, match=r"holds features of clips of 1.0 s, expected 2.0 s"):
        FeatureVideos(tmp_path / "out", {"text": converted}, 2.0)


def test_bare_files_are_for_precomputed_features_alone(tmp_path: Path) -> None:
    _bare(tmp_path, "PixelVisual", _rows(5, 576))
    with pytest.raises(
        ValueError, match=r"without sidecars, so nothing says that PixelVisual made them; read"
    ):
        FeatureVideos(tmp_path, {"visual": PixelVisual()}, 1.0)


def test_what_is_missing_is_listed_by_modality_with_the_command_that_makes_it(tmp_path: Path) -> None:
    videos = _both(tmp_path)
    _bare(tmp_path, "clip", _rows(10, 4), "half")  # in a store an array without sidecar is not there
    assert videos.missing(["b", "a", "b"]) == {"visual": ["b"], "audio": ["b"]}
    assert videos.missing(["half"]) == {"visual": ["half"], "audio": ["half"]}
    assert videos.command(["visual", "audio"]) == (
        "vidkit extract VIDEOS --encoder ENCODER:folder=clip,ENCODER:folder=pann --clip-seconds 1.0 "
        f"--out {tmp_path}"
    )
    with pytest.raises(
        FileNotFoundError, match=r"1 of 2 videos, first 'b', have no visual features in .*clip"
    ):
        videos.check(["a", "b"])
    with pytest.raises(FileNotFoundError, match="no video has visual features in"):
        videos.check([])
    audio = FeatureVideos(tmp_path, {"audio": ENCODERS["audio"]}, 1.0)
    with pytest.raises(
        FileNotFoundError, match=r"where there is no sound, leave it out: .*audio_encoder=None"
    ):
        audio.check(["b"])


def test_the_command_names_the_weights(tmp_path: Path) -> None:
    encoder = HashedText(dim=8)
    assert "--encoder HashedText:dim=8 " in FeatureVideos(tmp_path, {"text": encoder}, 1.0).command(["text"])
    encoder._weights_source = "my file.pth"  # type: ignore[assignment]
    assert "--encoder 'HashedText:dim=8;weights=my file.pth' " in FeatureVideos(
        tmp_path, {"text": encoder}, 0.5
    ).command(["text"])


def test_a_duration_is_the_sidecars_or_that_of_all_clips(tmp_path: Path) -> None:
    _stored(tmp_path, ENCODERS["visual"], 10, seconds=9.5)
    _bare(tmp_path, "pann", _rows(11, 3))
    videos = FeatureVideos(tmp_path, ENCODERS, 1.0)
    assert videos.duration_seconds("a") == 9.5
    assert videos.streams["audio"].duration_seconds("a") == 11.0


@pytest.mark.parametrize(
    ("needed", "expected"),
    [
        (NeededVideo("a"), (0, 9)),
        (NeededVideo("a", end_seconds=4.2), (0, 5)),
        (NeededVideo("a", start_seconds=3.0, end_seconds=6.0), (3, 6)),
        (NeededVideo("a", end_seconds=11.0, min_seconds=11.0, max_seconds=11.0), (0, 9)),  # within 2 s
        (NeededVideo("a", end_seconds=8.0, min_seconds=8.0, max_seconds=8.0), (0, 8)),
        (NeededVideo("a", end_seconds=5.0, min_seconds=5.0), (0, 5)),  # the video goes on
    ],
)
def test_a_stretch_has_the_rows_that_all_modalities_have(
    tmp_path: Path, needed: NeededVideo, expected: tuple[int, int]
) -> None:
    assert _both(tmp_path).rows_of(needed) == expected


@pytest.mark.parametrize(
    ("needed", "message"),
    [
        (
            NeededVideo("a", min_seconds=11.5),
            r"audio features of 'a' in .* 9 clips of 1 s, which are 9 s; its annotation says at least 11.5",
        ),
        (
            NeededVideo("a", max_seconds=7.5),
            "visual features of 'a' in .* which are 10 s; its annotation says 7.5 s",
        ),
        (
            NeededVideo("a", start_seconds=9.0, end_seconds=9.5, min_seconds=9.5),
            "have 9 clips of 1 s, so the chunk that begins at 9 s has none",
        ),
    ],
)
def test_features_of_another_length_are_refused(tmp_path: Path, needed: NeededVideo, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _both(tmp_path).rows_of(needed)


def test_modalities_may_differ_by_two_seconds(tmp_path: Path) -> None:
    _bare(tmp_path, "clip", _rows(10, 4))
    _bare(tmp_path, "pann", _rows(8, 3))
    assert FeatureVideos(tmp_path, ENCODERS, 1.0).rows_of(NeededVideo("a")) == (0, 8)
    _bare(tmp_path, "pann", _rows(7, 3))
    with pytest.raises(
        ValueError, match="differ in length: audio has 7 clips of 1 s, visual has 10; extract"
    ):
        FeatureVideos(tmp_path, ENCODERS, 1.0).rows_of(NeededVideo("a"))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (_rows(5, 7), "has 7 channels, the visual encoder has 4; set its dim to 7, or read features of"),
        (np.zeros((5, 4), np.int64), r"holds int64 of shape \(5, 4\), not features \(T, D\)"),
        (np.zeros(20, np.float32), r"holds float32 of shape \(20,\), not features"),
    ],
)
def test_files_that_do_not_fit_the_encoder_are_refused(
    tmp_path: Path, rows: np.ndarray, message: str
) -> None:
    _bare(tmp_path, "clip", rows)
    videos = FeatureVideos(tmp_path, {"visual": ENCODERS["visual"]}, 1.0)
    with pytest.raises(ValueError, match=message):
        videos.rows_of(NeededVideo("a"))


def test_a_number_that_is_not_finite_is_said_with_its_second(tmp_path: Path) -> None:
    rows = _rows(20, 4)
    rows[12, 1], rows[15, 0] = np.inf, np.nan
    _bare(tmp_path, "clip", rows)
    videos = FeatureVideos(tmp_path, {"visual": ENCODERS["visual"]}, 0.5)
    with pytest.raises(
        ValueError, match=r"visual features of 'a' in .* not finite: inf at second 6 of the video"
    ):
        videos.read("a", 5, 20)
    with pytest.raises(ValueError, match=r"nan at second 7.5"):
        videos.read("a", 14, 20)
    assert len(videos.read("a", 0, 12)["visual"]) == 12


def test_features_of_another_recipe_are_refused_when_they_are_read(tmp_path: Path) -> None:
    _stored(tmp_path, PixelVisual(), 5)
    videos = FeatureVideos(tmp_path, {"visual": PixelVisual()}, 0.5)
    with pytest.raises(ValueError, match="clip_seconds"):
        videos.read("a", 0, 5)


def test_the_parts_of_an_encoder_are_read_from_their_folders_in_order(tmp_path: Path) -> None:
    _bare(tmp_path, "slow", _rows(6, 3))
    (tmp_path / "clip").mkdir()
    np.savez(tmp_path / "clip" / "a.npz", features=_rows(5, 2).astype(np.float16), other=np.zeros(1))
    joined = JoinedFeatures(parts=[Precomputed(3, name="slow"), Precomputed(2, name="clip")])
    videos = FeatureVideos(tmp_path, {"visual": joined}, 2.0)
    assert list(videos.streams) == ["visual (slow)", "visual (clip)"]
    assert videos.rows_of(NeededVideo("a")) == (0, 5)
    read = videos.read("a", 1, 5)
    np.testing.assert_array_equal(read["visual"], np.hstack([_rows(6, 3)[1:5], _rows(5, 2)[1:]]))
    assert videos.command(videos.streams).count("ENCODER:folder=slow,ENCODER:folder=clip") == 1


def test_two_streams_of_one_folder_are_told_apart_by_the_suffix(tmp_path: Path) -> None:
    for suffix, dim in (("rgb", 3), ("opt", 2)):
        _bare(tmp_path, "i3d", _rows(4, dim), f"a_{suffix}")
    parts = [Precomputed(3, name="i3d", suffix="_rgb"), Precomputed(2, name="i3d", suffix="_opt")]
    videos = FeatureVideos(tmp_path, {"visual": JoinedFeatures(parts=parts)}, 2.0)
    assert videos.common_ids() == ["a"]
    assert videos.read("a", 0, 4)["visual"].shape == (4, 5)
    assert videos.missing(["a", "b"]) == {"visual (i3d_rgb)": ["b"], "visual (i3d_opt)": ["b"]}
    with pytest.raises(ValueError, match="the visual encoder joins i3d_rgb twice; name it once"):
        FeatureVideos(tmp_path, {"visual": JoinedFeatures(parts=[parts[0], parts[0]])}, 2.0)


def test_the_tolerance_of_streams_is_at_least_one_clip(tmp_path: Path) -> None:
    _bare(tmp_path, "clip", _rows(10, 4))
    _bare(tmp_path, "pann", _rows(9, 3))
    assert FeatureVideos(tmp_path, ENCODERS, 2.0, tolerance_seconds=1.0).rows_of(NeededVideo("a")) == (0, 9)
    _bare(tmp_path, "pann", _rows(8, 3))
    told = "differ in length: audio has 8 clips of 2 s, visual has 10"
    with pytest.raises(ValueError, match=told):
        FeatureVideos(tmp_path, ENCODERS, 2.0, tolerance_seconds=1.0).rows_of(NeededVideo("a"))
    assert FeatureVideos(tmp_path, ENCODERS, 0.5, tolerance_seconds=1.0).rows_of(NeededVideo("a")) == (0, 8)


def test_where_the_annotation_cuts_the_clips_they_are_counted(tmp_path: Path) -> None:
    rows = _rows(10, 4)
    rows[7] = np.nan
    _bare(tmp_path, "clip", rows)
    videos = FeatureVideos(tmp_path, {"visual": ENCODERS["visual"]}, None)
    assert videos.rows_of(NeededVideo("a", num_clips=9)) == (0, 9)
    assert videos.rows_of(NeededVideo("a", num_clips=11)) == (0, 10)
    assert "--clip-seconds" not in videos.command(["visual"])
    with pytest.raises(ValueError, match="have 10 clips, its annotation has 12; make one vector for each"):
        videos.rows_of(NeededVideo("a", num_clips=12))
    with pytest.raises(ValueError, match="not finite: nan in clip 7, counted from 0"):
        videos.read("a", 0, 10)
    _bare(tmp_path, "pann", _rows(8, 3))
    with pytest.raises(ValueError, match="differ in length: audio has 8 clips, visual has 10"):
        FeatureVideos(tmp_path, ENCODERS, None).rows_of(NeededVideo("a"))


def test_features_named_by_other_ids_are_told_with_one_of_each(tmp_path: Path) -> None:
    _bare(tmp_path, "clip", _rows(10, 4), "v_a")
    videos = FeatureVideos(tmp_path, {"visual": ENCODERS["visual"]}, 1.0)
    told = r"\(clip has 1 other ids, such as 'v_a'; wanted 'a'\); make them: vidkit extract"
    for missing in ("warn", "error"):
        with pytest.raises(FileNotFoundError, match=told):
            videos.left_out(["a", "b"], missing)  # type: ignore[arg-type]


def test_a_torn_npz_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "clip").mkdir()
    path = tmp_path / "clip" / "a.npz"
    np.savez(path, features=_rows(50, 4))
    path.write_bytes(path.read_bytes()[:-100])
    videos = FeatureVideos(tmp_path, {"visual": ENCODERS["visual"]}, 1.0)
    with pytest.raises(ValueError, match=r"a.npz is not a whole .npz file"):
        videos.num_clips("a")
    with pytest.raises(FileNotFoundError, match=r"no such feature file: .*b.npz"):
        videos.num_clips("b")
    np.savez(path, rows=_rows(5, 4), cols=_rows(5, 4))
    with pytest.raises(
        KeyError, match=r"has no array 'features' or 'last_hidden_state' or 'token'; its keys: rows"
    ):
        videos.num_clips("a")
