"""Pictures are painted in a thread beside the decoder, and come in order.

Frames of one pass are painted one after the other: a painter is no thing for two threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from vidkit.media.errors import DamageWarning, MediaError

Key = TypeVar("Key")
Painted = TypeVar("Painted")

# Decoded frames that may wait for the painter: more than decoding and painting vary by, and few to hold.
AHEAD_FRAMES = 8


def one_thread() -> ThreadPoolExecutor:
    """Return the thread that paints; it starts with the first frame."""
    return ThreadPoolExecutor(1, thread_name_prefix="paint")


def in_order(pending: Iterable[tuple[Key, Future[Painted]]]) -> Iterator[tuple[Key, Painted]]:
    """Yield what the futures give, in order, while up to ``AHEAD_FRAMES`` later ones are begun.

    Where the source raises ``MediaError`` (or its warning, made an error), what it gave before comes first.
    """
    waiting: deque[tuple[Key, Future[Painted]]] = deque()
    source = iter(pending)
    error: MediaError | DamageWarning | None = None
    is_over = False
    while not is_over or waiting:
        try:
            while not is_over and len(waiting) <= AHEAD_FRAMES:
                waiting.append(next(source))
        except StopIteration:
            is_over = True
        except (MediaError, DamageWarning) as raised:
            error, is_over = raised, True
        if waiting:
            key, future = waiting.popleft()
            yield key, future.result()
    if error is not None:
        raise error
