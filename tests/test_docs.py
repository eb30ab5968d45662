"""Every command and every snippet of the pages runs.

The ``bash`` and ``python`` blocks of a page run in order, in one temporary folder with a few small videos
(``_prepare``); the Python blocks of a page share their names. A comment above a block changes that:

    <!-- slow -->                  runs only with the slow tests
    <!-- not run: why -->          never runs; pytest shows the reason as a skip
    <!-- file: name.py -->         is written to that file instead, for the blocks that follow
    <!-- exit code: 2 -->          must leave with this code instead of 0
    <!-- installs: folder -->      the package in that folder is built and put on the path, not installed
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from vidkit.media import VideoWriter

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r"(?:^[ ]*<!-- (?P<mark>[^\n]*?) -->\n+)?"
    r"^(?P<indent>[ ]*)```(?P<language>bash|python|toml)[^\n]*\n(?P<code>.*?)^[ ]*```",
    re.DOTALL | re.MULTILINE,
)
SECONDS = 4.0
PLUGINS = "plugins"
SECONDS_A_COMMAND = 600


@dataclass(frozen=True)
class Block:
    """One fenced block: where it is, what it is in, its text and the mark above it."""

    page: Path
    line: int
    language: str
    code: str
    mark: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"

    def argument(self, name: str) -> str | None:
        """Return what follows "name:" in the mark."""
        key, colon, value = self.mark.partition(":")
        return value.strip() if colon and key.strip() == name else None


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start("language")) + 1
        code = re.sub(rf"^{match['indent']}", "", match["code"], flags=re.MULTILINE)
        found.append(Block(page, line, match["language"], code, match["mark"] or ""))
    return found


BLOCKS = {page.relative_to(ROOT).as_posix(): blocks_of(page) for page in PAGES if page.is_file()}
NOT_RUN = [block for blocks in BLOCKS.values() for block in blocks if block.argument("not run") is not None]
WITH_SLOW = [name for name, blocks in BLOCKS.items() if any(block.mark == "slow" for block in blocks)]


@pytest.mark.parametrize("name", [name for name, blocks in BLOCKS.items() if blocks])
def test_the_snippets_of_a_page_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _run_page([block for block in BLOCKS[name] if block.mark != "slow"], tmp_path, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_SLOW)
def test_the_slow_snippets_of_a_page_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _run_page(BLOCKS[name], tmp_path, monkeypatch)


@pytest.mark.parametrize("block", NOT_RUN, ids=lambda block: block.place)
def test_a_snippet_that_cannot_run_here_says_why(block: Block) -> None:
    reason = block.argument("not run")
    assert reason
    pytest.skip(f"{block.place} is not run: {reason}")


def test_every_mark_is_known() -> None:
    known = re.compile(r"|slow|not run: .+|file: [\w./]+|exit code: \d+|installs: \w+")
    wrong = [block.place for blocks in BLOCKS.values() for block in blocks if not known.fullmatch(block.mark)]
    assert not wrong


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    absent = [
        path.relative_to(ROOT / "docs").as_posix()
        for path in (ROOT / "docs").rglob("*.md")
        if path.relative_to(ROOT / "docs").as_posix() not in navigation
    ]
    assert not absent, "add the pages to nav in mkdocs.yml"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 120


def test_the_page_of_commands_has_every_command() -> None:
    import typer.main

    from vidkit.cli import app

    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert not [name for name in commands if f"\n## vidkit {name}\n" not in page]
    for name, command in commands.items():
        section = page.partition(f"\n## vidkit {name}\n")[2].partition("\n## ")[0]
        absent = [
            option
            for each in getattr(command, "commands", {"": command}).values()
            for parameter in each.params
            for option in parameter.opts
            if option.startswith("--") and option not in ("--help", "--quiet") and f"`{option}" not in section
        ]
        assert not absent, f"docs/commands.md, vidkit {name}, does not name {absent}"


def _run_page(blocks: list[Block], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the blocks in order; the first failure names its place."""
    if not any(block.argument("not run") is None for block in blocks):
        pytest.skip("every snippet of this page is marked as slow or as not run")
    _prepare(folder)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("VIDKIT_DATA", raising=False)
    scope: dict[str, object] = {"__name__": "snippet"}
    for block in blocks:
        if block.argument("not run") is not None:
            continue
        file = block.argument("file")
        if file is not None:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(block.code, encoding="utf-8")
        elif block.argument("installs") is not None:
            _install(folder / str(block.argument("installs")), folder / PLUGINS)
        elif block.language == "bash":
            _run_bash(block, folder)
        else:
            assert block.language == "python", f"{block.place}: say where it is written: <!-- file: NAME -->"
            exec(compile(block.code, block.place, "exec"), scope)


def _run_bash(block: Block, folder: Path) -> None:
    programs = Path(sys.executable).parent
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(folder / PLUGINS), "COLUMNS": "100"}
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS_A_COMMAND,
        check=False,
    )
    expected = int(block.argument("exit code") or 0)
    assert result.returncode == expected, f"{block.place}\n{block.code}\n{result.stdout}\n{result.stderr}"


def _install(source: Path, target: Path) -> None:
    """Build the wheel of a package and unpack it, with its entry points, as an installer does."""
    code = "from setuptools import build_meta; build_meta.build_wheel('dist')"
    subprocess.run([sys.executable, "-c", code], cwd=source, check=True, capture_output=True)
    for wheel in (source / "dist").glob("*.whl"):
        with zipfile.ZipFile(wheel) as opened:
            opened.extractall(target)


def _prepare(folder: Path) -> None:
    """Write what the pages take for granted: ``holiday.mp4``, and ``videos/`` with two videos."""
    (folder / "videos").mkdir()
    for number, name in enumerate(("holiday", "videos/talk", "videos/walk")):
        _write_video(folder / f"{name}.mp4", number)
    captions = "1\n00:00:00,500 --> 00:00:02,500\nHello.\n\n2\n00:00:02,500 --> 00:00:03,900\nGood bye.\n"
    (folder / "videos" / "talk.srt").write_text(captions, encoding="utf-8")


def _write_video(path: Path, number: int, *, fps: int = 10, sample_rate_hz: int = 16_000) -> None:
    """Write a small video in which a bright square appears and a tone sounds in the third second."""
    random = np.random.default_rng(number)
    background = random.integers(40, 120, (72, 128, 3), dtype=np.uint8)
    with VideoWriter(path, width=128, height=72, fps=fps, sample_rate_hz=sample_rate_hz) as writer:
        for n in range(round(SECONDS * fps)):
            frame = np.roll(background, n, axis=1)
            loud = 2 * fps <= n < 3 * fps
            if loud:
                frame[20:50, 30:90] = 250
            times = (n * sample_rate_hz // fps + np.arange(sample_rate_hz // fps)) / sample_rate_hz
            writer.write_frame(np.ascontiguousarray(frame))
            writer.write_audio(((0.4 if loud else 0.02) * np.sin(2880 * times)).astype(np.float32))
