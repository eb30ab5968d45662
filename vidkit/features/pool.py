"""A pool of processes over videos that survives Ctrl-C and the death of a worker."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Protocol

import torch

Item = tuple[Path, tuple[str, ...]]


class _Extractor(Protocol):
    def __call__(
        self, path: Path, names: tuple[str, ...], on_fraction: Callable[[float], None]
    ) -> str | None: ...
    def ready(self) -> Any: ...


def run_in_processes(
    extractor: _Extractor,
    work: Sequence[Item],
    *,
    workers: int,
    on_finish: Callable[[Path, str | None], None],
) -> None:
    """Run ``extractor(path, names, ...)`` over all items; tell each one's end.

    A worker that dies (killed for memory, crashed in a decoder) takes only its own video with it: those
    that were at work are tried again alone, and one that dies again has failed.

    Args:
        extractor: Travels to each worker once.
        work: Videos, each with the names of the encoders to run.
        workers: Processes, > 0.
        on_finish: Called here with the path and why it failed, or None.

    Raises:
        OSError, KeyboardInterrupt: What the extractor raised, after all workers have stopped.
    """
    queue = deque(work)
    while queue:
        suspects = _run_pool(extractor, queue, min(workers, len(queue)), on_finish)
        for item in suspects:
            alone = deque([item])
            if _run_pool(extractor, alone, 1, on_finish):
                reason = "the process that read it died: out of memory, or its decoder crashed"
                on_finish(item[0], f"{item[0]}: {reason}; try it again with fewer workers")


def _run_pool(
    extractor: _Extractor, queue: deque[Item], workers: int, on_finish: Callable[[Path, str | None], None]
) -> list[Item]:
    """Work through the queue; return the items that were at work when a worker died, else []."""
    context = multiprocessing.get_context("spawn")  # threads of torch and FFmpeg do not survive a fork
    stop = context.Event()
    pool = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start_worker, initargs=(extractor, stop, workers)
    )
    running: dict[Future[str | None], Item] = {}
    try:
        while queue or running:
            while queue and len(running) < workers:
                item = queue.popleft()
                running[pool.submit(_work, *item)] = item
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                error = future.result()
                on_finish(running.pop(future)[0], error)
    except BrokenProcessPool:
        return list(running.values())
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
    return []


_extractor: _Extractor
_stop: Event


def _start_worker(extractor: _Extractor, stop: Event, workers: int) -> None:
    global _extractor, _stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and sets ``stop``
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))
    _extractor, _stop = extractor, stop
    extractor.ready().__enter__()  # for the life of the process
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(path: Path, names: tuple[str, ...]) -> str | None:
    return _extractor(path, names, _check_stop)


def _check_stop(fraction: float) -> None:
    if _stop.is_set():
        raise KeyboardInterrupt  # what is half-written goes away, and the video is not counted as failed
