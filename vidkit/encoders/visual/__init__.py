"""Encoders of frames: uint8 (N, F, H, W, 3) -> (N, dim)."""

from vidkit.encoders.visual.clip import CLIPVisual
from vidkit.encoders.visual.motion import MotionVisual
from vidkit.encoders.visual.pixel import PixelVisual

__all__ = ["CLIPVisual", "MotionVisual", "PixelVisual"]
