"""Predictions as a folder of lines, clips and a page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from vidkit.export import Prediction, Segment, read_predictions
from vidkit.media import Caption, VideoWriter
from vidkit.results import write_results


@pytest.fixture(scope="module")
def prediction(tmp_path_factory: pytest.TempPathFactory) -> Prediction:
    path = tmp_path_factory.mktemp("videos") / "talk.mp4"
    with VideoWriter(path, width=64, height=48, fps=5) as writer:
        for number in range(20):
            writer.write_frame(np.full((48, 64, 3), 10 * number, np.uint8))
    segments = (Segment(1.0, 2.0, 0.9, {"title": "On bees"}), Segment(2.0, 4.0, 0.5))
    return Prediction(
        *("talk", str(path), 4.0, "repurposing", 1.0, segments, (0.5, 0.9, 0.5, 0.5)),
        captions=(Caption(1.0, 2.0, "Heard it."),),
        curves={"visual": (0.0, 1.0, 0.0, 0.0)},
    )


def test_a_folder_has_lines_clips_and_a_page(prediction: Prediction, tmp_path: Path) -> None:
    told: list[float] = []
    failed = write_results(
        [prediction], out=tmp_path, clips=True, report=True, tell=lambda share, text: told.append(share)
    )
    assert not failed
    assert read_predictions(tmp_path / "predictions.jsonl") == [prediction]
    clips = sorted((tmp_path / "clips").iterdir())
    assert [clip.name for clip in clips] == ["talk_000_1.0s.mp4", "talk_001_2.0s.mp4"]
    titles = []
    for clip in clips:
        with av.open(str(clip)) as container:
            titles.append(container.metadata.get("title"))
    assert titles == ["On bees", None]
    page = (tmp_path / "report.html").read_text()
    assert "<h1>Clips</h1>" in page
    assert "Heard it." in page
    assert 'class="strip curve-0' in page
    assert told == [0.0]


def test_a_task_that_reads_no_captions_shows_those_beside_the_video(
    prediction: Prediction, tmp_path: Path
) -> None:
    video = tmp_path / "talk.mp4"
    video.write_bytes(Path(prediction.path).read_bytes())
    (tmp_path / "talk.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nBeside it.\n")
    silent = replace(prediction, path=str(video), captions=None)
    assert not write_results([silent], out=tmp_path / "out", report=True)
    assert "Beside it." in (tmp_path / "out" / "report.html").read_text()
    (tmp_path / "talk.srt").write_text("1\n00:00:0x --> nonsense\n")
    failed = write_results([silent], out=tmp_path / "out", report=True)
    assert "its captions could not be read" in failed[video]


def test_a_clip_that_cannot_be_cut_is_told_and_the_rest_is_there(
    prediction: Prediction, tmp_path: Path
) -> None:
    beyond = replace(prediction, segments=(Segment(100.0, 110.0, 1.0),))
    failed = write_results([beyond], out=tmp_path, clips=True, report=True, title="Mine")
    assert "its clips could not be cut: segment 0 is 100.0 to 110.0 s" in failed[Path(prediction.path)]
    assert "<h1>Mine</h1>" in (tmp_path / "report.html").read_text()
