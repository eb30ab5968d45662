"""Painting beside the decoder: in order, bounded, and nothing lost where the decoder stops."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from vidkit.media.errors import DamagedError
from vidkit.media.painting import AHEAD_FRAMES, in_order, one_thread


def _begun(thread: ThreadPoolExecutor, count: int, begun: list[int]) -> Iterator[tuple[int, Future[int]]]:
    for number in range(count):
        begun.append(number)
        yield number, thread.submit(lambda n=number: (time.sleep(0.001 * (n % 3)), n * n)[1])


def test_pictures_come_in_order_and_few_are_begun_ahead() -> None:
    begun: list[int] = []
    with one_thread() as thread:
        for place, (number, square) in enumerate(in_order(_begun(thread, 50, begun))):
            assert (number, square) == (place, place * place)
            assert len(begun) <= place + 1 + AHEAD_FRAMES
    assert begun == list(range(50))


def test_what_came_before_an_error_is_still_given() -> None:
    def breaks(thread: ThreadPoolExecutor) -> Iterator[tuple[int, Future[int]]]:
        yield from _begun(thread, 5, [])
        raise DamagedError("the rest is damaged")

    with one_thread() as thread:
        painted = in_order(breaks(thread))
        assert [next(painted)[0] for _ in range(5)] == [0, 1, 2, 3, 4]
        with pytest.raises(DamagedError, match="the rest is damaged"):
            next(painted)


def test_an_error_of_the_painter_reaches_the_reader() -> None:
    def fail() -> int:
        raise ZeroDivisionError("no paint")

    with one_thread() as thread, pytest.raises(ZeroDivisionError, match="no paint"):
        list(in_order(iter([(0, thread.submit(fail))])))
