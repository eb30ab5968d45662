"""Programs that read text in pictures: picture -> boxes with text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from vidkit.offline import is_offline

Point = tuple[float, float]
Polygon = tuple[Point, Point, Point, Point]
EngineName = Literal["rapidocr", "easyocr"]


@dataclass(frozen=True)
class TextBox:
    """A line of text in a frame.

    Attributes:
        time: When the frame is shown, in seconds.
        polygon: Four corners (x, y) in pixels of the frame, clockwise from the upper left one of the text.
        text: What is written.
        confidence: How sure the program is, in [0, 1]; None if it does not say.
    """

    time: float
    polygon: Polygon
    text: str
    confidence: float | None = None

    @property
    def left(self) -> float:
        return min(x for x, _ in self.polygon)

    @property
    def right(self) -> float:
        return max(x for x, _ in self.polygon)

    @property
    def top(self) -> float:
        return min(y for _, y in self.polygon)

    @property
    def bottom(self) -> float:
        return max(y for _, y in self.polygon)

    @property
    def height(self) -> float:
        return self.bottom - self.top


class OcrEngine(Protocol):
    """A program that reads text."""

    def read(self, picture: NDArray[np.uint8], time: float) -> list[TextBox]:
        """Return the lines of text in an RGB picture (H, W, 3), in any order."""


class RapidOcr:
    """RapidOCR with the models in its package: PaddleOCR's, for Chinese, English and numbers.

    Raises:
        ImportError: If the extra ``ocr`` is not installed.
    """

    def __init__(self) -> None:
        try:
            import onnxruntime  # noqa: F401 - rapidocr needs it and does not name it
            from rapidocr import RapidOCR
        except ImportError as error:
            raise ImportError(
                f"screen text is read by rapidocr, which does not load ({error}); pip install 'vidkit[ocr]'"
            ) from error
        # Captions are upright, and what is unsure is left out by the caller.
        params = {"Global.log_level": "error", "Global.use_cls": False, "Global.text_score": 0.0}
        self._program = RapidOCR(params=params)

    def read(self, picture: NDArray[np.uint8], time: float) -> list[TextBox]:
        """Return the lines of text in an RGB picture (H, W, 3)."""
        found = self._program(_bgr(picture))
        if found.boxes is None or found.txts is None or found.scores is None:  # nothing is written
            return []
        rows = zip(found.boxes, found.txts, found.scores, strict=True)
        return [TextBox(time, _polygon(corners), text, float(score)) for corners, text, score in rows]


class EasyOcr:
    """EasyOCR, the program of the USV paper; its models are downloaded at the first use, unless offline.

    Args:
        languages: Its codes, such as "en" and "ch_sim"; not all go together.

    Raises:
        ImportError: If easyocr is not installed.
        ValueError: If it does not know the languages or cannot get their models.
    """

    def __init__(self, *, languages: Sequence[str] = ("en",)) -> None:
        try:
            import easyocr
        except ImportError as error:
            raise ImportError(
                f'engine "easyocr" does not load ({error}); pip install easyocr, or use engine "rapidocr"'
            ) from error
        try:
            self._program: Any = easyocr.Reader(
                list(languages), verbose=False, download_enabled=not is_offline()
            )
        except (ValueError, OSError) as error:
            raise ValueError(f"easyocr does not read {', '.join(languages)}: {error}") from error

    def read(self, picture: NDArray[np.uint8], time: float) -> list[TextBox]:
        """Return the lines of text in an RGB picture (H, W, 3)."""
        rows = self._program.readtext(_bgr(picture))
        return [TextBox(time, _polygon(corners), text, float(score)) for corners, text, score in rows]


def load_ocr(engine: EngineName = "rapidocr", *, languages: Sequence[str] = ()) -> OcrEngine:
    """Return the program of that name.

    Args:
        languages: Codes of EasyOCR; () for English. RapidOCR's package has one model, which takes none.

    Raises:
        ImportError: If it is not installed.
        ValueError: If there is no such program, or it does not read the languages.
    """
    if engine == "rapidocr":
        if languages:
            raise ValueError(
                f"rapidocr reads Chinese and English and takes no language, got {', '.join(languages)}; "
                'for others use engine "easyocr"'
            )
        return RapidOcr()
    if engine == "easyocr":
        return EasyOcr(languages=languages or ("en",))
    raise ValueError(f"unknown OCR engine {engine!r}; known: rapidocr, easyocr")


def _bgr(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture with OpenCV's order of colours, as both programs take it."""
    return np.ascontiguousarray(picture[:, :, ::-1])


def _polygon(corners: Sequence[Sequence[float]]) -> Polygon:
    first, second, third, fourth = ((float(x), float(y)) for x, y in corners)
    assert all(math.isfinite(value) for point in (first, second, third, fourth) for value in point)
    return first, second, third, fourth
