"""Speech becomes captions: with a model that plays a script, and with the real program on random weights."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sample_files import write_video
from tiny_whisper import write_tiny_whisper

from vidkit.media import speech
from vidkit.media.captions import SILENCE, Caption, captions_per_clip, find_captions, read_captions, write_srt
from vidkit.media.errors import NoAudioStreamError, NotAVideoError
from vidkit.media.speech import SAMPLE_RATE_HZ, load_whisper, transcribe
from vidkit.media.writer import VideoWriter


@dataclass
class Word:
    start: Any
    end: Any
    word: str
    probability: float = 0.9


@dataclass
class Segment:
    start: float
    end: float
    text: str
    words: list[Word] | None = None


@dataclass
class Script:
    """A model that says the next segments of its script at each call and notes how it was called."""

    says: list[list[Segment]]
    language: str = "de"
    supported_languages: tuple[str, ...] = ("en", "de")
    heard: list[NDArray[np.float32]] = field(default_factory=list)
    options: list[dict[str, Any]] = field(default_factory=list)

    def transcribe(self, audio: NDArray[np.float32], **options: Any) -> tuple[Iterable[Segment], Any]:
        self.heard.append(audio)
        self.options.append(options)
        said = self.says.pop(0) if self.says else []

        def lazily() -> Iterator[Segment]:
            yield from said

        return lazily(), SimpleNamespace(language=self.language)


def _said(*words: tuple[float, float, str]) -> Segment:
    return Segment(
        words[0][0], words[-1][1], "".join(word for _, _, word in words), [Word(*word) for word in words]
    )


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8 s with a tone that falls silent at 3 to 4 s."""
    path = tmp_path_factory.mktemp("talk") / "talk.mp4"
    with VideoWriter(path, width=64, height=48, fps=10, sample_rate_hz=SAMPLE_RATE_HZ) as writer:
        for second in range(8):
            for _ in range(10):
                writer.write_frame(np.full((48, 64, 3), 90, np.uint8))
            tone = 0.3 * np.sin(np.arange(SAMPLE_RATE_HZ) * 0.2) * (second != 3)
            writer.write_audio(tone.astype(np.float32))
    return path


def test_segments_are_put_together_and_split_into_sentences(talk: Path) -> None:
    model = Script([[
        _said((0.5, 0.8, " Hello."), (0.9, 1.2, " Let")),
        _said((1.2, 1.5, " us"), (1.5, 2.0, " begin."), (2.0, 2.4, " Now")),
        _said((5.0, 5.5, " Bye."),),
    ]])  # fmt: skip
    captions = transcribe(talk, model=model)
    assert captions == [
        Caption(0.5, 0.8, "Hello."),
        Caption(0.9, 2.0, "Let us begin."),
        Caption(2.0, 2.4, "Now"),
        Caption(5.0, 5.5, "Bye."),
    ]
    texts = captions_per_clip(captions, 8, 1.0)
    assert texts == ["Hello.", "Let us begin.", "Now", SILENCE, SILENCE, "Bye.", SILENCE, SILENCE]


def test_the_model_hears_the_sound_of_the_video_and_is_asked_for_words(talk: Path) -> None:
    model = Script([])
    assert transcribe(talk, model=model, language="en") == []
    (sound,) = model.heard
    assert sound.dtype == np.float32
    assert sound.shape == (8 * SAMPLE_RATE_HZ,)
    level = np.sqrt((sound.reshape(8, -1)[:, 2000:-2000] ** 2).mean(axis=1))
    assert level[3] < 0.02
    np.testing.assert_allclose(np.delete(level, 3), 0.3 / np.sqrt(2), rtol=0.1)
    assert model.options == [
        {"language": "en", "word_timestamps": True, "vad_filter": True, "condition_on_previous_text": False}
    ]


def test_segments_without_words_are_split_by_their_letters(talk: Path) -> None:
    model = Script([[Segment(1.0, 5.0, " Ab. Cd.", None), Segment(6.0, 7.0, " End", [])]])
    assert transcribe(talk, model=model) == [
        Caption(1, 3, "Ab."), Caption(3, 5, "Cd."), Caption(6, 7, "End")
    ]  # fmt: skip


def test_times_beyond_the_end_are_those_of_the_end_and_are_plain_numbers(talk: Path) -> None:
    model = Script([[_said((np.float64(7.5), np.float64(29.9), " Bye."))]])  # type: ignore[arg-type]
    (caption,) = transcribe(talk, model=model)
    assert caption == Caption(7.5, 8.0, "Bye.")
    assert type(caption.start) is float


def test_long_sound_is_heard_in_pieces_cut_where_it_is_quiet(
    talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speech, "_PIECE_SECONDS", 5.0)
    monkeypatch.setattr(speech, "_SEARCH_SECONDS", 3.0)
    whole, parts = Script([]), Script([[_said((1.0, 2.0, " One."))], [_said((1.0, 2.0, " Two."))]])
    done: list[float] = []
    captions = transcribe(talk, model=parts, on_progress=done.append)
    cut = len(parts.heard[0]) / SAMPLE_RATE_HZ
    assert 3.0 < cut < 4.0
    assert captions == [Caption(1.0, 2.0, "One."), Caption(1.0 + cut, 2.0 + cut, "Two.")]
    assert [options["language"] for options in parts.options] == [None, "de"]
    assert done == sorted(done)
    assert done[-1] == pytest.approx(1.0)
    monkeypatch.undo()
    transcribe(talk, model=whole)
    np.testing.assert_array_equal(np.concatenate(parts.heard), whole.heard[0])


def test_the_language_is_that_of_the_first_speech(talk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "_PIECE_SECONDS", 2.0)
    monkeypatch.setattr(speech, "_SEARCH_SECONDS", 0.5)
    model = Script([[], [_said((0.0, 1.0, " Da."))]])
    transcribe(talk, model=model)
    languages = [options["language"] for options in model.options]
    assert languages[:2] == [None, None]
    assert set(languages[2:]) == {"de"}


def test_a_language_that_the_model_does_not_hear_is_refused(talk: Path) -> None:
    with pytest.raises(ValueError, match="does not hear language 'xx'; it hears: de, en"):
        transcribe(talk, model=Script([]), language="xx")


def test_what_is_heard_is_read_like_any_captions(talk: Path, tmp_path: Path) -> None:
    model = Script([[_said((0.5, 0.8, " Grüße."), (0.9, 1.25, " Bye."))]])
    captions = transcribe(talk, model=model)
    video = tmp_path / "talk.mp4"
    video.write_bytes(talk.read_bytes())
    write_srt(tmp_path / "talk.srt", captions)
    assert find_captions(video) == read_captions(tmp_path / "talk.srt") == captions


def test_videos_without_sound_and_other_files_are_named(tmp_path: Path) -> None:
    silent = write_video(tmp_path / "silent.mp4", num_frames=10)
    with pytest.raises(NoAudioStreamError, match=r"silent\.mp4 has no sound"):
        transcribe(silent, model=Script([]))
    (tmp_path / "text.mp4").write_text("hello " * 100)
    with pytest.raises(NotAVideoError, match=r"text\.mp4"):
        transcribe(tmp_path / "text.mp4", model=Script([]))
    with pytest.raises(FileNotFoundError, match=r"absent\.mp4"):
        transcribe(tmp_path / "absent.mp4", model=Script([]))


def test_without_the_extra_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(
        ImportError, match=r"faster-whisper, which does not load.*pip install 'vidkit\[asr\]'"
    ):
        load_whisper("small")


def _with_whisper() -> None:
    pytest.importorskip("faster_whisper", reason="needs the extra asr: pip install 'vidkit[asr]'")


@pytest.mark.parametrize("model", ["./nowhere", "/no/such/folder", Path("nowhere")])
def test_a_folder_that_is_not_there_is_named(model: str | Path) -> None:
    _with_whisper()
    with pytest.raises(
        FileNotFoundError, match=r"no folder of a Whisper model at .*; give the folder of a conv"
    ):
        load_whisper(model)


def test_a_folder_that_is_no_model_says_what_is_absent(tmp_path: Path) -> None:
    _with_whisper()
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"has no model\.bin, tokenizer\.json; give the folder"):
        load_whisper(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"x")
    with pytest.raises(
        FileNotFoundError, match=r"model of transformers; convert it: ct2-transformers-converter"
    ):
        load_whisper(tmp_path)


def test_a_broken_model_and_an_unknown_size_or_device_are_told_in_a_sentence(tmp_path: Path) -> None:
    _with_whisper()
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(ValueError, match=r"does not load: File model\.bin is incomplete.*; give the folder"):
        load_whisper(tmp_path, device="cpu")
    with pytest.raises(ValueError, match="does not load: Invalid model size 'gigantic'"):
        load_whisper("gigantic")
    with pytest.raises(ValueError, match="does not load: unsupported device abacus"):
        load_whisper(tmp_path, device="abacus")


def test_offline_a_model_that_was_never_downloaded_is_told_without_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_whisper()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was touched"))
    with pytest.raises(
        FileNotFoundError, match=r"no Whisper model 'tiny': offline, and it was not downloaded"
    ):
        load_whisper("tiny", device="cpu", offline=True)


def test_the_real_program_runs_on_random_weights(
    talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_whisper()
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was touched"))
    model = load_whisper(write_tiny_whisper(tmp_path / "model"), device="cpu")
    assert transcribe(talk, model=model, language="en") == []  # its voice detector hears no speech in a tone
    with pytest.raises(ValueError, match="does not hear language 'de'; it hears: en"):
        transcribe(talk, model=model, language="de")
    deaf = Deaf(model)
    captions = transcribe(talk, model=deaf, language="en")
    assert captions, "random weights say something"
    assert all(0 <= caption.start < caption.end <= 8.0 + 0.02 for caption in captions)
    write_srt(tmp_path / "noise.srt", captions)
    read_captions(tmp_path / "noise.srt")


@dataclass
class Deaf:
    """A model whose voice detector is off, so that its weights hear what is no speech; it says little."""

    model: Any

    @property
    def supported_languages(self) -> list[str]:
        return list(self.model.supported_languages)

    def transcribe(self, audio: NDArray[np.float32], **options: Any) -> tuple[Iterable[Any], Any]:
        short = {"vad_filter": False, "temperature": 0.0, "beam_size": 1, "max_new_tokens": 40}
        segments, info = self.model.transcribe(audio, **{**options, **short})
        return segments, info
