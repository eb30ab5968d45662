from __future__ import annotations

from pathlib import Path

import pytest

from vidkit.encoders.base import spec_of
from vidkit.features import find_videos, parse_encoder_spec
from vidkit.features.spec import random_encoders
from vidkit.registry import ConfigError


def test_names_and_arguments_make_encoders() -> None:
    encoders = parse_encoder_spec("PixelVisual:size=(8,8),LogMelAudio : num_mels = 40; window_seconds=0.5 ")
    small, mel = encoders.values()
    assert (small.dim, mel.dim) == (192, 40)
    assert list(encoders) == [small.store_name, mel.store_name]
    assert small.store_name.startswith("PixelVisual-")
    assert mel.arguments() == {"num_mels": 40, "sample_rate_hz": 16000, "window_seconds": 0.5}


def test_an_encoder_with_its_defaults_has_its_plain_name() -> None:
    assert list(parse_encoder_spec("PixelVisual:size=(12,16),HashedText")) == ["PixelVisual", "HashedText"]


def test_a_value_that_is_no_literal_is_text() -> None:
    (encoder,) = parse_encoder_spec("Precomputed:dim=4;name=my features;modality='audio'").values()
    assert encoder.arguments() == {"dim": 4, "name": "my features", "modality": "audio"}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("PixelVisul", "unknown encoder 'PixelVisul'; did you mean 'PixelVisual'"),
        ("PixelVisual:sizes=(8,8)", "takes no 'sizes'; did you mean 'size'"),
        ("PixelVisual:size", "'size' is not key=value"),
        ("PixelVisual:size=(8,8);size=(4,4)", "'size' stands twice"),
        ("PixelVisual:type=HashedText", "'type' stands twice"),
        ("PixelVisual:", "write NAME or NAME:key=value"),
        ("", "write NAME or NAME:key=value"),
        ("PixelVisual,,HashedText", "write NAME or NAME:key=value"),
        ("PixelVisual,PixelVisual:size=(12,16)", "stands twice in"),
        ("PixelVisual:size=(8,8", r"\( is never closed"),
        ("HashedText:dim='8", "' is never closed"),
        ("Precomputed", "Precomputed needs 'dim'"),
    ],
)
def test_a_slip_is_explained(spec: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_encoder_spec(spec)


def test_a_value_that_the_encoder_refuses_is_its_error() -> None:
    with pytest.raises(ValueError, match="dim must be at least 1, got 0"):
        parse_encoder_spec("HashedText:dim=0")


def _touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_a_folder_stands_for_the_videos_in_it(tmp_path: Path) -> None:
    inside = [tmp_path / "a.MP4", tmp_path / "sub/b.mkv", tmp_path / "sub/deep/c.webm"]
    _touch(*inside, tmp_path / "notes.txt", tmp_path / ".d.mp4", tmp_path / ".git/e.mp4", tmp_path / "a.srt")
    assert find_videos([tmp_path]) == sorted(inside)


def test_files_are_taken_whatever_their_suffix_and_once(tmp_path: Path) -> None:
    odd, video = tmp_path / "a.bin", tmp_path / "b.mp4"
    _touch(odd, video)
    assert find_videos([str(odd), video, tmp_path]) == [odd, video]


def test_a_list_names_one_video_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _touch(tmp_path / "lists/beside.mp4", tmp_path / "here/near.mp4", tmp_path / "more/x.mp4")
    monkeypatch.chdir(tmp_path / "here")
    listed = tmp_path / "lists/all.txt"
    listed.write_text(
        f"# videos\n\nbeside.mp4\nnear.mp4\n{tmp_path / 'more'}\nmissing.mp4\n", encoding="utf-8"
    )
    assert find_videos([listed]) == [
        tmp_path / "lists/beside.mp4",
        Path("near.mp4"),
        tmp_path / "more/x.mp4",
        Path("missing.mp4"),
    ]


def test_a_missing_path_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no such file or folder: .*none"):
        find_videos([tmp_path / "none"])


def test_nothing_to_do_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no videos in the folder .*; known suffixes: \.3gp"):
        find_videos([tmp_path])
    with pytest.raises(ValueError, match="no videos are given"):
        find_videos([])
    (tmp_path / "empty.txt").write_text("# nothing\n")
    with pytest.raises(ValueError, match=r"empty\.txt names no videos"):
        find_videos([tmp_path / "empty.txt"])
    (tmp_path / "odd.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="is no list of videos: it is not UTF-8"):
        find_videos([tmp_path / "odd.txt"])


def test_encoders_without_their_weights_are_named() -> None:
    assert random_encoders("CNN14:weights=a.pth,TSN,LogMelAudio,MiniLM:weights=None") == ["TSN", "MiniLM"]
    with pytest.raises(ConfigError, match="did you mean 'CNN14'"):
        random_encoders("CNN15")
    with pytest.raises(ConfigError, match="did you mean 'variant'"):
        random_encoders("CNN14:variants=16k")


def test_the_folder_of_features_may_be_named() -> None:
    encoders = parse_encoder_spec("PixelVisual:folder=small;size=(4, 4),PixelVisual:size=(8, 8);folder=large")
    assert {folder: encoder.dim for folder, encoder in encoders.items()} == {"small": 48, "large": 192}
    assert random_encoders("CNN14:folder=sound") == ["CNN14"]
    with pytest.raises(ConfigError, match="'PixelVisual' stands twice"):
        parse_encoder_spec("PixelVisual:folder=a,PixelVisual:folder=a")


def test_an_encoder_is_told_as_the_command_takes_it() -> None:
    for spec in ("MotionVisual", "PixelVisual:size=[8, 8]", "LogMelAudio:num_mels=40;window_seconds=1.0"):
        ((_, encoder),) = parse_encoder_spec(spec).items()
        assert spec_of(encoder) == spec
