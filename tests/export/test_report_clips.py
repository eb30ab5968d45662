"""What the report says of clips: titles, why they were chosen, and where they lie in the transcript."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from html_page import Html, predicted, write_video

from vidkit.export.predictions import Segment
from vidkit.export.report import ReportItem, heading, write_report
from vidkit.media.captions import Caption


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("videos") / "talk.mp4")


def test_a_clip_shows_its_title_and_the_means_of_each_modality(video: Path, tmp_path: Path) -> None:
    scores = {"visual": 0.75, "text": 0.5, "fused": 0.9}
    segments = (
        Segment(0.0, 1.0, 0.9, {"title": "Bees & honey.", "modality_scores": scores}),
        Segment(1.5, 2.5, 0.5),
    )
    curves = {"visual": [0.0, 0.0, 0.5, 0.5], "text": [1.0, 0.5], "audio": [0.0]}
    prediction = predicted(video, task="repurposing", segments=segments)
    page = Html(write_report(tmp_path / "r.html", [ReportItem(prediction, curves=curves)], title="t"))
    assert [each.attributes["title"] for each in page.named("span", "title")] == ["Bees & honey."]
    bands = [each.attributes["aria-label"] or "" for each in page.named("button", "band")]
    assert [band.endswith(": Bees & honey.") for band in bands] == [True, False]
    reasons = [each.attributes["title"] for each in page.named("span", "reason")]
    assert reasons == ["0.75, in the whole video 0.25", "0.50, in the whole video 0.75"]
    styles = [each.attributes["style"] for tag in ("i", "u") for each in page.named(tag)]
    assert {"width:75.0%", "left:25.0%", "width:50.0%", "left:75.0%"} <= set(styles)
    assert [page.texts.count(name) for name in ("Picture", "Sound", "Words")] == [3, 2, 3]


@pytest.mark.parametrize("scores", [None, 7, {"visual": "x"}, {"visual": None}, {"visual": float("nan")}, {}])
def test_reasons_of_another_form_are_left_out(video: Path, tmp_path: Path, scores: Any) -> None:
    segments = (Segment(0.0, 1.0, 0.9, {"modality_scores": scores}),)
    item = ReportItem(predicted(video, segments=segments), curves={"visual": [0.0, 1.0]})
    page = Html(write_report(tmp_path / "r.html", [item], title="t"))
    assert not page.named("span", "reason")
    assert not page.named("p", "hint")


def test_every_further_curve_has_a_strip_with_the_segments_shaded(video: Path, tmp_path: Path) -> None:
    item = ReportItem(predicted(video), curves={"visual": [0.0, 1.0], "own": [0.0, 1.0, 0.0]})
    page = Html(write_report(tmp_path / "r.html", [item], title="t"))
    assert len(page.named("div", "strip")) == 2
    assert len(page.named("rect", "under")) == 2 * len(page.named("rect", "shade")) == 4
    assert page.texts.count("own") == 2


def test_lines_of_the_transcript_that_are_in_a_clip_are_marked_with_its_rank(
    video: Path, tmp_path: Path
) -> None:
    segments = (Segment(0.0, 1.0, 0.25), Segment(0.8, 2.0, 0.75))
    captions = [
        Caption(0.0, 0.6, "in the second"),
        Caption(0.7, 1.3, "in the first"),  # its middle, 1.0, lies in the first by score alone
        Caption(1.9, 2.5, "begins in it"),  # the middle, 2.2, in none
    ]
    item = ReportItem(predicted(video, task="repurposing", segments=segments), captions=captions)
    source = Html(write_report(tmp_path / "r.html", [item], title="t")).source
    lines = source.split('<div class="lines">')[1].split("</ol>")[0].strip().splitlines()[1:]
    marks = [re.findall(r'<span class="mark">.*?</span>(\d+)</span>', line) for line in lines]
    assert marks == [["2"], ["1"], []]
    assert ["chosen" in line for line in lines] == [True, True, False]


def test_a_video_without_a_segment_says_why(video: Path, tmp_path: Path) -> None:
    reason = "no clip: the highest score is 0.31 & more"
    prediction = predicted(video, task="repurposing", segments=(), extra={"note": reason})
    page = Html(write_report(tmp_path / "r.html", [ReportItem(prediction)], title="t"))
    assert "No clip: the highest score is 0.31 & more" in page.texts


def test_the_heading_names_what_was_found(video: Path) -> None:
    items = [ReportItem(predicted(video, task=task)) for task in ("repurposing", "highlight_detection")]
    assert [heading(items[:1]), heading(items[1:]), heading(items)] == ["Clips", "Highlights", "Segments"]
