"""Text that is shown in a video -> captions.

One frame a second is read, as for the USV data set: what stands still through the video (watermarks, names of
channels) is left out, lines that belong together are put together in reading order, and what is shown in
several samples is one caption. The text of a sampled frame counts for the time round it, up to the middle
between it and its neighbours.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from operator import itemgetter
from pathlib import Path

from vidkit.media.caption_formats import Caption, clean_text
from vidkit.media.ocr import OcrEngine, TextBox
from vidkit.media.reader import open_video

MIN_CONFIDENCE = 0.5  # RapidOCR's own threshold
SAME_TEXT = 0.8  # similarity of two readings of one text
WATERMARK_SHARE = 0.6  # of the sampled frames: "most of the video"
MIN_WATERMARK_FRAMES = 10  # in fewer, a title or a caption stands as long as a watermark

_SAME_PLACE = 0.5  # overlap of two boxes, intersection over union
_LINE_GAP = 0.8  # between two lines of a paragraph, of their height
_WORD_GAP = 1.5  # between two parts of a line, of their height
_SIMILAR_HEIGHT = 1.6  # two lines of a paragraph differ less
_MISSED_FRAMES = 1  # in which a caption may not be read and still goes on


@dataclass(frozen=True)
class ReadFrame:
    """What is written in a sampled frame, which stands for [start, end) seconds."""

    start: float
    end: float
    boxes: tuple[TextBox, ...]


def read_screen_text(
    path: str | Path,
    *,
    engine: OcrEngine,
    fps: float = 1.0,
    min_confidence: float = MIN_CONFIDENCE,
    on_progress: Callable[[float], None] = lambda share: None,
) -> list[Caption]:
    """Return the text that is shown in a video, sorted by start, [] if there is none.

    Args:
        engine: As ``vidkit.media.ocr.load_ocr`` returns it.
        fps: Frames that are read, per second.
        min_confidence: What is read less surely is left out, in [0, 1].
        on_progress: Called with the share of the video that is done, in [0, 1].

    Raises:
        FileNotFoundError: If there is no such video.
        ValueError: If ``fps`` or ``min_confidence`` is out of its range.
        MediaError: If it has no pictures or cannot be read.
    """
    if not 0 <= min_confidence <= 1:
        raise ValueError(f"min_confidence must be in [0, 1], got {min_confidence}")
    frames = read_frames(path, engine=engine, fps=fps, on_progress=on_progress)
    return captions_of_frames(drop_watermarks(drop_unsure(frames, min_confidence)))


def read_frames(
    path: str | Path,
    *,
    engine: OcrEngine,
    fps: float = 1.0,
    on_progress: Callable[[float], None] = lambda share: None,
) -> list[ReadFrame]:
    """Return everything that is written in the sampled frames: the middle ones of the 1 / ``fps`` seconds.

    Raises:
        FileNotFoundError: If there is no such video.
        ValueError: If ``fps`` is not positive.
        MediaError: If it has no pictures or cannot be read.
    """
    if not (fps > 0 and math.isfinite(fps)):
        raise ValueError(f"fps must be a positive number, got {fps}")
    with open_video(path) as video:
        duration = video.info.duration_seconds
        num_frames = max(1, round(duration * fps))
        edges = [n / fps for n in range(num_frames)] + [max(duration, (num_frames - 0.5) / fps)]
        times = [min((n + 0.5) / fps, duration) for n in range(num_frames)]
        frames: list[ReadFrame] = []
        for batch in video.stream(times=times, chunk=1):
            place = len(frames)
            boxes = engine.read(batch.data[0], times[place])
            frames.append(ReadFrame(edges[place], edges[place + 1], tuple(boxes)))
            on_progress(len(frames) / num_frames)
    return frames


def drop_unsure(frames: Iterable[ReadFrame], min_confidence: float) -> list[ReadFrame]:
    """Return the frames without what is read less surely; a box without a confidence stays."""
    return [
        _keep(frame, lambda box: box.confidence is None or box.confidence >= min_confidence)
        for frame in frames
    ]


def drop_watermarks(frames: Sequence[ReadFrame]) -> list[ReadFrame]:
    """Return the frames without text that stands in one place through most of the video.

    A mark is seen in at least ``WATERMARK_SHARE`` of the frames and in ``MIN_WATERMARK_FRAMES``, with about
    the same text and overlapping boxes.
    """
    needed = max(MIN_WATERMARK_FRAMES, math.ceil(WATERMARK_SHARE * len(frames)))
    marks = _Marks([box for frame in frames for box in frame.boxes])
    member: dict[tuple[int, int], _Mark] = {}
    for number, frame in enumerate(frames):
        num_left = len(frames) - number
        marks.forget_rarer_than(needed - num_left)
        for place, box in enumerate(frame.boxes):
            mark = marks.find(box, may_be_new=num_left >= needed)
            if mark is not None:
                mark.seen.add(number)
                member[number, place] = mark
    still = {key for key, mark in member.items() if len(mark.seen) >= needed}
    return [
        ReadFrame(
            frame.start,
            frame.end,
            tuple(box for place, box in enumerate(frame.boxes) if (number, place) not in still),
        )
        for number, frame in enumerate(frames)
    ]


def paragraphs(boxes: Sequence[TextBox]) -> list[list[TextBox]]:
    """Return the boxes that belong together, each paragraph and all of them in reading order.

    Lines of similar height right below one another are a paragraph, and so are parts of one line with a small
    gap. The order is from top to bottom, and from left to right in a line.
    """
    left = sorted(boxes, key=lambda box: (box.top, box.left))
    groups: list[list[TextBox]] = []
    while left:
        group = [left.pop(0)]
        for box in group:  # grows while it is walked
            joined = [other for other in left if _belong_together(box, other)]
            left = [other for other in left if other not in joined]
            group += joined
        groups.append(in_reading_order(group))
    order = in_reading_order([group[0] for group in groups])
    return sorted(groups, key=lambda group: order.index(group[0]))


def in_reading_order(boxes: Sequence[TextBox]) -> list[TextBox]:
    """Return the boxes from top to bottom, those of one line from left to right."""
    lines: list[list[TextBox]] = []
    for box in sorted(boxes, key=lambda box: (box.top + box.bottom, box.left)):
        if lines and _on_one_line(lines[-1][0], box):
            lines[-1].append(box)
        else:
            lines.append([box])
    return [box for line in lines for box in sorted(line, key=lambda box: box.left)]


def captions_of_frames(frames: Sequence[ReadFrame]) -> list[Caption]:
    """Return one caption for each paragraph, from the first frame that shows it to the last.

    Readings of a text in neighbouring frames differ by a letter now and then: they are one caption if they
    are near-equal, with the reading that was surest in total. One frame in between may lack it.
    """
    runs: list[_Run] = []
    current: list[_Run] = []
    for number, frame in enumerate(frames):
        current = [run for run in current if run.last + _MISSED_FRAMES + 1 >= number]
        waiting = list(current)
        for group in paragraphs(frame.boxes):
            text = clean_text(" ".join(box.text for box in group))
            if not any(letter.isalnum() for letter in text):  # edges in the picture are read as dashes
                continue
            run = next((run for run in waiting if near_equal(run.text, text)), None)
            if run is None:
                run = _Run(number, number, {})
                runs.append(run)
                current.append(run)
            else:
                waiting.remove(run)
            run.last = number
            sureness = [1.0 if box.confidence is None else box.confidence for box in group]
            run.readings[text] = run.readings.get(text, 0.0) + sum(sureness) / len(group)
    captions = [Caption(frames[run.first].start, frames[run.last].end, run.text) for run in runs]
    return sorted(captions, key=lambda caption: caption.start)


def near_equal(one: str, other: str) -> bool:
    """Return whether two texts are readings of one: the share of letters in common blocks, case ignored.

    Example:
        >>> near_equal("Hello world", "He1lo world"), near_equal("Hello world", "Good bye")
        (True, False)
    """
    one, other = one.casefold(), other.casefold()
    if one == other:
        return True
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    bounds = (matcher.real_quick_ratio, matcher.quick_ratio)  # upper ones, much faster than the share itself
    return all(bound() >= SAME_TEXT for bound in bounds) and matcher.ratio() >= SAME_TEXT


@dataclass
class _Run:
    """A text that is shown from frame ``first`` to ``last``; its readings with their total confidence."""

    first: int
    last: int
    readings: dict[str, float]

    @property
    def text(self) -> str:
        return max(self.readings, key=lambda text: self.readings[text])


def _keep(frame: ReadFrame, wanted: Callable[[TextBox], bool]) -> ReadFrame:
    return ReadFrame(frame.start, frame.end, tuple(box for box in frame.boxes if wanted(box)))


class _Mark:
    """What may be a watermark: a box that was read, and the frames that show it again."""

    def __init__(self, box: TextBox) -> None:
        self.left, self.top, self.right, self.bottom = box.left, box.top, box.right, box.bottom
        self.area = (self.right - self.left) * (self.bottom - self.top)
        self.text = box.text.casefold()
        count = Counter(self.text)
        self.letters = {f"{letter}{n}" for letter, number in count.items() for n in range(number)}
        self.seen: set[int] = set()

    def is_shown_by(self, other: _Mark) -> bool:
        if self.bottom <= other.top or other.bottom <= self.top:
            return False
        if self.right <= other.left or other.right <= self.left:
            return False
        shared = min(self.right, other.right) - max(self.left, other.left)
        shared *= min(self.bottom, other.bottom) - max(self.top, other.top)
        if shared < _SAME_PLACE * (self.area + other.area - shared):
            return False
        if self.text == other.text:
            return True
        most = 2 * len(self.letters & other.letters)  # letters in common, wherever they stand
        return most >= SAME_TEXT * (len(self.text) + len(other.text)) and near_equal(self.text, other.text)


class _Marks:
    """Marks by place, in cells so large that boxes two cells apart cannot overlap by half.

    Args:
        boxes: All that will be looked for.
    """

    def __init__(self, boxes: Sequence[TextBox]) -> None:
        self._width = max((box.right - box.left for box in boxes), default=0.0) or 1.0
        self._height = max((box.height for box in boxes), default=0.0) or 1.0
        self._cells: dict[tuple[int, int], dict[int, _Mark]] = {}  # by the order in which they came
        self._num_marks = 0

    def forget_rarer_than(self, num_seen: int) -> None:
        """Drop the marks that were seen in fewer frames."""
        for place, cell in self._cells.items():
            self._cells[place] = {key: mark for key, mark in cell.items() if len(mark.seen) >= num_seen}

    def find(self, box: TextBox, *, may_be_new: bool) -> _Mark | None:
        """Return the first mark that the box shows again, else a new one where it may be new."""
        new = _Mark(box)
        x = math.floor((new.left + new.right) / 2 / self._width)
        y = math.floor((new.top + new.bottom) / 2 / self._height)
        near = [self._cells.get((x + dx, y + dy), {}) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
        for _, mark in sorted((item for cell in near for item in cell.items()), key=itemgetter(0)):
            if mark.is_shown_by(new):
                return mark
        if not may_be_new:
            return None
        self._cells.setdefault((x, y), {})[self._num_marks] = new
        self._num_marks += 1
        return new


def _on_one_line(one: TextBox, other: TextBox) -> bool:
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return shared > min(one.height, other.height) / 2


def _belong_together(one: TextBox, other: TextBox) -> bool:
    low, high = sorted((one.height, other.height))
    if high > _SIMILAR_HEIGHT * low:
        return False
    apart = max(one.left, other.left) - min(one.right, other.right)  # negative: one is above the other
    if _on_one_line(one, other):
        return apart <= _WORD_GAP * low
    return apart < 0 and max(one.top, other.top) - min(one.bottom, other.bottom) <= _LINE_GAP * low
