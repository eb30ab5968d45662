"""Frames through PyAV: the default backend.

A pass demuxes and decodes forward. It jumps to a key frame when the next wanted time is far ahead, and
leaves out frames that nobody wants and no other frame refers to. Every frame is chosen by its own
timestamp after decoding, and checked against those of the packets, so that neither of the two changes
which frame is returned.

Ticks are timestamps in the stream's time base.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import TypeVar

import av

from vidkit.media.errors import DamagedError
from vidkit.media.info import Probe
from vidkit.media.packets import Pass, Wanted
from vidkit.media.painting import in_order, one_thread
from vidkit.media.picture import painter
from vidkit.media.reader import OnDamage, Picture, VideoReader
from vidkit.sizes import Size

Drawn = TypeVar("Drawn")


class PyAVReader(VideoReader):
    """Decodes with PyAV: right on every kind of file that the tests know."""

    def __init__(self, probe: Probe, on_damage: OnDamage, threads: int | None = None) -> None:
        super().__init__(probe, on_damage)
        self._threads = threads

    def _pass(self) -> Pass:
        is_strict = self._on_damage == "error"
        return Pass(self._probe, self._report, strict=is_strict, threads=self._threads)

    def _pick(self, limits: Iterator[float], size: Size | None, *, repeat_last: bool) -> Iterator[Picture]:
        with one_thread() as thread:
            for _, picture in in_order(self._begin(limits, Canvas(self, size, thread), repeat_last)):
                yield picture

    def _every(self, size: Size | None) -> Iterator[Picture]:
        with one_thread() as thread:
            for _, picture in in_order(self._begin_every(Canvas(self, size, thread))):
                yield picture

    def _begin(
        self, limits: Iterator[float], canvas: Canvas, repeat_last: bool
    ) -> Iterator[tuple[None, Future[Picture]]]:
        base, zero = float(self._probe.time_base), self._probe.start_ticks
        wanted = Wanted(zero + max(0, int(limit / base)) for limit in limits)
        with self._pass() as run:
            start = run.start_for(wanted.first())
            while wanted.first() is not None:
                start = yield from follow(run, wanted, start, canvas.begin, repeat_last)
            run.report()

    def _begin_every(self, canvas: Canvas) -> Iterator[tuple[None, Future[Picture]]]:
        ticks, frame = None, None
        with self._pass() as run:
            for ticks, frame in run.frames(None, None):
                yield canvas.begin(run, ticks, frame)
            if ticks is None or frame is None:
                raise _nothing_decoded(self.info.path)
            run.note_end(ticks, frame)
            run.report()


def follow(
    run: Pass,
    wanted: Wanted,
    start: int | None,
    draw: Callable[[Pass, int, av.VideoFrame], Drawn],
    repeat_last: bool,
) -> Generator[Drawn, None, int | None]:
    """Yield the drawn frames of the next limits; return from where to go on (None: the file's start)."""
    before: tuple[int, av.VideoFrame] | None = None
    for now, frame in run.frames(wanted, start):
        limit = wanted.first()
        if before is None and start is not None and limit is not None and limit < now:
            return run.earlier(start, limit)  # the jump has landed behind the wanted time
        while limit is not None and limit < now:
            shown = before or (now, frame)
            if run.has_missed(shown[0], limit):
                return run.start_for(limit)
            yield draw(run, *shown)
            wanted.pop()
            limit = wanted.first()
        before = now, frame
        if limit is None:
            return None
        if run.is_far(now, limit):
            return limit
    limit = wanted.first()
    if before is None:  # nothing was decoded after the jump
        if start is None:
            raise _nothing_decoded(run.path)
        return None if limit is None else run.earlier(start, limit)
    if limit is not None and run.has_missed(before[0], limit):
        return run.start_for(limit)
    end = run.note_end(*before)
    while (limit := wanted.first()) is not None:
        if run.ends_early and not repeat_last and limit >= end:
            wanted.clear()
            break
        yield draw(run, *before)
        wanted.pop()
    return None


def _nothing_decoded(path: Path) -> DamagedError:
    return DamagedError(f"{path}: none of its frames can be decoded; get an undamaged copy")


class Canvas:
    """Draws frames in a thread, each only once if several limits in a row want it."""

    def __init__(self, reader: PyAVReader, size: Size | None, thread: Executor) -> None:
        self._probe = reader._probe
        self._thread = thread
        self._paint = painter(
            size, height=reader.info.height, width=reader.info.width, upright=self._probe.upright
        )
        self._latest: tuple[int, Future[Picture]] | None = None

    def draw(self, run: Pass, ticks: int, frame: av.VideoFrame) -> Future[Picture]:
        """Begin to draw ``frame`` as RGB with its time; ``run`` hears of frames that are partly made up."""
        if self._latest is None or self._latest[0] != ticks:
            run.note_shown(frame)
            seconds = (ticks - self._probe.start_ticks) * float(self._probe.time_base)
            self._latest = ticks, self._thread.submit(lambda: (self._paint(frame), seconds))
        return self._latest[1]

    def begin(self, run: Pass, ticks: int, frame: av.VideoFrame) -> tuple[None, Future[Picture]]:
        """Return what ``draw`` does, for nobody in particular."""
        return None, self.draw(run, ticks, frame)
