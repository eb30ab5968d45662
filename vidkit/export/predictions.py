"""Predictions of every task that finds segments, as JSON lines: one prediction a line.

T clips of ``clip_seconds`` each; all times in seconds from the first shown frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vidkit.files import read_json_lines, write_json_lines
from vidkit.media.caption_formats import Caption

_SEGMENT_KEYS = ("start", "end", "score")
_REQUIRED_KEYS = ("video_id", "path", "duration", "task", "clip_seconds", "segments", "saliency")
_OPTIONAL_KEYS = ("query", "captions", "curves")


@dataclass(frozen=True)
class Segment:
    """A stretch [start, end) of a video and its score; higher is better.

    Args:
        start: Seconds, >= 0.
        end: Seconds, >= start; may lie beyond the duration, as a model said it.
        score: Any finite number; it ranks the segments of one prediction.
        extra: What else a task says about the segment (a label, a title), kept as it came.

    Raises:
        ValueError: If a number is not finite, or the interval is negative or inverted.

    Example:
        >>> Segment(start=2.0, end=6.0, score=0.5).duration_seconds
        4.0
    """

    start: float
    end: float
    score: float
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in _SEGMENT_KEYS:
            _check_finite(getattr(self, name), f"segment {name}")
        if not 0 <= self.start <= self.end:
            raise ValueError(f"a segment needs 0 <= start <= end, got start {self.start}, end {self.end}")
        _check_extra(self.extra, _SEGMENT_KEYS, "segment")

    @property
    def duration_seconds(self) -> float:
        return self.end - self.start

    @property
    def title(self) -> str | None:
        """What the task calls the segment, ``extra["title"]``; None if it has no title."""
        title = self.extra.get("title")
        return title if isinstance(title, str) and title.strip() else None

    def to_json(self) -> dict[str, Any]:
        """Return the segment as it stands in the file."""
        return {"start": float(self.start), "end": float(self.end), "score": float(self.score), **self.extra}

    @classmethod
    def from_json(cls, value: Any) -> Segment:
        """Return the segment that ``to_json`` gave.

        Raises:
            ValueError: If a key is missing or is not what it must be.
        """
        row = _object(value, "a segment", _SEGMENT_KEYS)
        numbers = {name: _number(row[name], f"segment {name}") for name in _SEGMENT_KEYS}
        return cls(**numbers, extra={key: row[key] for key in row if key not in _SEGMENT_KEYS})


@dataclass(frozen=True)
class Prediction:
    """What one task says about one video.

    Args:
        video_id: The name of the video in its data set; the stem of a raw file.
        path: The video file, as the user gave it.
        duration: Length of the video in seconds, >= 0.
        task: Folder name of the task, such as "highlight_detection".
        clip_seconds: Length of a clip, > 0; number i of ``saliency`` belongs to
            [i, i + 1) x clip_seconds.
        segments: The segments, best first as written by vidkit; any order is read.
        saliency: One finite number per clip, shape (T,); may be empty.
        query: The sentence that the segments answer, for tasks that have one.
        captions: What is said in the video, as the task has read it; None if it does not read captions.
        curves: Further scores per clip by name, such as one curve a modality; each is as long as
            ``saliency``.
        extra: Further keys of the line, kept as they came.

    Raises:
        ValueError: If a number is not finite or out of its range, or a curve has another length.
    """

    video_id: str
    path: str
    duration: float
    task: str
    clip_seconds: float
    segments: tuple[Segment, ...] = ()
    saliency: tuple[float, ...] = ()
    query: str | None = None
    captions: tuple[Caption, ...] | None = None
    curves: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "segments", tuple(self.segments))
        object.__setattr__(self, "saliency", tuple(float(score) for score in self.saliency))
        if not self.video_id:
            raise ValueError("video_id is empty; the stem of a raw file is its video_id")
        _check_finite(self.duration, "duration")
        _check_finite(self.clip_seconds, "clip_seconds")
        if self.duration < 0:
            raise ValueError(f"duration of {self.video_id} must be >= 0 seconds, got {self.duration}")
        if self.clip_seconds <= 0:
            raise ValueError(f"clip_seconds of {self.video_id} must be > 0, got {self.clip_seconds}")
        for index, score in enumerate(self.saliency):
            _check_finite(score, f"saliency[{index}] of {self.video_id}")
        for name, scores in self.curves.items():
            if len(scores) != len(self.saliency):
                raise ValueError(
                    f"curve {name!r} of {self.video_id} has {len(scores)} numbers and saliency "
                    f"{len(self.saliency)}; give one per clip"
                )
            for index, score in enumerate(scores):
                _check_finite(score, f"{name}[{index}] of {self.video_id}")
        _check_extra(self.extra, (*_REQUIRED_KEYS, *_OPTIONAL_KEYS), "prediction")

    @property
    def note(self) -> str | None:
        """What the task says about the prediction, such as why it is empty: ``extra["note"]``."""
        note = self.extra.get("note")
        return note if isinstance(note, str) else None

    def to_json(self) -> dict[str, Any]:
        """Return the prediction as it stands on its line; optional keys only where they say something."""
        row: dict[str, Any] = {
            "video_id": self.video_id,
            "path": str(self.path),
            "duration": float(self.duration),
            "task": self.task,
            "clip_seconds": float(self.clip_seconds),
            "segments": [segment.to_json() for segment in self.segments],
            "saliency": list(self.saliency),
        }
        if self.query is not None:
            row["query"] = self.query
        if self.curves:
            row["curves"] = {name: list(scores) for name, scores in self.curves.items()}
        if self.captions is not None:
            row["captions"] = [asdict(caption) for caption in self.captions]
        return {**row, **self.extra}

    @classmethod
    def from_json(cls, value: Any) -> Prediction:
        """Return the prediction that ``to_json`` gave.

        Raises:
            ValueError: If a key is missing or is not what it must be.
        """
        row = _object(value, "a prediction", _REQUIRED_KEYS)
        query, captions = row.get("query"), row.get("captions")
        curves = _object(row.get("curves", {}), "curves", ())
        return cls(
            video_id=_text(row["video_id"], "video_id"),
            path=_text(row["path"], "path"),
            duration=_number(row["duration"], "duration"),
            task=_text(row["task"], "task"),
            clip_seconds=_number(row["clip_seconds"], "clip_seconds"),
            segments=tuple(Segment.from_json(item) for item in _list(row["segments"], "segments")),
            saliency=_numbers(row["saliency"], "saliency"),
            query=None if query is None else _text(query, "query"),
            captions=None if captions is None else tuple(map(_caption, _list(captions, "captions"))),
            curves={name: _numbers(scores, f"curves.{name}") for name, scores in curves.items()},
            extra={key: row[key] for key in row if key not in (*_REQUIRED_KEYS, *_OPTIONAL_KEYS)},
        )


def read_predictions(path: str | Path) -> list[Prediction]:
    """Return the predictions of a JSON-lines file, in its order.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line is not a prediction; the message names the file and the line.
    """
    predictions = []
    for index, row in enumerate(read_json_lines(path)):
        try:
            predictions.append(Prediction.from_json(row))
        except ValueError as error:
            raise ValueError(f"{path}, line {_line_number(path, index)}: {error}") from error
    return predictions


def write_predictions(path: str | Path, predictions: Iterable[Prediction]) -> None:
    """Write one prediction a line, atomically."""
    write_json_lines(path, (prediction.to_json() for prediction in predictions))


def _line_number(path: str | Path, index: int) -> int:
    """Return the line of the ``index``-th row; empty lines count as lines and not as rows."""
    lines = Path(path).read_text(encoding="utf-8-sig").split("\n")
    return [number for number, line in enumerate(lines, start=1) if line.strip()][index]


def _object(value: Any, what: str, required: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        keys = f" with the keys {', '.join(required)}" if required else ""
        raise ValueError(f"{what} is a JSON object{keys}; got {value!r}")
    missing = [key for key in required if key not in value]
    if missing:
        raise ValueError(f"{what} lacks {', '.join(missing)}; it has {', '.join(value) or 'no keys'}")
    return value


def _caption(value: Any) -> Caption:
    row = _object(value, "a caption", ("start", "end", "text"))
    start, end = (_number(row[name], f"caption {name}") for name in ("start", "end"))
    return Caption(start, end, _text(row["text"], "caption text"))


def _numbers(value: Any, name: str) -> tuple[float, ...]:
    return tuple(_number(item, f"{name}[{index}]") for index, item in enumerate(_list(value, name)))


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} must be a number, got {value!r}")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} must be a finite number, got one of {len(str(value))} digits") from None


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a string, got {value!r}")
    return value


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{name} must be a list, got {value!r}")
    return value


def _check_finite(value: float, name: str) -> None:
    if not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {value}")


def _check_extra(extra: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    twice = [key for key in extra if key in known]
    if twice:
        raise ValueError(f"extra of a {what} repeats {', '.join(twice)}; give those as arguments")
