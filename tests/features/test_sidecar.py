from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

import vidkit
from vidkit.encoders import LogMelAudio, PixelVisual
from vidkit.features import make_sidecar, num_clips_of
from vidkit.features.sidecar import check_sidecar, difference, is_same_source, source_of


@pytest.mark.parametrize(
    ("duration", "clip", "expected"),
    [(10.0, 1.0, 10), (10.04, 1.0, 11), (0.3, 0.1, 3), (0.0, 1.0, 1), (0.04, 2.0, 1), (59.9, 0.2, 300)],
)
def test_clips_cover_the_video_and_rounding_makes_none(duration: float, clip: float, expected: int) -> None:
    assert num_clips_of(duration, clip) == expected


def test_a_duration_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="duration_seconds must be a number >= 0, got nan"):
        num_clips_of(math.nan, 1.0)
    with pytest.raises(ValueError, match="duration_seconds must be a number >= 0, got -1"):
        num_clips_of(-1.0, 1.0)


@pytest.mark.parametrize("clip_seconds", [0.0, -1.0, math.inf])
def test_a_clip_length_that_is_none_is_refused(clip_seconds: float) -> None:
    with pytest.raises(ValueError, match="clip_seconds must be a number > 0"):
        num_clips_of(1.0, clip_seconds)


def test_says_who_made_the_features_from_what(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    video.write_bytes(b"12345")
    sidecar = make_sidecar(PixelVisual(), clip_seconds=2.0, duration_seconds=5.0, source=video)
    assert json.loads(json.dumps(sidecar)) == sidecar
    assert sidecar["vidkit"] == vidkit.__version__
    assert sidecar["format"] == 1
    assert sidecar["encoder"] == "PixelVisual"
    assert sidecar["fingerprint"] == PixelVisual().fingerprint()
    assert (sidecar["num_clips"], sidecar["clip_seconds"], sidecar["duration_seconds"]) == (3, 2.0, 5.0)
    assert sidecar["source"] == {"path": str(video), "size": 5, "mtime_ns": video.stat().st_mtime_ns}


def test_a_missing_source_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no such video: .*a\.mp4"):
        source_of(tmp_path / "a.mp4")


def test_a_changed_file_is_another_source(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    video.write_bytes(b"12345")
    before = source_of(video)
    assert is_same_source(before, source_of(video))
    video.write_bytes(b"123456")
    assert not is_same_source(before, source_of(video))
    assert not is_same_source(None, before)


def test_differences_are_told_in_words() -> None:
    def sidecar(encoder: Any, clip_seconds: float) -> dict[str, Any]:
        return make_sidecar(encoder, clip_seconds=clip_seconds, duration_seconds=5.0)

    pixels = sidecar(PixelVisual(), 1.0)
    assert difference(pixels, sidecar(PixelVisual(), 1.0)) is None
    assert difference(pixels, sidecar(PixelVisual(), 2.0)) == "clip_seconds 1.0 instead of 2.0"
    assert difference(pixels, sidecar(PixelVisual(size=(8, 8)), 1.0)) == "dim 576 instead of 192"
    assert difference(pixels, sidecar(LogMelAudio(), 1.0)) == "encoder PixelVisual instead of LogMelAudio"
    assert (
        difference(pixels, {**pixels, "fingerprint": "0"})
        == f"fingerprint {pixels['fingerprint']} instead of 0"
    )


def test_a_sidecar_without_its_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="the sidecar of 'a' lacks fingerprint, dim"):
        check_sidecar({"clip_seconds": 1.0, "num_clips": 2, "duration_seconds": 2.0}, "'a'")


def test_clips_that_do_not_cover_the_duration_are_refused() -> None:
    sidecar = make_sidecar(PixelVisual(), clip_seconds=1.0, duration_seconds=10.0)
    check_sidecar({**sidecar, "num_clips": 9}, "'a'")  # rounding of durations is forgiven
    with pytest.raises(ValueError, match=r"8 clips of 1.0 s do not cover 10.00 s, which are 10 clips"):
        check_sidecar({**sidecar, "num_clips": 8}, "'a'")
