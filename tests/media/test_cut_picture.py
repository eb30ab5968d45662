"""The pictures of clips: crop, rotation, colours."""

from __future__ import annotations

import math
from pathlib import Path

import av
import numpy as np
import pytest
from coded_video import FLASH, paint, read_number, write_coded

from vidkit.media.cut import cut_clips


@pytest.mark.parametrize(
    ("size", "expected"),
    [((320, 180), (102, 180)), ((180, 320), (180, 320)), ((90, 320), (90, 160)), ((171, 91), (52, 90))],
)
def test_vertical_clips_are_nine_by_sixteen_round_the_centre(
    tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    video = write_coded(tmp_path / "a.mkv", codec="ffv1", pix_fmt="yuv444p", size=size, num_frames=10)
    (clip,) = cut_clips(video, [(0.0, 0.4)], tmp_path, vertical=True)
    with av.open(str(clip.path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert frames[0].shape == (expected[1], expected[0], 3)
    top, left = (size[1] - expected[1]) // 2, (size[0] - expected[0]) // 2
    for number, frame in enumerate(frames):
        crop = paint(number, *size)[top : top + expected[1], left : left + expected[0]]
        assert np.abs(frame.astype(int) - crop).mean() < 12


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_the_pictures_of_a_turned_video_stand_upright(tmp_path: Path, degrees: int) -> None:
    plain = write_coded(tmp_path / "plain.mp4", num_frames=20)
    turned = write_coded(tmp_path / "turned.mp4", num_frames=20, rotation=degrees)
    (clip,) = cut_clips(turned, [(0.2, 0.6)], tmp_path)
    turns = -_rotation(turned) // 90  # FFmpeg counts clockwise turns of the picture as negative
    with av.open(str(plain)) as source, av.open(str(clip.path)) as container:
        expected = [f.to_ndarray(format="rgb24") for f in source.decode(video=0)][5:15]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 10
    for frame, picture in zip(frames, expected):
        assert np.abs(frame.astype(int) - np.rot90(picture, -turns)).mean() < 6
    assert _rotation(clip.path) == 0


def test_fast_clips_of_a_turned_video_stay_turned(tmp_path: Path) -> None:
    turned = write_coded(tmp_path / "turned.mp4", rotation=90)
    (clip,) = cut_clips(turned, [(1.2, 1.6)], tmp_path, mode="fast")
    assert _rotation(clip.path) == _rotation(turned) != 0


def _rotation(path: Path) -> int:
    with av.open(str(path)) as container:
        return int(next(container.decode(video=0)).rotation)


def test_the_colours_of_a_full_range_video_stay(tmp_path: Path) -> None:
    video = write_coded(
        tmp_path / "a.avi",
        codec="mjpeg",
        pix_fmt="yuvj420p",
        numbers=[FLASH] * 5,
        times=[0, 0.04, 0.08, 0.12, 0.16],
    )
    (clip,) = cut_clips(video, [(0, 0.2)], tmp_path)
    with av.open(str(clip.path)) as container:
        frame = next(container.decode(video=0))
    assert np.frombuffer(bytes(frame.planes[0]), np.uint8)[:100].mean() == pytest.approx(235, abs=2)
    assert frame.to_ndarray(format="rgb24").mean() > 250


@pytest.mark.parametrize(
    "name",
    ["arm_wrestling.mp4", "flipping_a_pancake.mkv", "test.mp4", "v_GGSY1Qvo990.mp4", "rotation_90.mov"],
)
def test_clips_of_real_videos_show_the_same_pictures(real_data: Path, tmp_path: Path, name: str) -> None:
    video = real_data / "videos" / name
    with av.open(str(video)) as container:
        source = [(float(frame.pts * frame.time_base), frame) for frame in container.decode(video=0)]
        source = [(time - source[0][0], frame.to_ndarray(format="gray")) for time, frame in source]
        rotation = _rotation(video)
    start, end = source[-1][0] * 0.31, source[-1][0] * 0.52
    (clip,) = cut_clips(video, [(start, end)], tmp_path)
    inside = [(time, picture) for time, picture in source if start <= time < end]
    with av.open(str(clip.path)) as container:
        frames = [(frame.time, frame.to_ndarray(format="gray")) for frame in container.decode(video=0)]
    assert len(frames) == len(inside)
    for (time, frame), (source_time, picture) in zip(frames, inside):
        assert time == pytest.approx(source_time - inside[0][0], abs=0.0011)
        upright = np.rot90(picture, rotation // 90)
        error = np.mean((frame.astype(float) - upright) ** 2)
        assert 10 * math.log10(255**2 / error) > 33


def test_the_number_of_a_frame_reads_back(tmp_path: Path) -> None:
    for number in (0, 1, 341, 682, FLASH):
        frame = av.VideoFrame.from_ndarray(paint(number, 160, 90), format="rgb24")
        assert read_number(frame) == number
