"""Extraction in several processes, which survives Ctrl-C and the death of a worker.

A worker asks for a video when a reading thread of its has time, so that fast workers get more.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import torch

from vidkit.features.failures import record_failure
from vidkit.features.pipeline import OnFinish, num_readers, ready, run_pipeline
from vidkit.features.plan import Item, Job

_SECONDS_TO_STOP = 30.0


def run_in_processes(job: Job, work: Sequence[Item], *, workers: int, on_finish: OnFinish) -> None:
    """Extract all items; tell each one's end.

    A worker that dies (killed for memory, crashed in a decoder) takes nothing with it: the videos that it
    had at work are tried again, in fewer and fewer at once, and one that kills its process alone has failed.

    Args:
        job: Travels to each worker.
        work: Videos, each with the names of the encoders to run.
        workers: Processes, > 0.
        on_finish: Called here with the path and why it failed, or None.

    Raises:
        OSError: If the disk is full, or the workers die before they begin; the others have stopped.
        ValueError: If a batch does not fit into the memory of the device.
        KeyboardInterrupt: On Ctrl-C, after all workers have stopped.
    """
    suspects = _Pool(job, work, min(workers, len(work)), on_finish).run()
    rounds = [suspects]
    while rounds:
        items = rounds.pop()
        if not items:
            continue
        left = _Pool(job, items, 1, on_finish).run()
        if len(items) > 1:
            middle = (len(left) + 1) // 2
            rounds += [left[middle:], left[:middle]]
        elif left:
            reason = "the process that read it died: out of memory, or its decoder crashed"
            _give_up(job, left[0], f"{left[0].path}: {reason}; try it again with fewer workers", on_finish)


def _give_up(job: Job, item: Item, reason: str, on_finish: OnFinish) -> None:
    for name in item.names:
        record_failure(
            job.folder(name), item.path.stem, reason, source=item.source, sidecar=job.sidecars[name]
        )
    on_finish(item.path, reason)


@dataclass
class _Worker:
    slot: int  # which of the workers it is; of several GPUs it has its own
    process: BaseProcess
    connection: Connection
    at_work: dict[Path, Item] = field(default_factory=dict)
    has_begun: bool = False


class _Pool:
    """Workers over a queue of videos; one that dies is replaced while there are more."""

    def __init__(self, job: Job, work: Sequence[Item], workers: int, on_finish: OnFinish) -> None:
        self._job = job
        self._queue = deque(work)
        self._num_workers = workers
        self._on_finish = on_finish
        # Threads of torch and FFmpeg do not survive a fork.
        self._context = multiprocessing.get_context("spawn")
        self._stop = self._context.Event()
        self._workers: list[_Worker] = []
        self._suspects: list[Item] = []

    def run(self) -> list[Item]:
        """Work through the queue; return the videos that were at work where a worker died."""
        try:
            for slot in range(self._num_workers):
                self._start(slot)
            while self._workers:
                by_connection: dict[Any, _Worker] = {worker.connection: worker for worker in self._workers}
                for connection in wait(list(by_connection)):
                    self._hear(by_connection[connection])
        finally:
            self._stop.set()
            for worker in self._workers:
                worker.connection.close()  # who waits for a video hears that there is none
            for worker in self._workers:
                worker.process.join(_SECONDS_TO_STOP)
                if worker.process.is_alive():
                    worker.process.kill()
                    worker.process.join()
        return self._suspects

    def _start(self, slot: int) -> None:
        here, there = self._context.Pipe()
        arguments = (_for_worker(self._job, slot), there, self._stop, self._num_workers)
        process = self._context.Process(target=_work, args=arguments, daemon=True)
        process.start()
        there.close()  # so that the worker's death ends the connection
        self._workers.append(_Worker(slot, process, here))

    def _hear(self, worker: _Worker) -> None:
        try:
            kind, value = worker.connection.recv()
        except (EOFError, ConnectionError):
            self._bury(worker)
            return
        if kind == "next":
            worker.has_begun = True
            item = self._queue.popleft() if self._queue else None
            if item is not None:
                worker.at_work[item.path] = item
            try:
                worker.connection.send(item)
            except OSError:  # it has died since
                self._bury(worker)
        elif kind == "finish":
            path, reason = value
            del worker.at_work[path]
            self._on_finish(path, reason)
        else:
            raise value

    def _bury(self, worker: _Worker) -> None:
        """Count what a worker had at work, all done if it ended well, and replace it if there is more."""
        self._workers.remove(worker)
        worker.connection.close()
        worker.process.join()
        self._suspects += worker.at_work.values()
        if not worker.has_begun:
            raise OSError(
                f"a worker process ended before it began (exit code {worker.process.exitcode}); a script "
                'that uses workers guards its main part by: if __name__ == "__main__":'
            )
        if self._queue:
            self._start(worker.slot)


def _for_worker(job: Job, slot: int) -> Job:
    """Return the job with the GPU of a worker, where there are several."""
    device = None if job.device is None else torch.device(job.device)
    if device is None or device.type != "cuda" or device.index is not None:
        return job
    return replace(job, device=f"cuda:{slot % max(1, torch.cuda.device_count())}")


def _work(job: Job, connection: Connection, stop: Event, num_workers: int) -> None:
    """The life of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and sets ``stop``
    threading.Thread(target=_die_with_parent, daemon=True).start()
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // num_workers))
    parent = _Parent(connection, stop)
    try:
        with ready(job):
            run_pipeline(
                job,
                parent.next_item,
                readers=num_readers(num_workers),
                on_finish=parent.finish,
                on_part=parent.check_stop,
            )
    except KeyboardInterrupt:
        return
    except OSError as error:  # a full disk; the parent raises it
        parent.send("error", OSError(error.errno, error.strerror))
    except ValueError as error:  # a batch that does not fit into memory
        parent.send("error", ValueError(str(error)))


class _Parent:
    """The other end of a worker's connection, for its threads."""

    def __init__(self, connection: Connection, stop: Event) -> None:
        self._connection = connection
        self._stop = stop
        self._sending = threading.Lock()
        self._asking = threading.Lock()

    def send(self, kind: str, value: Any = None) -> None:
        with self._sending:
            self._connection.send((kind, value))

    def next_item(self) -> Item | None:
        """Return the next video; None if there is none, or the job is stopped."""
        with self._asking:
            try:
                self.send("next")
                item: Item | None = self._connection.recv()
            except (EOFError, ConnectionError):
                return None
            return item

    def finish(self, path: Path, reason: str | None) -> None:
        if not self._stop.is_set():
            self.send("finish", (path, reason))

    def check_stop(self, path: Path, fraction: float) -> None:
        if self._stop.is_set():
            raise KeyboardInterrupt  # what is half-written goes away, and the video is not counted as failed


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
