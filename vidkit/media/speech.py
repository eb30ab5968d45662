"""Speech -> captions, with a model of the Whisper family.

``faster-whisper`` (extra ``asr``) runs the models; what it hears becomes sentences with times, as if they had
been read from a file beside the video.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vidkit.media.caption_formats import Caption
from vidkit.media.reader import VideoReader, open_video
from vidkit.media.sentences import TimedWord, sentences, words_of_text

SAMPLE_RATE_HZ = 16_000  # of every Whisper model
DEFAULT_MODEL = "small"  # a size of Whisper, 244 M parameters

_PIECE_SECONDS = 600.0  # heard at once: memory does not grow with the video
_SEARCH_SECONDS = 30.0  # at the end of a piece, where its quietest place is looked for
_QUIET_SECONDS = 0.25
_MODEL_FILES = ("model.bin", "config.json", "tokenizer.json")
_EXTRA = "pip install 'vidkit[asr]'"
_FOLDER = (
    "give the folder of a converted Whisper model (model.bin, config.json, tokenizer.json; public ones: "
    "https://huggingface.co/Systran/faster-whisper-small)"
)


class SpeechWord(Protocol):
    """A word as faster-whisper gives it, with the blank before it."""

    start: float
    end: float
    word: str


class SpeechSegment(Protocol):
    """A stretch of speech as faster-whisper gives it."""

    start: float
    end: float
    text: str

    @property
    def words(self) -> Sequence[SpeechWord] | None:
        """The words with their times, None or empty if it could not align them."""


class SpeechModel(Protocol):
    """What ``transcribe`` asks of a model: the part of ``faster_whisper.WhisperModel`` that it calls."""

    @property
    def supported_languages(self) -> Sequence[str]:
        """The codes of the languages that it hears."""

    def transcribe(
        self,
        audio: NDArray[np.float32],
        *,
        language: str | None,
        word_timestamps: bool,
        vad_filter: bool,
        condition_on_previous_text: bool,
    ) -> tuple[Iterable[SpeechSegment], Any]:
        """Return the segments in the sound and an object with the ``language`` that was heard."""


def load_whisper(
    model: str | Path, *, device: str = "auto", compute_type: str = "default", offline: bool = False
) -> SpeechModel:
    """Return a Whisper model, run by faster-whisper.

    Args:
        model: Folder of a model in CTranslate2's format, a size ("tiny", "small", "large-v3") or a name on
            the Hugging Face hub ("Systran/faster-whisper-small"), which is downloaded once.
        device: "cpu", "cuda" or "auto".
        compute_type: Number format of CTranslate2: "default" is that of the weights, "int8" is fast on CPUs.
        offline: Take a size or a name only from what has been downloaded before.

    Raises:
        ImportError: If faster-whisper is not installed.
        FileNotFoundError: If the folder, a file in it, or the model on the hub cannot be had.
        ValueError: If the size is unknown, or the model does not load on this device.
    """
    try:
        from faster_whisper import WhisperModel
    except ImportError as error:
        raise ImportError(
            f"speech is heard by faster-whisper, which does not load ({error}); {_EXTRA}"
        ) from error
    folder = Path(model).expanduser()
    if folder.exists() or _reads_like_a_path(model):
        _check_folder(folder)
        model = folder
    try:
        loaded: SpeechModel = WhisperModel(
            str(model), device=device, compute_type=compute_type, local_files_only=offline
        )
    except OSError as error:  # the hub's errors are among them
        why = "offline, and it was not downloaded before" if offline else _first_line(error)
        raise FileNotFoundError(f"no Whisper model {str(model)!r}: {why}; {_FOLDER}") from error
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"the Whisper model {str(model)!r} does not load: {_first_line(error)}; {_FOLDER}"
        ) from error
    return loaded


def transcribe(
    path: str | Path,
    *,
    model: SpeechModel,
    language: str | None = None,
    on_progress: Callable[[float], None] = lambda share: None,
) -> list[Caption]:
    """Return what is said in a video, sentence by sentence, [] if nothing is.

    Stretches without speech are found by the voice detector of faster-whisper and not heard, and a piece of
    sound does not condition the next one, as in WhisperX; both keep Whisper from inventing text.

    Args:
        model: As ``load_whisper`` returns it.
        language: Code of the language ("en"); None for what the model hears in the first speech.
        on_progress: Called with the share of the video that is done, in [0, 1].

    Raises:
        FileNotFoundError: If there is no such video.
        NoAudioStreamError: If it has no sound.
        MediaError: If it cannot be read.
        ValueError: If the model does not hear the language.
    """
    check_language(model, language)
    words: list[TimedWord] = []
    with open_video(path) as video:
        duration = video.info.duration_seconds
        for start, sound in _pieces(video):
            segments, info = model.transcribe(
                sound,
                language=language,
                word_timestamps=True,
                vad_filter=True,
                condition_on_previous_text=False,
            )
            end = start + len(sound) / SAMPLE_RATE_HZ
            heard = False
            for segment in segments:
                words += _words(segment, start, end)
                heard = True
                on_progress(min(start + segment.end, end) / max(duration, end))
            if heard and language is None:
                language = info.language
            on_progress(end / max(duration, end))
    return sentences(words)


def check_language(model: SpeechModel, language: str | None) -> None:
    """Check that a model hears a language; None for any.

    Raises:
        ValueError: If it does not. faster-whisper itself lets an English model write English for German.
    """
    known = model.supported_languages
    if language is not None and language not in known:
        codes = ", ".join(sorted(known))
        raise ValueError(f"the model does not hear language {language!r}; it hears: {codes}")


def _words(segment: SpeechSegment, offset: float, end: float) -> list[TimedWord]:
    """Return the words of a segment on the clock of the video; Whisper may run beyond the end of a piece."""
    if segment.words:
        return [
            TimedWord(_placed(word.start, offset, end), _placed(word.end, offset, end), word.word)
            for word in segment.words
        ]
    return words_of_text(segment.text, _placed(segment.start, offset, end), _placed(segment.end, offset, end))


def _placed(seconds: float, offset: float, end: float) -> float:
    return min(max(offset + float(seconds), offset), end)  # Whisper's times are NumPy's


def _pieces(video: VideoReader) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """Yield (start in seconds, sound), cut at quiet places."""
    held = np.zeros(0, np.float32)
    start = 0
    for block in video.stream_audio(SAMPLE_RATE_HZ, chunk_seconds=_PIECE_SECONDS):
        held = np.concatenate([held, block])
        if len(held) >= _PIECE_SECONDS * SAMPLE_RATE_HZ:
            cut = _quietest(held)
            yield start / SAMPLE_RATE_HZ, held[:cut]
            held, start = held[cut:], start + cut
    if len(held):
        yield start / SAMPLE_RATE_HZ, held


def _quietest(sound: NDArray[np.float32]) -> int:
    """Return the middle of the quietest quarter of a second near the end, as a number of samples."""
    step = round(_QUIET_SECONDS * SAMPLE_RATE_HZ)
    num_steps = min(round(_SEARCH_SECONDS / _QUIET_SECONDS), len(sound) // step)
    tail = sound[len(sound) - num_steps * step :].reshape(num_steps, step)
    quietest = int((tail**2).mean(axis=1).argmin())
    return len(sound) - num_steps * step + quietest * step + step // 2


def _reads_like_a_path(model: str | Path) -> bool:
    text = str(model)
    return isinstance(model, Path) or text.startswith((".", "/", "~")) or text.count("/") > 1 or "\\" in text


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder of a Whisper model at {folder}; {_FOLDER}")
    absent = [name for name in _MODEL_FILES if not (folder / name).is_file()]
    if not absent:
        return
    convert = ""
    if "model.bin" in absent and any(
        (folder / name).is_file() for name in ("model.safetensors", "pytorch_model.bin")
    ):
        convert = (
            f"it holds a model of transformers; convert it: ct2-transformers-converter --model {folder} "
            "--output_dir OUT --copy_files tokenizer.json preprocessor_config.json; or "
        )
    raise FileNotFoundError(f"{folder} has no {', '.join(absent)}; {convert}{_FOLDER}")


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
