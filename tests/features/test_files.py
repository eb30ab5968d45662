"""Files that are whole or absent, also when the power goes."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from vidkit.files import write_json


def test_a_file_is_on_the_disk_before_it_takes_its_place_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, int]] = []
    replace = os.replace

    def note_replace(source: Path, target: Path) -> None:
        calls.append(("replace", source.stat().st_ino))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", lambda handle: calls.append(("fsync", os.fstat(handle).st_ino)))
    monkeypatch.setattr(os, "replace", note_replace)
    write_json(tmp_path / "a.json", {})
    inode = (tmp_path / "a.json").stat().st_ino
    assert calls == [("fsync", inode), ("replace", inode), ("fsync", tmp_path.stat().st_ino)]


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_promise_it_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(handle: int) -> None:
        raise OSError(code, "refused")

    monkeypatch.setattr(os, "fsync", refuse)
    write_json(tmp_path / "a.json", {})
    assert (tmp_path / "a.json").read_text() == "{}\n"


def test_a_full_disk_that_shows_only_then_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        write_json(tmp_path / "a.json", {})
    assert list(tmp_path.iterdir()) == []
