"""Threads that read videos, and the bounded queue through which they hand over.

A thread decodes and preprocesses one video after the other; the models run elsewhere.
"""

from __future__ import annotations

import queue
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import torch
from torch import Tensor

from vidkit.features.one_video import Calls, Clips, Message, read_video
from vidkit.features.plan import Item, Job

_BLOCKS_PER_READER = 2  # that wait in the queue
_BYTES_OF_BLOCKS = 256 * 2**20  # that wait in the queue, unless a single one has more
_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_TO_STOP = 10.0  # for what a reader is at: a chunk of frames, or the clips of a block


@dataclass(frozen=True)
class End:
    """A video has been read to its end, or up to an error.

    Args:
        error: Why it failed.
    """

    error: Exception | None


# What a thread hands over; None when it is done, and what has ended it otherwise.
_FromReader = tuple[Item, "Message | End"] | BaseException | None


class _Messages(queue.Queue[_FromReader]):
    """A queue that is full when it holds so many messages, or so many bytes."""

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self._num_bytes = 0

    def _qsize(self) -> int:
        """Return the number of messages; called under the lock, by ``put`` and ``get`` too."""
        return self.maxsize if self._num_bytes >= _BYTES_OF_BLOCKS else super()._qsize()

    def _put(self, item: _FromReader) -> None:
        super()._put(item)
        self._num_bytes += _bytes_of(item)

    def _get(self) -> _FromReader:
        item: _FromReader = super()._get()
        self._num_bytes -= _bytes_of(item)
        return item


def _bytes_of(message: _FromReader) -> int:
    inputs: Sequence[Any] = ()
    if isinstance(message, tuple) and isinstance(message[1], Clips):
        inputs = [message[1].inputs]
    elif isinstance(message, tuple) and isinstance(message[1], Calls):
        inputs = message[1].inputs
    return sum(each.nbytes for each in inputs if isinstance(each, Tensor))


class Readers:
    """Threads that read videos; a context manager that gives (item, message), in order for each video.

    What ends a thread is raised where the messages are taken.

    Args:
        job: How features are made.
        next_item: Gives the next video, or None; called from the threads.
        count: Of the threads, > 0.
    """

    def __init__(self, job: Job, next_item: Callable[[], Item | None], count: int) -> None:
        self._job = job
        self._next_item = next_item
        self._messages = _Messages(_BLOCKS_PER_READER * count + 1)
        self._is_stopped = threading.Event()
        self._have_begun = threading.Barrier(count + 1)
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]

    def __enter__(self) -> Iterator[tuple[Item, Message | End]]:
        threads = torch.get_num_threads()
        for thread in self._threads:
            thread.start()
        self._have_begun.wait()
        torch.set_num_threads(threads)  # the readers have set theirs, which torch takes for that of all
        return self._received()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_stopped.set()
        deadline = time.monotonic() + _SECONDS_TO_STOP
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if stuck := sum(thread.is_alive() for thread in self._threads):
            warnings.warn(
                f"{stuck} of {len(self._threads)} reading threads have not stopped in "
                f"{_SECONDS_TO_STOP:.0f} s and are left behind; they end with the process",
                stacklevel=4,
            )

    def _received(self) -> Iterator[tuple[Item, Message | End]]:
        running = len(self._threads)
        while running:
            message = self._messages.get()
            if message is None:
                running -= 1
            elif isinstance(message, Exception):
                raise message
            elif isinstance(message, BaseException):  # an exit or a panic of a thread is none of the process
                raise RuntimeError(f"a reading thread ended: {message!r}") from message
            else:
                yield message

    def _run(self) -> None:
        torch.set_num_threads(1)  # the model needs the cores, and the decoder has threads of its own
        self._have_begun.wait()
        try:
            with torch.no_grad():
                while (item := self._next_item()) is not None:
                    self._read(item)
            self._put(None)
        except _StoppedError:
            pass
        except BaseException as error:  # noqa: BLE001 - the main thread waits, so it must hear of anything
            with suppress(_StoppedError):
                self._put(error)

    def _read(self, item: Item) -> None:
        encoders = {name: self._job.encoders[name] for name in item.names}
        end = End(None)
        try:
            job = self._job
            for message in read_video(
                item.path, encoders, clip_seconds=job.clip_seconds, captions=job.captions
            ):
                self._put((item, message))
        except Exception as error:  # whatever one video does to a decoder or an encoder
            if isinstance(error, _StoppedError):
                raise
            end = End(error)
        self._put((item, end))

    def _put(self, message: _FromReader) -> None:
        while not self._is_stopped.is_set():
            try:
                return self._messages.put(message, timeout=_SECONDS_BETWEEN_LOOKS)
            except queue.Full:
                continue
        raise _StoppedError


class _StoppedError(Exception):
    """The job is over, the reader's work is not wanted any more."""
