"""One file of every odd kind, with the frames that it must show; built by ``sample_files``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from sample_files import FPS, HEIGHT, WIDTH, cut_by_copy, mux_together, tone, write_video

NUM = 40
# Milliseconds of a recording whose camera slows down and stalls.
UNEVEN = [0, 33, 66, 100, 180, 260, 300, 620, 640, 660, 900, 1000, 1040, 1080, 1700, 1720, 1800, 1840]
X265 = {"x265-params": "log-level=none:pools=1"}
VP9 = {"deadline": "realtime", "cpu-used": "8"}
CUT_SECONDS = 0.8  # between the key frames 12 and 24


@dataclass(frozen=True)
class OddVideo:
    """A kind of file and what it shows.

    Attributes:
        build: Writes the file into a folder.
        indices: Number that each shown frame carries.
        times: When each is shown, in seconds.
        size: (height, width) after rotation.
        turn: How many quarter turns clockwise bring the returned frame back to the numbered picture.
    """

    build: Callable[[Path], Path]
    indices: Sequence[int]
    times: Sequence[float]
    size: tuple[int, int] = (HEIGHT, WIDTH)
    turn: int = 0


def _even(build: Callable[[Path], Path], num: int = NUM, **fields: object) -> OddVideo:
    return OddVideo(build, range(num), [n / FPS for n in range(num)], **fields)  # type: ignore[arg-type]


def _written(name: str, **options: object) -> Callable[[Path], Path]:
    return lambda folder: write_video(folder / name, **({"num_frames": NUM} | options))  # type: ignore[arg-type]


def _edit_list(folder: Path) -> Path:
    source = write_video(folder / "whole.mp4", num_frames=60, audio=tone(60 / FPS))
    return cut_by_copy(source, folder / "cut.mp4", CUT_SECONDS)


def _two_videos(folder: Path) -> Path:
    first = write_video(folder / "first.mp4", num_frames=NUM)
    small = write_video(folder / "small.mp4", num_frames=NUM, size=(48, 80), ticks=range(5, NUM + 5))
    return mux_together(folder / "two.mkv", [(first, "video"), (small, "video")])


def _two_sounds(folder: Path) -> Path:
    first = write_video(folder / "first.mp4", num_frames=NUM, audio=tone(NUM / FPS))
    second = write_video(folder / "second.mp4", num_frames=NUM, audio=tone(NUM / FPS, hz=1000.0))
    return mux_together(folder / "sounds.mp4", [(first, "video"), (first, "audio"), (second, "audio")])


def _cover(folder: Path) -> Path:
    first = write_video(folder / "first.mp4", num_frames=NUM)
    return mux_together(folder / "cover.mp4", [(first, "video")], cover=True)


ODD_VIDEOS: dict[str, OddVideo] = {
    "constant rate": _even(_written("a.mp4", audio=tone(NUM / FPS))),
    "no sound": _even(_written("a.mp4")),
    "variable rate": OddVideo(
        _written("a.mp4", ticks=UNEVEN, time_base=Fraction(1, 1000)),
        range(len(UNEVEN)),
        [tick / 1000 for tick in UNEVEN],
    ),
    "start offset": _even(_written("a.mkv", ticks=range(50, 50 + NUM))),
    "edit list": OddVideo(_edit_list, range(20, 60), [n / FPS for n in range(40)]),
    "rotation 90": _even(_written("a.mp4", rotation=-90), size=(WIDTH, HEIGHT), turn=3),
    "rotation 180": _even(_written("a.mp4", rotation=180), turn=2),
    "rotation 270": _even(_written("a.mp4", rotation=90), size=(WIDTH, HEIGHT), turn=1),
    "10 bits": _even(_written("a.mp4", pixel_format="yuv420p10le")),
    "odd size": _even(_written("a.mp4", codec="mpeg4", size=(181, 321)), size=(181, 321)),
    "two video streams": _even(_two_videos),
    "two audio streams": _even(_two_sounds),
    "no duration": _even(_written("a.mkv", container_options={"live": "1"})),
    "cover art": _even(_cover),
    "B-frames": _even(_written("a.mp4", options={"bf": "5", "b-pyramid": "normal"}, gop=30)),
    "no B-frames": _even(_written("a.mp4", options={"bf": "0"})),
    "HEVC": _even(_written("a.mp4", codec="libx265", options=X265)),
    "MPEG-4 part 2": _even(_written("a.avi", codec="mpeg4", options={"bf": "2"})),
    "VP9": _even(_written("a.webm", codec="libvpx-vp9", options=VP9)),
    "MPEG transport stream": _even(_written("a.ts")),
    "single frame": _even(_written("a.mp4", num_frames=1), 1),
}
