from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidkit.media.multi_stream import FrameRequest, stream_many
from vidkit.media.reader import open_video
from vidkit.media.writer import VideoWriter


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "a.mp4"
    noise = np.random.default_rng(0)
    with VideoWriter(path, width=64, height=48, fps=25) as writer:
        for n in range(400):
            frame = np.full((48, 64, 3), n % 200 + 20, np.uint8)
            frame[:8, :8] = noise.integers(0, 256, 3)
            writer.write_frame(frame)
    return path


REQUESTS = {
    "sparse": FrameRequest([0.0, 7.0, 7.01, 15.99], (12, 16)),
    "dense": FrameRequest(np.arange(0, 16, 0.03), (12, 16)),
    "full size": FrameRequest(np.arange(0.5, 16, 1.0)),
    "beyond": FrameRequest([3.0, 3.0, 99.0], (7, 5)),
    "empty": FrameRequest([]),
}


def _collect(path: Path, requests: dict[str, FrameRequest], **options: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {key: [] for key in requests}
    with open_video(path) as reader:
        for key, frames in stream_many(reader, requests, **options):
            found[key].append(frames)
    return found


@pytest.mark.parametrize("chunk", [1, 5, 1000])
def test_each_request_gets_what_it_gets_alone(video: Path, chunk: int) -> None:
    together = _collect(video, REQUESTS, chunk=chunk)
    with open_video(video) as reader:
        for key, request in REQUESTS.items():
            alone = list(reader.stream(times=request.times, size=request.size))
            assert len(together[key]) == -(-len(list(request.times)) // chunk)
            for name in ("data", "times"):
                got = [row for frames in together[key] for row in getattr(frames, name)]
                np.testing.assert_array_equal(got, [row for frames in alone for row in getattr(frames, name)])


def test_the_file_is_decoded_once(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import vidkit.media.multi_stream as module

    passes = []
    real = module.Pass
    monkeypatch.setattr(module, "Pass", lambda *args, **options: passes.append(1) or real(*args, **options))
    _collect(video, REQUESTS)
    assert len(passes) == 1


def test_another_backend_serves_one_request_after_the_other(video: Path) -> None:
    pytest.importorskip("decord")
    requests = {"a": FrameRequest([0.0, 1.0], (12, 16)), "b": FrameRequest([2.0])}
    with open_video(video, backend="decord") as reader:
        served = [(key, len(frames)) for key, frames in stream_many(reader, requests)]
    assert served == [("a", 2), ("b", 1)]


def test_no_requests_give_no_frames(video: Path) -> None:
    assert _collect(video, {}) == {}


def test_times_that_decrease_are_refused(video: Path) -> None:
    with pytest.raises(ValueError, match=r"must not decrease; 1.0 comes after 2.0"):
        _collect(video, {"a": FrameRequest([2.0, 1.0])})
    with pytest.raises(ValueError, match="must not decrease; nan"):
        _collect(video, {"a": FrameRequest([float("nan")])})


def test_a_chunk_or_size_of_nothing_is_refused(video: Path) -> None:
    with pytest.raises(ValueError, match="chunk must be at least 1, got 0"):
        _collect(video, REQUESTS, chunk=0)
    with pytest.raises(ValueError, match=r"size must be \(height, width\) of at least 1"):
        _collect(video, {"a": FrameRequest([0.0], (0, 5))})


def test_real_videos_give_the_same_together_and_alone(real_data: Path) -> None:
    for path in sorted((real_data / "videos").iterdir()):
        requests = {
            "a": FrameRequest(np.arange(0, 9, 0.4), (12, 16)),
            "b": FrameRequest(np.arange(0.1, 9, 2.5), (24, 20)),
        }
        together = _collect(path, requests)
        with open_video(path) as reader:
            for key, request in requests.items():
                alone = next(reader.stream(times=request.times, size=request.size, chunk=32))
                np.testing.assert_array_equal(together[key][0].data, alone.data)
