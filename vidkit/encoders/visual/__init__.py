"""Encoders of frames: uint8 (N, F, H, W, 3) -> (N, dim)."""

from vidkit.encoders.visual.clip import CLIPVisual
from vidkit.encoders.visual.i3d import I3D
from vidkit.encoders.visual.motion import MotionVisual
from vidkit.encoders.visual.pixel import PixelVisual
from vidkit.encoders.visual.r2plus1d import R2Plus1D
from vidkit.encoders.visual.slowfast import SlowFast
from vidkit.encoders.visual.swin import Swin
from vidkit.encoders.visual.timm_visual import TimmVisual
from vidkit.encoders.visual.tsm import TSM
from vidkit.encoders.visual.tsn import TSN

__all__ = [
    "I3D",
    "TSM",
    "TSN",
    "CLIPVisual",
    "MotionVisual",
    "PixelVisual",
    "R2Plus1D",
    "SlowFast",
    "Swin",
    "TimmVisual",
]
