"""Frames in order: sparse reading, chunks, sizes, bounded memory."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from odd_videos import ODD_VIDEOS
from sample_files import HEIGHT, WIDTH, index_of, indices_of, joined, write_video

from vidkit.media import picture
from vidkit.media.reader import open_video


@pytest.mark.parametrize("name", ["constant rate", "B-frames", "HEVC", "MPEG-4 part 2", "VP9", "edit list"])
def test_a_sparse_stream_is_what_decoding_everything_gives(tmp_path: Path, name: str) -> None:
    path = ODD_VIDEOS[name].build(tmp_path)
    with open_video(path) as reader:
        every = joined(reader.stream())
        for fps in (1.3, 5, 11, 25, 40):
            times = np.arange(0, reader.info.duration_seconds - 1e-6, 1 / fps)
            place = np.searchsorted(every.times, times + 1e-6, side="right") - 1
            sparse = joined(reader.stream(fps=fps))
            np.testing.assert_array_equal(sparse.times, every.times[place])
            np.testing.assert_array_equal(sparse.data, every.data[place])


def test_a_sparse_stream_of_a_long_file_jumps_to_the_right_frames(long: Path) -> None:
    for step in (0.5, 3.0, 7.7, 13.0):
        times = np.arange(0, 40, step)
        with open_video(long) as reader:
            got = indices_of(joined(reader.stream(times=times)).data)
        assert got == [int(t * 25 + 1e-6) for t in times]


@pytest.mark.parametrize("seed", range(5))
def test_what_is_left_out_never_changes_what_is_returned(tmp_path: Path, seed: int) -> None:
    """Odd timestamps, deep B-frame pyramids and random wishes: sparse equals dense."""
    random = np.random.default_rng(seed)
    ticks = np.cumsum(random.integers(1, 120, 150)).tolist()
    options = {"bf": str(seed * 3), "b-pyramid": "normal"}
    path = write_video(
        tmp_path / "a.mp4", ticks=ticks, time_base=Fraction(1, 1000), options=options, gop=40, size=(48, 80)
    )
    wanted = np.sort(random.uniform(0, ticks[-1] / 1000, 25))
    with open_video(path) as reader:
        got = indices_of(joined(reader.stream(times=wanted)).data)
    stamps = (np.array(ticks) - ticks[0]) / 1000
    assert got == (np.maximum(np.searchsorted(stamps, wanted + 1e-6, side="right") - 1, 0)).tolist()


def test_chunks_have_the_asked_length(even: Path) -> None:
    with open_video(even) as reader:
        assert [len(frames) for frames in reader.stream(chunk=32)] == [32, 32, 32, 4]
        assert [len(frames) for frames in reader.stream(fps=5, chunk=7)] == [7, 7, 6]


def test_an_endless_generator_of_times_is_read_as_far_as_needed(even: Path) -> None:
    with open_video(even) as reader:
        first = next(reader.stream(times=(n / 10 for n in count()), chunk=8))
        assert indices_of(first.data) == [int(n * 2.5) for n in range(8)]


def test_interleaved_streams_do_not_disturb_each_other(long: Path) -> None:
    with open_video(long) as reader:
        one, two = reader.stream(fps=5, chunk=5), reader.stream(chunk=20)
        for block in range(4):
            assert indices_of(next(one).data) == [n * 5 for n in range(block * 5, block * 5 + 5)]
            assert indices_of(next(two).data) == list(range(block * 20, block * 20 + 20))
            assert index_of(reader.frames_at([30.0]).data[0]) == 750


def test_small_frames_are_area_averages(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", num_frames=2, draw=_grey_noise, options={"crf": "5"})
    with open_video(path) as reader:
        full = reader.frames_at([0.04]).data[0].astype(float)
        small = reader.frames_at([0.04], size=(12, 16)).data[0]
        streamed = joined(reader.stream(times=[0.04], size=(12, 16))).data[0]
    blocks = full.reshape(12, HEIGHT // 12, 16, WIDTH // 16, 3).mean(axis=(1, 3))
    assert np.abs(small - blocks).max() < 3
    assert blocks.std() > 3  # a pixel of each block would be far off
    np.testing.assert_array_equal(small, streamed)


def test_a_size_is_that_of_the_upright_picture(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", num_frames=3, rotation=90)
    with open_video(path) as reader:
        small = reader.frames_at([0.04], size=(80, 48)).data
        assert small.shape == (1, 80, 48, 3)
        assert indices_of(np.rot90(small, -1, axes=(1, 2))) == [1]


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_a_mirrored_picture_is_shown_mirrored(tmp_path: Path, angle: int) -> None:
    path = write_video(tmp_path / "a.mp4", num_frames=2, rotation=angle, hflip=True)
    with open_video(path) as reader:
        assert reader.info.mirrored
        frame = reader.frames_at([0.04]).data[0]
    assert 1 in [index_of(np.rot90(frame[:, ::-1], turn)) for turn in range(4)]
    assert 1 not in [index_of(np.rot90(frame, turn)) for turn in range(4)]


def test_a_frame_that_has_the_size_is_not_scaled() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 3)).astype(np.uint8)
    assert picture.resize_rgb(pixels, (12, 16)) is pixels


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    def peak(num_frames: int) -> float:
        path = write_video(tmp_path / f"{num_frames}.mp4", num_frames=num_frames, size=(360, 640))
        code = (
            "import sys, resource; from vidkit.media.reader import open_video\n"
            "for _ in open_video(sys.argv[1]).stream(): pass\n"
            "for _ in open_video(sys.argv[1]).stream(fps=5, size=(12, 16)): pass\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
        )
        return float(done.stdout)

    # 2400 more frames are 1580 MiB as RGB.
    assert peak(2600) < peak(200) + 40


def _grey_noise(index: int, width: int, height: int) -> NDArray[np.uint8]:
    grey = np.random.default_rng(index).integers(60, 190, (height, width, 1), np.uint8)
    return np.repeat(grey, 3, axis=2)
