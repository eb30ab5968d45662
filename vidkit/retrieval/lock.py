"""One writer at a time: a lock that the system takes back when its process ends, however it ends."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SECONDS_BETWEEN_TRIES = 0.05


@contextmanager
def writer_lock(path: Path, *, wait_seconds: float) -> Iterator[None]:
    """Hold the lock of a file while the block runs; the file is made if absent and stays.

    Args:
        path: The file.
        wait_seconds: How long another writer is waited for.

    Raises:
        TimeoutError: If another writer holds it longer.
        OSError: If the file cannot be opened for writing.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        until = time.monotonic() + wait_seconds
        while not _try_lock(handle):
            if time.monotonic() >= until:
                raise TimeoutError(
                    f"{path.parent} is being changed by another program for more than {wait_seconds:g} s; "
                    "wait for it and run again"
                )
            time.sleep(_SECONDS_BETWEEN_TRIES)
        yield
    finally:
        os.close(handle)  # gives the lock back


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
