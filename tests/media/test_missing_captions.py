"""Captions for videos that have none: heard where that is possible, else one warning and silence."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sample_files import tone, write_video

from vidkit.media import Caption, find_captions, speech
from vidkit.media.missing_captions import supply_captions

SRT = "1\n00:00:00,000 --> 00:00:01,000\nHello.\n"


class Whisper:
    """A model that says "Hello there." in every video, but in a loud one fails."""

    supported_languages = ("en",)

    def __init__(self) -> None:
        self.num_heard = 0

    def transcribe(self, audio: Any, **_: Any) -> tuple[Any, Any]:
        self.num_heard += 1
        if (audio**2).mean() > 0.3:  # that of the usual tone is 0.125
            raise ValueError("too loud")
        words = [SimpleNamespace(start=0.5, end=1.0, word=" Hello there.")]
        segment = SimpleNamespace(start=0.5, end=1.0, text=" Hello there.", words=words)
        return iter([segment]), SimpleNamespace(language="en")


@pytest.fixture
def whisper(monkeypatch: pytest.MonkeyPatch) -> Whisper:
    model = Whisper()
    monkeypatch.setattr(speech, "load_whisper", lambda name, *, offline: model)
    return model


@pytest.fixture
def no_whisper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a video of a second with sound."""
    path = write_video(tmp_path_factory.mktemp("spoken") / "a.mp4", num_frames=25, audio=tone(1))
    return path.read_bytes()


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_speech_of_a_video_without_captions_is_heard(tmp_path: Path, spoken: bytes, whisper: Whisper) -> None:
    video, told = _write(tmp_path / "talk.mp4", spoken), []
    failed = supply_captions([video], tmp_path / "c", on_progress=lambda *progress: told.append(progress))
    assert failed == {}
    assert find_captions(video, folder=tmp_path / "c") == [Caption(0.5, 1.0, "Hello there.")]
    assert find_captions(video) == []
    assert told[0] == (0.0, video)
    assert told[-1] == (1.0, video)


def test_captions_of_the_video_itself_are_left_to_it(tmp_path: Path, spoken: bytes, whisper: Whisper) -> None:
    names = ("said", "empty", "broken")
    for name, text in zip(names, (SRT, "", "1\n00:00:0x --> nonsense\n")):
        (tmp_path / f"{name}.srt").write_text(text)
    videos = [_write(tmp_path / f"{name}.mp4", spoken) for name in names]
    notes = _write(tmp_path / "notes.mp4", b"no video")
    assert supply_captions([*videos, notes, tmp_path / "absent.mp4"], tmp_path / "c") == {}
    assert whisper.num_heard == 0
    assert list((tmp_path / "c").iterdir()) == []


def test_what_was_heard_is_kept_until_the_video_changes_or_has_captions(
    tmp_path: Path, spoken: bytes, whisper: Whisper
) -> None:
    video, heard = _write(tmp_path / "talk.mp4", spoken), tmp_path / "c" / "talk.srt"
    for expected in (1, 1):
        supply_captions([video], tmp_path / "c")
        assert whisper.num_heard == expected
    os.utime(video, ns=(0, heard.stat().st_mtime_ns + 1))
    supply_captions([video], tmp_path / "c")
    assert whisper.num_heard == 2
    (tmp_path / "talk.srt").write_text(SRT)
    supply_captions([video], tmp_path / "c")
    assert not heard.exists()
    assert find_captions(video, folder=tmp_path / "c") == [Caption(0.0, 1.0, "Hello.")]


def test_a_video_without_sound_is_silent_and_one_that_cannot_be_heard_has_failed(
    tmp_path: Path, spoken: bytes, whisper: Whisper
) -> None:
    silent = write_video(tmp_path / "silent.mp4", num_frames=25)
    loud = write_video(tmp_path / "loud.mp4", num_frames=25, audio=2.5 * tone(1))
    quiet = _write(tmp_path / "quiet.mp4", spoken)
    failed = supply_captions([silent, loud, quiet], tmp_path / "c")
    assert failed == {loud: "its speech could not be heard: too loud"}
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == ["quiet.srt", "silent.srt"]
    assert (tmp_path / "c" / "silent.srt").read_text() == ""


def test_without_a_recogniser_one_warning_counts_the_videos_and_names_the_way_out(
    tmp_path: Path, spoken: bytes, no_whisper: None
) -> None:
    videos = [_write(tmp_path / f"{number}.mp4", spoken) for number in range(8)]
    (tmp_path / "7.srt").write_text(SRT)
    message = (
        r"7 of 8 videos have no captions and are read as silent: 0.mp4, 1.mp4, 2.mp4, 3.mp4, 4.mp4 and 2 "
        r"more; put 0.srt beside 0.mp4, or let vidkit transcribe write it \(.* pip install 'vidkit\[asr\]'\)"
    )
    with pytest.warns(UserWarning, match=message) as told:
        assert supply_captions(videos, tmp_path / "c") == {}
    assert len(told) == 1
    assert [find_captions(video, folder=tmp_path / "c") for video in videos[:7]] == [[]] * 7


def test_a_silent_file_keeps_its_time_so_that_features_stay_valid(
    tmp_path: Path, spoken: bytes, no_whisper: None
) -> None:
    video = _write(tmp_path / "talk.mp4", spoken)
    with pytest.warns(
        UserWarning, match="the video has no captions and is read as silent: talk.mp4; put talk"
    ):
        supply_captions([video], tmp_path / "c")
    os.utime(tmp_path / "c" / "talk.srt", (7, 7))
    with pytest.warns(UserWarning, match="read as silent"):
        supply_captions([video], tmp_path / "c")
    assert (tmp_path / "c" / "talk.srt").stat().st_mtime == 7


def test_nothing_is_downloaded_offline(
    tmp_path: Path, spoken: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def load(name: str, *, offline: bool) -> Any:
        asked.append((name, offline))
        raise FileNotFoundError("no Whisper model 'small': offline, and it was not downloaded before")

    monkeypatch.setattr(speech, "load_whisper", load)
    monkeypatch.setenv("VIDKIT_OFFLINE", "1")
    with pytest.warns(UserWarning, match=r"\(no Whisper model 'small': offline, and it was not downloaded"):
        supply_captions([_write(tmp_path / "talk.mp4", spoken)], tmp_path / "c")
    assert asked == [("small", True)]


def test_nothing_is_said_where_nothing_is_missing(tmp_path: Path, no_whisper: None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert supply_captions([], tmp_path / "c") == {}
