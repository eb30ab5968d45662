"""Every change is whole or absent: kills, full disks, other programs, folders that nobody may write to."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vidkit.retrieval import Entry, Index, lock, segment

NEEDS_FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a fork of the program")


def vectors(number: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((number, 8)).astype(np.float32)


def entries(*names: str) -> list[Entry]:
    return [Entry(name, f"{name}.mp4", 0, 1) for name in names]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Index.create(tmp_path / "index", dim=8, encoder={"fingerprint": "f"}) as made:
        made.add(vectors(3), entries("a", "b", "c"))
    return tmp_path / "index"


def _add(folder: Path) -> None:
    with Index.open(folder) as index:
        index.add(vectors(2, seed=1), entries("d", "e"))


def _replace(folder: Path) -> None:
    with Index.open(folder) as index:
        index.add(vectors(1, seed=1), entries("b"), replace_videos=True)


def _remove(folder: Path) -> None:
    with Index.open(folder) as index:
        index.remove([1])


def _compact(folder: Path) -> None:
    with Index.open(folder) as index:
        index.remove([0])
        index.compact()


def _state(folder: Path) -> str:
    """Return the videos that are found, each with its id."""
    with Index.open(folder) as index:
        return " ".join(sorted(f"{hit.id}{hit.video_id}" for hit in index.search(vectors(1), 9)[0]))


AFTER = {_add: "0a 1b 2c 3d 4e", _replace: "0a 2c 3b", _remove: "0a 2c", _compact: "1b 2c"}
STEPS = ("fsync", "replace", "rename", "unlink", "mkdir", "rmdir")


@NEEDS_FORK
@pytest.mark.parametrize("change", AFTER)
def test_a_program_killed_at_any_step_leaves_the_old_index_or_the_new_one(
    folder: Path, change: Callable[[Path], None]
) -> None:
    """A fork runs the change and kills itself at its n-th call of the system, for every n."""
    before, after = _state(folder), AFTER[change]
    saved = _files(folder)
    seen = set()
    for step in range(1, 100):
        killed = _run_and_kill(lambda: change(folder), step)
        state = _state(folder)
        assert state in (before, after)
        seen.add(state)
        with Index.open(folder) as index:
            index.add(vectors(1, seed=8), entries("next"))
            assert index.search(vectors(1, seed=8), 1)[0][0].video_id == "next"
            assert len(list((folder / "segments").iterdir())) == len(index.info()["segments"])
        assert not list(folder.glob(".manifest*")), "the next writer removes what the killed one left"
        if not killed:
            break
        _restore(folder, saved)
    assert not killed
    assert step > 5
    assert seen == {before, after}


def _run_and_kill(work: Callable[[], None], step: int) -> bool:
    """Run in a fork that kills itself at the given call; return whether it did."""
    child = os.fork()
    if child == 0:
        left = [step]

        def deadly(function: Callable[..., Any]) -> Callable[..., Any]:
            def call(*args: Any, **kwargs: Any) -> Any:
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*args, **kwargs)

            return call

        for name in STEPS:
            setattr(os, name, deadly(getattr(os, name)))
        try:
            work()
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def _files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _restore(folder: Path, saved: dict[Path, bytes]) -> None:
    import shutil

    shutil.rmtree(folder)
    for path, content in saved.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.mark.parametrize("change", [_add, _replace, _remove])
def test_a_full_disk_leaves_the_index_as_it_was_and_nothing_beside_it(
    folder: Path, change: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, names = _state(folder), {path.name for path in folder.rglob("*")}
    real, left = os.fsync, [0]

    def full(handle: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    for writes in range(50):
        left[0] = writes
        with suppress(OSError):
            change(folder)
            break
        if _state(folder) != before:  # only the folder's own entry could not be synced
            break
        assert {path.name for path in folder.rglob("*")} - names == set()
    assert writes > 1
    monkeypatch.undo()
    _add_next(folder)


def _add_next(folder: Path) -> None:
    with Index.open(folder) as index:
        index.add(vectors(1, seed=8), entries("next"))
        assert index.search(vectors(1, seed=8), 1)[0][0].video_id == "next"


def test_a_disk_that_is_full_for_the_entries_is_told_in_a_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    class Full:
        def execute(self, *_: Any) -> None:
            raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("vidkit.retrieval.entries.sqlite3.connect", lambda *_, **__: Full())
    with pytest.raises(OSError, match=r"cannot write .*database or disk is full; make room and run again"):
        segment.write_segment(folder / "segments" / "x", iter(()), dim=8)
    assert not list((folder / "segments").glob("*x*"))


def test_what_cannot_be_tidied_up_does_not_undo_the_change(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Index.open(folder) as index:
        monkeypatch.setattr("vidkit.retrieval.index.places_to_merge", lambda *_: range(2))

        def fail(*_: object) -> None:
            raise OSError("no room")

        monkeypatch.setattr("vidkit.retrieval.index.merged_batches", fail)
        with pytest.warns(UserWarning, match="has the change, but could not be tidied up: no room"):
            index.add(vectors(1, seed=1), entries("d"))
    assert _state(folder) == "0a 1b 2c 3d"


def test_writers_wait_for_one_another(folder: Path) -> None:
    def work(name: str) -> None:
        with Index.open(folder) as index:
            for n in range(4):
                index.add(vectors(1, seed=n), entries(f"{name}{n}"))

    threads = [threading.Thread(target=work, args=(name,)) for name in "xyz"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Index.open(folder) as index:
        assert len(index.videos()) == 15
        _, ids = index.nearest(vectors(1), 99)
        assert sorted(number for number in ids[0] if number >= 0) == list(range(15))


def test_a_writer_that_waits_too_long_says_so(folder: Path) -> None:
    with Index(folder, wait_seconds=0.1) as index, lock.writer_lock(folder / "writer.lock", wait_seconds=0):
        with pytest.raises(TimeoutError, match=r"changed by another program for more than 0\.1 s; wait"):
            index.add(vectors(1), entries("d"))
        assert len(index.search(vectors(1), 9)[0]) == 3


def test_a_reader_keeps_what_it_opened_until_it_refreshes(folder: Path) -> None:
    with Index.open(folder) as reader, Index.open(folder) as writer:
        writer.remove([0])
        writer.add(vectors(1, seed=1), entries("d"))
        writer.compact()
        assert {hit.video_id for hit in reader.search(vectors(1), 9)[0]} == set("abc")
        assert reader.refresh()
        assert {hit.video_id for hit in reader.search(vectors(1), 9)[0]} == set("bcd")
        assert not reader.refresh()


def test_an_index_that_is_replaced_while_it_is_opened_is_opened_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = segment.read_json, []

    def late(path: Path) -> Any:
        if not calls:
            calls.append(path)
            _compact(folder)
        return real(path)

    monkeypatch.setattr(segment, "read_json", late)
    assert _state(folder) == "1b 2c"


def test_a_reader_writes_nothing(folder: Path) -> None:
    """So a folder that may only be read is enough."""
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    opened: list[int] = []

    def watch(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and str(args[0]).startswith(str(folder)) and args[2] & (os.O_WRONLY | os.O_RDWR):
            opened.append(args[2])

    sys.addaudithook(watch)
    assert _state(folder) == "0a 1b 2c"
    assert not opened
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_folder_that_may_only_be_read_refuses_changes_in_a_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def refuse(path: Any, flags: int, *rest: Any, **more: Any) -> int:
        if str(path).startswith(str(folder)) and flags & os.O_RDWR:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    with Index.open(folder) as index:
        with pytest.raises(PermissionError, match=r"Permission denied: .*writer\.lock"):
            index.add(vectors(1), entries("d"))
        assert len(index.search(vectors(1), 9)[0]) == 3
