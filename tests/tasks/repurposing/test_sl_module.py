"""The baseline SL-Module: its distribution loss, its set encoder and its clips."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from vidkit.data import PadSequences, VideoSample
from vidkit.registry import MODELS
from vidkit.tasks.repurposing import Outputs, SLModule
from vidkit.tasks.repurposing.sl_module import set_divergence

DIMS = dict(visual=6, audio=10)


def _model(**settings: Any) -> SLModule:
    torch.manual_seed(0)
    config = dict(
        type="SLModule",
        **{f"{name}_encoder": dict(type="Precomputed", dim=dim, modality=name) for name, dim in DIMS.items()},
        selection=dict(type="ClipSelection", min_seconds=2.0, max_seconds=30.0),
        **dict(dim=16, num_heads=2, feedforward_dim=24, num_layers=2),
    )
    model = MODELS.build({**config, **settings})
    assert isinstance(model, SLModule)
    return model


def _batch(lengths: list[int]) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(1)
    inputs = {
        name: [torch.randn(length, dim, generator=generator) for length in lengths]
        for name, dim in DIMS.items()
    }
    samples = []
    for length in lengths:
        sample = VideoSample(metainfo=dict(video_id="v", duration_seconds=float(length), clip_seconds=1.0))
        sample.gt_segments = torch.tensor([[1.0, 0.5 * length]])
        samples.append(sample)
    return PadSequences()(dict(inputs=inputs, data_samples=samples))


def test_the_divergence_is_its_definition() -> None:
    logits = torch.randn(3, 6, dtype=torch.float64)
    labels = torch.tensor([[1, 0, 1, 1, 0, 0], [0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]]).bool()
    mask = torch.arange(6) < torch.tensor([[6], [4], [5]])
    expected = []
    for row in range(2):  # the third video has no clip and no distribution
        scores = [math.exp(z) for z in logits[row][mask[row]].tolist()]
        positives = labels[row].nonzero().flatten().tolist()
        even = 1 / len(positives)
        expected.append(sum(even * math.log(even / (scores[t] / sum(scores))) for t in positives))
    loss = set_divergence(logits, labels, mask)
    assert loss.item() == pytest.approx(sum(expected) / 2, rel=1e-9)


def test_the_divergence_is_zero_for_the_right_distribution_at_any_level() -> None:
    labels = torch.tensor([[True, False, True, False]])
    mask = torch.ones_like(labels)
    for level in (-50.0, 0.0, 30.0):
        logits = torch.where(labels, level, level - 200.0).requires_grad_()
        loss = set_divergence(logits, labels, mask)
        loss.backward()
        assert loss.item() == pytest.approx(0, abs=1e-6)
        assert torch.isfinite(logits.grad).all()


def test_all_parameters_learn_and_padding_has_no_influence() -> None:
    model = _model()
    losses = model(**_batch([20, 12]), mode="loss")
    assert list(losses) == ["loss_focal", "loss_set"]
    sum(losses.values()).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())
    model.eval()
    batch = _batch([20, 12])
    together = model(**batch)
    (alone,) = model({name: x[1:, :12] for name, x in batch["inputs"].items()})
    torch.testing.assert_close(together[1].logits, alone.logits, atol=1e-5, rtol=0)


def test_the_seconds_are_a_set() -> None:
    model = _model().eval()
    inputs = _batch([15])["inputs"]
    order = torch.randperm(15)
    (outputs,) = model(inputs)
    (shuffled,) = model({name: x[:, order] for name, x in inputs.items()})
    torch.testing.assert_close(shuffled.logits, outputs.logits[order], atol=1e-5, rtol=0)


def test_its_clips_are_the_runs_of_high_scores() -> None:
    scores = torch.full((40,), 0.1)
    scores[3:8] = torch.tensor([0.6, 0.7, 0.8, 0.7, 0.6])
    scores[20:26] = 0.9
    scores[30] = 0.95  # too short
    outputs = Outputs(scores.logit(), torch.zeros(40, 2))
    sample = VideoSample(metainfo=dict(video_id="v", duration_seconds=400.0, clip_seconds=1.0))
    decoded = _model().decode(sample, outputs)
    assert decoded.pred_segments.tolist() == [[20.0, 26.0], [3.0, 8.0]]
    np.testing.assert_allclose(decoded.pred_scores, [0.9, 0.68], rtol=1e-5)
    torch.testing.assert_close(decoded.pred_saliency, scores)
    assert decoded.pred_modality_saliency == {}


def test_a_run_that_is_too_long_gives_its_best_stretch() -> None:
    scores = torch.full((100,), 0.6)
    scores[40:69] = 0.9
    sample = VideoSample(metainfo=dict(video_id="v", duration_seconds=100.0, clip_seconds=1.0))
    decoded = _model().decode(sample, Outputs(scores.logit(), torch.zeros(100, 2)))
    assert decoded.pred_segments.tolist() == [[40.0, 69.0]]  # shorter than 30 s


def test_low_scores_give_no_clip() -> None:
    sample = VideoSample(metainfo=dict(video_id="v", duration_seconds=50.0, clip_seconds=1.0))
    decoded = _model().decode(sample, Outputs(torch.full((50,), -1.0), torch.zeros(50, 2)))
    assert decoded.pred_segments.shape == (0, 2)
    assert decoded.pred_candidates.shape == (0, 2)


def test_without_encoder_it_is_refused() -> None:
    with pytest.raises(ValueError, match="give at least one of visual_encoder"):
        _model(visual_encoder=None, audio_encoder=None)
