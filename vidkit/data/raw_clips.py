"""What one sample reads of a video file: crops of a few frames, and stretches of sound.

Shapes: V views, F frames a view, S x S pixels of a crop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from vidkit.data.clip_sampling import FrameSampler, SoundSampler
from vidkit.data.crops import Crop
from vidkit.encoders.base import AudioRecipe
from vidkit.encoders.visual.pixels import ShorterSide
from vidkit.media import VideoReader, open_video

Draw = Callable[[str], np.random.Generator]
Span = tuple[float, float]
"""A part of a video, [start, end) in seconds."""


@dataclass(frozen=True)
class Clips:
    """What was read.

    Args:
        duration_seconds: Length of the video.
        visual: uint8 (V, F, S, S, 3); None if not asked for, or without moving pictures.
        audio: float32 (V, samples), mono; None if not asked for, or without sound.
    """

    duration_seconds: float
    visual: Tensor | None = None
    audio: Tensor | None = None


@dataclass(frozen=True)
class FrameViews:
    """Reads frames of a video: only those that the sampler chooses, scaled while they are decoded.

    Every clip of the sampler is cropped; the views are its crops, clip after clip.

    Args:
        frames: Chooses frames by their number.
        crop: Cuts squares out of them.
        short_side: Pixels of the shorter side of the frames before they are cropped.

    Raises:
        ValueError: If a crop is larger than the frames.
    """

    frames: FrameSampler
    crop: Crop
    short_side: int

    def __post_init__(self) -> None:
        if not self.short_side >= self.crop.size:
            raise ValueError(
                f"short_side, {self.short_side} pixels, must not be below the crop's {self.crop.size}; "
                "raise it, or take smaller crops"
            )

    def read(self, video: VideoReader, draw: Draw, span: Span | None = None) -> Tensor:
        """Return the views of a video, uint8 (V, F, S, S, 3).

        Args:
            video: Open.
            draw: Gives random numbers for a purpose.
            span: The part that is read as if it were all of it, at least the frame that it begins with.

        Raises:
            MediaError: If a part that is needed cannot be decoded.
        """
        video.check_end()  # or the frames of a file that is cut off would pass for those of all of it
        times = video.frame_times
        if span is not None:
            first, last = np.searchsorted(times, span)
            first = min(first, len(times) - 1)
            times = times[first : max(last, first + 1)]
        indices = self.frames(len(times), draw("frames"))  # (K, L)
        chosen, places = np.unique(indices, return_inverse=True)
        size = ShorterSide(self.short_side, "round").of(video.info.height, video.info.width)
        pictures = torch.from_numpy(video.frames_at(times[chosen].tolist(), size=size).data)
        random = draw("crop")
        clips = pictures[torch.from_numpy(places.reshape(indices.shape))]  # (K, L, H, W, 3)
        return torch.cat([self.crop(clip, random) for clip in clips])


@dataclass(frozen=True)
class SoundViews:
    """Reads stretches of sound.

    Args:
        sound: Chooses where they start.
        recipe: The encoder's: rate, and length of a stretch.
    """

    sound: SoundSampler
    recipe: AudioRecipe

    def read(self, video: VideoReader, draw: Draw, span: Span | None = None) -> Tensor:
        """Return the views of a video, float32 (V, samples); behind its end there is silence.

        Args:
            video: Open, with sound.
            draw: Gives random numbers for a purpose.
            span: The part that is read as if it were all of it.

        Raises:
            MediaError: If a part that is needed cannot be decoded.
        """
        rate = self.recipe.sample_rate_hz
        begin, duration = span or (0.0, video.info.duration_seconds)
        starts = begin + self.sound(duration - begin, self.recipe.window_seconds, draw("sound"))
        views = torch.zeros(len(starts), self.recipe.num_samples)
        for view, start in zip(views, starts.tolist(), strict=True):
            end = min(start + self.recipe.window_seconds, duration)
            samples = torch.from_numpy(video.audio(rate, start, end))[: len(view)]
            view[: len(samples)] = samples
        return views


def read_clips(path: Path, draw: Draw, *, frames: FrameViews | None, sound: SoundViews | None) -> Clips:
    """Return what a sample reads of a file.

    Args:
        path: The video.
        draw: Gives random numbers for a purpose.
        frames: Reads pictures; None reads none.
        sound: Reads sound; None reads none.

    Raises:
        FileNotFoundError: If there is no such file.
        MediaError: If it is no video, or a part that is needed cannot be decoded.
    """
    threads = None if get_worker_info() is None else 1  # the other cores are those of other workers
    with open_video(path, on_damage="error", threads=threads) as video:
        info = video.info
        return Clips(
            info.duration_seconds,
            visual=frames.read(video, draw) if frames and info.video_stream is not None else None,
            audio=sound.read(video, draw) if sound and info.has_audio else None,
        )
