"""One pass of PyAV over the packets of a video stream: jumping, skipping, decoding, counting damage.

Ticks are timestamps in the stream's time base.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from types import TracebackType
from typing import Any, Protocol

import av
import av.error

from vidkit.media.container import choose_stream, open_container, readable_packets
from vidkit.media.info import Probe, last_end_seconds

# Codecs whose packets are one shown frame each, and whose decoders can leave out unreferenced frames.
SKIPPING_CODECS = ("h264", "hevc", "mpeg4", "mpeg2video")
# A frame's successor in time comes at most 16 frames later in the file (the largest reorder buffer).
LOOKAHEAD_PACKETS = 20
FAR_SECONDS = 4.0  # the first guess of the gap from which a jump is worth decoding from its key frame
JUMP_SECONDS = 0.4  # where key frames are known: a jump that leaves out less is not worth it
MIN_MISSING_SECONDS = 0.25  # less is the rounding of headers


class Report(Protocol):
    """Warns of damage or raises: ``VideoReader._report``."""

    def __call__(self, what: str, missing_seconds: float, *, ends_early: bool) -> None: ...


class Wanted:
    """The wanted ticks, non-decreasing, pulled from their source only as far as needed."""

    def __init__(self, source: Iterator[int]) -> None:
        self._source: Iterator[int] | None = source
        self._pulled: deque[int] = deque()

    def first(self) -> int | None:
        """Return the first one not yet popped; None when there is none."""
        if not self._pulled:
            self._pull()
        return self._pulled[0] if self._pulled else None

    def pop(self) -> None:
        """Remove the first one."""
        self._pulled.popleft()

    def clear(self) -> None:
        """Want nothing more."""
        self._pulled.clear()
        self._source = None

    def any_within(self, low: int, high: float) -> bool:
        """Whether one lies in [low, high)."""
        while (not self._pulled or self._pulled[-1] < low) and self._pull():
            pass
        place = bisect_left(self._pulled, low)
        return place < len(self._pulled) and self._pulled[place] < high

    def ends_within(self, low: int, high: int) -> bool:
        """Whether the last one of all lies in [low, high)."""
        return self._source is None and bool(self._pulled) and low <= self._pulled[-1] < high

    def _pull(self) -> bool:
        value = None if self._source is None else next(self._source, None)
        if value is None:
            self._source = None
            return False
        self._pulled.append(value)
        return True


class Pass:
    """Reads one video stream; a context manager that closes the file.

    Args:
        strict: Whether the first damage is reported at once, not at the end of the pass.
        threads: Threads that decode; None for FFmpeg's choice.
    """

    def __init__(self, probe: Probe, report: Report, *, strict: bool, threads: int | None = None) -> None:
        self.path = probe.info.path
        self.ends_early = False
        self._probe = probe
        self._report = report
        self._strict = strict
        self._threads = threads
        self._tick = float(probe.time_base)
        self._frame_ticks = max(1, round(1 / probe.info.fps / self._tick))
        self._far_ticks = FAR_SECONDS / self._tick if probe.has_timestamps else float("inf")
        self._jump_ticks = JUMP_SECONDS / self._tick
        self._key_ticks = probe.known_key_ticks if probe.has_timestamps else []
        self._stack = ExitStack()
        self._known: list[int] = []  # timestamps of the packets that were read and may still be shown
        self._walked_to: int | None = None  # the limit that a jump could not reach
        self._back_ticks = 0
        self._bad: dict[int | None, float] = {}  # seconds that are missing, by timestamp
        self._tail_seconds = 0.0
        self._open()
        self._skips = probe.has_timestamps and self._stream.codec_context.name in SKIPPING_CODECS

    def __enter__(self) -> Pass:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def start_for(self, limit: int | None) -> int | None:
        """Return where to begin for ``limit``: None, the start of the file, if it is not far from it."""
        return limit if limit is not None and self.is_far(self._probe.start_ticks, limit) else None

    def earlier(self, start: int, limit: int) -> int | None:
        """Return where to begin after a jump to ``start`` has landed behind ``limit``.

        It is further back at each call for one limit; None is the start of the file.
        """
        if limit != self._walked_to:
            self._walked_to, self._back_ticks = limit, round(1 / self._tick)
            self._far_ticks *= 2  # jumps are worth less in this file
            self._key_ticks = []  # and do not land where they should
        start -= self._back_ticks
        self._back_ticks *= 2
        return start if start > self._probe.start_ticks else None

    def is_far(self, now: int, limit: int) -> bool:
        """Whether ``limit`` is so far after ``now`` that a jump is worth it, and none has failed."""
        if limit == self._walked_to:
            return False
        if not self._key_ticks:
            return limit - now > self._far_ticks
        place = bisect_right(self._key_ticks, limit)
        return place > 0 and self._key_ticks[place - 1] - now > self._jump_ticks

    def has_missed(self, shown: int, limit: int) -> bool:
        """Whether the packets promise a later frame for ``limit`` than ``shown``.

        Then frames were left out that should not have been, and the pass stops leaving out any.
        """
        place = bisect_right(self._known, limit)
        missed = self._skips and place > 0 and self._known[place - 1] > shown
        if missed:
            self._skips = False
        else:
            del self._known[: bisect_left(self._known, shown)]
        return missed

    def frames(self, wanted: Wanted | None, start: int | None) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield ticks and frames in order, from the key frame before ``start`` on.

        With ``wanted``, frames that no wanted time shows may be left out. Nothing is yielded where
        there is no key frame before the first wanted time.
        """
        self._known.clear()
        self._latest_given = -(1 << 63)  # ticks of the latest frame since the jump
        packets = self._without_cut_end(self._packets(start), start)
        if start is not None:
            key = next((packet for packet in packets if packet.is_keyframe), None)
            limit = wanted.first() if wanted is not None else None
            if key is None or key.pts is None or (limit is not None and key.pts > limit):
                return
            if key.pts <= self._latest:
                self._far_ticks *= 2  # key frames are further apart than was thought
                self._key_ticks = []  # or a jump lands before the one that it was meant for
            packets = chain([key], packets)
        if wanted is not None and self._skips:
            packets = self._sparse(packets, wanted)
        for packet in packets:
            yield from self._decode(packet)
        yield from self._decode(None)

    def note_shown(self, frame: av.VideoFrame) -> None:
        """Count ``frame`` if the decoder had to make up a part of it."""
        if frame.is_corrupt:
            self._count_bad("a frame is only partly there", frame.pts, 1 / self._probe.info.fps)

    def note_end(self, ticks: int, frame: av.VideoFrame) -> int:
        """Compare the last frame with the duration; return the ticks at which it ends."""
        self.ends_early = False
        end = ticks + (frame.duration or self._frame_ticks)
        missing = missing_at_end(self._probe, (end - self._probe.start_ticks) * self._tick)
        if missing:
            self.ends_early = True
            self._tail_seconds = missing
        return end

    def report(self) -> None:
        """Tell of what is missing, once, at the end of the pass."""
        missing = sum(self._bad.values())
        if self.ends_early:
            self._report("it ends early", missing + self._tail_seconds, ends_early=True)
        elif missing:
            self._report("a part cannot be decoded", missing, ends_early=False)

    def _open(self) -> None:
        self._stack.close()
        self._container = self._stack.enter_context(open_container(self.path))
        index = self._probe.info.video_stream
        stream: Any = choose_stream(self._container, self.path, "video", index)
        stream.thread_type = "AUTO"
        if self._threads is not None:
            stream.codec_context.thread_count = self._threads
        self._stream = stream
        self._is_fresh = True
        self._latest = self._probe.start_ticks - 1  # ticks of the latest decoded frame

    def _packets(self, start: int | None) -> Iterator[Any]:
        if start is None and not self._is_fresh:
            self._open()
        self._is_fresh = False
        if start is not None:
            try:
                self._container.seek(start, stream=self._stream)
            except av.error.FFmpegError:  # cannot jump in this file: the caller begins at its start
                return
        yield from readable_packets(self._container, self._stream)

    def _without_cut_end(self, packets: Iterator[Any], start: int | None) -> Iterator[Any]:
        """Yield the packets, less a last one that the end of the file has cut in two.

        At best it gives half a picture, and PyAV 17 loses all frames that come out beside its error.
        Of a file that has no other it is yielded.
        """
        held = None
        is_only = start is None
        for packet in packets:
            if held is not None:
                yield held
                is_only = False
            held = packet if packet.is_corrupt else None
            if held is None:
                yield packet
                is_only = False
        if held is not None and is_only:
            yield held
        elif held is not None:
            self._bad[held.pts] = 1 / self._probe.info.fps

    def _sparse(self, packets: Iterator[Any], wanted: Wanted) -> Iterator[Any]:
        """Yield the packets, each after telling the decoder whether it may leave out its frame.

        A frame is wanted if a wanted time lies between it and its successor; the packets are read
        ahead so far that the successor is known.
        """
        codec = self._stream.codec_context
        ahead: deque[Any] = deque()
        skipping = False
        for packet in chain(packets, [None] * LOOKAHEAD_PACKETS):
            if packet is not None:
                if packet.pts is None:
                    self._skips = False
                elif not packet.is_discard:
                    insort(self._known, packet.pts)
            ahead.append(packet)
            if len(ahead) <= LOOKAHEAD_PACKETS or (oldest := ahead.popleft()) is None:
                continue
            may_skip = self._skips and not self._is_wanted(oldest, wanted)
            if may_skip != skipping:
                codec.skip_frame = "NONREF" if may_skip else "DEFAULT"
                skipping = may_skip
            yield oldest
        codec.skip_frame = "DEFAULT"

    def _is_wanted(self, packet: Any, wanted: Wanted) -> bool:
        if packet.is_discard:  # its frame is never shown
            return False
        place = bisect_right(self._known, packet.pts)
        successor = self._known[place] if place < len(self._known) else float("inf")
        if wanted.any_within(packet.pts, successor):
            return True
        # The frame after the last wanted one shows that the pass is over.
        return place > 1 and wanted.ends_within(self._known[place - 2], packet.pts)

    def _decode(self, packet: Any | None) -> Iterator[tuple[int, av.VideoFrame]]:
        try:
            frames = self._stream.decode(packet)
        except av.error.EOFError:
            return
        except av.error.FFmpegError as error:
            stamp = None if packet is None else packet.pts
            what = f"a part cannot be decoded ({error.strerror})"
            self._count_bad(what, stamp, 1 / self._probe.info.fps)
            return
        for frame in frames:
            ticks = self._ticks_of(frame)
            if ticks > self._latest_given:
                self._latest = self._latest_given = ticks
                yield ticks, frame
            elif ticks < self._latest_given:  # behind damage a decoder may lose the order
                self._count_bad("a frame comes too late", ticks, 1 / self._probe.info.fps)

    def _ticks_of(self, frame: av.VideoFrame) -> int:
        if self._probe.has_timestamps:
            stamp = frame.dts if frame.pts is None else frame.pts
            if stamp is not None:
                return stamp
        is_first = self._latest < self._probe.start_ticks
        return self._probe.start_ticks if is_first else self._latest + self._frame_ticks

    def _count_bad(self, what: str, stamp: int | None, seconds: float) -> None:
        self._bad[stamp] = seconds  # a pass may meet the same packet twice
        if self._strict:
            self._report(what, seconds, ends_early=False)


def missing_at_end(probe: Probe, end_seconds: float) -> float:
    """Return how many seconds of pictures are missing behind the last frame, which ends at that time."""
    info = probe.info
    missing = info.duration_seconds - end_seconds
    if missing <= max(MIN_MISSING_SECONDS, 2 / info.fps):
        return 0.0
    # The container's duration may be that of the sound, which may be longer.
    whole = info.start_seconds + info.duration_seconds - MIN_MISSING_SECONDS
    return missing if probe.own_duration or last_end_seconds(info.path) < whole else 0.0
