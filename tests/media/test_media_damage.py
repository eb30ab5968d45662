"""Files that are cut off or scratched: what is still given, and what is told."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sample_files import (
    indices_of,
    joined,
    picture,
    remux,
    scratch,
    truncate,
    write_video,
)

from vidkit.media.errors import (
    DamagedError,
    DamageWarning,
    TruncatedError,
)
from vidkit.media.reader import open_video


@pytest.fixture(scope="module")
def cut_off(folder: Path) -> Path:
    """40 s by its header, of which some 20 s are there."""
    coded = write_video(
        folder / "b.mp4", num_frames=1000, gop=50, size=(48, 80), options={"bf": "0"}, draw=_noisy
    )
    whole = remux(coded, folder / "faststart.mp4", options={"movflags": "faststart"})
    return truncate(whole, folder / "cut_off.mp4", 0.6)


@pytest.fixture(scope="module")
def scratched(folder: Path) -> Path:
    """4 s with noise in the bytes of the middle."""
    whole = write_video(folder / "noisy.mp4", num_frames=100, draw=_noisy)
    return scratch(whole, folder / "scratched.mp4", 0.5, 0.6)


def test_a_file_that_is_cut_off_gives_its_frames_and_the_missing_seconds(cut_off: Path) -> None:
    with (
        open_video(cut_off) as reader,
        pytest.warns(DamageWarning, match=r"it ends early; (\d+\.\d+) s of 40\.00 s are missing") as caught,
    ):
        frames = joined(reader.stream())
    there = len(frames)
    assert 400 < there < 700
    assert indices_of(frames.data) == list(range(there))
    missing = float(str(caught[0].message).split("; ")[1].split(" s")[0])
    assert missing == pytest.approx(40 - there / 25, abs=0.1)
    assert len(caught) == 1


def test_a_sparse_stream_ends_where_the_file_does(cut_off: Path) -> None:
    with open_video(cut_off) as reader, pytest.warns(DamageWarning, match="it ends early"):
        numbers = indices_of(joined(reader.stream(fps=2)).data)
    assert numbers == [int(n * 12.5) for n in range(len(numbers))]
    assert 30 < len(numbers) < 56


def test_frames_after_the_end_of_a_file_that_is_cut_off_are_its_last(cut_off: Path) -> None:
    with open_video(cut_off) as reader, pytest.warns(DamageWarning, match="it ends early"):
        one, two, early = indices_of(reader.frames_at([39.0, 38.0, 1.0]).data)
    assert one == two > 400
    assert early == 25


def test_a_file_that_is_cut_off_raises_if_asked_to(cut_off: Path) -> None:
    with open_video(cut_off, on_damage="error") as reader:
        with pytest.raises(
            TruncatedError, match=r'ends early; .* or take what there is with on_damage="warn"'
        ):
            list(reader.stream())
        with pytest.raises(TruncatedError, match="ends early"):
            reader.frames_at([39.0])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert indices_of(reader.frames_at([2.0]).data) == [50]  # that part is whole


def test_a_last_picture_that_is_cut_in_two_is_missing(folder: Path, cut_off: Path) -> None:
    whole = (folder / "faststart.mp4").read_bytes()
    (folder / "short.mp4").write_bytes(whole[:-200])
    with (
        open_video(folder / "short.mp4") as reader,
        pytest.warns(DamageWarning, match=r"cannot be decoded; 0\.04 s of 40\.00 s are missing"),
    ):
        assert indices_of(joined(reader.stream()).data) == list(range(999))


def test_a_file_that_is_cut_in_its_only_picture_is_still_read(folder: Path, cut_off: Path) -> None:
    whole = write_video(folder / "one.mp4", num_frames=1, codec="mpeg4", draw=_noisy)
    whole = remux(whole, folder / "one_fast.mp4", options={"movflags": "faststart"})
    (folder / "one_cut.mp4").write_bytes(whole.read_bytes()[:-200])
    with open_video(folder / "one_cut.mp4") as reader, pytest.warns(DamageWarning, match=r"0\.04 s of"):
        assert len(joined(reader.stream())) == 1


def test_a_scratch_in_the_middle_costs_only_the_frames_there(scratched: Path) -> None:
    with (
        open_video(scratched) as reader,
        pytest.warns(DamageWarning, match=r"a part cannot be decoded; \d+\.\d+ s of 4\.00 s are missing"),
    ):
        frames = joined(reader.stream())
    numbers = indices_of(frames.data)
    assert numbers[:40] == list(range(40))
    assert numbers[-25:] == list(range(75, 100))
    assert (np.diff(frames.times) > 0).all()


def test_a_scratch_in_the_middle_raises_if_asked_to(scratched: Path) -> None:
    with (
        open_video(scratched, on_damage="error") as reader,
        pytest.raises(DamagedError, match=r"(cannot be decoded|partly there).*; .* s of 4.00 s are missing"),
    ):
        list(reader.stream())


def test_a_file_without_one_frame_that_can_be_decoded_is_refused(even: Path, tmp_path: Path) -> None:
    data = bytearray(even.read_bytes())
    begin = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    data[begin:end] = b"\xff" * (end - begin)
    (tmp_path / "a.mp4").write_bytes(data)
    with pytest.raises(DamagedError, match="none of its frames can be decoded"):
        open_video(tmp_path / "a.mp4")


def _noisy(index: int, width: int, height: int) -> NDArray[np.uint8]:
    """The numbered picture with grain, so that each frame has some thousand bytes."""
    grain = np.random.default_rng(index).integers(-20, 21, (height, width, 1))
    return np.asarray(np.clip(picture(index, width, height) + grain, 0, 255), np.uint8)
