"""Drawing a script: scenery, light, shapes, highlights and captions become frames.

A frame is a function of the script and the time alone, so frames can be drawn in any order and long videos
need no more memory than short ones.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from vidkit.data.synth import letters
from vidkit.data.synth.dice import Dice
from vidkit.data.synth.highlight import Occasion, add_highlight
from vidkit.data.synth.scenery import LOOKS, MARGIN, Panorama, build_panorama
from vidkit.data.synth.script import NUM_VARIANTS, VERSION, Event, Highlight, Line, Mark, Script, Stretch
from vidkit.data.synth.shapes import SINE_STEPS, outline, shape_mask, swing
from vidkit.data.synth.words import COLOURS

Frame = npt.NDArray[np.uint8]
Interval = TypeVar("Interval", Stretch, Highlight, Line, Mark)
MIN_WIDTH, MIN_HEIGHT = 128, 72
CANVAS_HEIGHT = 180  # larger pictures of a whole multiple are drawn small and enlarged
PAN_SPEED = 420  # of a fast pan, in 320ths of the width per second
DARK = np.array((25, 25, 30), np.uint8)
BAND_COLOUR = np.array((215, 20, 120), np.uint8)  # no sky has it


class Painter:
    """Draws the frames of one script.

    Args:
        script: The plan of the video.
        width: Width of the frames in pixels, >= 128.
        height: Height of the frames in pixels, >= 72.

    Raises:
        ValueError: If the picture is too small.
    """

    def __init__(self, script: Script, *, width: int, height: int) -> None:
        if width < MIN_WIDTH or height < MIN_HEIGHT:
            raise ValueError(f"synthetic videos are at least {MIN_WIDTH}x{MIN_HEIGHT}, got {width}x{height}")
        self.script = script
        self.enlarged = _enlargement(width, height)
        self.width, self.height = width // self.enlarged, height // self.enlarged
        self._look = LOOKS[script.topic]
        key = (int(VERSION), script.seed, script.index)
        dice = Dice(*key, 1)
        tint = (dice.whole(-22, 22), dice.whole(-22, 22), dice.whole(-22, 22))
        self._panoramas = [
            build_panorama(
                Dice(*key, 2 + variant),
                self._look,
                tint,
                variant=variant,
                height=self.height,
                width=self.width,
            )
            for variant in range(NUM_VARIANTS)
        ]
        self._light = (dice.whole(36_000, 64_000), dice.whole(0, SINE_STEPS - 1), dice.whole(60, 95))
        self._chroma = (dice.whole(14_000, 40_000), dice.whole(0, SINE_STEPS - 1), dice.whole(60, 150))
        self._warmth = (dice.whole(30_000, 80_000), dice.whole(0, SINE_STEPS - 1), dice.whole(15, 35))
        self._occasions = [
            Occasion.of(highlight, height=self.height, width=self.width) for highlight in script.highlights
        ]
        self._pans = [motion for motion in script.motions if motion.kind == "pan"]
        self._shown = sorted(
            (window, event) for event in script.events + script.distractors for window in event.windows
        )

    def frame(self, time_ms: int) -> Frame:
        """Return the frame shown at ``time_ms``, uint8 (height, width, 3)."""
        seconds = time_ms / 1000
        frame = self._scene(time_ms)
        motion = _current(self.script.motions, seconds)
        if motion is not None and motion.kind == "flock":
            self._draw_flock(frame, motion, time_ms)
        place = bisect_right(self.script.highlights, seconds, key=lambda highlight: highlight.start) - 1
        if place >= 0 and seconds < self.script.highlights[place].end:
            frame = add_highlight(frame, self._occasions[place], time_ms)
        if _current(self.script.bands, seconds) is not None:
            frame[: self.height // 18] = BAND_COLOUR  # far from the captions; events pass before it
        self._draw_event(frame, seconds, time_ms)
        caption = _current(self.script.captions, seconds)
        if caption is not None:
            self._draw_caption(frame, caption.text)
        return frame if self.enlarged == 1 else frame.repeat(self.enlarged, 0).repeat(self.enlarged, 1)

    def _scene(self, time_ms: int) -> Frame:
        seconds, look, width = time_ms / 1000, self._look, self.width
        scene = _current(self.script.scenes, seconds)
        assert scene is not None
        panorama = self._panoramas[int(scene.kind)]
        way = time_ms * look.speed + self._panned(time_ms) * PAN_SPEED  # 320ths of the width, times 1000
        pan = (
            way + 1000 * swing(time_ms, 5_000, 0, look.sway)
        ) * width // 320_000 + scene.key % panorama.period
        rise = MARGIN // 2 + swing(time_ms, 3_500, 0, look.bob * width // 320)
        motion = _current(self.script.motions, seconds)
        if motion is not None and motion.kind == "shake":
            jitter = Dice(motion.key, time_ms // 40)
            pan += jitter.whole(-14, 14) * width // 320
            rise += jitter.whole(-10, 10) * width // 320
        indices = _crop(panorama, pan, min(max(rise, 0), MARGIN), self.height, width)
        return np.take(self._lit(panorama, time_ms), indices, axis=0)

    def _lit(self, panorama: Panorama, time_ms: int) -> Frame:
        """Return the palette under the slow drift of brightness, colour and warmth, uint8 (256, 3)."""
        period, phase, size = self._light
        light = 246 + swing(time_ms, period, phase, size)
        period, phase, size = self._warmth
        warmth = swing(time_ms, period, phase, size)
        gains = np.array((light + warmth, light, light - warmth))
        period, phase, size = self._chroma
        grey = panorama.palette.sum(axis=1, keepdims=True) // 3
        colours = grey + ((panorama.palette - grey) * (256 + swing(time_ms, period, phase, size)) >> 8)
        return np.asarray(np.clip(colours * gains >> 8, 0, 255), dtype=np.uint8)

    def _panned(self, time_ms: int) -> int:
        """Return how many milliseconds of fast pans lie before ``time_ms``."""
        total = 0
        for pan in self._pans:
            start, end = round(1000 * pan.start), round(1000 * pan.end)
            if time_ms <= start:
                break
            total += min(time_ms, end) - start
        return total

    def _draw_flock(self, frame: Frame, flock: Stretch, time_ms: int) -> None:
        """Draw dark and bright diamonds that rush through the picture and mean nothing."""
        dice = Dice(flock.key)
        elapsed = time_ms - round(1000 * flock.start)
        way = -1 if dice.chance(0.5) else 1
        for count in range(16):
            size = self.height * dice.whole(6, 14) // 100
            y = dice.whole(0, self.height)
            x = dice.whole(0, 2 * self.width) + way * elapsed * self.width * dice.whole(80, 160) // 100_000
            colour = DARK if count % 2 else np.uint8(235)
            _blit(frame, shape_mask("diamond", size), y, x % (2 * self.width) - self.width // 2, colour)

    def _draw_event(self, frame: Frame, seconds: float, time_ms: int) -> None:
        place = bisect_right(self._shown, seconds, key=lambda shown: shown[0][0]) - 1
        if place < 0 or seconds >= self._shown[place][0][1]:
            return
        event = self._shown[place][1]
        way = time_ms % 2000 * 1024 // 2000  # the motion is done once in every 2-s clip
        y, x, size = _position(event, way, self.height, self.width)
        mask, rim = shape_mask(event.shape, size), max(size // 16, 1)
        _blit(frame, outline(mask, rim), y, x, DARK)
        _blit(frame, mask, y, x, np.array(COLOURS[event.colour], np.uint8))

    def _draw_caption(self, frame: Frame, text: str) -> None:
        coverage = _caption(text, self.width)  # (h, w)
        height, width = coverage.shape
        top, left = self.height - self.height // 30 - height, (self.width - width) // 2
        box = frame[max(top, 0) : top + height, left : left + width]
        ink = coverage[-len(box) :, :, None].astype(np.uint16)
        box[:] = np.maximum(box >> 2, (ink * 248 // 255).astype(np.uint8))


def _crop(panorama: Panorama, pan: int, rise: int, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Cut the picture out of a panorama; the far layer goes at half the pace of the near one."""
    far = panorama.far[rise : rise + height, (left := pan // 2 % panorama.period) : left + width]
    columns = slice(left := pan % panorama.period, left + width)
    near, is_near = (
        panorama.near[rise : rise + height, columns],
        panorama.is_near[rise : rise + height, columns],
    )
    return np.where(is_near, near, far)


def _position(event: Event, way: int, height: int, width: int) -> tuple[int, int, int]:
    """Return middle row, middle column and size of a moving shape, ``way`` 1024ths through its motion."""
    size = height * 27 // 100
    low, high, left, right = size * 2 // 3, height - size * 2 // 3, size * 2 // 3, width - size * 2 // 3
    y, x = height * 2 // 5, width // 2
    if event.motion == "right":
        x = left + (right - left) * way // 1024
    elif event.motion == "left":
        x = right - (right - left) * way // 1024
    elif event.motion == "fall":
        y = low + (high - low) * way // 1024
    elif event.motion == "rise":
        y = high - (high - low) * way // 1024
    elif event.motion == "circle":
        y += swing(way, SINE_STEPS, 0, height * 22 // 100)
        x += swing(way, SINE_STEPS, SINE_STEPS // 4, height * 40 // 100)
    elif event.motion == "bounce":
        y = height * 3 // 5 - abs(swing(way, SINE_STEPS, 0, height * 38 // 100))
    else:  # grow
        size = height * (10 + 45 * way // 1024) // 100
    return y, x, size


def _blit(frame: Frame, mask: npt.NDArray[np.bool_], y: int, x: int, colour: Frame | np.uint8) -> None:
    """Colour the pixels of ``frame`` under a mask centred at row y, column x; what lies outside is cut."""
    top, left = y - mask.shape[0] // 2, x - mask.shape[1] // 2
    part = frame[max(top, 0) : max(top + mask.shape[0], 0), max(left, 0) : max(left + mask.shape[1], 0)]
    row, column = max(-top, 0), max(-left, 0)
    part[mask[row : row + part.shape[0], column : column + part.shape[1]]] = colour


@lru_cache(maxsize=16)
def _caption(text: str, width: int) -> npt.NDArray[np.uint8]:
    """Return the coverage of a caption in centred lines; in narrow pictures letters of half the size."""
    halved = width < 240
    room = (2 * width if halved else width) - 16
    lines = [letters.draw_line(f" {line} ") for line in letters.wrap(text, room)]
    widest = max(line.shape[1] for line in lines)
    rows = []
    for line in lines:
        left = (widest - line.shape[1]) // 2
        rows.append(np.pad(line, ((2, 2), (left, widest - line.shape[1] - left))))
    coverage = np.concatenate(rows)
    if not halved:
        return coverage
    even = coverage[: len(coverage) // 2 * 2, : widest // 2 * 2].astype(np.uint16)
    return ((even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) >> 2).astype(np.uint8)


def _current(stretches: Sequence[Interval], seconds: float) -> Interval | None:
    """Return the stretch that contains a time; they are sorted and do not overlap."""
    place = bisect_right(stretches, seconds, key=lambda stretch: stretch.start) - 1
    return stretches[place] if place >= 0 and seconds < stretches[place].end else None


def _enlargement(width: int, height: int) -> int:
    """Return the largest whole factor that leaves a canvas of at least 180 rows."""
    factors = [n for n in range(1, height // CANVAS_HEIGHT + 1) if width % n == 0 and height % n == 0]
    return max(factors, default=1)
