"""Small videos that the tests of this folder extract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vidkit.media.writer import VideoWriter

MakeVideo = Callable[..., Path]


@pytest.fixture
def make_video(tmp_path: Path) -> MakeVideo:
    return lambda name, **options: write_video(tmp_path / name, **options)


def write_video(
    path: Path,
    *,
    seconds: float = 3.0,
    fps: int = 10,
    height: int = 48,
    width: int = 64,
    sample_rate_hz: int | None = 16000,
    level: int = 0,
) -> Path:
    """Write a video whose grey level climbs with every frame from ``level`` on, with a tone that climbs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    num_frames = round(seconds * fps)
    gradient = np.linspace(0, 40, width)[None, :, None]
    with VideoWriter(path, width=width, height=height, fps=fps, sample_rate_hz=sample_rate_hz) as writer:
        for n in range(num_frames):
            frame = np.broadcast_to(gradient + 5 * n % 200 + level, (height, width, 3))
            writer.write_frame(np.ascontiguousarray(frame.clip(0, 255).astype(np.uint8)))
            if sample_rate_hz is not None:
                times = np.arange(n * sample_rate_hz // fps, (n + 1) * sample_rate_hz // fps) / sample_rate_hz
                writer.write_audio((0.3 * np.sin(2 * np.pi * (200 + 100 * times) * times)).astype(np.float32))
    return path
