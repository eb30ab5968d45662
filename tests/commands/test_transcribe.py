"""vidkit transcribe: captions of many videos, with models that play a script."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from vidkit.cli import app
from vidkit.media import Caption, VideoWriter, find_captions, ocr, read_captions, speech
from vidkit.media.ocr import TextBox


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["transcribe", *map(str, arguments)])


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """A folder with two videos that have sound."""
    for name in ("one", "two"):
        write_video(tmp_path / "videos" / f"{name}.mp4")
    return tmp_path / "videos"


def write_video(path: Path, *, sound: bool = True, level: int = 200) -> Path:
    path.parent.mkdir(exist_ok=True)
    with VideoWriter(path, width=64, height=48, fps=10, sample_rate_hz=16_000 if sound else None) as writer:
        for _ in range(20):
            writer.write_frame(np.full((48, 64, 3), level, np.uint8))
        if sound:
            writer.write_audio(np.full(32_000, 0.1, np.float32))
    return path


class Whisper:
    """A model that says "Hello there." in every video."""

    supported_languages = ("en", "de")

    def __init__(self) -> None:
        self.languages: list[str | None] = []

    def transcribe(self, audio: NDArray[np.float32], *, language: str | None, **_: Any) -> tuple[Any, Any]:
        self.languages.append(language)
        words = [
            SimpleNamespace(start=0.5, end=0.9, word=" Hello"),
            SimpleNamespace(start=1, end=1.5, word=" there."),
        ]
        segment = SimpleNamespace(start=0.5, end=1.5, text=" Hello there.", words=words)
        return iter([segment] if len(audio) else []), SimpleNamespace(language="en")


@pytest.fixture
def whisper(monkeypatch: pytest.MonkeyPatch) -> Whisper:
    model = Whisper()
    model.loaded = []  # type: ignore[attr-defined]

    def load(name: str, *, offline: bool) -> Whisper:
        model.loaded.append((name, offline))  # type: ignore[attr-defined]
        return model

    monkeypatch.setattr(speech, "load_whisper", load)
    return model


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[str, ...]]]:
    """What engines were asked for; they read "EXIT" in bright pictures."""
    asked: list[tuple[str, tuple[str, ...]]] = []

    def read(picture: NDArray[np.uint8], time: float) -> list[TextBox]:
        corners = ((0.0, 0.0), (40.0, 0.0), (40.0, 20.0), (0.0, 20.0))
        return [TextBox(time, corners, "EXIT", 0.9)] if picture.mean() > 100 else []

    def load(name: str, *, languages: Any) -> Any:
        asked.append((name, tuple(languages)))
        return SimpleNamespace(read=read)

    monkeypatch.setattr(ocr, "load_ocr", load)
    return asked


def test_speech_is_written_beside_the_videos_and_found_there(videos: Path, whisper: Any) -> None:
    result = run(videos, "--quiet")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        f"done\t{videos / name}.mp4\t1 captions in {videos / name}.srt" for name in ("one", "two")
    ]
    assert result.stderr == ""
    assert find_captions(videos / "one.mp4") == [Caption(0.5, 1.5, "Hello there.")]
    assert whisper.loaded == [("small", False)]


def test_model_language_and_offline_reach_the_model(
    videos: Path, whisper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDKIT_OFFLINE", "1")
    assert run(videos / "one.mp4", "--model", "large-v3", "--language", "de").exit_code == 0
    assert whisper.loaded == [("large-v3", True)]
    assert whisper.languages == ["de"]


def test_screen_text_is_written_into_the_folder(videos: Path, tmp_path: Path, engine: Any) -> None:
    result = run(videos / "one.mp4", "--source", "screen", "--out", tmp_path / "out" / "srt")
    assert result.exit_code == 0, result.output
    assert read_captions(tmp_path / "out" / "srt" / "one.srt") == [Caption(0, 2, "EXIT")]
    assert engine == [("rapidocr", ())]
    assert (
        run(videos / "two.mp4", "--source", "screen", "--engine", "easyocr", "--language", "en,de").exit_code
        == 0
    )
    assert engine[1] == ("easyocr", ("en", "de"))


def test_what_is_there_stays_unless_it_is_to_be_overwritten(videos: Path, whisper: Any) -> None:
    (videos / "one.srt").write_text("00:01,000 --> 00:02,000\nby hand\n")
    result = run(videos)
    assert result.exit_code == 0
    assert f"skipped\t{videos}/one.mp4\t{videos}/one.srt exists" in result.stdout
    assert f"done\t{videos}/two.mp4" in result.stdout
    assert read_captions(videos / "one.srt")[0].text == "by hand"
    whisper.loaded.clear()
    assert run(videos).exit_code == 0
    assert whisper.loaded == [], "no model is loaded where nothing is to be done"
    assert run(videos, "--overwrite").exit_code == 0
    assert read_captions(videos / "one.srt")[0].text == "Hello there."


def test_nothing_said_or_shown_is_an_empty_file(videos: Path, tmp_path: Path, engine: Any) -> None:
    dark = write_video(tmp_path / "dark.mp4", level=20)
    result = run(dark, "--source", "screen")
    assert result.exit_code == 0
    assert f"0 captions in {tmp_path / 'dark.srt'}" in result.stdout
    assert read_captions(tmp_path / "dark.srt") == []
    assert "skipped" in run(dark, "--source", "screen").stdout


def test_one_bad_video_is_named_and_the_others_are_done(videos: Path, whisper: Any) -> None:
    (videos / "bad.mp4").write_bytes(b"\0" * 2000)
    write_video(videos / "silent.mp4", sound=False)
    listed = videos / "list.txt"
    listed.write_text("absent.mp4\nbad.mp4\none.mp4\nsilent.mp4\ntwo.mp4\n")
    result = run(listed)
    assert result.exit_code == 1
    assert result.stdout.count("done\t") == 2
    assert "silent.mp4 has no sound" in result.stderr
    for name in ("absent.mp4", "bad.mp4"):
        assert f"{name}" in result.stderr
    assert "Traceback" not in result.output
    assert sorted(path.name for path in videos.glob("*.srt")) == ["one.srt", "two.srt"]
    assert not list(videos.glob(".*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--source", "screen", "--model", "small"], "--model is of --source speech"),
        (["--engine", "easyocr"], "--engine is of --source screen"),
        (["--language", "xx"], "does not hear language 'xx'; it hears: de, en"),
        (["--source", "smell"], "smell"),
    ],
)
def test_wrong_use_is_told_before_anything_is_written(
    videos: Path, whisper: Any, arguments: list[str], message: str
) -> None:
    result = run(videos, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not list(videos.glob("*.srt"))


def test_two_videos_that_would_write_one_file_are_refused(videos: Path, tmp_path: Path, whisper: Any) -> None:
    other = write_video(tmp_path / "other" / "one.mp4")
    result = run(videos / "one.mp4", other, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "would both write" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        ("faster_whisper", [], "pip install 'vidkit[asr]'"),
        ("rapidocr", ["--source", "screen"], "pip install 'vidkit[ocr]'"),
        ("easyocr", ["--source", "screen", "--engine", "easyocr"], "pip install easyocr"),
    ],
)
def test_a_missing_extra_is_told_with_the_command_that_installs_it(
    videos: Path, monkeypatch: pytest.MonkeyPatch, module: str, arguments: list[str], message: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    result = run(videos, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_a_missing_video_or_folder_is_bad_input(tmp_path: Path, whisper: Callable[..., Any]) -> None:
    result = run(tmp_path / "absent.mp4")
    assert result.exit_code == 2
    assert "no such file or folder" in result.stderr


def test_the_help_has_an_example() -> None:
    assert "Example: vidkit transcribe" in " ".join(run("--help").stdout.split())
