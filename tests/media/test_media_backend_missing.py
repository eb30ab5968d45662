"""Decoding backends that are not there or do not load."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vidkit.media import torchcodec_reader
from vidkit.media.errors import (
    BackendMissingError,
)
from vidkit.media.reader import open_video


@pytest.mark.parametrize("backend", ["decord", "torchcodec"])
def test_a_backend_that_is_not_installed_says_so(
    even: Path, backend: Any, monkeypatch: pytest.MonkeyPatch, fresh_torchcodec: None
) -> None:
    monkeypatch.setitem(sys.modules, backend, None)
    monkeypatch.setattr(torchcodec_reader.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        BackendMissingError, match=rf'^backend "{backend}" cannot be used: .*; install {backend}'
    ):
        open_video(even, backend=backend)


def test_torchcodec_without_its_libraries_says_so_in_one_sentence(
    even: Path, monkeypatch: pytest.MonkeyPatch, fresh_torchcodec: None
) -> None:
    def broken(name: str) -> Any:
        raise RuntimeError("Could not load libtorchcodec. Likely causes:\n 1. FFmpeg is not installed.")

    monkeypatch.setattr(torchcodec_reader.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(torchcodec_reader, "_preload_cuda_libraries", lambda: None)
    monkeypatch.setattr(torchcodec_reader.importlib, "import_module", broken)
    sentence = r"Could not load libtorchcodec.*shared libraries of FFmpeg 4 to 8 or use backend=\"pyav\"$"
    with pytest.raises(BackendMissingError, match=sentence) as caught:
        open_video(even, backend="torchcodec")
    assert "\n" not in str(caught.value)


def test_a_torchcodec_that_returns_wrong_frames_is_refused(
    even: Path, monkeypatch: pytest.MonkeyPatch, fresh_torchcodec: None
) -> None:
    class Old:
        __version__ = "0.14.1"

    monkeypatch.setattr(torchcodec_reader.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(torchcodec_reader, "_preload_cuda_libraries", lambda: None)
    monkeypatch.setattr(torchcodec_reader.importlib, "import_module", lambda name: Old)
    with pytest.raises(
        BackendMissingError, match=r"version 0.14.1 returns wrong frames; install torchcodec>=0.15"
    ):
        open_video(even, backend="torchcodec")


@pytest.fixture
def fresh_torchcodec() -> Iterator[None]:
    """Forget whether torchcodec was loaded, before and after."""
    torchcodec_reader._decoder_class.cache_clear()
    yield
    torchcodec_reader._decoder_class.cache_clear()
