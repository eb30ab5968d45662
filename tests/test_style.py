"""Rules of style that ruff does not know."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("vidkit", "tasks", "registry", "configs", "tools", "tests", "docs", ".ci")
TEXT = {".py", ".md", ".sh", ".cfg", ".toml", ".yml", ".yaml", ".css", ".js", ".html", ""}
MAX_LINES = 350
MACHINE_PATH = re.compile(r"(?<![\w.~])/(?:home|Users|root|work|mnt|scratch|workspace)/\w")


def _files() -> list[Path]:
    """Return the tracked text files; in a tree without .git, those that the folders hold."""
    if (ROOT / ".git").exists():
        listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
        paths = [ROOT / line for line in listing.stdout.splitlines()]
    else:
        paths = [path for path in ROOT.iterdir() if path.is_file()]
        paths += [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    return sorted(p for p in paths if p.is_file() and p.suffix in TEXT and "__pycache__" not in p.parts)


FILES = _files()


def test_there_are_files_to_look_at() -> None:
    assert len(FILES) > 100


def test_no_source_file_is_longer_than_350_lines() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): count
        for path in FILES
        if path.suffix in {".py", ".js", ".css", ".sh"}
        and (count := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    }
    assert not long, f"one idea a file; longer than {MAX_LINES} lines: {long}"


def test_no_file_names_a_path_of_a_machine() -> None:
    found = [
        f"{path.relative_to(ROOT).as_posix()}:{number}: {line.strip()}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert not found


@pytest.mark.parametrize("folder", ["home", "Users", "root", "work"])
def test_paths_of_machines_are_seen(folder: str) -> None:
    assert MACHINE_PATH.search(f"x = '/{folder}/me/a.mp4'")
    assert not MACHINE_PATH.search(f"see docs/{folder}/me and https://example.org/{folder}/me")


def test_base_names_of_test_files_are_unique() -> None:
    """tests/ has no ``__init__.py``, so two files of one name would be one module to pytest."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
