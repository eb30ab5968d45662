"""The command `vidkit synth` and the page about the synthetic set."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vidkit.cli import app
from vidkit.data.synth import VERSION

PAGE = Path(__file__).parents[2] / "docs" / "synthetic_data.md"


def test_the_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```bash\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    lines = [shlex.split(line) for block in blocks for line in block.splitlines()]
    assert [line[:2] for line in lines] == [["vidkit", "synth"]] * 2
    for line, num_videos in zip(lines, (4, 5)):
        result = CliRunner().invoke(app, line[1:])
        assert result.exit_code == 0, result.output
        assert result.stdout == f"{num_videos} videos of 6 s in synthetic\n"
        assert len(list((tmp_path / "synthetic" / "videos").glob("*.mp4"))) == num_videos


def test_the_page_names_the_version() -> None:
    assert f"version is `{VERSION}`" in re.sub(r"\s+", " ", PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--videos", "0"], "error: the number of videos must be >= 1, got 0"),
        (["--seconds", "1"], "error: seconds must be >= 2"),
        (["--seed", "-1"], "error: seed must be >= 0, got -1"),
    ],
)
def test_bad_arguments_exit_with_2_and_a_sentence(tmp_path: Path, arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(app, ["synth", str(tmp_path / "new"), *arguments])
    assert result.exit_code == 2
    assert result.stderr.startswith(words)
    assert "Traceback" not in result.output
    assert not (tmp_path / "new").exists()


def test_another_seed_in_the_same_folder_exits_with_2_and_a_sentence(tmp_path: Path) -> None:
    common = ["synth", str(tmp_path), "--videos", "1", "--seconds", "2", "--quiet"]
    assert CliRunner().invoke(app, common).exit_code == 0
    result = CliRunner().invoke(app, [*common, "--seed", "1"])
    assert result.exit_code == 2
    assert (
        "has another synthetic set (seed 0 instead of 1); give an empty folder or delete it" in result.stderr
    )


def test_a_file_in_place_of_the_folder_exits_with_2(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("here")
    result = CliRunner().invoke(app, ["synth", str(path)])
    assert result.exit_code == 2
    assert "is a file" in result.stderr
