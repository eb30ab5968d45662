"""vidkit data list and vidkit data check, for data sets of several tasks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_bad_input import run
from typer.testing import Result

from vidkit.data.inspection import inspect_features, needed_videos, sources_of
from vidkit.data.modality_features import NeededVideo
from vidkit.encoders import Precomputed
from vidkit.features import FeatureStore, make_sidecar
from vidkit.files import write_json_lines
from vidkit.registry import ConfigError

REPURPOSING = "repurposing/mmct_repurpose10k"
DIMS = {"clip": 4, "pann": 3, "minilm": 2}
SMALL = [
    *("-c", "model.dim=8", "-c", "model.num_heads=2", "-c", "model.feedforward_dim=8"),
    *("-c", f"model.visual_encoder.dim={DIMS['clip']}"),
    *("-c", f"model.audio_encoder.dim={DIMS['pann']}"),
    *("-c", f"model.text_encoder.dim={DIMS['minilm']}"),
]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIDKIT_DATA", str(tmp_path))
    (tmp_path / "repurpose10k").mkdir()
    return tmp_path / "repurpose10k"


def _annotate(data: Path, **splits: list[tuple[str, float, float]]) -> None:
    for split, chunks in splits.items():
        rows = [dict(youtube_id=name, timeRange=[a, b], segments=[[a, a + 5]]) for name, a, b in chunks]
        (data / f"{split}.json").write_text(json.dumps(rows))


def _feature(data: Path, folder: str, video_id: str, rows: np.ndarray | int) -> None:
    path = data / "features" / folder / f"{video_id}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.zeros((rows, DIMS[folder]), np.float32) if isinstance(rows, int) else rows)


def _lines(result: Result) -> list[list[str]]:
    return [line.split("\t") for line in result.stdout.splitlines()]


def test_list_prints_every_source_once_before_there_are_features(data: Path) -> None:
    _annotate(data, train=[("b", 0, 10), ("a", 0, 10)], val=[("c", 1800, 1900), ("b", 1800, 1900)], test=[])
    result = run("data", "list", REPURPOSING)
    assert (result.exit_code, result.stdout) == (0, "b\na\nc\n")
    result = run("data", "list", REPURPOSING, "--split", "val", "--split", "test")
    assert (result.exit_code, result.stdout) == (0, "c\nb\n")


def test_list_goes_on_without_the_annotations_of_a_split(data: Path) -> None:
    _annotate(data, val=[("a", 0, 10)])
    result = run("data", "list", REPURPOSING)
    assert (result.exit_code, result.stdout) == (1, "a\n")
    assert "train: no such file: " in result.stderr
    result = run("data", "list", REPURPOSING, "--split", "train")
    assert result.exit_code == 2
    assert "error: no such file: " in result.stderr


def test_list_prints_the_files_of_own_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDKIT_DATA", str(tmp_path))
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "train.csv").write_text("path,start,end\nvideos/a.mp4,0,9\nvideos/b.mp4,0,9\n")
    (tmp_path / "clips" / "val.csv").write_text("path,start,end\nvideos/c.mp4,0,9\nvideos/a.mp4,10,19\n")
    result = run("data", "list", "repurposing/mmct_clips")
    assert (result.exit_code, result.stdout) == (0, "videos/a.mp4\nvideos/b.mp4\nvideos/c.mp4\n")
    (tmp_path / "clips" / "val.csv").write_text("path,start,end\nothers/a.mp4,0,9\n")
    for command in ("list", "check"):
        result = run("data", command, "repurposing/mmct_clips")
        assert result.exit_code == 2
        assert "'videos/a.mp4' and 'others/a.mp4' have one video_id, 'a'" in result.stderr


def test_check_is_content_when_all_is_there(data: Path) -> None:
    _annotate(data, train=[("a", 0, 10), ("b", 1800, 1900)], val=[("a", 0, 10)], test=[("b", 1800, 1900)])
    for folder in DIMS:
        _feature(data, folder, "a", 11)
        _feature(data, folder, "b", 1900)
    result = run("data", "check", REPURPOSING, *SMALL)
    assert result.exit_code == 0, result.output
    assert _lines(result) == [
        [split, modality, f"{count} of {count} videos are right"]
        for split, count in (("train", 2), ("val", 1), ("test", 1))
        for modality in ("visual", "audio", "text")
    ]


def test_check_names_what_is_missing_and_wrong_and_how_to_make_it(data: Path) -> None:
    names = ["short", "wide", "torn", "nan", "lost", "right"]
    _annotate(
        data, val=[(name, 0, 100) for name in names], train=[("right", 0, 100)], test=[("lost", 0, 100)]
    )
    for folder, dim in DIMS.items():
        for name in names[:-2]:
            _feature(data, folder, name, 100)
        _feature(data, folder, "right", 99)
        broken = np.zeros((100, dim), np.float32)
        broken[42] = np.nan
        if folder == "pann":
            _feature(data, folder, "short", 50)
            _feature(data, folder, "wide", np.zeros((100, 7), np.float32))
            _feature(data, folder, "nan", broken)
            torn = data / "features" / folder / "torn.npy"
            torn.write_bytes(torn.read_bytes()[:-4])
    result = run("data", "check", REPURPOSING, *SMALL)
    assert result.exit_code == 1
    lines = _lines(result)
    assert lines[:3] == [["train", m, "1 of 1 videos are right"] for m in ("visual", "audio", "text")]
    assert lines[3:5] == [["val", "visual", "5 of 6 videos are right"], ["val", "visual", "1 missing: lost"]]
    audio = [line[2] for line in lines if line[:2] == ["val", "audio"]]
    assert audio[:3] == ["1 of 6 videos are right", "1 missing: lost", "4 wrong: short, wide, torn, nan"]
    for text, expected in zip(
        audio[3:],
        ("which are 50 s; its annotation says", "has 7 channels", "its end is missing", "nan at second 42"),
    ):
        assert expected in text
    assert ["test", "text", "1 missing: lost"] in lines
    made = [line for line in lines if len(line) == 2]
    command = (
        f"vidkit extract VIDEOS --encoder ENCODER:folder={{}} --clip-seconds 1.0 --out {data / 'features'}"
    )
    assert made == [
        ["visual", f"make what is missing: {command.format('clip')}"],
        ["audio", f"make what is missing: {command.format('pann')}"],
        ["audio", f"make what is wrong anew: {command.format('pann')} --overwrite"],
        ["text", f"make what is missing: {command.format('minilm')}"],
    ]


def test_check_tells_that_a_folder_names_its_files_by_other_ids(data: Path) -> None:
    _annotate(data, val=[("a", 0, 10), ("b", 0, 10)])
    for folder in DIMS:
        for name in ("a", "b"):
            _feature(data, folder, f"{name}_0.0_10.0" if folder == "pann" else name, 10)
    result = run("data", "check", REPURPOSING, "--split", "val", *SMALL)
    assert result.exit_code == 1
    assert [line[2] for line in _lines(result) if line[:2] == ["val", "audio"]] == [
        "0 of 2 videos are right",
        "2 missing: a, b",
        "pann has 2 other ids, such as 'a_0.0_10.0'; wanted 'a'",
    ]
    assert result.stdout.count("other ids") == 1


def test_check_looks_at_the_chunks_that_the_split_reads(data: Path) -> None:
    _annotate(data, train=[("a", 0, 1800)], val=[("a", 1800, 1900)])
    for folder, dim in DIMS.items():
        rows = np.zeros((1900, dim), np.float32)
        rows[1850] = np.inf
        _feature(data, folder, "a", rows)
    result = run("data", "check", REPURPOSING, "--split", "train", "--split", "val", *SMALL)
    assert result.exit_code == 1
    assert ["train", "visual", "1 of 1 videos are right"] in _lines(result)
    assert ["val", "visual", "0 of 1 videos are right"] in _lines(result)


def test_check_tells_modalities_of_different_length_and_absent_annotations(data: Path) -> None:
    _annotate(data, val=[("a", 0, 100)])
    for folder, count in zip(DIMS, (98, 101, 100)):
        _feature(data, folder, "a", count)
    result = run("data", "check", REPURPOSING, *SMALL)
    assert result.exit_code == 1
    assert "visual has 98 clips of 1 s, audio has 101" in result.stdout
    assert ["train", f"no such file: {data / 'train.json'}"] in _lines(result)


def test_highlight_data_sets_take_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDKIT_DATA", str(tmp_path))
    notes = tmp_path / "synthetic" / "annotations"
    for split, name in (("train", "a"), ("val", "b"), ("test", "a")):
        row = dict(vid=name, domain="dog", match=[1], clip=[[0, 25]], fps=25.0, duration=1.0)
        write_json_lines(notes / f"youtube_highlights_{split}.jsonl", [row])
    config = "highlight_detection/rasl_synthetic"
    result = run("data", "list", config)
    assert (result.exit_code, result.stdout) == (0, "a\nb\n")
    options = [
        *("-c", "model.visual_encoder=dict(type='Precomputed', dim=4, name='v')"),
        *("-c", "model.audio_encoder=None"),
    ]
    result = run("data", "check", config, *options)
    assert result.exit_code == 1
    assert ["val", "visual", "1 missing: b"] in _lines(result)
    encoder = Precomputed(4, name="v")
    for name in ("a", "b"):
        sidecar = make_sidecar(encoder, clip_seconds=0.2, duration_seconds=1.0)
        store = FeatureStore(tmp_path / "synthetic" / "features").encoder("v")
        store.put(name, np.zeros((5, 4), np.float32), sidecar)
    result = run("data", "check", config, *options)
    assert result.exit_code == 0, result.output


def test_a_data_set_that_takes_what_is_there_is_checked_by_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDKIT_DATA", str(tmp_path))
    config = "highlight_detection/rasl_videos"
    result = run("data", "list", config)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "all videos that have features in" in result.stderr
    assert run("data", "list", config, "--quiet").stderr == ""
    result = run("data", "check", config)
    assert result.exit_code == 1
    assert ["train", "visual", "there is no video"] in _lines(result)
    assert "make what is missing: vidkit extract VIDEOS --encoder MotionVisual" in result.stdout


def test_wrong_use_is_one_sentence(data: Path) -> None:
    _annotate(data, train=[("a", 0, 10)])
    result = run("data", "check", "highlight_detection/rasl_videos", "--split", "val")
    assert result.exit_code == 2
    assert "the config has no val_dataloader; it has data sets for: train" in result.stderr
    (data / "bare.py").write_text('model = dict(type="RASL", visual_encoder=dict(type="PixelVisual"))')
    result = run("data", "list", data / "bare.py")
    assert result.exit_code == 2
    assert "the config has no dataloader; it has data sets for: nothing" in result.stderr
    (data / "train.json").write_text("{}")
    result = run("data", "list", REPURPOSING)
    assert result.exit_code == 2
    assert "a list of videos must stand there" in result.stderr


def test_a_data_set_may_name_its_own_encoders(data: Path) -> None:
    _annotate(data, train=[("a", 0, 10)])
    _feature(data, "clip", "a", 10)
    settings: dict[str, Any] = dict(
        type="RepurposingVideos",
        annotations=str(data / "train.json"),
        features=str(data / "features"),
        encoders=dict(visual=dict(type="Precomputed", dim=4, name="clip")),
    )
    needed = needed_videos(settings, path="here")
    (report,) = inspect_features(settings, {}, needed, path="here")
    assert (report.modality, report.num_right, report.is_right) == ("visual", 1, True)


def test_data_sets_that_do_not_take_part_are_refused() -> None:
    class Numbers(list[int]):
        pass

    with pytest.raises(
        ConfigError, match="here: Numbers does not tell which videos it needs; give it a class"
    ):
        needed_videos(dict(type=Numbers), path="here")
    with pytest.raises(ConfigError, match="here: Numbers reads no features, so there are none to check"):
        inspect_features(dict(type=Numbers), {}, [], path="here")


def test_one_id_of_two_files_is_refused() -> None:
    videos = [NeededVideo("a", source="x/a.mp4"), NeededVideo("b"), NeededVideo("a", source="x/a.mp4")]
    assert sources_of(videos) == ["x/a.mp4", "b"]
    with pytest.raises(
        ValueError, match=r"'x/a.mp4' and 'y/a.mp4' have one video_id, 'a', which names the feat"
    ):
        sources_of([*videos, NeededVideo("a", source="y/a.mp4")])
