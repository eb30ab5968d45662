"""The report as a parser of the standard library reads it, and what it is made of in tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.export.predictions import Prediction, Segment
from vidkit.media.writer import VideoWriter


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]


class Html(HTMLParser):
    """All elements of a page and the text of its JSON, by the parser of the standard library."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.texts: list[str] = []
        self.data: Any = None
        self._json = False
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs)))
        self._json = ("type", "application/json") in attrs

    def handle_data(self, data: str) -> None:
        if self._json:
            self.data = json.loads(data)
            self._json = False
        self.texts.append(data)

    def named(self, tag: str, name: str | None = None) -> list[Element]:
        return [
            element
            for element in self.elements
            if element.tag == tag
            and (name is None or name in (element.attributes.get("class") or "").split())
        ]


def write_video(path: Path, *, seconds: float = 3.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, width=64, height=36, fps=10) as writer:
        for index in range(round(seconds * 10)):
            writer.write_frame(np.full((36, 64, 3), index * 8 % 256, np.uint8))
    return path


def predicted(path: Path, **changes: Any) -> Prediction:
    values: dict[str, Any] = {
        "video_id": path.stem,
        "path": str(path),
        "duration": 3.0,
        "task": "highlight_detection",
        "clip_seconds": 0.5,
        "segments": (Segment(0.0, 1.0, 0.25), Segment(1.5, 2.5, 0.75)),
        "saliency": (0.1, 0.2, 0.3, 0.9, 0.4, 0.0),
    }
    return Prediction(**(values | changes))
