"""Sample files that several test files read, written once per run or once per test file."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from odd_videos import UNEVEN
from sample_files import write_video
from sample_kinds import KINDS, Sample


@pytest.fixture(scope="session")
def sample_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Sample]:
    """A function that returns the sample of a kind, writing it at its first use."""
    made: dict[str, Sample] = {}
    root: Path = tmp_path_factory.mktemp("samples")

    def get(kind: str) -> Sample:
        if kind not in made:
            folder = root / kind.replace(" ", "_")
            folder.mkdir()
            made[kind] = KINDS[kind](folder)
        return made[kind]

    return get


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("videos")


@pytest.fixture(scope="module")
def even(folder: Path) -> Path:
    """25 frames a second."""
    return write_video(folder / "even.mp4", num_frames=100)


@pytest.fixture(scope="module")
def uneven(folder: Path) -> Path:
    """Frames at the milliseconds of ``UNEVEN``."""
    return write_video(folder / "uneven.mp4", ticks=UNEVEN, time_base=Fraction(1, 1000))


@pytest.fixture(scope="module")
def long(folder: Path) -> Path:
    """40 s with a key frame every 2 s."""
    return write_video(folder / "long.mp4", num_frames=1000, gop=50, size=(48, 80))
