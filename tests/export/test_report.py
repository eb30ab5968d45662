"""The report as a file: what it holds, what it escapes, what it links to, how large it is."""

from __future__ import annotations

import io
import json
import re
from base64 import b64decode
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from html_page import Html, predicted, write_video
from PIL import Image

from vidkit.export import report as report_module
from vidkit.export.curve import clock, curve_paths, max_pool, ticks
from vidkit.export.predictions import Segment
from vidkit.export.report import PROXY_NOTE, ReportItem, write_report
from vidkit.media.captions import Caption

EVIL = "</script><script>alert(1)</script>"


def _avi(path: Path) -> Path:
    """An AVI file of MPEG-4 part 2, which no browser plays."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(20):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), index * 10, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("videos") / "talk.mp4")


def test_the_page_asks_for_nothing_but_the_video(video: Path, tmp_path: Path) -> None:
    page = Html(write_report(tmp_path / "report.html", [ReportItem(predicted(video))], title="Highlights"))
    targets = [
        value
        for element in page.elements
        for name, value in element.attributes.items()
        if name in ("src", "href", "poster") and value and not value.startswith(("data:", "#"))
    ]
    assert {target.rsplit("/", 1)[-1] for target in targets} == {"talk.mp4"}
    assert not re.search(r"https?://|@import|url\((?!#)", page.source)
    assert not page.named("script", "") or all("src" not in e.attributes for e in page.named("script"))


def test_the_link_is_relative_and_quoted(tmp_path: Path) -> None:
    video = write_video(tmp_path / "in a #folder" / "50% 東?.mp4")
    page = Html(write_report(tmp_path / "out" / "report.html", [ReportItem(predicted(video))], title="t"))
    assert page.named("video")[0].attributes["src"] == "../in%20a%20%23folder/50%25%20%E6%9D%B1%3F.mp4"


def test_segments_stand_best_first_each_with_a_picture(video: Path, tmp_path: Path) -> None:
    page = Html(write_report(tmp_path / "report.html", [ReportItem(predicted(video))], title="t"))
    assert page.data[0]["segments"] == [[1.5, 2.5], [0.0, 1.0]]
    pictures = page.named("img", "thumbnail")
    assert len(pictures) == len(page.named("button", "band")) == len(page.named("rect", "shade")) == 2
    encoded = (pictures[0].attributes["src"] or "").removeprefix("data:image/jpeg;base64,")
    image = Image.open(io.BytesIO(b64decode(encoded)))
    assert (image.format, image.size) == ("JPEG", (64, 36))


def test_a_thumbnail_shows_the_best_clip_of_its_segment(video: Path, tmp_path: Path) -> None:
    prediction = predicted(video, segments=(Segment(0.0, 3.0, 1.0),))
    page = Html(write_report(tmp_path / "report.html", [ReportItem(prediction)], title="t"))
    encoded = (page.named("img", "thumbnail")[0].attributes["src"] or "").split(",")[1]
    grey = np.asarray(Image.open(io.BytesIO(b64decode(encoded)))).mean()
    assert grey == pytest.approx(17 * 8, abs=6)  # clip 3 is [1.5, 2); its middle, 1.75 s, shows frame 17


def test_thumbnails_have_the_shape_that_players_show(tmp_path: Path) -> None:
    path = tmp_path / "wide.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(3, 2)
        frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    prediction = predicted(path, duration=0.1, segments=(Segment(0.0, 0.1, 1.0),), saliency=())
    page = Html(write_report(tmp_path / "report.html", [ReportItem(prediction)], title="t"))
    encoded = (page.named("img", "thumbnail")[0].attributes["src"] or "").split(",")[1]
    assert Image.open(io.BytesIO(b64decode(encoded))).size == (96, 48)


def test_names_titles_queries_and_captions_are_escaped(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a<script>alert(1)<&'\".mp4")
    item = ReportItem(
        predicted(video, query=EVIL, segments=(Segment(0.0, 1.0, 1.0, {"title": EVIL}),)),
        captions=[Caption(0.0, 1.0, EVIL)],
        curves={EVIL: [0.0, 1.0]},
    )
    page = Html(write_report(tmp_path / "report.html", [item], title=EVIL))
    assert len(page.named("script")) == 2  # the data and the page's own
    assert "<script>alert" not in page.source
    # The title twice, the query, the caption, the curve's button and strip, the title of the segment.
    assert sum(text.strip() == EVIL for text in page.texts) == 7


def test_the_data_cannot_end_its_element() -> None:
    from vidkit.export.report_page import _script_json

    text = _script_json([EVIL, "<!--", "&amp;"])
    assert "<" not in text
    assert json.loads(text) == [EVIL, "<!--", "&amp;"]


def test_a_file_name_that_is_not_utf8_is_shown_and_linked(tmp_path: Path) -> None:
    source = write_video(tmp_path / "plain.mp4")
    target = tmp_path / b"caf\xe9.mp4".decode("utf-8", "surrogateescape")
    try:
        source.rename(target)
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    page = Html(write_report(tmp_path / "report.html", [ReportItem(predicted(target))], title="t"))
    assert page.named("video")[0].attributes["src"] == "caf%E9.mp4"
    assert "caf?.mp4" in page.texts


def test_long_videos_make_small_pages_that_keep_their_peak(video: Path, tmp_path: Path) -> None:
    scores = np.random.default_rng(0).random(36_000)
    scores[17_123] = 5.0
    prediction = predicted(video, duration=7200.0, clip_seconds=0.2, saliency=tuple(scores), segments=())
    target = write_report(tmp_path / "report.html", [ReportItem(prediction, curves={"b": scores})], title="t")
    page = Html(target)
    assert len(page.data[0]["scores"]) == 1200
    assert max(page.data[0]["scores"]) == 5.0
    assert page.data[0]["step"] == pytest.approx(6.0)
    assert target.stat().st_size < 150_000


def test_many_segments_carry_pictures_only_for_the_best(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_module, "MAX_THUMBNAILS", 3)
    segments = tuple(Segment(0.1 * index, 0.1 * index + 0.1, 0.1 * index) for index in range(10))
    page = Html(
        write_report(tmp_path / "r.html", [ReportItem(predicted(video, segments=segments))], title="t")
    )
    assert len(page.named("li", "segment")) == 10
    assert len(page.named("img", "thumbnail")) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"segments": (), "saliency": ()},
        {"segments": (Segment(0.0, 3.0, 1.0),)},
        {"segments": (Segment(1.0, 1.0, -2.0), Segment(2.0, 99.0, -3.0)), "saliency": (0.5,)},
        {"duration": 0.0, "segments": (), "saliency": ()},
        {"duration": 0.04, "segments": (Segment(0.0, 0.04, 0.0),), "saliency": (0.0,)},
        {"task": "moment_retrieval", "query": "a dog"},
    ],
)
def test_unusual_predictions_make_a_page_without_a_warning(
    video: Path, tmp_path: Path, changes: dict[str, Any], recwarn: pytest.WarningsRecorder
) -> None:
    page = Html(write_report(tmp_path / "r.html", [ReportItem(predicted(video, **changes))], title="t"))
    assert len(page.named("article", "video")) == 1
    assert not re.search(r"\bnan\b|\binf\b", page.source.split("<main")[1].split("<footer")[0])
    assert [str(warning.message) for warning in recwarn] == []


def test_a_report_of_nothing_says_so(tmp_path: Path) -> None:
    page = Html(write_report(tmp_path / "report.html", [], title="t"))
    assert "This report holds no video." in page.texts


def test_the_summary_counts_a_video_once_and_all_its_segments(video: Path, tmp_path: Path) -> None:
    items = [ReportItem(predicted(video, query=query)) for query in ("a", "b")]
    page = Html(write_report(tmp_path / "report.html", items, title="t"))
    summary = page.source.split('<dl class="summary">')[1].split("</dl>")[0]
    assert re.findall(r"<dd>(.*?)</dd>", summary) == ["1", "2", "00:03.0", "4", "00:04.0"]


def test_clips_are_linked_to_their_segments_in_the_order_of_the_prediction(
    video: Path, tmp_path: Path
) -> None:
    clips = [tmp_path / "clips" / "first in time.mp4", tmp_path / "clips" / "second.mp4"]
    page = Html(write_report(tmp_path / "r.html", [ReportItem(predicted(video), clips=clips)], title="t"))
    links = [element.attributes["href"] for element in page.named("a", "clip")]
    assert links == ["clips/second.mp4", "clips/first%20in%20time.mp4"]


def test_what_a_browser_cannot_play_gets_a_copy_and_the_page_says_so(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    items = [ReportItem(predicted(_avi(folder / "old.avi"), duration=2.0)) for folder in folders]
    page = Html(write_report(tmp_path / "out" / "report.html", items, title="t"))
    assert [e.attributes["src"] for e in page.named("video")] == ["proxies/old.mp4", "proxies/old-2.mp4"]
    for name in ("old.mp4", "old-2.mp4"):
        with av.open(str(tmp_path / "out" / "proxies" / name)) as container:
            assert container.streams.video[0].codec_context.name == "h264"
    assert page.texts.count(PROXY_NOTE) == 2


def test_a_video_that_cannot_be_read_keeps_its_scores_and_is_counted(video: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("no video")
    items = [ReportItem(predicted(path)) for path in (tmp_path / "gone.mp4", video, text)]
    with pytest.warns(UserWarning, match="2 of 3 videos could not be read.* gone, notes"):
        page = Html(write_report(tmp_path / "report.html", items, title="t"))
    assert len(page.named("video")) == 1
    assert len(page.named("li", "segment")) == 6
    assert sum(text.startswith("The video could not be read:") for text in page.texts) == 2


def test_the_same_items_write_the_same_bytes(video: Path, tmp_path: Path) -> None:
    first, second = (
        write_report(tmp_path / name, [ReportItem(predicted(video))], title="t").read_bytes()
        for name in ("a.html", "b.html")
    )
    assert first == second


def test_a_wrong_number_of_clips_is_refused(video: Path) -> None:
    with pytest.raises(ValueError, match="talk has 2 segments and 1 clips; give one clip per segment"):
        ReportItem(predicted(video), clips=[Path("a.mp4")])


def test_a_curve_that_is_not_finite_is_refused(video: Path) -> None:
    with pytest.raises(ValueError, match="curve 'sound' of talk has a number that is not finite"):
        ReportItem(predicted(video), curves={"sound": [0.0, float("nan")]})


def test_pooling_gives_the_maxima_of_equal_runs() -> None:
    scores = np.random.default_rng(1).normal(size=3601).tolist()
    pooled, run = max_pool(scores)
    assert run == 4
    assert pooled == [max(scores[first : first + 4]) for first in range(0, 3601, 4)]


def test_pooling_leaves_short_curves_alone() -> None:
    assert max_pool([3.0, 1.0]) == ([3.0, 1.0], 1)
    assert max_pool([]) == ([], 1)


def test_pooling_to_no_points_is_refused() -> None:
    with pytest.raises(ValueError, match="max_points must be at least 1, got 0"):
        max_pool([1.0], max_points=0)


def test_a_curve_of_equal_scores_is_a_level_line() -> None:
    assert curve_paths([7.0, 7.0], 1.0, 2.0)[0] == "M0 50L250 50L750 50L1000 50"
    assert curve_paths([], 1.0, 2.0) == ("", "")


@pytest.mark.parametrize("duration", [0.03, 0.5, 7.0, 59.0, 600.0, 7200.0, 90_000.0, 400_000.0])
def test_the_axis_has_a_few_ticks_within_the_duration(duration: float) -> None:
    times = ticks(duration)
    assert times[0] == 0.0
    assert len(times) <= 10
    assert times[-1] <= duration + 1e-6


def test_clock_times_round_once() -> None:
    assert [clock(3599.96, 1), clock(59.5), clock(0.0), clock(7325.25, 2)] == [
        "1:00:00.0",
        "01:00",
        "00:00",
        "2:02:05.25",
    ]
