"""The report in a real browser: a headless Chromium, skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from devtools import Page, find_chromium

from vidkit.export.predictions import Prediction, Segment
from vidkit.export.report import ReportItem, write_report
from vidkit.media.captions import Caption
from vidkit.media.writer import VideoWriter

pytestmark = [
    pytest.mark.browser,
    # Chromium decides when it decodes and lays out; a rerun is told in the summary.
    pytest.mark.flaky(reruns=2),
    pytest.mark.skipif(
        find_chromium() is None, reason="needs chromium, chromium-browser or google-chrome on PATH"
    ),
]

SECONDS = 20
DETAILS = {"title": f"{'A long title ' * 6}</script>", "modality_scores": {"audio": 0.75}}
SEGMENTS = (Segment(12.0, 15.0, 0.9, DETAILS), Segment(4.0, 6.5, 0.6), Segment(16.0, 17.0, 0.3))
TIME = "document.querySelector('video').currentTime"
READY = "document.querySelector('video').readyState >= 1"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    items = []
    for name in ("first <script>alert(1)<b>", "second", "third"):
        path = folder / f"{name}.mp4"
        with VideoWriter(path, width=160, height=90, fps=10, sample_rate_hz=16_000) as writer:
            for index in range(SECONDS * 10):
                writer.write_frame(np.full((90, 160, 3), index, np.uint8))
            writer.write_audio(np.zeros(SECONDS * 16_000, np.float32))
        saliency = tuple(float(score) for score in np.sin(np.arange(100) / 9) / 2 + 0.5)
        prediction = Prediction(name, str(path), SECONDS, "highlight_detection", 0.2, SEGMENTS, saliency)
        captions = [Caption(2.0 * line, 2.0 * line + 1.9, f"line {line} </script>") for line in range(10)]
        items.append(ReportItem(prediction, captions, {"audio": [0.0, 1.0, 0.5]}))
    return write_report(folder / "report.html", items, title="Highlights & more")


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with Page() as page:
        yield page


@pytest.fixture
def page(browser: Page, report: Path) -> Iterator[Page]:
    browser.problems.clear()
    browser.requests.clear()
    browser.resize(1200, 900)
    browser.prefer("light")
    browser.open(report)
    browser.wait(READY)
    yield browser
    assert browser.problems == []


def _count(page: Page, selector: str) -> int:
    return int(page.run(f"document.querySelectorAll({selector!r}).length"))


def _paused_time(page: Page) -> float:
    """Where the player stands, stopped so that it does not run away while it is asked."""
    page.run("document.querySelector('video').pause()")
    return float(
        page.wait(f"document.querySelector('video').seeking ? null : {TIME}", lambda value: value is not None)
    )


def test_the_page_renders_curves_bands_and_thumbnails_without_an_error(page: Page) -> None:
    assert page.run("document.title") == "Highlights & more"
    assert _count(page, "article.video") == 3
    assert _count(page, "#video-0 svg.curve path") == _count(page, "#video-0 .strip path") == 2
    assert _count(page, "#video-0 .band") == len(SEGMENTS)
    widths = page.run(
        "[...document.querySelectorAll('#video-0 img.thumbnail')].map(image => image.naturalWidth)"
    )
    assert widths == [160] * len(SEGMENTS)
    box = page.run(
        "(() => { const b = document.querySelector('path.line').getBBox(); return [b.width, b.height] })()"
    )
    assert box == pytest.approx([1000, 88], abs=1)


def test_only_local_files_are_asked_for(page: Page) -> None:
    assert all(url.startswith(("file://", "data:", "about:")) for url in page.requests)
    assert any(url.endswith(".mp4") for url in page.requests)


@pytest.mark.parametrize(("rank", "segment"), list(enumerate(SEGMENTS)))
def test_a_click_on_a_segment_seeks_to_its_start_and_plays(page: Page, rank: int, segment: Segment) -> None:
    page.click(f"#video-0 .segment[data-rank='{rank}'] img.thumbnail")
    page.wait("!document.querySelector('video').paused")
    assert _paused_time(page) == pytest.approx(segment.start, abs=0.3)


def test_a_click_on_a_band_seeks_to_the_start_of_its_segment(page: Page) -> None:
    page.click("#video-0 .band[data-segment='1']", across=0.9)
    page.wait("!document.querySelector('video').paused")
    assert _paused_time(page) == pytest.approx(SEGMENTS[1].start, abs=0.3)


def test_a_click_on_the_curve_seeks_to_that_time(page: Page) -> None:
    page.click("#video-0 .plot", across=0.25)
    assert _paused_time(page) == pytest.approx(SECONDS / 4, abs=0.1)
    playhead = page.run("parseFloat(document.querySelector('#video-0 .playhead').style.left)")
    assert playhead == pytest.approx(25, abs=0.5)


def test_a_click_on_a_strip_seeks_as_on_the_curve(page: Page) -> None:
    page.click("#video-0 .strip", across=0.25)
    assert _paused_time(page) == pytest.approx(SECONDS / 4, abs=0.1)


def test_the_reasons_of_a_clip_are_bars_as_long_as_they_say(page: Page) -> None:
    meter, bar, mark = page.run(
        "['.meter', '.meter i', '.meter u'].map(name => document.querySelector(`#video-0 ${name}`)"
        ".getBoundingClientRect()).map(box => [box.left, box.width])"
    )
    assert bar[1] == pytest.approx(0.75 * meter[1], abs=1)
    assert mark[0] == pytest.approx(meter[0] + 0.5 * meter[1], abs=2)


def test_lines_of_the_transcript_inside_a_clip_are_marked(page: Page) -> None:
    marked = "[...document.querySelectorAll('#video-0 .chosen')].map(line => Number(line.dataset.start))"
    assert page.run(marked) == [4.0, 12.0, 14.0, 16.0]


def test_a_click_on_a_caption_seeks_and_marks_the_line(page: Page) -> None:
    page.click("#video-0 .lines li:nth-child(6) button")
    assert _paused_time(page) == pytest.approx(10.0, abs=0.1)
    current = "[...document.querySelectorAll('#video-0 [aria-current]')].map(line => line.dataset.start)"
    assert page.wait(current, lambda value: len(value) == 1) == ["10.000"]


def test_a_segment_stops_at_its_end(page: Page) -> None:
    page.click("#video-0 .segment[data-rank='2'] .play")
    page.wait("!document.querySelector('video').paused")
    page.wait("document.querySelector('video').paused", seconds=5)
    assert page.run(TIME) == pytest.approx(SEGMENTS[2].end, abs=0.3)


def test_the_arrow_keys_seek_on_the_curve(page: Page) -> None:
    page.run("document.querySelector('#video-0 .plot').focus()")
    for key, expected in [("ArrowRight", 1), ("PageUp", 7), ("ArrowLeft", 6), ("End", SECONDS), ("Home", 0)]:
        page.press(key)
        assert _paused_time(page) == pytest.approx(expected, abs=0.1)
        value = page.run("document.querySelector('#video-0 .plot').getAttribute('aria-valuenow')")
        assert float(value) == pytest.approx(expected, abs=0.1)


def test_tab_reaches_the_curve_a_segment_and_a_caption_and_shows_where_it_is(page: Page) -> None:
    seen = set()
    for _ in range(40):
        page.press("Tab")
        name, outline = page.run(
            "(e => [e.className || e.tagName, getComputedStyle(e).outlineStyle])(document.activeElement)"
        )
        seen.add(name.split(" ")[0])
        assert outline != "none" or name == "VIDEO"
    assert {"skip", "plot", "band", "play", "play-all", "toggle", "caption-line"} <= seen


def test_a_seek_before_the_file_is_open_opens_it_and_waits(page: Page) -> None:
    page.click("#video-2 .segment[data-rank='0'] .play")
    page.wait("!document.querySelector('#video-2 video').paused")
    page.wait("document.querySelector('#video-2 video').currentTime", lambda value: 12.0 <= value < 13.5)


def test_one_video_plays_at_a_time(page: Page) -> None:
    page.click("#video-0 .play-all")
    page.wait("!document.querySelector('#video-0 video').paused")
    page.click("#video-1 .play-all")
    page.wait("!document.querySelector('#video-1 video').paused && document.querySelector('video').paused")


def test_segments_can_be_ordered_by_time(page: Page) -> None:
    page.click("#video-0 [data-order='time']")
    assert page.run("[...document.querySelectorAll('#video-0 .segment')].map(row => row.dataset.rank)") == [
        "1",
        "0",
        "2",
    ]


def test_a_curve_can_be_hidden(page: Page) -> None:
    page.click("#video-0 [data-curve='0']")
    assert page.run("getComputedStyle(document.querySelector('#video-0 .curve-0')).display") == "none"


@pytest.mark.parametrize("width", [360, 700, 1600])
def test_no_width_makes_the_page_scroll_sideways(page: Page, width: int) -> None:
    page.resize(width, 740, mobile=width < 500)
    assert page.wait("innerWidth", lambda value: value == width)
    assert page.run("document.documentElement.scrollWidth") <= width
    outside = (
        "[...document.querySelectorAll('header.page *, #video-{0} *')]"
        ".filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 200))"
    )
    for card in range(3):  # a card is laid out when it comes near
        page.run(f"document.querySelector('#video-{card}').scrollIntoView({{behavior: 'instant'}})")
        page.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert page.run(outside.format(card)) == []


def test_dark_mode_turns_the_background_dark_and_the_text_light(page: Page) -> None:
    style = "getComputedStyle(document.body)"
    colors = f"['backgroundColor', 'color'].map(name => {style}[name].match(/\\d+/g).map(Number))"
    background, text = page.run(colors)
    assert min(background) > 200
    assert max(text) < 80
    page.prefer("dark")
    background, text = page.run(colors)
    assert max(background) < 50
    assert min(text) > 200


def test_a_video_that_begins_late_on_its_own_clock_is_sought_by_that_clock(
    browser: Page, tmp_path: Path
) -> None:
    path = tmp_path / "late.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(50):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), index, np.uint8), format="rgb24")
            frame.pts, frame.time_base = index + 20, Fraction(1, 10)  # the first picture at 2 s
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    prediction = Prediction("late", str(path), 5.0, "highlight_detection", 1.0, (Segment(3.0, 4.0, 1.0),), ())
    browser.open(write_report(tmp_path / "report.html", [ReportItem(prediction)], title="t"))
    browser.wait(READY)
    browser.click(".segment .play")
    browser.wait("!document.querySelector('video').paused")
    assert _paused_time(browser) == pytest.approx(2.0 + 3.0, abs=0.3)
    assert browser.run("document.querySelector('.now').textContent").startswith("00:03")


def test_the_copy_of_what_a_browser_cannot_play_plays_from_a_segment(browser: Page, tmp_path: Path) -> None:
    path = tmp_path / "old.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(50):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), index, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    prediction = Prediction("old", str(path), 5.0, "highlight_detection", 1.0, (Segment(3.0, 4.0, 1.0),), ())
    browser.open(write_report(tmp_path / "report.html", [ReportItem(prediction)], title="t"))
    browser.wait(READY)
    browser.click(".segment .play")
    browser.wait("!document.querySelector('video').paused")
    assert _paused_time(browser) == pytest.approx(3.0, abs=0.3)
    assert "a small H.264 copy stands in" in browser.run(
        "document.querySelector('.note:not(.failure)').textContent"
    )


def test_a_file_that_does_not_load_is_said_in_the_card(browser: Page, report: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved.html"
    moved.write_bytes(report.read_bytes())
    browser.open(moved)
    browser.wait("!document.querySelector('#video-0 .failure').hidden")
    browser.click("#video-0 .segment[data-rank='0'] .play")
    assert browser.run("document.querySelector('#video-0 .plot').getAttribute('aria-valuenow')") == "12"
