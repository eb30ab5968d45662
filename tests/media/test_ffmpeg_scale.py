"""ffmpeg's own scaler, against the ffmpeg program where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sample_files import write_video

from vidkit.media import open_video
from vidkit.media.multi_stream import FrameRequest, stream_many
from vidkit.sizes import FfmpegScale


def _noise(index: int, width: int, height: int) -> NDArray[np.uint8]:
    return np.random.default_rng(index).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _of_the_program(path: Path, height: int, width: int) -> NDArray[np.uint8]:
    """Return all frames as the ffmpeg program scales them."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("needs the ffmpeg program")
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-vf", f"scale={width}:{height}"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:"]
    output = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(output, np.uint8).reshape(-1, height, width, 3)


@pytest.mark.parametrize(
    ("size", "rotation", "scaled"),
    [
        ((96, 170), None, (64, 113)),
        ((170, 96), None, (113, 64)),
        ((40, 70), None, (64, 112)),
        ((96, 170), 90, (113, 64)),
        ((96, 170), 180, (64, 113)),
        ((96, 170), -90, (113, 64)),
    ],
)
def test_frames_are_those_of_the_ffmpeg_program(
    tmp_path: Path, size: tuple[int, int], rotation: float | None, scaled: tuple[int, int]
) -> None:
    path = write_video(tmp_path / "a.mp4", num_frames=6, size=size, rotation=rotation, draw=_noise)
    with open_video(path) as reader:
        frames = next(reader.stream(size=FfmpegScale(64)))
        assert frames.data.shape == (6, *scaled, 3)
        again = reader.frames_at([0.2, 0.0, 0.12], size=FfmpegScale(64))
        both = dict(
            stream_many(reader, {"a": FrameRequest([0.0], FfmpegScale(64)), "b": FrameRequest([0.0])})
        )
    assert np.array_equal(again.data, frames.data[[5, 0, 3]])
    assert np.array_equal(both["a"].data[0], frames.data[0])
    assert both["b"].data.shape[1:] == ((size[1], size[0], 3) if rotation in (90, -90) else (*size, 3))
    assert np.array_equal(frames.data, _of_the_program(path, *scaled))


def test_other_backends_cannot_scale_as_ffmpeg_does(tmp_path: Path) -> None:
    pytest.importorskip("decord")
    path = write_video(tmp_path / "a.mp4", num_frames=6)
    with (
        open_video(path, backend="decord") as reader,
        pytest.raises(ValueError, match="ffmpeg's scaler works on the coded colours"),
    ):
        reader.frames_at([0.0], size=FfmpegScale(64))


def test_a_side_of_no_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter_side must be at least 1 pixel, got 0"):
        FfmpegScale(0)
