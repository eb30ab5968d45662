"""Small videos whose frames carry their number and whose sound tells the second, for tests of data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vidkit.media import VideoWriter

FPS = 25
HEIGHT, WIDTH = 48, 80
_NUM_BITS = 8
_RATE_HZ = 16_000


def write_numbered(path: Path, *, num_frames: int, has_sound: bool = True) -> Path:
    """Write frames of eight bars, bar b white if bit b of the number is set; the sound of second s is s / 10.

    Args:
        num_frames: At most 256.
    """
    rate = _RATE_HZ if has_sound else None
    with VideoWriter(path, width=WIDTH, height=HEIGHT, fps=FPS, sample_rate_hz=rate) as writer:
        for number in range(num_frames):
            bits = np.array([number >> bit & 1 for bit in range(_NUM_BITS)], np.uint8)
            row = bits[np.arange(WIDTH) * _NUM_BITS // WIDTH] * 255
            frame = np.broadcast_to(row[None, :, None], (HEIGHT, WIDTH, 3))
            writer.write_frame(np.ascontiguousarray(frame))
        if has_sound:
            writer.write_audio(loudness(num_frames / FPS))
    return path


def loudness(seconds: float) -> np.ndarray:
    """Return a tone of 400 Hz that is louder from second to second, (samples,)."""
    time = np.arange(round(seconds * _RATE_HZ)) / _RATE_HZ
    return ((np.floor(time) + 1) / 10 * np.sin(2 * np.pi * 400 * time)).astype(np.float32)


def numbers(frames: Tensor) -> list[int]:
    """Return the numbers that whole frames (F, H, W, 3) carry, at any size."""
    bars = frames.float().mean((1, 3))  # (F, W)
    width = bars.shape[1]
    middles = [round((bit + 0.5) * width / _NUM_BITS) for bit in range(_NUM_BITS)]
    weights = 2 ** torch.arange(_NUM_BITS)
    return [int(((row[middles] > 127) * weights).sum()) for row in bars]
