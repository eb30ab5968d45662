"""What `vidkit data check` says of data sets that read video files: which are missing or broken, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numbered_videos import write_numbered

from vidkit.data.inspection import ModalityReport, inspect_features, needed_videos
from vidkit.encoders import Encoder, PixelVisual, Precomputed
from vidkit.files import write_json_lines


def _reports(
    folder: Path, names: list[str], encoders: dict[str, Encoder], **more: Any
) -> list[ModalityReport]:
    write_json_lines(folder / "videos.jsonl", [dict(path=f"{name}.mp4") for name in names])
    settings = dict(
        type="ShortVideos",
        annotations=str(folder / "videos.jsonl"),
        frames=dict(type="SegmentMiddleFrames", num_segments=2),
        crop=dict(type="WholeFrames"),
        short_side=16,
        **more,
    )
    return inspect_features(settings, encoders, needed_videos(settings, path="data"), path="data")


def test_broken_and_missing_files_are_named_with_the_reason(tmp_path: Path) -> None:
    write_numbered(tmp_path / "a.mp4", num_frames=5, has_sound=False)
    (tmp_path / "b.mp4").write_bytes(b"no video")
    (report,) = _reports(tmp_path, ["a", "b", "c"], dict(visual=PixelVisual()))
    assert (report.modality, report.unit, report.num_videos, report.num_right) == ("videos", "files", 3, 1)
    assert report.missing == ["c"]
    assert list(report.wrong) == ["b"]
    assert "b.mp4" in report.wrong["b"]


def test_a_table_whose_files_are_all_elsewhere_is_reported(tmp_path: Path) -> None:
    (report,) = _reports(tmp_path, ["a", "b"], dict(visual=PixelVisual()))
    assert report.missing == ["a", "b"]
    assert "root says where its paths begin" in report.command


def test_features_are_looked_at_one_modality_at_a_time(tmp_path: Path) -> None:
    for name, num_rows in (("clip", 7), ("pann", 2)):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "a.npy", np.zeros((num_rows, 3), np.float32))
    encoders: dict[str, Encoder] = {
        "visual": Precomputed(3, name="clip"),
        "audio": Precomputed(3, modality="audio", name="pann"),
    }
    visual, audio = _reports(tmp_path, ["a", "b"], encoders, features=str(tmp_path))
    for report in (visual, audio):  # they need not be equally long
        assert (report.missing, report.wrong, report.num_right) == (["b"], {}, 1)
