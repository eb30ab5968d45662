"""Text that is shown becomes captions: filter, order, merging by hand; real OCR of burnt-in captions."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sample_files import write_video

from vidkit.data.synth import Painter, write_script
from vidkit.media.captions import SILENCE, Caption, captions_per_clip
from vidkit.media.errors import NotAVideoError
from vidkit.media.ocr import EasyOcr, OcrEngine, RapidOcr, TextBox, load_ocr
from vidkit.media.screen_text import (
    MIN_WATERMARK_FRAMES,
    ReadFrame,
    captions_of_frames,
    drop_unsure,
    drop_watermarks,
    in_reading_order,
    near_equal,
    paragraphs,
    read_frames,
    read_screen_text,
)
from vidkit.media.writer import VideoWriter


def _box(text: str, x: float = 0, y: float = 100, *, confidence: float | None = 0.9) -> TextBox:
    """A line of letters 10 pixels wide and 20 high, whose upper left corner is (x, y)."""
    right, bottom = x + 10 * len(text), y + 20
    return TextBox(0.0, ((x, y), (right, y), (right, bottom), (x, bottom)), text, confidence)


def _frames(*shown: list[TextBox]) -> list[ReadFrame]:
    """One frame a second."""
    return [ReadFrame(float(n), n + 1.0, tuple(boxes)) for n, boxes in enumerate(shown)]


def _texts(frames: list[ReadFrame]) -> list[list[str]]:
    return [[box.text for box in frame.boxes] for frame in frames]


def test_a_box_tells_its_edges() -> None:
    box = TextBox(1.0, ((10, 5), (50, 0), (52, 20), (12, 25)), "tilted", None)
    assert (box.left, box.right, box.top, box.bottom, box.height) == (10, 52, 0, 25, 25)


def test_what_is_read_unsurely_is_left_out() -> None:
    frames = _frames(
        [_box("sure", confidence=0.5), _box("maybe", confidence=0.49), _box("?", confidence=None)]
    )
    assert _texts(drop_unsure(frames, 0.5)) == [["sure", "?"]]


def test_text_that_stands_still_through_most_of_the_video_is_a_watermark() -> None:
    said = ["one", "fifty", "zebra", "quick", "jumps", "over", "lazy"]
    shown = [[_box(said[n // 3]), _box("@channel", 300, 5)] for n in range(20)]
    for n in range(6):
        shown[n].pop()  # absent in 6 of 20 frames
    shown[7][1] = _box("@chamel", 303, 6)  # read a little differently
    assert _texts(drop_watermarks(_frames(*shown))) == [[said[n // 3]] for n in range(20)]


def test_text_that_moves_or_changes_or_goes_is_no_watermark() -> None:
    moving = [[_box("hello", 60 * n)] for n in range(20)]
    changing = [[_box(word)] for word in ("one", "fifty", "zebra", "quick", "jumps") * 4]
    going = [[_box("title")] if n < 11 else [] for n in range(20)]
    for shown in (moving, changing, going):
        assert drop_watermarks(_frames(*shown)) == _frames(*shown)


def test_in_a_short_video_nothing_stands_long_enough_to_be_a_watermark() -> None:
    shown = [[_box("title")]] * (MIN_WATERMARK_FRAMES - 1)
    assert drop_watermarks(_frames(*shown)) == _frames(*shown)
    shown = [[_box("title")]] * MIN_WATERMARK_FRAMES
    assert _texts(drop_watermarks(_frames(*shown))) == [[]] * MIN_WATERMARK_FRAMES
    assert drop_watermarks([]) == []


def test_the_order_is_from_top_to_bottom_and_in_a_line_from_left_to_right() -> None:
    boxes = [_box("d", 200, 152), _box("b", 90, 96), _box("a", 0, 104), _box("c", 0, 148)]
    assert [box.text for box in in_reading_order(boxes)] == ["a", "b", "c", "d"]
    assert in_reading_order([]) == []


def test_lines_right_below_one_another_and_parts_of_a_line_are_one_paragraph() -> None:
    boxes = [
        _box("second line", 5, 125),
        _box("first", 0, 100),
        _box("line", 70, 101),
        _box("far right", 400, 100),
        _box("far below", 0, 300),
        _box("right column", 400, 124),
    ]
    texts = [[box.text for box in group] for group in paragraphs(boxes)]
    assert texts == [["first", "line", "second line"], ["far right", "right column"], ["far below"]]


def test_a_heading_is_no_part_of_the_text_below_it() -> None:
    large = TextBox(0.0, ((0, 50), (200, 50), (200, 95), (0, 95)), "HEADING", 0.9)
    assert [len(group) for group in paragraphs([_box("text"), large])] == [1, 1]
    assert paragraphs([]) == []


def test_a_caption_lasts_from_its_first_frame_to_its_last() -> None:
    shown = [[], [_box("Hello there.")], [_box("Hello there.")], [_box("Bye.")], []]
    captions = captions_of_frames(_frames(*shown))
    assert captions == [Caption(1, 3, "Hello there."), Caption(3, 4, "Bye.")]
    assert captions_per_clip(captions, 5, 1.0) == [SILENCE, "Hello there.", "Hello there.", "Bye.", SILENCE]


def test_near_equal_readings_are_one_caption_with_the_surest_reading() -> None:
    shown = [
        [_box("He1lo there, world", confidence=0.6)],
        [_box("Hello there, world", confidence=0.9)],
        [_box("Hello there, world", confidence=0.9)],
        [_box("Hello thera, warld", confidence=0.95)],
    ]
    assert captions_of_frames(_frames(*shown)) == [Caption(0, 4, "Hello there, world")]


def test_a_caption_goes_on_through_one_frame_without_it_and_not_through_two() -> None:
    one, two = [_box("Hello.")], [_box("Other text")]
    assert captions_of_frames(_frames(one, [], one)) == [Caption(0, 3, "Hello.")]
    assert captions_of_frames(_frames(one, two, one)) == [
        Caption(0, 3, "Hello."),
        Caption(1, 2, "Other text"),
    ]
    assert captions_of_frames(_frames(one, [], [], one)) == [Caption(0, 1, "Hello."), Caption(3, 4, "Hello.")]


def test_two_equal_lines_in_one_frame_stay_two() -> None:
    shown = [_box("la la", 0, 0), _box("la la", 0, 200)]
    assert captions_of_frames(_frames(shown, shown)) == [Caption(0, 2, "la la")] * 2


def test_a_paragraph_is_one_caption_and_others_have_their_own_times() -> None:
    title = _box("A long title", 0, 0)
    shown = [
        [title, _box("first line", 0, 200), _box("second line", 0, 222)],
        [_box("another one", 0, 200), title],
    ]
    assert captions_of_frames(_frames(*shown)) == [
        Caption(0, 2, "A long title"),
        Caption(0, 1, "first line second line"),
        Caption(1, 2, "another one"),
    ]


def test_nothing_written_makes_no_captions() -> None:
    assert captions_of_frames([]) == []
    assert captions_of_frames(_frames([], [_box("  "), _box("–", 0, 300)])) == []


def test_readings_are_near_equal_by_their_common_letters() -> None:
    assert near_equal("HELLO", "hello")
    assert near_equal("abcdefghij", "abcdefghix")
    assert not near_equal("abcdefghij", "abcdefgxyz")
    assert not near_equal("a", "")


@dataclass
class Brightness:
    """An engine that "reads" how bright a picture is, and notes the times."""

    times: list[float] = field(default_factory=list)

    def read(self, picture: NDArray[np.uint8], time: float) -> list[TextBox]:
        self.times.append(time)
        level = int(picture.mean()) // 50
        return [_box("abcdef"[level] * 5)] if level else []


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4.4 s of grey that gets brighter at 1.1 s and at 3 s."""
    path = tmp_path_factory.mktemp("steps") / "steps.mp4"
    with VideoWriter(path, width=64, height=48, fps=10) as writer:
        for n in range(44):
            level = 20 if n < 11 else 120 if n < 30 else 220
            writer.write_frame(np.full((48, 64, 3), level, np.uint8))
    return path


def test_one_frame_a_second_is_read_and_its_text_counts_for_the_time_round_it(steps: Path) -> None:
    engine, done = Brightness(), []
    captions = read_screen_text(steps, engine=engine, on_progress=done.append)
    assert engine.times == [0.5, 1.5, 2.5, 3.5]
    assert captions == [Caption(1, 3, "ccccc"), Caption(3, 4.4, "eeeee")]
    assert done == [0.25, 0.5, 0.75, 1.0]


def test_with_fewer_frames_the_text_is_spread_over_its_neighbours(steps: Path) -> None:
    engine = Brightness()
    captions = read_screen_text(steps, engine=engine, fps=0.5)
    assert engine.times == [1.0, 3.0]
    assert captions == [Caption(2, 4.4, "eeeee")]
    assert captions_per_clip(captions, 4, 1.0) == [SILENCE, SILENCE, "eeeee", "eeeee"]


def test_a_video_shorter_than_a_step_has_one_sample(steps: Path) -> None:
    (frame,) = read_frames(steps, engine=Brightness(), fps=0.1)
    assert (frame.start, frame.end) == (0.0, pytest.approx(5.0))


def test_wrong_arguments_and_files_are_refused(tmp_path: Path, steps: Path) -> None:
    for fps in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="fps must be a positive number"):
            read_screen_text(steps, engine=Brightness(), fps=fps)
    with pytest.raises(ValueError, match=r"min_confidence must be in \[0, 1\], got 50"):
        read_screen_text(steps, engine=Brightness(), min_confidence=50)
    (tmp_path / "text.mp4").write_text("hello " * 100)
    with pytest.raises(NotAVideoError, match=r"text\.mp4"):
        read_screen_text(tmp_path / "text.mp4", engine=Brightness())


def test_programs_that_are_not_installed_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    with pytest.raises(ImportError, match=r"rapidocr, which does not load.*pip install 'vidkit\[ocr\]'"):
        load_ocr()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"onnxruntime.*pip install 'vidkit\[ocr\]'"):
        load_ocr("rapidocr")
    monkeypatch.setitem(sys.modules, "easyocr", None)
    with pytest.raises(ImportError, match=r'engine "easyocr" does not load.*pip install easyocr'):
        load_ocr("easyocr")


def test_unknown_programs_and_languages_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown OCR engine 'tesseract'; known: rapidocr, easyocr"):
        load_ocr("tesseract")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='takes no language, got de; for others use engine "easyocr"'):
        load_ocr("rapidocr", languages=["de"])


class FakeReader:
    """``easyocr.Reader`` as far as it is called: numpy corners, rows of (polygon, text, confidence)."""

    def __init__(self, languages: list[str], *, verbose: bool, download_enabled: bool) -> None:
        if "xx" in languages:
            raise ValueError({"xx"}, "is not supported")
        self.languages = languages

    def readtext(self, picture: NDArray[np.uint8]) -> list[Any]:
        assert picture[0, 0].tolist() == [3, 2, 1], "EasyOCR takes BGR"
        corners = [[np.int32(x), np.int32(y)] for x, y in ((1, 2), (9, 2), (9, 8), (1, 8))]
        return [(corners, "Hi", np.float64(0.75))]


def test_easyocr_gives_the_same_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("easyocr")
    module.Reader = FakeReader
    monkeypatch.setitem(sys.modules, "easyocr", module)
    engine = load_ocr("easyocr", languages=["en", "de"])
    assert isinstance(engine, EasyOcr)
    picture = np.broadcast_to(np.array([1, 2, 3], np.uint8), (10, 10, 3))
    (box,) = engine.read(picture, 2.5)
    assert box == TextBox(2.5, ((1, 2), (9, 2), (9, 8), (1, 8)), "Hi", 0.75)
    assert type(box.left) is type(box.confidence) is float
    with pytest.raises(ValueError, match=r"easyocr does not read xx: .*not supported"):
        load_ocr("easyocr", languages=["xx"])


def test_an_empty_answer_of_rapidocr_is_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = SimpleNamespace(boxes=None, txts=None, scores=None)
    monkeypatch.setitem(sys.modules, "onnxruntime", ModuleType("onnxruntime"))
    module: Any = ModuleType("rapidocr")
    module.RapidOCR = lambda params: lambda picture: empty
    monkeypatch.setitem(sys.modules, "rapidocr", module)
    assert RapidOcr().read(np.zeros((10, 10, 3), np.uint8), 0.0) == []


@pytest.fixture(scope="module")
def rapidocr() -> OcrEngine:
    for name in ("onnxruntime", "rapidocr"):
        pytest.importorskip(name, reason="needs the extra ocr: pip install 'vidkit[ocr]'")
    return load_ocr("rapidocr")


def _reference_distance(one: str, other: str) -> int:
    """Levenshtein's distance by its recursion."""
    row = list(range(len(other) + 1))
    for n, letter in enumerate(one, start=1):
        above, row = row, [n]
        for m, second in enumerate(other, start=1):
            row.append(min(above[m] + 1, row[-1] + 1, above[m - 1] + (letter != second)))
    return row[-1]


def test_burnt_in_captions_of_a_video_are_read(tmp_path: Path, rapidocr: OcrEngine) -> None:
    """At least 90 % of the characters, on a coded file; the frames are 3 s apart, one caption each."""
    script = write_script(0, seed=0, duration_seconds=20.0)
    painter = Painter(script, width=320, height=180)
    lines = script.captions[:3]
    path = tmp_path / "burnt_in.mp4"
    with VideoWriter(path, width=320, height=180, fps=1) as writer:
        for line in lines:
            writer.write_frame(painter.frame(round(500 * (line.start + line.end))))
    captions = read_screen_text(path, engine=rapidocr)
    assert [(caption.start, caption.end) for caption in captions] == [(0, 1), (1, 2), (2, 3)]
    expected, read = (" ".join(line.text for line in each) for each in (lines, captions))
    accuracy = 1 - _reference_distance(read, expected) / len(expected)
    assert accuracy >= 0.9, f"{accuracy:.2f}: {read!r} for {expected!r}"


def test_a_picture_without_text_has_none(tmp_path: Path, rapidocr: OcrEngine) -> None:
    assert read_screen_text(write_video(tmp_path / "plain.mp4", num_frames=10), engine=rapidocr) == []
