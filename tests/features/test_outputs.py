"""Rows that do not fit the clips: the video has failed, and is never lost silently."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from conftest import MakeVideo
from torch import Tensor

from vidkit.encoders import Encoder, HashedText, PixelVisual
from vidkit.features import FeatureStore, extract


def _is_white(inputs: Tensor) -> bool:
    return bool((inputs.amin((1, 2, 3)) > 200).any())


class FewerRows(PixelVisual):
    def encode(self, inputs: Tensor) -> Tensor:
        rows = super().encode(inputs)
        return rows[:1] if _is_white(inputs) else rows


class MoreRows(PixelVisual):
    def encode(self, inputs: Tensor) -> Tensor:
        rows = super().encode(inputs)
        return torch.cat([rows, rows]) if _is_white(inputs) else rows


class Narrow(PixelVisual):
    def encode(self, inputs: Tensor) -> Tensor:
        rows = super().encode(inputs)
        return rows[:, :5] if _is_white(inputs) else rows


class LosesClips(PixelVisual):
    def preprocess(self, clips: Tensor) -> Tensor:
        inputs = super().preprocess(clips)
        return inputs[1:] if _is_white(inputs) else inputs


class AddsClips(PixelVisual):
    def preprocess(self, clips: Tensor) -> Tensor:
        inputs = super().preprocess(clips)
        return torch.cat([inputs, inputs]) if _is_white(inputs) else inputs


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (FewerRows(), r"FewerRows gave rows \(1, 576\) for 16 clips"),
        (MoreRows(), r"MoreRows gave rows \(32, 576\) for 16 clips"),
        (Narrow(), r"Narrow gave rows \(16, 5\) for 16 clips"),
        (LosesClips(), "E gave rows for 1 of 2 clips; its preprocess and encode must give one for each"),
        (AddsClips(), "E gave rows for 4 of 2 clips"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_video_whose_rows_do_not_fit_its_clips_has_failed(
    make_video: MakeVideo, tmp_path: Path, encoder: Encoder, message: str
) -> None:
    good, white = make_video("a.mp4", seconds=2.0), make_video("white.mp4", seconds=2.0, level=230)
    report = extract([white, good], encoders={"E": encoder}, out=tmp_path / "f")
    assert report.done == [good]
    assert list(report.failed) == [white]
    assert re.search(message, report.failed[white])
    assert FeatureStore(tmp_path / "f")["E"].video_ids() == ["a"]


def test_a_sentence_without_a_row_is_told(make_video: MakeVideo, tmp_path: Path) -> None:
    class Doubling(HashedText):
        def encode(self, inputs: Sequence[str]) -> Tensor:
            return super().encode([*inputs, *inputs])

    video = make_video("a.mp4", seconds=2.0)
    (tmp_path / "a.srt").write_text("")
    report = extract([video], encoders={"T": Doubling()}, out=tmp_path / "f")
    assert "Doubling gave rows (2, " in report.failed[video]
