"""Which frames the public tools for action recognition read, taken over to the clips of a longer video.

Those tools are made for videos of one action. Here each clip is such a video: several windows are spread
over the clip as a tool spreads them over its video. A single window stands round the clip's middle and may
reach into the neighbours, which a tool cannot read and fills up with repeated frames.

Shapes: N clips, F = K windows * L frames.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vidkit.encoders.base import VisualRecipe

# Products of frame rates and times are whole only to rounding.
_ROUNDING_FRAMES = 1e-6


@dataclass(frozen=True)
class MMAction2Windows(VisualRecipe):
    """Windows of L frames at a fixed interval of source frames: ``SampleFrames`` of mmaction2 in test mode.

    A window spans (L - 1) * interval + 1 frames, from its first to its last one. K windows start evenly from
    the clip's first frame to the last start that fits, both included, rounded to whole frames. What lies
    behind the clip's end is taken from its start again. The interval counts frames of the file, so that a
    window of a 60-fps file is half as long as one of a 30-fps file. open-mmlab/mmaction2@4d6c934.

    Args:
        num_windows: K.
        interval: Source frames from one frame to the next.
    """

    num_windows: int = 1
    interval: int = 1

    def frame_times(
        self, middles: NDArray[np.float64], *, clip_seconds: float, source_fps: float
    ) -> NDArray[np.float64]:
        """Return when each frame of each clip is shown: (N,) seconds -> (N, F) seconds, window by window."""
        length = self.num_frames // self.num_windows
        span = (length - 1) * self.interval + 1
        steps = np.arange(length) * self.interval
        middles = np.asarray(middles, np.float64)[:, None]
        if self.num_windows == 1:
            starts = _whole((middles - _half(span, source_fps)) * source_fps)
            return _shown_at(starts + steps, source_fps)
        num_clip_frames = max(round(clip_seconds * source_fps), 1)
        room = max(num_clip_frames - span, 0)
        starts = np.round(np.arange(self.num_windows) * (room / (self.num_windows - 1)))
        inside = (starts[:, None] + steps).ravel() % num_clip_frames
        first = _whole((middles - clip_seconds / 2) * source_fps)
        return _shown_at(first + inside, source_fps)


@dataclass(frozen=True)
class PySlowFastWindows(VisualRecipe):
    """Windows of L frames that last as long in every file: the test mode of PySlowFast.

    A window spans L * interval frames at 30 fps, stretched to the frames of the file. K windows start at
    k / K of the room in the clip. Inside, ``linspace`` from the first to the last frame, its fractions cut
    off; what lies behind the clip's end is its last frame.

    Args:
        num_windows: K.
        interval: Frames at 30 fps from one frame to the next.
    """

    num_windows: int = 1
    interval: int = 1

    def frame_times(
        self, middles: NDArray[np.float64], *, clip_seconds: float, source_fps: float
    ) -> NDArray[np.float64]:
        """Return when each frame of each clip is shown: (N,) seconds -> (N, F) seconds, window by window."""
        length = self.num_frames // self.num_windows
        span = length * self.interval * source_fps / 30
        steps = np.linspace(0, span - 1, length)
        middles = np.asarray(middles, np.float64)[:, None]
        if self.num_windows == 1:
            return _shown_at(_whole((middles - _half(span, source_fps)) * source_fps + steps), source_fps)
        num_clip_frames = max(round(clip_seconds * source_fps), 1)
        room = max(num_clip_frames - span, 0)
        starts = np.arange(self.num_windows) * room / self.num_windows
        inside = _whole((starts[:, None] + steps).ravel()).clip(0, num_clip_frames - 1)
        first = _whole((middles - clip_seconds / 2) * source_fps)
        return _shown_at(first + inside, source_fps)


@dataclass(frozen=True)
class HeroWindows(VisualRecipe):
    """The frames of HERO's SlowFast features, with the mistake that all released features have.

    linjieli222/HERO_Video_Feature_Extractor (slowfast/extract_feature) brings every file to 30 fps with
    ffmpeg's ``fps`` filter and cuts it into clips, so that one of 2 s has 60 frames. Of them it takes 32 by
    ``linspace(0, 64 * f / 30 - 1, 32)``, held at 59 and with fractions cut off, where f is the frame rate of
    the file in whole numbers although the frames are at 30 fps already. A file of 25 fps so gives frames 0
    to 52 of each clip, and one of 60 fps stands still on frame 59 from the middle of the window on.
    line/lighthouse keeps this (its issue 75): models trained on the released features need it.

    Output n of the filter is the last frame that is stamped before (n + 0.5) / 30 s.
    """

    num_frames: int = 32

    def frame_times(
        self, middles: NDArray[np.float64], *, clip_seconds: float, source_fps: float
    ) -> NDArray[np.float64]:
        """Return when each frame of each clip is shown: (N,) seconds -> (N, 32) seconds."""
        picks = self.picks(clip_seconds=clip_seconds, source_fps=source_fps)
        starts = np.round((np.asarray(middles, np.float64)[:, None] - clip_seconds / 2) * 30)
        return (starts + picks + 0.5) / 30 - 1e-5  # before, not at: the frame stamped then is the next one

    def picks(self, *, clip_seconds: float, source_fps: float) -> NDArray[np.int64]:
        """Return which of a clip's frames at 30 fps are taken, shape (32,).

        Example:
            >>> HeroWindows().picks(clip_seconds=2.0, source_fps=60.0)[13:18].tolist()
            [53, 57, 59, 59, 59]
        """
        num_clip_frames = round(30 * clip_seconds)
        last = 2 * self.num_frames * math.floor(source_fps + _ROUNDING_FRAMES) / 30 - 1
        # In float32, as the tool computes it, since the fractions are cut off.
        picks = torch.linspace(0, last, self.num_frames).clamp(0, num_clip_frames - 1).long()
        return np.asarray(picks.numpy())


def _half(num_frames: float, source_fps: float) -> float:
    return num_frames / source_fps / 2


def _whole(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.floor(frames + _ROUNDING_FRAMES)


def _shown_at(frames: NDArray[np.float64], source_fps: float) -> NDArray[np.float64]:
    """Return a time at which each frame is shown for certain: half a frame after it appears."""
    return (frames + 0.5) / source_fps
