"""From features to segments."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vidkit.encoders import MotionVisual
from vidkit.tasks.highlight_detection import RASL, HighlightInference


def _inference(**settings: object) -> HighlightInference:
    torch.manual_seed(0)
    return HighlightInference(model=RASL(visual_encoder=MotionVisual()), **settings)  # type: ignore[arg-type]


def _features(steps: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "visual": rng.random((steps, 144), dtype=np.float32),
        "cuts": rng.random((steps, 576), dtype=np.float32),
    }


@pytest.mark.parametrize("steps", [1, 3, 150, 1000])
def test_a_video_of_any_length_gets_saliency_and_segments(steps: int) -> None:
    sample = _inference().predict(_features(steps), video_id="a", duration_seconds=0.2 * steps)
    assert sample.pred_saliency.shape == (steps,)
    assert 0 <= sample.pred_saliency.min() <= sample.pred_saliency.max() <= 1
    assert len(sample.pred_segments) == len(sample.pred_scores) >= 1
    assert (sample.pred_segments[:, 1] <= 0.2 * steps + 1e-9).all()


def test_a_threshold_stands_in_for_the_ratio() -> None:
    inference = _inference(ratio=None, threshold=0.5, min_seconds=0.2)
    sample = inference.predict(_features(200), video_id="a", duration_seconds=40.0)
    saliency = sample.pred_saliency.numpy()
    selected = np.zeros(200, dtype=bool)
    for start, end in sample.pred_segments.tolist():
        selected[round(start / 0.2) : round(end / 0.2)] = True
    assert np.array_equal(selected, saliency >= 0.5)


def test_cuts_are_found_in_thumbnails_and_lower_the_score_there() -> None:
    inference = _inference(cut_suppression=True)
    assert list(inference.encoders()) == ["visual", "cuts"]
    features = _features(100)
    features["cuts"] = np.repeat(np.array([[0.0], [1.0]], dtype=np.float32), 50, axis=0).repeat(576, axis=1)
    plain = _inference().predict(features, video_id="a", duration_seconds=20.0).pred_saliency
    calmed = inference.predict(features, video_id="a", duration_seconds=20.0).pred_saliency
    assert (calmed <= plain + 1e-9).all()
    assert torch.equal(calmed[:48].double(), plain[:48].double())


def test_highlights_answer_no_sentence() -> None:
    with pytest.raises(ValueError, match="takes no --query"):
        _inference().predict(_features(3), video_id="a", duration_seconds=0.6, query="a cat")
