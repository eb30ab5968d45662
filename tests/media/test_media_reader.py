"""Frames by time: rules, order, and arguments that make no sense."""

from __future__ import annotations

import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from odd_videos import UNEVEN
from sample_files import HEIGHT, WIDTH, index_of, indices_of

from vidkit.media.errors import (
    NoVideoStreamError,
)
from vidkit.media.reader import open_video

RANDOM = np.random.default_rng(0)


# Which frame


def test_played_is_the_last_frame_that_began(uneven: Path) -> None:
    times = RANDOM.uniform(-0.2, 2.2, 60)
    expected = [max([i for i, ms in enumerate(UNEVEN) if ms / 1000 <= t] or [0]) for t in times]
    with open_video(uneven) as reader:
        assert indices_of(reader.frames_at(times.tolist()).data) == expected


def test_nearest_is_the_frame_with_the_least_distance_the_earlier_of_two(uneven: Path) -> None:
    middle = (UNEVEN[3] + UNEVEN[4]) / 2000  # 0.14, between 0.10 and 0.18
    times = [*RANDOM.uniform(-0.2, 2.2, 60), middle]
    expected = [int(np.argmin([round(abs(ms / 1000 - t), 9) for ms in UNEVEN])) for t in times]
    assert expected[-1] == 3
    with open_video(uneven) as reader:
        assert indices_of(reader.frames_at(times, rule="nearest").data) == expected


@pytest.mark.parametrize("fps", [1, 2.5, 7, 10, 25, 60])
@pytest.mark.parametrize("name", ["even", "uneven"])
def test_ffmpeg_fps_gives_the_frames_of_the_fps_filter(
    fps: float, name: str, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(name)
    expected = _fps_filter(path, fps)
    with open_video(path) as reader:
        # The filter decides the end by the length of the last frame; compare what both have.
        times = [n / fps for n in range(max(2, len(expected)))]
        got = indices_of(reader.frames_at(times, rule="ffmpeg_fps").data)
    assert got[: len(expected)] == expected


def test_a_time_as_a_float_finds_the_frame_with_that_stamp(even: Path) -> None:
    with open_video(even) as reader:
        times = [n / 25 for n in range(100)] + [0.1 + 0.1 + 0.12]  # 0.32000000000000006
        assert indices_of(reader.frames_at(times).data) == [*range(100), 8]
        just_before = [n / 25 - 1e-7 for n in range(100)]
        assert indices_of(reader.frames_at(just_before).data) == list(range(100))


def test_any_order_and_duplicates_give_one_frame_for_each_time(long: Path) -> None:
    numbers = RANDOM.integers(0, 1000, 60)
    numbers = np.concatenate([numbers, numbers[:20]])
    with open_video(long) as reader:
        frames = reader.frames_at((numbers / 25).tolist())
    assert indices_of(frames.data) == numbers.tolist()
    np.testing.assert_allclose(frames.times, numbers / 25, atol=1e-9)
    assert frames.data.dtype == np.uint8
    assert frames.data.flags.c_contiguous


def test_no_times_give_no_frames(even: Path) -> None:
    with open_video(even) as reader:
        for rule in ("played", "nearest", "ffmpeg_fps"):
            frames = reader.frames_at([], rule=rule)
            assert frames.data.shape == (0, HEIGHT, WIDTH, 3)
            assert len(frames) == 0


def test_times_beyond_both_ends_give_the_first_and_the_last_frame(even: Path) -> None:
    with open_video(even) as reader, warnings.catch_warnings():
        warnings.simplefilter("error")
        assert indices_of(reader.frames_at([99.0, -5.0]).data) == [99, 0]


# Arguments


def test_unknown_words_are_refused(even: Path) -> None:
    with pytest.raises(ValueError, match="unknown backend 'ffmpeg'; known: auto, pyav, decord, torchcodec"):
        open_video(even, backend="ffmpeg")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown on_damage 'ignore'; known: warn, error"):
        open_video(even, on_damage="ignore")  # type: ignore[arg-type]
    with open_video(even) as reader, pytest.raises(ValueError, match="unknown rule 'last'; known: played"):
        reader.frames_at([0.0], rule="last")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fps": 0.0}, "fps must be positive, got 0.0"),
        ({"fps": float("inf")}, "fps must be positive, got inf"),
        ({"chunk": 0}, "chunk must be at least 1, got 0"),
        ({"fps": 1.0, "times": [0.0]}, "either fps or times, not both"),
        ({"times": [1.0, 0.5]}, "must not decrease; 0.5 comes after 1.0"),
        ({"times": [float("nan")]}, "must not decrease; nan"),
        ({"size": (0, 4)}, r"size must be \(height, width\) of at least 1, got \(0, 4\)"),
    ],
)
def test_a_stream_refuses_what_makes_no_sense(even: Path, options: dict[str, Any], message: str) -> None:
    with open_video(even) as reader, pytest.raises(ValueError, match=message):
        list(reader.stream(**options))


def test_frames_at_refuses_what_makes_no_sense(even: Path) -> None:
    with open_video(even) as reader:
        with pytest.raises(ValueError, match="finite numbers of seconds; some are NaN or infinite"):
            reader.frames_at([0.0, float("inf")])
        with pytest.raises(ValueError, match="at least two different ones; got one"):
            reader.frames_at([1.0, 1.0], rule="ffmpeg_fps")
        with pytest.raises(ValueError, match=r"these are no multiples of 0\.5 s"):
            reader.frames_at([0.0, 0.7, 1.2], rule="ffmpeg_fps")


def test_frames_of_a_file_with_only_sound_are_refused(tmp_path: Path) -> None:
    path = _sound_only(tmp_path / "a.mp4")
    for ask in (lambda r: r.frames_at([0.0]), lambda r: next(r.stream()), lambda r: r.frame_times):
        with (
            open_video(path) as reader,
            pytest.raises(NoVideoStreamError, match="sound but no moving pictures"),
        ):
            ask(reader)


def _fps_filter(path: Path, fps: float) -> list[int]:
    """The frames that FFmpeg's own ``fps`` filter puts out."""
    numbers = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        graph = av.filter.Graph()
        source = graph.add_buffer(template=stream)
        step = graph.add("fps", f"fps={Fraction(fps).limit_denominator(1000)}")
        sink = graph.add("buffersink")
        source.link_to(step)
        step.link_to(sink)
        graph.configure()
        for frame in [*container.decode(stream), None]:
            graph.push(frame)
            try:
                while True:
                    numbers.append(index_of(graph.pull().to_ndarray(format="rgb24")))
            except (BlockingIOError, EOFError):
                continue
    return numbers


def _sound_only(path: Path) -> Path:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16_000
        for number in range(16):
            frame.pts = number * 1024
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path
