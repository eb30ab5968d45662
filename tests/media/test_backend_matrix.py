"""Every decoding library on every odd kind of file: which frames it returns, and where it is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from odd_videos import ODD_VIDEOS, OddVideo
from sample_files import indices_of

from vidkit.media.errors import BackendMissingError, DamagedError
from vidkit.media.reader import Backend, Frames, VideoReader, open_video

OTHERS: tuple[Backend, ...] = ("decord", "torchcodec")
# What is known to be wrong; these tests fail when a new version of the library puts it right.
REFUSED = {
    ("decord", "edit list"): "decord counts 48 frames where 40 are shown",
    ("decord", "no duration"): "decord cannot read it .*Failed to measure duration",
    ("torchcodec", "MPEG-4 part 2"): "torchcodec cannot read it .*no more frames left to decode",
    ("torchcodec", "MPEG transport stream"): r"torchcodec returned the frame at 0\.\d+ s for 0\.\d+ s",
}
WRONG_FRAMES = {("decord", "MPEG transport stream"): "the frames before the second key frame are replaced"}
WRONG_JUMPS = {
    ("decord", "HEVC"): "after a jump the frame is up to 4 too late: x265's groups of pictures are open",
    (
        "decord",
        "MPEG-4 part 2",
    ): "after a jump the frame is up to 10 too early or 2 too late: packed B-frames",
}
# FFmpeg versions round these colours differently; all others agree in every bit.
SAME_DB = 100.0
ROUNDED_DB = {"10 bits": 38.0, "odd size": 38.0}
REAL_VIDEOS = [
    "arm_wrestling.mp4",
    "flipping_a_pancake.mkv",
    "nasa_13013.mp4",
    "rotation_0.mov",
    "rotation_90.mov",
    "rotation_180.mov",
    "rotation_270.mov",
    "test.mp4",
    "v_GGSY1Qvo990.mp4",
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The file of each kind."""
    return {name: odd.build(tmp_path_factory.mktemp("odd")) for name, odd in ODD_VIDEOS.items()}


@pytest.mark.parametrize("name", ODD_VIDEOS)
def test_pyav_returns_every_frame_at_its_time(files: dict[str, Path], name: str) -> None:
    odd = ODD_VIDEOS[name]
    with open_video(files[name], backend="pyav") as reader:
        frames = _all(reader)
        _check_frames(frames, odd, range(len(odd.indices)))
        assert (reader.info.height, reader.info.width) == odd.size == frames.data.shape[1:3]
        np.testing.assert_allclose(reader.frame_times, odd.times, atol=1e-9)
        # Any order, with duplicates: a jump must find what reading from the start finds.
        places = np.random.default_rng(0).integers(0, len(odd.times), 50)
        _check_frames(reader.frames_at([odd.times[place] + 0.001 for place in places]), odd, places.tolist())


@pytest.mark.parametrize("name", ODD_VIDEOS)
@pytest.mark.parametrize("backend", OTHERS)
def test_the_other_backends_return_the_frames_of_pyav(
    files: dict[str, Path], backend: Backend, name: str
) -> None:
    _need(backend, files["constant rate"])
    if (backend, name) in REFUSED:
        with pytest.raises(DamagedError, match=REFUSED[backend, name] + '(?s:.*)use backend="pyav"'):
            _all(open_video(files[name], backend=backend))
        return
    with open_video(files[name]) as reader, open_video(files[name], backend=backend) as other:
        expected, got = _all(reader), _all(other)
        assert other.info == reader.info
        if (backend, name) in WRONG_FRAMES:
            assert indices_of(got.data) != list(ODD_VIDEOS[name].indices), "right now: take it off the list"
            return
        np.testing.assert_allclose(got.times, expected.times, atol=1e-9)
        assert _psnr(got.data, expected.data).min() > ROUNDED_DB.get(name, SAME_DB)
        times = np.random.default_rng(0).uniform(-0.1, reader.info.duration_seconds + 0.1, 9).tolist()
        if (backend, name) in WRONG_JUMPS:
            one, two = reader.frames_at(times), other.frames_at(times)
            np.testing.assert_allclose(two.times, one.times, atol=1e-9)
            assert _psnr(two.data, one.data).min() < 20, "right now: take it off the list"
            return
        for rule in ("played", "nearest", "ffmpeg_fps"):
            wanted = times if rule != "ffmpeg_fps" else [n / 10 for n in range(12)]
            one, two = reader.frames_at(wanted, rule=rule), other.frames_at(wanted, rule=rule)
            np.testing.assert_allclose(two.times, one.times, atol=1e-9)
            assert _psnr(two.data, one.data).min() > ROUNDED_DB.get(name, SAME_DB)


@pytest.mark.parametrize("backend", OTHERS)
@pytest.mark.parametrize("name", REAL_VIDEOS)
def test_the_backends_agree_on_real_videos(real_data: Path, backend: Backend, name: str) -> None:
    path = real_data / "videos" / name
    _need(backend, path)
    with open_video(path) as reader, open_video(path, backend=backend) as other:
        times = np.random.default_rng(0).uniform(0, reader.info.duration_seconds, 12).tolist()
        one, two = reader.frames_at(times), other.frames_at(times)
        np.testing.assert_allclose(two.times, one.times, atol=1e-9)
        assert _psnr(two.data, one.data).min() > SAME_DB


def test_the_list_of_real_videos_is_complete(real_data: Path) -> None:
    assert sorted(path.name for path in (real_data / "videos").iterdir()) == sorted(REAL_VIDEOS)


@pytest.mark.parametrize("backend", OTHERS)
def test_small_frames_agree_with_those_of_pyav(files: dict[str, Path], backend: Backend) -> None:
    """Other backends scale from RGB, PyAV from the coded colours, which are coarser."""
    _need(backend, files["constant rate"])
    for name in ("constant rate", "rotation 90"):
        with open_video(files[name]) as reader, open_video(files[name], backend=backend) as other:
            one = reader.frames_at([0.5, 1.0], size=(30, 44))
            two = other.frames_at([0.5, 1.0], size=(30, 44))
        assert two.data.shape == one.data.shape == (2, 30, 44, 3)
        assert _psnr(two.data, one.data).min() > 35


def test_decord_reads_only_the_default_stream(files: dict[str, Path]) -> None:
    _need("decord", files["constant rate"])
    with pytest.raises(ValueError, match='"decord" reads only the default video stream; use backend="pyav"'):
        open_video(files["two video streams"], backend="decord", video_stream=1)


@pytest.mark.parametrize("backend", ["pyav", "torchcodec"])
def test_another_video_stream_can_be_chosen(files: dict[str, Path], backend: Backend) -> None:
    _need(backend, files["constant rate"])
    with open_video(files["two video streams"], backend=backend, video_stream=1) as reader:
        frames = _all(reader)
    assert frames.data.shape == (40, 48, 80, 3)
    assert indices_of(frames.data) == list(range(40))
    np.testing.assert_allclose(frames.times, np.arange(40) / 25, atol=1e-9)  # its own zero


def _need(backend: Backend, path: Path) -> None:
    try:
        open_video(path, backend=backend).close()
    except BackendMissingError as error:
        pytest.skip(str(error))


def _all(reader: VideoReader) -> Frames:
    parts = list(reader.stream(chunk=7))
    return Frames(np.concatenate([p.data for p in parts]), np.concatenate([p.times for p in parts]))


def _check_frames(frames: Frames, odd: OddVideo, places: list[int] | range) -> None:
    upright = np.rot90(frames.data, -odd.turn, axes=(1, 2))
    assert indices_of(upright) == [odd.indices[place] for place in places]
    np.testing.assert_allclose(frames.times, [odd.times[place] for place in places], atol=1e-9)


def _psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Decibels for each frame."""
    error = ((one.astype(np.float64) - other) ** 2).mean(axis=(1, 2, 3))
    return np.asarray(10 * np.log10(255**2 / np.maximum(error, 1e-9)))
