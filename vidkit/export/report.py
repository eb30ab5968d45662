"""The HTML report: one file with a player, the score curve and the ranked segments of every video.

The page carries its style, script and thumbnails; only the videos stay beside it, reached by relative
links. It works from ``file://`` and makes no request to a network.
"""

from __future__ import annotations

import base64
import io
import math
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from PIL import Image

from vidkit.export.predictions import Prediction, Segment
from vidkit.export.report_card import Card, noun_of, plural
from vidkit.export.report_page import build_page
from vidkit.files import write_text
from vidkit.media.errors import MediaError
from vidkit.media.proxy import is_browser_playable, write_proxy
from vidkit.media.reader import VideoReader, open_video

if TYPE_CHECKING:
    from vidkit.media.captions import Caption

MAX_THUMBNAILS = 60  # per video, for the best segments; about 6 kB each in the page
THUMBNAIL_HEIGHT = 120  # pixels: sharp at twice the size at which the page shows it
POSTER_HEIGHT = 360
JPEG_QUALITY = 72
PROXY_NOTE = "The browser cannot play this file itself: a small H.264 copy stands in."


@dataclass(frozen=True)
class ReportItem:
    """One video of the report, or one query for it.

    Args:
        prediction: What the model says; ``prediction.path`` is the video.
        captions: Its captions, shown as a transcript.
        curves: Further curves by name, such as one per modality. Each covers the whole duration in
            equal steps and is drawn over its own range.
        clips: The clip files of ``prediction.segments``, in their order; empty if none were cut.

    Raises:
        ValueError: If the number of clips is not the number of segments, or a curve is not finite.
    """

    prediction: Prediction
    captions: Sequence[Caption] = ()
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    clips: Sequence[Path] = ()

    def __post_init__(self) -> None:
        if self.clips and len(self.clips) != len(self.prediction.segments):
            raise ValueError(
                f"{self.prediction.video_id} has {len(self.prediction.segments)} segments and "
                f"{len(self.clips)} clips; give one clip per segment, or none"
            )
        for name, scores in self.curves.items():
            if not all(math.isfinite(score) for score in scores):
                raise ValueError(
                    f"curve {name!r} of {self.prediction.video_id} has a number that is not finite"
                )


def write_report(path: str | Path, items: Sequence[ReportItem], *, title: str) -> Path:
    """Write the report of ``items`` to ``path``, atomically, and return the path.

    Videos that a browser cannot play get a small copy, ``proxies/<stem>.mp4`` beside the report. A
    video that cannot be read keeps its scores and segments; its card says why there is no picture,
    and one warning counts such videos.

    Raises:
        OSError: If the folder cannot be written.
    """
    target = Path(path)
    proxies: dict[str, Path] = {}
    cards = []
    unreadable = []
    for item in items:
        card = _plain_card(item, target.parent)
        try:
            cards.append(_with_pictures(card, Path(item.prediction.path), target.parent, proxies))
        except (FileNotFoundError, MediaError) as error:
            unreadable.append(item.prediction.video_id)
            cards.append(replace(card, source=None, notes=(f"The video could not be read: {error}",)))
    write_text(target, build_page(cards, title=title))
    if unreadable:
        warnings.warn(
            f"{len(unreadable)} of {len(items)} videos could not be read, so the report shows their scores "
            f"without pictures: {', '.join(unreadable)}",
            stacklevel=2,
        )
    return target


def heading(items: Sequence[ReportItem]) -> str:
    """Return what the predictions find, as a title of the page: "Highlights", "Clips", "Segments"."""
    return plural(noun_of([item.prediction.task for item in items]), 2).capitalize()


def _plain_card(item: ReportItem, folder: Path) -> Card:
    """Return the card as far as it is known without opening the video."""
    prediction = item.prediction
    ranks = sorted(range(len(prediction.segments)), key=lambda index: -prediction.segments[index].score)
    link = _link(Path(prediction.path), folder)
    return Card(
        title=Path(prediction.path).name,
        task=prediction.task,
        query=prediction.query,
        duration_seconds=prediction.duration,
        segments=[prediction.segments[index] for index in ranks],
        scores=prediction.saliency,
        clip_seconds=prediction.clip_seconds,
        curves=[(name, [float(score) for score in scores]) for name, scores in item.curves.items()],
        captions=[(caption.start, caption.end, caption.text) for caption in item.captions],
        source=link,
        original=link,
        offset_seconds=0.0,
        thumbnails=[None] * len(ranks),
        poster=None,
        clip_links=[_link(item.clips[index], folder) if item.clips else None for index in ranks],
        notes=(),
        empty=prediction.note,
    )


def _with_pictures(card: Card, video: Path, folder: Path, proxies: dict[str, Path]) -> Card:
    """Return the card with thumbnails, a poster and something that a browser can play."""
    shown = card.segments[:MAX_THUMBNAILS]
    times = [_best_time(segment, card) for segment in shown]
    with open_video(video) as reader:
        thumbnails = _pictures(reader, times, THUMBNAIL_HEIGHT)
        poster = _pictures(reader, times[:1] or [0.0], POSTER_HEIGHT)[0]
        offset = max(reader.info.start_seconds, 0.0)  # players show the file's own clock, but start at 0
    card = replace(
        card,
        thumbnails=[*thumbnails, *[None] * (len(card.segments) - len(shown))],
        poster=poster,
        offset_seconds=offset,
    )
    if is_browser_playable(video):
        return card
    source = os.path.abspath(video)
    if (proxy := proxies.get(source)) is None:  # a video has a card for each query
        proxy = _proxy_path(video, folder / "proxies", {path.name.lower() for path in proxies.values()})
        write_proxy(video, proxy)
        proxies[source] = proxy
    return replace(card, source=_link(proxy, folder), offset_seconds=0.0, notes=(PROXY_NOTE,))


def _best_time(segment: Segment, card: Card) -> float:
    """Return the middle of the best clip inside the segment, or its own middle without scores."""
    middle = (segment.start + segment.end) / 2
    first = math.ceil(segment.start / card.clip_seconds - 1e-6)
    stop = min(math.floor(segment.end / card.clip_seconds + 1e-6), len(card.scores))
    if first < stop:
        best = max(range(first, stop), key=lambda index: card.scores[index])
        middle = (best + 0.5) * card.clip_seconds
    return min(middle, card.duration_seconds)


def _pictures(reader: VideoReader, times: Sequence[float], height: int) -> list[str]:
    """Return the frames played at ``times`` as JPEG data URIs."""
    if not times:
        return []
    info = reader.info
    height = max(1, min(height, info.height))
    width = max(1, round(height * (info.aspect_ratio or 1.0)))
    return [_data_uri(Image.fromarray(frame)) for frame in reader.frames_at(times, size=(height, width)).data]


def _data_uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def _proxy_path(video: Path, folder: Path, used: set[str]) -> Path:
    """Return ``<stem>.mp4`` in ``folder``, numbered where another video of this report has the name."""
    name = f"{video.stem}.mp4"
    number = 1
    while name.lower() in used or os.path.abspath(folder / name) == os.path.abspath(video):
        number += 1
        name = f"{video.stem}-{number}.mp4"
    return folder / name


def _link(file: Path, folder: Path) -> str:
    """Return the URL of ``file`` for a page in ``folder``: relative, or absolute from another drive."""
    absolute = os.path.abspath(file)
    try:
        relative = os.path.relpath(absolute, os.path.abspath(folder))
    except ValueError:  # another drive of Windows
        return Path(absolute).as_uri()
    return quote(os.fsencode(Path(relative).as_posix()))
