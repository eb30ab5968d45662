"""The video writer, read back through PyAV itself."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from vidkit.media.writer import VideoWriter

RATE = 16_000


def _frames(num_frames: int, *, height: int = 48, width: int = 64) -> list[npt.NDArray[np.uint8]]:
    """Grey frames that get brighter by 8 levels each."""
    return [np.full((height, width, 3), 8 * n, np.uint8) for n in range(num_frames)]


def _decode_video(path: Path) -> tuple[npt.NDArray[np.uint8], list[float]]:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    times = [frame.time for frame in frames]
    assert all(time is not None for time in times)
    pictures = np.stack([frame.to_ndarray(format="rgb24") for frame in frames])
    return pictures.astype(np.uint8), [float(time or 0) for time in times]


def _decode_audio(path: Path) -> npt.NDArray[np.float32]:
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


def test_frames_come_back_in_order_at_their_times(tmp_path: Path) -> None:
    path = tmp_path / "grey.mp4"
    with VideoWriter(path, width=64, height=48, fps=25) as writer:
        for frame in _frames(30):
            writer.write_frame(frame)
    pictures, times = _decode_video(path)
    assert times == pytest.approx([n / 25 for n in range(30)])
    assert np.abs(pictures.mean(axis=(1, 2, 3)) - 8.0 * np.arange(30)).max() < 4


def test_colours_survive_the_way_through_the_encoder(tmp_path: Path) -> None:
    path = tmp_path / "colours.mp4"
    frame = np.zeros((48, 64, 3), np.uint8)
    frame[:, :32] = (220, 40, 30)
    frame[:, 32:] = (30, 60, 210)
    with VideoWriter(path, width=64, height=48, fps=10) as writer:
        writer.write_frame(frame)
    picture = _decode_video(path)[0][0].astype(int)
    assert np.abs(picture[24, 12] - (220, 40, 30)).max() < 10
    assert np.abs(picture[24, 52] - (30, 60, 210)).max() < 10


@pytest.mark.parametrize("fps", [12.5, 29.97, 30000 / 1001, Fraction(24000, 1001)])
def test_fractional_frame_rates_do_not_drift(tmp_path: Path, fps: float | Fraction) -> None:
    path = tmp_path / "slow.mp4"
    with VideoWriter(path, width=64, height=48, fps=fps) as writer:
        for frame in _frames(25):
            writer.write_frame(frame)
    assert _decode_video(path)[1] == pytest.approx([n / float(fps) for n in range(25)], abs=1e-4)


@pytest.mark.parametrize("block", [1, 333, 1024, 50_000])
def test_sound_is_in_sync_whatever_the_length_of_the_blocks(tmp_path: Path, block: int) -> None:
    path = tmp_path / "beep.mp4"
    sound = np.zeros(2 * RATE, np.float32)
    beep = np.arange(RATE, RATE + 1600)
    sound[beep] = 0.5 * np.sin(2 * np.pi * 1000 / RATE * beep)
    with VideoWriter(path, width=64, height=48, fps=10, sample_rate_hz=RATE) as writer:
        for frame in _frames(20):
            writer.write_frame(frame)
        for start in range(0, len(sound), block):
            writer.write_audio(sound[start : start + block])
    with av.open(str(path)) as container:
        audio = container.streams.audio[0]
        assert audio.duration is not None
        assert audio.time_base is not None
        assert float(audio.duration * audio.time_base) == pytest.approx(2.0, abs=1e-3)
        frames = list(container.decode(audio=0))
    decoded = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    start_seconds = float(frames[0].time or 0)  # PyAV cuts the encoder's delay by the edit list
    loud = np.flatnonzero(np.abs(decoded) > 0.25)
    assert start_seconds + loud[0] / RATE == pytest.approx(1.0, abs=0.01)
    assert start_seconds + loud[-1] / RATE == pytest.approx(1.1, abs=0.01)


def test_louder_samples_are_clipped(tmp_path: Path) -> None:
    path = tmp_path / "loud.mp4"
    tone = np.sign(np.sin(np.arange(RATE) / 40)).astype(np.float32)
    with VideoWriter(path, width=64, height=48, fps=10, sample_rate_hz=RATE) as writer:
        writer.write_frame(_frames(1)[0])
        writer.write_audio(100 * tone)
    assert np.sqrt((_decode_audio(path) ** 2).mean()) < 1.2


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    sums = []
    for name in ("one.mp4", "two.mp4"):
        with VideoWriter(tmp_path / name, width=64, height=48, fps=25, sample_rate_hz=RATE) as writer:
            for frame in _frames(25):
                writer.write_frame(frame)
                writer.write_audio(np.full(640, frame.mean() / 1000, np.float32))
        sums.append(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert sums[0] == sums[1]


def test_the_index_stands_before_the_data(tmp_path: Path) -> None:
    path = tmp_path / "fast.mp4"
    with VideoWriter(path, width=64, height=48, fps=25) as writer:
        writer.write_frame(_frames(1)[0])
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, RuntimeError])
def test_an_exception_leaves_no_file_and_keeps_the_old_one(
    tmp_path: Path, interruption: type[BaseException]
) -> None:
    path = tmp_path / "half.mp4"
    path.write_bytes(b"old")

    def write_and_stop() -> None:
        with VideoWriter(path, width=64, height=48, fps=25) as writer:
            writer.write_frame(_frames(1)[0])
            raise interruption

    with pytest.raises(interruption):
        write_and_stop()
    assert [file.name for file in tmp_path.iterdir()] == ["half.mp4"]
    assert path.read_bytes() == b"old"


def test_a_video_without_frames_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="no frame was written"),
        VideoWriter(tmp_path / "none.mp4", width=64, height=48, fps=25),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("a.avi", {}, "ends in .mp4"),
        ("a.mp4", {"width": 63}, "width must be even and >= 2 .* got 63"),
        ("a.mp4", {"height": 0}, "height must be even and >= 2 .* got 0"),
        ("a.mp4", {"fps": 0}, "fps must be > 0 .* got 0"),
        ("a.mp4", {"fps": float("nan")}, "fps must be > 0 .* got nan"),
        ("a.mp4", {"sample_rate_hz": 12345}, "AAC has no sample rate of 12345 Hz"),
    ],
)
def test_arguments_out_of_range_are_refused(
    tmp_path: Path, name: str, arguments: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        VideoWriter(tmp_path / name, **{"width": 64, "height": 48, "fps": 25, **arguments})


def test_wrong_frames_and_samples_are_refused(tmp_path: Path) -> None:
    frame = _frames(1)[0]
    with VideoWriter(tmp_path / "a.mp4", width=64, height=48, fps=25, sample_rate_hz=RATE) as writer:
        with pytest.raises(TypeError, match="must be uint8, got float64"):
            writer.write_frame(frame.astype(float))  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"must be of shape \(48, 64, 3\), got \(48, 32, 3\)"):
            writer.write_frame(frame[:, :32])
        with pytest.raises(ValueError, match=r"must be of shape \(samples,\), got \(2, 8\)"):
            writer.write_audio(np.zeros((2, 8), np.float32))
        with pytest.raises(ValueError, match="samples must be finite"):
            writer.write_audio(np.array([0, np.nan], np.float32))
        writer.write_frame(frame)


def test_sound_for_a_silent_file_and_writing_outside_the_block_are_refused(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", width=64, height=48, fps=25) as writer:
        writer.write_frame(_frames(1)[0])
        with pytest.raises(ValueError, match="is written without sound"):
            writer.write_audio(np.zeros(8, np.float32))
    with pytest.raises(ValueError, match="the file is not open"):
        writer.write_frame(_frames(1)[0])
