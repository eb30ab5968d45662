"""Failures are written down, told again, and tried again when asked or when something has changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import MakeVideo

from vidkit.encoders import HashedText, LogMelAudio, PixelVisual
from vidkit.features import FeatureStore, extract
from vidkit.features.failures import failed_ids, known_failure


def test_a_failure_is_recorded_and_not_tried_again(make_video: MakeVideo, tmp_path: Path) -> None:
    good, bad = make_video("good.mp4"), tmp_path / "bad.mp4"
    bad.write_text("no video" * 100)
    out = tmp_path / "f"
    first = extract([good, bad], encoders=[PixelVisual(), LogMelAudio()], out=out)
    assert first.not_retried == []
    record = json.loads((out / "LogMelAudio/.failed/bad.json").read_text())
    assert record["reason"] == first.failed[bad]
    assert record["source"]["path"] == str(bad)
    again = extract([good, bad], encoders=[PixelVisual(), LogMelAudio()], out=out)
    assert (again.skipped, again.done) == ([good], [])
    assert again.failed == first.failed
    assert again.not_retried == [bad]


def test_retry_failed_tries_again_and_a_success_removes_the_record(
    make_video: MakeVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video, out = make_video("a.mp4"), tmp_path / "f"

    def fail(self: PixelVisual, inputs: object) -> None:
        raise RuntimeError("the device has gone")

    with monkeypatch.context() as patch:
        patch.setattr(PixelVisual, "encode", fail)
        extract([video], encoders=[PixelVisual()], out=out)
    assert failed_ids(out / "PixelVisual") == {"a"}
    assert extract([video], encoders=[PixelVisual()], out=out).not_retried == [video]
    assert extract([video], encoders=[PixelVisual()], out=out, retry_failed=True).done == [video]
    assert failed_ids(out / "PixelVisual") == set()


def test_a_changed_file_is_tried_again(make_video: MakeVideo, tmp_path: Path) -> None:
    video, out = tmp_path / "a.mp4", tmp_path / "f"
    video.write_text("no video" * 100)
    extract([video], encoders=[PixelVisual()], out=out)
    make_video("a.mp4")
    assert extract([video], encoders=[PixelVisual()], out=out).done == [video]


def test_another_encoder_of_the_same_name_is_tried(make_video: MakeVideo, tmp_path: Path) -> None:
    video, out = make_video("a.mp4", sample_rate_hz=None), tmp_path / "f"
    extract([video], encoders={"A": LogMelAudio()}, out=out)
    report = extract([video], encoders={"A": LogMelAudio(num_mels=32)}, out=out)
    assert list(report.failed) == [video]
    assert report.not_retried == []


def test_what_is_new_is_made_where_another_encoder_has_failed(make_video: MakeVideo, tmp_path: Path) -> None:
    video, out = make_video("a.mp4", sample_rate_hz=None), tmp_path / "f"
    extract([video], encoders=[LogMelAudio()], out=out)
    report = extract([video], encoders=[LogMelAudio(), PixelVisual()], out=out)
    assert "no sound track" in report.failed[video]
    assert (report.done, report.not_retried) == ([], [video])
    assert FeatureStore(out)["PixelVisual"].video_ids() == ["a"]


def test_captions_that_have_come_are_found(make_video: MakeVideo, tmp_path: Path) -> None:
    video, out = make_video("a.mp4"), tmp_path / "f"
    assert list(extract([video], encoders=[HashedText()], out=out).failed) == [video]
    (tmp_path / "a.srt").write_text("")
    assert extract([video], encoders=[HashedText()], out=out).done == [video]


def test_a_missing_video_is_recorded_and_found_when_it_comes(make_video: MakeVideo, tmp_path: Path) -> None:
    video, out = tmp_path / "a.mp4", tmp_path / "f"
    assert "no such video" in extract([video], encoders=[PixelVisual()], out=out).failed[video]
    assert failed_ids(out / "PixelVisual") == {"a"}
    make_video("a.mp4")
    assert extract([video], encoders=[PixelVisual()], out=out).done == [video]
    assert failed_ids(out / "PixelVisual") == set()


def test_a_damaged_record_says_nothing(tmp_path: Path) -> None:
    (tmp_path / ".failed").mkdir()
    (tmp_path / ".failed/a.json").write_text("{")
    assert known_failure(tmp_path, "a", source={}, sidecar={}) is None


@pytest.mark.parametrize("kind", ["zero", "text", "audio_only"])
def test_files_that_are_no_videos_fail_with_their_reason(
    make_video: MakeVideo, tmp_path: Path, kind: str
) -> None:
    import wave

    path = tmp_path / "x.wav"
    if kind == "audio_only":
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 16000, 0, "NONE", ""))
            file.writeframes(bytes(64000))
    else:
        path.write_bytes(b"" if kind == "zero" else b"text " * 400)
    good = make_video("good.mp4")
    report = extract([path, good], encoders=[PixelVisual()], out=tmp_path / "f")
    assert report.done == [good]
    expected = {"zero": "is empty", "text": "is not a video", "audio_only": "no moving pictures"}[kind]
    assert expected in report.failed[path]
