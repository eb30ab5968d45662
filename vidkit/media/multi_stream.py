"""Frames of one video for several readers at once, each at its own times and size, decoded once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from heapq import merge

import av
import numpy as np

from vidkit.media.packets import Pass, Wanted
from vidkit.media.painting import in_order, one_thread
from vidkit.media.pyav_reader import Canvas, PyAVReader, follow
from vidkit.media.reader import ROUNDING_SECONDS, Frames, Picture, VideoReader, stack_pictures
from vidkit.sizes import Size


@dataclass(frozen=True)
class FrameRequest:
    """Frames that somebody wants.

    Attributes:
        times: Increasing seconds; the frame shown at each comes.
        size: (height, width) of the results, or ``FfmpegScale``; None keeps the coded size.
    """

    times: Iterable[float]
    size: Size | None = None


def stream_many(
    reader: VideoReader, requests: Mapping[str, FrameRequest], *, chunk: int = 32
) -> Iterator[tuple[str, Frames]]:
    """Yield (key, frames) until every request is served, at most ``chunk`` frames at a time.

    The frames of one key are those of ``reader.stream(times=..., size=...)``, in their order; those of
    different keys come interleaved, so that memory stays bounded. PyAV decodes the file once; another
    backend once for each request.

    Raises:
        ValueError: If chunk < 1, a size is not positive, or times decrease.
        NoVideoStreamError: If there are no moving pictures.
        DamagedError, TruncatedError: With ``on_damage="error"``.
    """
    if chunk < 1:
        raise ValueError(f"chunk must be at least 1, got {chunk}")
    for request in requests.values():
        reader._check_size(request.size)
    if isinstance(reader, PyAVReader):
        yield from _one_pass(reader, requests, chunk)
        return
    for key, request in requests.items():
        for frames in reader.stream(times=request.times, size=request.size, chunk=chunk):
            yield key, frames


def _one_pass(
    reader: PyAVReader, requests: Mapping[str, FrameRequest], chunk: int
) -> Iterator[tuple[str, Frames]]:
    batches: dict[str, list[Picture]] = {key: [] for key in requests}
    for key, picture in _pictures(reader, requests):
        batches[key].append(picture)
        if len(batches[key]) == chunk:
            yield key, stack_pictures(batches[key])
            batches[key] = []
    for key, batch in batches.items():
        if batch:
            yield key, stack_pictures(batch)


def _pictures(reader: PyAVReader, requests: Mapping[str, FrameRequest]) -> Iterator[tuple[str, Picture]]:
    with one_thread() as thread:
        yield from in_order(_begin(reader, requests, thread))


def _begin(
    reader: PyAVReader, requests: Mapping[str, FrameRequest], thread: Executor
) -> Iterator[tuple[str, Future[Picture]]]:
    """The pass of ``PyAVReader._begin``, with a canvas that knows who wants which limit."""
    base, zero = float(reader._probe.time_base), reader._probe.start_ticks
    canvas = _SharedCanvas(reader, requests, thread)
    limits = (time + ROUNDING_SECONDS for time in canvas.times())
    wanted = Wanted(zero + max(0, int(limit / base)) for limit in limits)
    with Pass(reader._probe, reader._report, strict=reader._on_damage == "error") as run:
        start = run.start_for(wanted.first())
        while wanted.first() is not None:
            start = yield from follow(run, wanted, start, canvas.draw, False)
        run.report()


class _SharedCanvas:
    """Draws each frame once per size; the n-th call is for the n-th of the merged times."""

    def __init__(self, reader: PyAVReader, requests: Mapping[str, FrameRequest], thread: Executor) -> None:
        self._requests = requests
        self._keys: deque[str] = deque()  # whose the pulled times are, the next to draw first
        sizes = {request.size for request in requests.values()}
        self._canvases = {size: Canvas(reader, size, thread) for size in sizes}

    def times(self) -> Iterator[float]:
        """Yield the times of all requests in order, and note whose they are."""
        tagged = (self._tagged(key) for key in self._requests)
        for time, key in merge(*tagged, key=lambda item: item[0]):
            self._keys.append(key)
            yield time

    def draw(self, run: Pass, ticks: int, frame: av.VideoFrame) -> tuple[str, Future[Picture]]:
        key = self._keys.popleft()
        return key, self._canvases[self._requests[key].size].draw(run, ticks, frame)

    def _tagged(self, key: str) -> Iterator[tuple[float, str]]:
        before = -np.inf
        for time in self._requests[key].times:
            if not time >= before:  # NaN too
                raise ValueError(f"times of a request must not decrease; {time} comes after {before}")
            before = time
            yield float(time), key
