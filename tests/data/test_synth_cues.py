"""No single cue gives the highlights of the synthetic set away."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from vidkit.data.synth import Band, Painter, Script, write_script
from vidkit.data.synth.annotations import highlight_share
from vidkit.evaluation import trapezoid_average_precision

Scores = npt.NDArray[np.float64]
CLIP_MS = 200
CLIPS_PER_SECOND = 5
BOUND = 0.8  # mean AP; the positives are 10 to 15 % of the clips


def _thumbnails(script: Script) -> Scores:
    """Return the mean colours of 12 x 16 cells in the middle of every clip, shape (N, 576)."""
    painter = Painter(script, width=320, height=180)
    thumbnails = []
    for clip in range(round(script.duration_seconds * CLIPS_PER_SECOND)):
        frame = painter.frame(clip * CLIP_MS + CLIP_MS // 2)
        thumbnails.append(frame.reshape(12, 15, 16, 20, 3).mean(axis=(1, 3)).ravel())
    return np.asarray(thumbnails, np.float64)


def _frame_difference(script: Script) -> Scores:
    thumbnails = _thumbnails(script)
    steps = np.abs(np.diff(thumbnails, axis=0)).mean(axis=1)
    return np.asarray(np.maximum(np.append(steps, steps[-1]), np.append(steps[0], steps)))


def _distance_to_the_mean(script: Script) -> Scores:
    thumbnails = _thumbnails(script)
    return np.asarray(np.linalg.norm(thumbnails - thumbnails.mean(axis=0), axis=1))


def _loudness(script: Script) -> Scores:
    band = Band(script)
    seconds = [band.second(second) for second in range(round(script.duration_seconds))]
    sound = np.concatenate(seconds).astype(np.float64)
    return np.asarray(np.sqrt((sound.reshape(-1, len(seconds[0]) // CLIPS_PER_SECOND) ** 2).mean(axis=1)))


@pytest.mark.slow
@pytest.mark.parametrize("cue", [_frame_difference, _distance_to_the_mean, _loudness])
def test_a_single_cue_does_not_find_the_highlights(cue: Callable[[Script], Scores]) -> None:
    values = []
    for seed in range(3):
        for index in range(8):
            script = write_script(index, seed=seed, duration_seconds=20.0)
            scores = cue(script)
            starts = np.arange(len(scores)) / CLIPS_PER_SECOND
            labels = np.array([highlight_share(script, t, t + 1 / CLIPS_PER_SECOND) for t in starts]) >= 0.5
            values.append(trapezoid_average_precision(scores, labels))
    assert np.mean(values) < BOUND
