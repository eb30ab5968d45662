"""Encoders of whole sequences of sound: pieces in turn, vectors averaged inside the clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import MakeVideo
from torch import Tensor

from vidkit.encoders import Encoder
from vidkit.encoders.base import SequenceRecipe
from vidkit.features import FeatureStore, extract
from vidkit.media.reader import open_video

STEP = 160  # samples a vector


class Loudness(Encoder):
    """The mean size of every 10 ms, twice."""

    modality = "audio"

    def __init__(self, window_seconds: float = 1.0) -> None:
        super().__init__()
        self.dim, self.recipe = 2, SequenceRecipe(sample_rate_hz=16000, window_seconds=window_seconds)
        self.lengths: list[int] = []

    def sequence(self, inputs: Tensor) -> Tensor:
        self.lengths.append(inputs.shape[1])
        sizes = inputs.abs().unfold(1, STEP, STEP)
        return sizes.mean(-1, keepdim=True).expand(-1, -1, 2)

    def encode(self, inputs: Tensor) -> Tensor:
        return self.sequence(inputs).mean(1)


def _reference_loudness(video: Path, *, clip_seconds: float, num_clips: int) -> np.ndarray:
    """The mean size of the samples of each clip, of the whole sound at once."""
    samples = round(clip_seconds * 16000)
    with open_video(video) as reader:
        sound = np.abs(reader.audio(16000))
    sound = np.concatenate([sound, np.zeros(num_clips * samples - len(sound), np.float32)])
    return sound.reshape(num_clips, samples).mean(1)


@pytest.mark.parametrize(
    ("clip_seconds", "lengths"),
    [
        (0.5, [16000, 16000, 8000]),  # two clips fit into a window
        (0.3, [14400, 14400, 14400]),  # three do; the last piece is filled with silence to its clip's end
        (2.0, [16000, 16000, 16000, 16000]),  # a clip is two windows
    ],
)
def test_clips_get_the_mean_of_their_own_stretch(
    make_video: MakeVideo, tmp_path: Path, clip_seconds: float, lengths: list[int]
) -> None:
    video = make_video("a.mp4", seconds=2.5)
    encoder = Loudness()
    report = extract([video], encoders={"L": encoder}, out=tmp_path / "f", clip_seconds=clip_seconds)
    assert report.done == [video]
    assert encoder.lengths == lengths
    features = FeatureStore(tmp_path / "f")["L"]["a"]
    expected = _reference_loudness(video, clip_seconds=clip_seconds, num_clips=len(features))
    np.testing.assert_allclose(features[:, 0], expected, atol=1e-5)


def test_a_clip_length_that_is_too_short_is_told(make_video: MakeVideo, tmp_path: Path) -> None:
    video = make_video("a.mp4", seconds=1.0)
    report = extract([video], encoders={"L": Loudness()}, out=tmp_path / "f", clip_seconds=0.004)
    assert "each clip needs one; make clip_seconds at least 2.5 times as long" in report.failed[video]
