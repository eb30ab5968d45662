from __future__ import annotations

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from vidkit.encoders.visual.sampling import ClipStarts, FfmpegFps, SegmentMiddles
from vidkit.media import open_video

RATES = [Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(60)]


def _middles(num_clips: int, clip_seconds: float) -> NDArray[np.float64]:
    return (np.arange(num_clips) + 0.5) * clip_seconds


def _reference_ffmpeg_fps(num_frames: int, rate: Fraction, fps: Fraction) -> list[int]:
    """The rule of libavfilter/vf_fps.c in exact numbers: ticks rounded half up, the last frame of each."""
    half = Fraction(1, 2)
    ticks = [int(i / rate * fps + half) for i in range(num_frames)]
    num_outputs = int(num_frames / rate * fps + half)
    return [max(i for i in range(num_frames) if ticks[i] <= n) for n in range(ticks[0], num_outputs)]


def _write(path: Path, rate: Fraction, num_frames: int) -> Path:
    """A video whose frame i is a plain grey that says i modulo 50."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "4"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(num_frames):
            pixels = np.full((48, 64, 3), 5 * (i % 50), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def _greys(frames: NDArray[np.uint8]) -> list[int]:
    return [round(float(frame.mean()) / 5) for frame in frames]


@pytest.mark.parametrize("clip_seconds", [1.0, 2.0, 0.5])
@pytest.mark.parametrize("rate", RATES)
def test_takes_the_frames_of_ffmpegs_fps_filter(tmp_path: Path, rate: Fraction, clip_seconds: float) -> None:
    path = _write(tmp_path / "a.mp4", rate, 250)
    expected = _reference_ffmpeg_fps(250, rate, 1 / Fraction(clip_seconds))
    middles = _middles(len(expected), clip_seconds)
    times = FfmpegFps().frame_times(middles, clip_seconds=clip_seconds, source_fps=float(rate))
    with open_video(path) as reader:
        frames = reader.frames_at(times[:, 0].tolist())
    numbers = np.round(frames.times * float(rate)).astype(int).tolist()
    assert numbers == expected
    if shutil.which("ffmpeg") is None:
        pytest.skip("the program itself is not installed; its rule holds")
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-vf", f"fps={1 / clip_seconds}"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:"]
    output = subprocess.run(command, capture_output=True, check=True).stdout
    program = np.frombuffer(output, np.uint8).reshape(-1, 48, 64, 3)
    assert _greys(program) == [number % 50 for number in expected]


def test_at_30_fps_and_one_a_second_those_are_frames_14_44_and_74() -> None:
    times = FfmpegFps().frame_times(_middles(3, 1.0), clip_seconds=1.0, source_fps=30.0)
    assert np.floor(times[:, 0] * 30).tolist() == [14, 44, 74]
    assert _reference_ffmpeg_fps(90, Fraction(30), Fraction(1)) == [14, 44, 74]


@pytest.mark.parametrize(("num_segments", "fps"), [(8, 25.0), (3, 30.0), (24, 29.97), (25, 10.0)])
def test_segments_give_their_middle_frames(num_segments: int, fps: float) -> None:
    times = SegmentMiddles(num_segments).frame_times(_middles(4, 2.0), clip_seconds=2.0, source_fps=fps)
    num_clip_frames = round(2.0 * fps)
    inside = [
        int(i * num_clip_frames / num_segments + num_clip_frames / (2 * num_segments) + 1e-9)
        for i in range(num_segments)
    ]  # spec of mmaction2: int(i N / S + N / (2 S))
    numbers = np.floor(times * fps).astype(int)
    starts = [int(clip * 2.0 * fps + 1e-9) for clip in range(4)]
    assert numbers.tolist() == [[start + i for i in inside] for start in starts]


def test_more_segments_than_frames_repeat_frames() -> None:
    times = SegmentMiddles(6).frame_times(np.array([0.5]), clip_seconds=1.0, source_fps=3.0)
    assert np.floor(times * 3).tolist() == [[0, 0, 1, 1, 2, 2]]


def test_clips_start_at_multiples_of_their_length() -> None:
    times = ClipStarts().frame_times(_middles(4, 0.2), clip_seconds=0.2, source_fps=25.0)
    np.testing.assert_allclose(times, [[0.0], [0.2], [0.4], [0.6]], atol=1e-12)
