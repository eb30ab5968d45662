"""Sizes to which pictures are scaled while they are decoded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FfmpegScale:
    """A size as the ffmpeg program's ``scale`` filter makes it, for features that were made so.

    The filter scales by bicubic interpolation with libswscale's own weights, in one step from the coded
    colours to RGB. No library that works on RGB pictures gives the same.

    Args:
        shorter_side: Pixels, >= 1. The longer side keeps the proportions, its fraction is cut off.

    Raises:
        ValueError: If it is below 1.
    """

    shorter_side: int

    def __post_init__(self) -> None:
        if self.shorter_side < 1:
            raise ValueError(f"shorter_side must be at least 1 pixel, got {self.shorter_side}")

    def of(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) after scaling.

        Example:
            >>> FfmpegScale(224).of(720, 1280)
            (224, 398)
        """
        if height >= width:
            return int(height * self.shorter_side / width), self.shorter_side
        return self.shorter_side, int(width * self.shorter_side / height)


Size = tuple[int, int] | FfmpegScale  # (height, width), or a rule
