"""Where the key frames are known, a reader jumps to those that save decoding, and gives the same frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coded_video import write_coded
from sample_files import indices_of
from sample_kinds import KINDS, Sample, played

from vidkit.media import TruncatedError, open_video, packets

SampleOf = Callable[[str], Sample]


@pytest.mark.parametrize("kind", KINDS)
def test_frames_at_any_times_are_the_ones_shown_then(
    kind: str, sample_of: SampleOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packets, "JUMP_SECONDS", 0.02)  # at nearly every key frame
    sample = sample_of(kind)
    rng = np.random.default_rng(2)
    times = [*rng.uniform(-0.3, sample.duration + 0.3, 15), *sample.times[::17], 1.0]
    rng.shuffle(times)
    with open_video(sample.path, threads=1) as video:
        assert len(video.frame_times)  # reads where the key frames are
        frames = video.frames_at(times)
    places = [played(sample.times, time) for time in times]
    assert indices_of(frames.data) == [sample.indices[place] for place in places]


def _num_decoded(path: Path, times: list[float], *, known: bool, monkeypatch: pytest.MonkeyPatch) -> int:
    count = 0
    decode = packets.Pass._decode

    def counted(self: Any, packet: Any) -> Any:
        nonlocal count
        count += packet is not None
        return decode(self, packet)

    with monkeypatch.context() as patch, open_video(path) as video:
        if known:
            assert len(video.frame_times)
        patch.setattr(packets.Pass, "_decode", counted)
        video.frames_at(times)
    return count


def test_fewer_packets_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_coded(tmp_path / "a.mp4", num_frames=200, fps=25, gop=25, size=(64, 48))
    times = [n + 0.05 for n in (1, 3, 5, 7)]  # the second frames of groups of 1 s
    without = _num_decoded(path, times, known=False, monkeypatch=monkeypatch)
    known = _num_decoded(path, times, known=True, monkeypatch=monkeypatch)
    assert without > 150  # to the seventh second, as no gap is longer than 4 s
    assert known < without / 2


def test_a_file_that_ends_early_is_found_without_decoding(tmp_path: Path) -> None:
    path = write_coded(tmp_path / "a.mkv", num_frames=100, fps=25, size=(64, 48))
    with open_video(path, on_damage="error") as video:
        video.check_end()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with (
        open_video(cut, on_damage="error") as video,
        pytest.raises(TruncatedError, match=r"it ends early; .* s of .* s are missing"),
    ):
        video.check_end()
