"""Which frames of a clip the public tools for pictures read.

What they read for windows of video is in ``video_windows``.

Shapes: N clips, F frames a clip.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidkit.encoders.base import VisualRecipe

# Between a file's shortest tick (1/90000 s) and the tolerance of the reader (1e-6 s).
_BEFORE_SECONDS = 1e-5
_ROUNDING_FRAMES = 1e-6


@dataclass(frozen=True)
class FfmpegFps(VisualRecipe):
    """The frame that the ``fps`` filter of ffmpeg gives for each clip, at 1 / ``clip_seconds``.

    The filter rounds timestamps to its own ticks, halves up, and output n is the last frame of tick n or
    before: the last one stamped before (n + 0.5) / fps, the middle of clip n. At 30 fps and clips of 1 s
    those are frames 14, 44, 74, ... A frame that is stamped with the very middle is the next output's.
    Every tool that runs ``ffmpeg -vf fps=1`` gives these, although many of them write the times 0, 1, 2, ...
    beside them.
    """

    def frame_times(
        self, middles: NDArray[np.float64], *, clip_seconds: float, source_fps: float
    ) -> NDArray[np.float64]:
        """Return when the frame of each clip is shown: (N,) seconds -> (N, 1) seconds.

        Example:
            >>> import numpy as np
            >>> times = FfmpegFps().frame_times(np.array([0.5, 1.5]), clip_seconds=1.0, source_fps=30.0)
            >>> np.floor(times[:, 0] * 30).tolist()
            [14.0, 44.0]
        """
        return np.asarray(middles, np.float64)[:, None] - _BEFORE_SECONDS


@dataclass(frozen=True)
class SegmentMiddles(VisualRecipe):
    """The middle frame of each of F equal segments of the clip: sampling of temporal segment networks.

    Of a clip of M frames those are int((i + 0.5) M / F), as ``SampleFrames(clip_len=1)`` of mmaction2 takes
    them in test mode (its commit 4d6c934); frames come twice where F > M. In training it takes one frame of
    each segment at random, which belongs to training data: a feature must be the same every time.
    """

    def frame_times(
        self, middles: NDArray[np.float64], *, clip_seconds: float, source_fps: float
    ) -> NDArray[np.float64]:
        """Return when each frame of each clip is shown: (N,) seconds -> (N, F) seconds.

        Example:
            >>> import numpy as np
            >>> recipe = SegmentMiddles(num_frames=2)
            >>> recipe.frame_times(np.array([1.0]), clip_seconds=2.0, source_fps=10.0).tolist()
            [[0.55, 1.55]]
        """
        starts = np.asarray(middles, np.float64)[:, None] - clip_seconds / 2
        first = np.floor(starts * source_fps + _ROUNDING_FRAMES)
        num_clip_frames = max(round(clip_seconds * source_fps), 1)
        segments = (np.arange(self.num_frames) + 0.5) * num_clip_frames / self.num_frames
        inside = np.floor(segments + _ROUNDING_FRAMES)
        return (first + inside + 0.5) / source_fps  # half a frame after it appears it is shown for certain


@dataclass(frozen=True)
class ClipStarts(VisualRecipe):
    """The frame shown where each clip starts: t = 0, ``clip_seconds``, 2 ``clip_seconds``, ..."""

    def frame_times(
        self, middles: NDArray[np.float64], *, clip_seconds: float, source_fps: float
    ) -> NDArray[np.float64]:
        """Return when the frame of each clip is shown: (N,) seconds -> (N, 1) seconds.

        Example:
            >>> import numpy as np
            >>> ClipStarts().frame_times(np.array([0.5, 1.5]), clip_seconds=1.0, source_fps=30.0).tolist()
            [[0.0], [1.0]]
        """
        return np.asarray(middles, np.float64)[:, None] - clip_seconds / 2
