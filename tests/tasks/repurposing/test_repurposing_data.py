"""Chunks, lengths, missing features: from annotations and features to samples."""

from __future__ import annotations

import json
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vidkit.encoders import Encoder, Precomputed
from vidkit.features import FeatureStore, make_sidecar
from vidkit.tasks.repurposing import RepurposingVideos

ENCODERS: dict[str, Encoder] = {
    "visual": Precomputed(4, name="clip"),
    "audio": Precomputed(3, modality="audio", name="pann"),
    "text": Precomputed(2, modality="text", name="minilm"),
}


def _features(root: Path, video_id: str, num_clips: int, **others: int) -> None:
    """Write bare features whose every number is its second, of other lengths for the modalities named."""
    for modality, encoder in ENCODERS.items():
        count = others.get(modality, num_clips)
        rows = np.repeat(np.arange(count, dtype=np.float32)[:, None], encoder.dim, axis=1)
        (root / encoder.store_name).mkdir(parents=True, exist_ok=True)
        np.save(root / encoder.store_name / f"{video_id}.npy", rows)


def _entry(video_id: str, start: float, end: float, *clips: tuple[float, float]) -> dict[str, Any]:
    return dict(
        youtube_id=video_id, timeRange=[start, end], segments=[[start + a, start + b] for a, b in clips]
    )


def _videos(tmp_path: Path, *entries: dict[str, Any], **arguments: Any) -> RepurposingVideos:
    (tmp_path / "a.json").write_text(json.dumps(entries), encoding="utf-8")
    settings = dict(annotations=tmp_path / "a.json", features=tmp_path / "f", encoders=ENCODERS)
    return RepurposingVideos(**{**settings, **arguments})


def test_every_chunk_has_its_own_seconds_the_first_one_too(tmp_path: Path) -> None:
    _features(tmp_path / "f", "long", 4000)
    chunks = [(0, 1800), (3600, 4000), (1800, 3600)]
    data = _videos(tmp_path, *(_entry("long", a, b, (10, 40.5), (5, 20)) for a, b in chunks))
    assert data.lengths() == [1800, 400, 1800]
    assert len(data) == 3
    for (start, end), item in zip(chunks, data):
        sample = item["data_samples"]
        assert sample.time_range == (start, end)
        assert (sample.video_id, sample.duration_seconds, sample.clip_seconds) == ("long", end - start, 1.0)
        assert sample.gt_segments.dtype == torch.float32
        assert sample.gt_segments.tolist() == [[10.0, 40.5], [5.0, 20.0]]
        for modality, rows in item["inputs"].items():
            assert rows.dtype == torch.float32
            assert rows.shape == (end - start, ENCODERS[modality].dim)
            np.testing.assert_array_equal(rows[:, 0], np.arange(start, end))


def test_entries_that_stand_twice_are_two_samples(tmp_path: Path) -> None:
    _features(tmp_path / "f", "a", 100)
    entry = _entry("a", 0, 100, (1, 20))
    assert len(_videos(tmp_path, entry, entry)) == 2


@pytest.mark.parametrize(("num_clips", "expected"), [(98, 98), (100, 100), (102, 100)])
def test_two_seconds_of_difference_are_cut(tmp_path: Path, num_clips: int, expected: int) -> None:
    _features(tmp_path / "f", "a", num_clips)
    item = _videos(tmp_path, _entry("a", 0, 100, (1, 20)))[0]
    assert {len(rows) for rows in item["inputs"].values()} == {expected}
    assert item["data_samples"].duration_seconds == expected
    assert item["data_samples"].time_range == (0, 100)


def test_a_last_clip_beyond_the_end_does_not_lengthen_the_video(tmp_path: Path) -> None:
    _features(tmp_path / "f", "a", 6)
    item = _videos(tmp_path, _entry("a", 0, 5.2, (0, 5.2)))[0]
    assert len(item["inputs"]["visual"]) == 6
    assert item["data_samples"].duration_seconds == 5.2


@pytest.mark.parametrize(
    ("num_clips", "others", "message"),
    [
        (
            97,
            {},
            r"visual features of 'a' in .* have 97 clips of 1 s, .*; its annotation says at least 100 s",
        ),
        (103, {}, r"have 103 clips of 1 s, which are 103 s; its annotation says 100 s"),
        (100, {"text": 50}, r"text features of 'a' in .* have 50 clips of 1 s"),
        (98, {"audio": 101}, "differ in length: visual has 98 clips of 1 s, audio has 101"),
    ],
)
def test_more_than_two_seconds_are_refused_with_both_lengths(
    tmp_path: Path, num_clips: int, others: dict[str, int], message: str
) -> None:
    _features(tmp_path / "f", "a", num_clips, **others)
    with pytest.raises(ValueError, match=message):
        _videos(tmp_path, _entry("a", 0, 100, (1, 20)))


def test_features_that_end_before_a_later_chunk_are_refused(tmp_path: Path) -> None:
    _features(tmp_path / "f", "a", 1800)
    assert _videos(tmp_path, _entry("a", 0, 1800, (1, 20))).lengths() == [1800]
    with pytest.raises(
        ValueError, match="have 1800 clips of 1 s, which are 1800 s; its annotation says at least"
    ):
        _videos(tmp_path, _entry("a", 0, 1800, (1, 20)), _entry("a", 1800, 2000, (1, 20)))


def test_videos_without_features_are_left_out_with_one_warning(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        _features(tmp_path / "f", name, 100)
    (tmp_path / "f" / "pann" / "b.npy").unlink()
    entries = [_entry(name, 0, 100, (1, 20)) for name in ("lost", "a", "b", "c", "lost")]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = _videos(tmp_path, *entries)
    assert [data[index]["data_samples"].video_id for index in range(len(data))] == ["a", "c"]
    (warning,) = caught
    text = str(warning.message)
    assert "2 of 4 videos are left out" in text
    assert (
        "(1 have no visual, 2 have no audio, 1 have no text), first lost, b; make them: vidkit extract"
        in text
    )
    with pytest.raises(FileNotFoundError, match="1 of 4 videos, first 'lost', have no visual features"):
        _videos(tmp_path, *entries, missing="error")


def test_without_any_features_the_command_that_makes_them_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"none of 1 videos has all features in .*: vidkit extract VIDEOS"
    ):
        _videos(tmp_path, _entry("a", 0, 100, (1, 20)))


def test_bad_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='missing must be "warn" or "error", got \'skip\''):
        _videos(tmp_path, missing="skip")
    with pytest.raises(ValueError, match=r"a.json names no video; give annotations of at least one"):
        _videos(tmp_path)
    with pytest.raises(
        ValueError, match=r"clips.txt is no file of annotations by its suffix; known: .json of"
    ):
        _videos(tmp_path, annotations=tmp_path / "clips.txt")


def test_a_number_that_is_not_finite_is_told_when_the_sample_is_read(tmp_path: Path) -> None:
    _features(tmp_path / "f", "a", 2000)
    rows = np.load(tmp_path / "f" / "pann" / "a.npy")
    rows[1850] = np.nan
    np.save(tmp_path / "f" / "pann" / "a.npy", rows)
    data = _videos(tmp_path, _entry("a", 0, 1800, (1, 20)), _entry("a", 1800, 2000, (1, 20)))
    assert len(data[0]["inputs"]["audio"]) == 1800
    with pytest.raises(ValueError, match=r"audio features of 'a' in .* are not finite: nan at second 1850"):
        data[1]


def test_features_of_another_recipe_are_told_before_training(tmp_path: Path) -> None:
    for encoder in ENCODERS.values():
        sidecar = make_sidecar(encoder, clip_seconds=0.5, duration_seconds=50.0)
        store = FeatureStore(tmp_path / "f").encoder(encoder.store_name)
        store.put("a", np.zeros((100, encoder.dim), np.float32), sidecar)
    with pytest.raises(ValueError, match=r"were made with clip_seconds 0.5 instead of 1.0"):
        _videos(tmp_path, _entry("a", 0, 100, (1, 20)))
    assert _videos(tmp_path, _entry("a", 0, 50, (1, 20)), clip_seconds=0.5).lengths() == [100]


def test_own_clips_are_read_and_long_videos_come_in_chunks(tmp_path: Path) -> None:
    _features(tmp_path / "f", "talk", 60)
    _features(tmp_path / "f", "stream", 4000)
    (tmp_path / "clips.csv").write_text(
        "path,start,end\nx/talk.mp4,5,20\nx/stream.mkv,1795,1830\nx/talk.mp4,30,62\nx/stream.mkv,10,40\n"
    )
    data = _videos(tmp_path, annotations=tmp_path / "clips.csv")
    assert data.lengths() == [60, 1800, 1800, 400]
    samples = [data[index]["data_samples"] for index in range(4)]
    assert [sample.time_range for sample in samples] == [(0, 60), (0, 1800), (1800, 3600), (3600, 4000)]
    assert [sample.gt_segments.tolist() for sample in samples] == [
        [[5, 20], [30, 60]],
        [[10, 40]],
        [[0, 30]],
        [],
    ]
    np.testing.assert_array_equal(data[2]["inputs"]["text"][:, 0], np.arange(1800, 3600))


def test_an_own_clip_beyond_the_video_is_refused(tmp_path: Path) -> None:
    _features(tmp_path / "f", "talk", 60)
    (tmp_path / "clips.csv").write_text("path,start,end\ntalk.mp4,5,63\n")
    with pytest.raises(
        ValueError, match=r"have 60 clips of 1 s, which are 60 s; its annotation says at least 63"
    ):
        _videos(tmp_path, annotations=tmp_path / "clips.csv")
    (tmp_path / "clips.csv").write_text("path,start,end,duration\ntalk.mp4,5,20,70\n")
    with pytest.raises(ValueError, match=r"its annotation says at least 70 s"):
        _videos(tmp_path, annotations=tmp_path / "clips.csv")


def test_several_files_are_read_one_after_the_other(tmp_path: Path) -> None:
    _features(tmp_path / "f", "a", 100)
    _features(tmp_path / "f", "talk", 60)
    (tmp_path / "clips.jsonl").write_text('{"path": "talk.mp4", "start": 5, "end": 20}\n')
    (tmp_path / "b.json").write_text(json.dumps([_entry("a", 0, 100)]))
    data = _videos(tmp_path, annotations=[tmp_path / "b.json", tmp_path / "clips.jsonl"])
    assert [data[index]["data_samples"].video_id for index in range(2)] == ["a", "talk"]
    assert data[0]["data_samples"].gt_segments.shape == (0, 2)


def test_nothing_but_heads_is_read_before_a_sample_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        _features(tmp_path / "f", f"v{number}", 1000)
    opened = []
    load = np.load
    monkeypatch.setattr(
        np, "load", lambda path, *args, **kw: (opened.append(path), load(path, *args, **kw))[1]
    )
    data = _videos(tmp_path, *(_entry(f"v{number}", 0, 1000, (1, 20)) for number in range(20)))
    assert data.lengths() == [1000] * 20
    assert len(opened) == len(ENCODERS)  # the first video's, for their recipe
    assert len(pickle.dumps(data)) < 50_000  # what every worker gets: no arrays, no encoders
    assert data[3]["inputs"]["visual"].shape == (1000, 4)
    assert len(opened) == 2 * len(ENCODERS)


def test_the_released_annotations_are_all_readable(real_data: Path, tmp_path: Path) -> None:
    path = real_data / "repurpose10k" / "val.json"
    ends: dict[str, float] = {}
    for entry in json.loads(path.read_text()):
        ends[entry["youtube_id"]] = max(ends.get(entry["youtube_id"], 0), entry["timeRange"][1])
    encoders: dict[str, Encoder] = {"visual": Precomputed(1, name="clip")}
    (tmp_path / "clip").mkdir()
    for video_id, end in ends.items():
        np.save(tmp_path / "clip" / f"{video_id}.npy", np.zeros((round(end), 1), np.float16))
    data = RepurposingVideos(annotations=path, features=tmp_path, encoders=encoders, missing="error")
    assert len(data) == 1121
    entries = json.loads(path.read_text())
    assert data.lengths() == [entry["timeRange"][1] - entry["timeRange"][0] for entry in entries]
    item = data[500]
    expected = np.array(entries[500]["segmentsOffset"], np.float32)
    np.testing.assert_allclose(item["data_samples"].gt_segments, expected, atol=1e-3)
