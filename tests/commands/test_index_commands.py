"""vidkit index and vidkit search, as people call them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from vidkit.cli import app
from vidkit.media import VideoWriter


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    for name, text in {"sea": "A whale dives.", "soup": "Peel the onion.", "mute": None}.items():
        with VideoWriter(folder / f"{name}.mp4", width=64, height=48, fps=5) as writer:
            for _ in range(10):
                writer.write_frame(np.zeros((48, 64, 3), np.uint8))
        if text:
            srt = f"1\n00:00:00,500 --> 00:00:01,500\n{text}\n"
            (folder / f"{name}.srt").write_text(srt, encoding="utf-8")
    return folder


def build(out: Path, *videos: Path) -> Result:
    return run("index", "build", "--text-only", "--encoder", "HashedText", "--out", out, *videos)


def test_from_a_folder_to_an_answer(videos: Path, tmp_path: Path) -> None:
    index = tmp_path / "archive"
    result = build(index, videos)
    assert result.exit_code == 1
    assert result.stdout == "done\t2\nskipped\t0\nfailed\t1\n"
    assert "failed: " in result.stderr
    assert "mute.mp4 says nothing" in result.stderr

    result = run("search", index, "the whale", "--json")
    assert result.exit_code == 0
    rows = json.loads(result.stdout)
    assert [row["video_id"] for row in rows] == ["sea", "soup"]
    assert rows[0] == {
        "video_id": "sea",
        "path": str(videos / "sea.mp4"),
        "start": 0.5,
        "end": 1.5,
        "score": rows[0]["score"],
        "text": "A whale dives.",
    }
    assert 0 < rows[0]["score"] <= 1

    result = run("search", index, "onion", "-k", 1)
    assert result.stdout.split() == f"1 {_score(index):.3f} soup 0:00 - 0:01 Peel the onion.".split()
    (row,) = json.loads(run("search", index, "onion", "--videos", "-k", 1, "--json").stdout)
    assert (row["start"], row["end"]) == (0, 2)


def _score(index: Path) -> float:
    return float(json.loads(run("search", index, "onion", "--json").stdout)[0]["score"])


def test_adding_removing_and_looking(videos: Path, tmp_path: Path) -> None:
    index = tmp_path / "archive"
    assert build(index, videos / "sea.mp4").exit_code == 0
    assert build(index, videos / "sea.mp4").stdout == "done\t0\nskipped\t1\nfailed\t0\n"
    assert run("index", "add", index, videos / "soup.mp4").stdout == "done\t1\nskipped\t0\nfailed\t0\n"
    assert run("index", "add", index, videos / "soup.mp4", "--replace").stdout.startswith("done\t1\n")
    told = json.loads(run("index", "info", index, "--videos").stdout)
    assert (told["videos"], told["entries"]) == (2, {"video": 2, "moment": 2})
    assert told["paths"] == {name: str(videos / f"{name}.mp4") for name in ("sea", "soup")}
    assert told["encoder"]["settings"]["encoder"] == "HashedText"

    result = run("index", "remove", index, "sea", "never")
    assert (result.exit_code, result.stdout) == (1, "removed\t1\n")
    assert "failed: no video 'never' in" in result.stderr
    assert [row["video_id"] for row in json.loads(run("search", index, "whale", "--json").stdout)] == ["soup"]
    assert run("index", "compact", index).stdout == "compacted\n"
    assert run("index", "compact", index).stdout == "nothing to do\n"
    assert json.loads(run("index", "info", index).stdout)["vectors"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["index", "build", "--out", "x", "videos"], "or --text-only VIDEO..., by their captions"),
        (["index", "build", "--text-only", "--out", "x", "absent"], "no such file or folder: absent"),
        (["index", "info", "absent"], "no index at absent; make one with: vidkit index build"),
        (["search", "absent", "whale"], "no index at absent"),
        (["search", "absent"], "give a sentence, vidkit search DIR"),
        (["search", "absent", "a", "--example", "b"], "give a sentence, vidkit search DIR"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(
    videos: Path, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(videos.parent)
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_what_cannot_be_answered_is_told_in_a_sentence(videos: Path, tmp_path: Path) -> None:
    index = tmp_path / "archive"
    assert build(index, videos / "mute.mp4").exit_code == 1
    result = run("search", index, "whale")
    assert result.exit_code == 2
    assert "is empty; add videos: vidkit index add" in result.stderr
    run("index", "add", index, videos / "sea.mp4")
    result = run("search", index, "whale", "-k", 0)
    assert (result.exit_code, result.stderr) == (2, "error: k must be at least 1, got 0\n")
    result = run("search", index, "--example", videos / "sea.mp4")
    assert result.exit_code == 2
    assert "knows words alone and finds nothing like" in result.stderr


@pytest.mark.parametrize("text", ["鲸鱼 حوت", "a" * 10_000])
def test_a_question_in_any_script_and_of_any_length_is_answered(
    videos: Path, tmp_path: Path, text: str
) -> None:
    index = tmp_path / "archive"
    build(index, videos)
    result = run("search", index, text, "--json")
    assert result.exit_code == 0
    assert all(-1 <= row["score"] <= 1 for row in json.loads(result.stdout))
