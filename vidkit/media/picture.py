"""A decoded frame -> an upright RGB array of the wanted size.

The only place where colours are converted and pictures are scaled, turned or mirrored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import av
import numpy as np
from av.filter import Graph
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from vidkit.sizes import FfmpegScale, Size

# libswscale's converter as the ffmpeg program uses it: the same values as its "-pix_fmt rgb24".
_NATIVE = int(Interpolation.BICUBIC)
# SWS_FULL_CHR_H_INT, SWS_ACCURATE_RND and SWS_BITEXACT of libswscale/swscale.h, which PyAV 17 passes on
# without knowing their names. Without the first, two pixels side by side share one colour where the width is
# even; exact rounding makes the result independent of the CPU's vector units.
_SCALED = int(Interpolation.AREA) | 1 << 13 | 1 << 18 | 1 << 19


@dataclass(frozen=True)
class Upright:
    """How a coded picture must be turned to be shown: transposed, then mirrored along x and y.

    Attributes:
        transpose: Whether rows and columns change places.
        flip_x: Whether left and right change places afterwards.
        flip_y: Whether top and bottom change places afterwards.
    """

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @property
    def mirrored(self) -> bool:
        """Whether the picture is mirrored, which no rotation undoes."""
        return self.transpose ^ self.flip_x ^ self.flip_y

    @property
    def rotation_degrees(self) -> int:
        """Clockwise turn, one of 0, 90, 180, 270; of a mirrored picture after its left-right flip."""
        if self.transpose:
            return 270 if self.flip_y else 90
        return 180 if self.flip_y else 0

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return ``pixels`` (H, W, 3) upright, as a contiguous array."""
        if self.transpose:
            pixels = pixels.transpose(1, 0, 2)
        if self.flip_x:
            pixels = pixels[:, ::-1]
        if self.flip_y:
            pixels = pixels[::-1]
        return np.ascontiguousarray(pixels)


def upright_of(frame: av.VideoFrame) -> Upright:
    """Read the display matrix of ``frame``, rounded to quarter turns.

    The matrix has rows (a, b, u), (c, d, v), (x, y, w) and sends a point (p, q), q downwards, to
    (a p + c q, b p + d q).
    """
    try:
        matrix = np.frombuffer(bytes(frame.side_data["DISPLAYMATRIX"]), np.int32)  # type: ignore[typeddict-item]
    except KeyError:
        return Upright()
    a, b, _, c, d = (int(value) for value in matrix[:5])
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Upright(False, flip_x=a < 0, flip_y=d < 0)
    return Upright(True, flip_x=c < 0, flip_y=b < 0)


Paint = Callable[[av.VideoFrame], NDArray[np.uint8]]


def painter(size: Size | None, *, height: int, width: int, upright: Upright) -> Paint:
    """Return what turns frames into upright RGB arrays (H, W, 3) of a size.

    Args:
        size: None keeps the size.
        height, width: Of the stream, upright.
        upright: How its coded pictures must be turned.
    """
    if isinstance(size, FfmpegScale):
        return FfmpegPainter(*size.of(height, width), upright)
    return Painter(*(size or (height, width)), upright)


class Painter:
    """Turns frames of one stream into RGB arrays of one size.

    Args:
        height, width: Size of the results, upright. Frames that have it already are not scaled.
        upright: How the coded pictures must be turned.
    """

    def __init__(self, height: int, width: int, upright: Upright) -> None:
        self._upright = upright
        self._width, self._height = (height, width) if upright.transpose else (width, height)
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        """Return ``frame`` as uint8 RGB (height, width, 3)."""
        same = (frame.width, frame.height) == (self._width, self._height)
        rgb = self._reformatter.reformat(
            frame,
            width=self._width,
            height=self._height,
            format="rgb24",
            interpolation=_NATIVE if same else _SCALED,
            threads=1,
        )
        return self._upright.apply(np.asarray(rgb.to_ndarray(), dtype=np.uint8))


class FfmpegPainter:
    """Turns and scales frames with the filters of the ffmpeg program, to the same values.

    Args:
        height, width: Size of the results, upright.
        upright: How the coded pictures must be turned; like the program, before they are scaled.
    """

    def __init__(self, height: int, width: int, upright: Upright) -> None:
        self._filters = [
            *([("transpose", "cclock_flip")] if upright.transpose else []),
            *([("hflip", "")] if upright.flip_x else []),
            *([("vflip", "")] if upright.flip_y else []),
            ("scale", f"{width}:{height}"),
            ("format", "rgb24"),
        ]
        self._graph = Graph()
        self._source: tuple[int, int, str] | None = None  # of the frames for which the graph is built

    def __call__(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        """Return ``frame`` as uint8 RGB (height, width, 3)."""
        source = (frame.width, frame.height, frame.format.name)
        if self._source != source:
            self._graph, self._source = Graph(), source
            first = self._graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
            )
            self._graph.link_nodes(
                first, *(self._graph.add(*each) for each in self._filters), self._graph.add("buffersink")
            ).configure()
        self._graph.push(frame)
        scaled = self._graph.pull()
        assert isinstance(scaled, av.VideoFrame)
        return np.asarray(scaled.to_ndarray(), dtype=np.uint8)


def resize_rgb(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return RGB ``pixels`` (H, W, 3) scaled to ``size`` = (height, width) by area, like ``Painter``."""
    if pixels.shape[:2] == size:
        return pixels
    return Painter(*size, Upright())(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24"))
