"""What stands still through a video is found without comparing every line with every other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vidkit.media import screen_text
from vidkit.media.ocr import TextBox
from vidkit.media.screen_text import ReadFrame, drop_watermarks


def _box(text: str, x: float = 0, y: float = 100) -> TextBox:
    """A line of letters 10 pixels wide and 20 high, whose upper left corner is (x, y)."""
    right, bottom = x + 10 * len(text), y + 20
    return TextBox(0.0, ((x, y), (right, y), (right, bottom), (x, bottom)), text, 0.9)


def _frames(*shown: list[TextBox]) -> list[ReadFrame]:
    """One frame a second."""
    return [ReadFrame(float(n), n + 1.0, tuple(boxes)) for n, boxes in enumerate(shown)]


def _texts(frames: list[ReadFrame]) -> list[list[str]]:
    return [[box.text for box in frame.boxes] for frame in frames]


def _lines_that_change(num_frames: int) -> list[ReadFrame]:
    """Six lines below one another, of other words in every frame, and a name of a channel."""
    words = [f"{n * 7919 % 100003:05d} {n * 104729 % 999983:06d}" for n in range(6 * num_frames)]
    shown = [[_box(words[6 * n + line], 50, 100 * line) for line in range(6)] for n in range(num_frames)]
    return _frames(*([*boxes, _box("@channel", 300, 5)] for boxes in shown))


def test_lines_are_compared_only_with_what_can_still_be_a_watermark_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared = []
    is_shown_by = screen_text._Mark.is_shown_by

    def counted(mark: screen_text._Mark, other: screen_text._Mark) -> bool:
        compared.append(mark)
        return is_shown_by(mark, other)

    monkeypatch.setattr(screen_text._Mark, "is_shown_by", counted)
    frames = _lines_that_change(100)
    assert drop_watermarks(frames) == [replace(frame, boxes=frame.boxes[:-1]) for frame in frames]
    # A line of the first 41 frames can be in 60 of 100: six places, each line with those before it there.
    assert len(compared) <= 6 * 41 * 42 / 2 + 100


def test_whole_texts_are_compared_only_if_their_letters_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    monkeypatch.setattr(screen_text, "near_equal", lambda *texts: compared.append(texts))
    drop_watermarks(
        _frames(*([_box(text)] for text in ["abcdefgh", "ABCDEFGH", "stuvwxyz", "abcdefghi"] * 4))
    )
    assert set(compared) == {("abcdefgh", "abcdefghi")}


def test_a_mark_that_comes_as_late_as_it_can_is_left_out() -> None:
    for first, expected in ((40, []), (41, ["@channel"])):  # of 100 frames, 60 or 59 have it
        frames = _frames(*([_box("@channel", 300, 5)] if n >= first else [] for n in range(100)))
        assert _texts(drop_watermarks(frames))[-1] == expected


def test_a_mark_on_the_border_of_two_places_is_one_mark() -> None:
    """Its middle is at 19 and at 21 in turn, in cells of 20."""
    frames = _frames(*([_box("@channel", 300, 9 + 2 * (n % 2))] for n in range(20)))
    assert _texts(drop_watermarks(frames)) == [[]] * 20
