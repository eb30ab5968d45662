"""Encoders of frames: uint8 (N, F, H, W, 3) -> (N, dim)."""

from vidkit.encoders.visual.clip import CLIPVisual
from vidkit.encoders.visual.i3d import I3D
from vidkit.encoders.visual.motion import MotionVisual
from vidkit.encoders.visual.pixel import PixelVisual
from vidkit.encoders.visual.r2plus1d import R2Plus1D
from vidkit.encoders.visual.slowfast import SlowFast
from vidkit.encoders.visual.tsm import TSM

__all__ = ["CLIPVisual", "I3D", "MotionVisual", "PixelVisual", "R2Plus1D", "SlowFast", "TSM"]
