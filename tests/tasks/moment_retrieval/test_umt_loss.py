"""The objective of UMT against plain formulas."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from vidkit.data import VideoSample
from vidkit.tasks.moment_retrieval.centers import centers_of
from vidkit.tasks.moment_retrieval.loss.umt import UMTLoss, UMTOutputs, umt_targets

LENGTHS = (6, 9)
MOMENTS = ([[0.0, 8.0], [8.0, 10.0]], [[2.0, 18.0]])


def _sample(moments: Any = None, saliency: Tensor | None = None) -> VideoSample:
    sample = VideoSample(metainfo=dict(video_id="a", duration_seconds=18.0))
    if moments is not None:
        sample.gt_segments = torch.tensor(moments, dtype=torch.float32).reshape(-1, 2)
    if saliency is not None:
        sample.gt_saliency = saliency
    return sample


def _batch(pad: int = 0) -> tuple[UMTOutputs, list[VideoSample], Tensor]:
    generator = torch.Generator().manual_seed(0)
    said = torch.randn(4, 2, max(LENGTHS), generator=generator)
    said = torch.cat([said, torch.full((4, 2, pad), 5.0)], dim=2)
    samples = [
        _sample(moments, torch.rand(length, generator=generator)) for moments, length in zip(MOMENTS, LENGTHS)
    ]
    mask = torch.arange(max(LENGTHS) + pad) < torch.tensor(LENGTHS)[:, None]
    return UMTOutputs(*said), samples, mask


def _losses(
    outputs: UMTOutputs, samples: list[VideoSample], mask: Tensor, **weights: Any
) -> dict[str, Tensor]:
    losses: dict[str, Tensor] = UMTLoss(**weights)(outputs, umt_targets(samples, mask, clip_seconds=2.0))
    return losses


def _reference(outputs: UMTOutputs, samples: list[VideoSample]) -> dict[str, float]:
    """Sums over real clips and moments, one number at a time."""
    entropy = center = window = offset = 0.0
    for row, (sample, length) in enumerate(zip(samples, LENGTHS)):
        heat = centers_of(sample.gt_segments, num_clips=length, clip_seconds=2.0).heat.tolist()
        for i, y in enumerate(sample.gt_saliency.tolist()):
            p = 1 / (1 + math.exp(-outputs.saliency[row, i].item()))
            entropy -= y * math.log(p) + (1 - y) * math.log(1 - p)
            p = 1 / (1 + math.exp(-outputs.centers[row, i].item()))
            if heat[i] == 1:
                center -= (1 - p) ** 2 * math.log(p)
            else:
                center -= (1 - heat[i]) ** 4 * p**2 * math.log(1 - p)
        for start, end in sample.gt_segments.tolist():
            middle = (start + end - 2.0) / 4.0
            clip = math.floor(middle)
            window += abs(outputs.windows[row, clip].item() - (end - start - 2.0) / 2.0)
            offset += abs(outputs.offsets[row, clip].item() - (middle - clip))
    return dict(saliency=3 * entropy / 15, center=center / 3, window=0.1 * window / 3, offset=offset / 3)


def test_the_terms_are_their_formulas() -> None:
    outputs, samples, mask = _batch()
    losses = {name: value.item() for name, value in _losses(outputs, samples, mask).items()}
    assert losses == pytest.approx(_reference(outputs, samples), rel=1e-5)


def test_padding_does_not_change_the_loss() -> None:
    short, long = _losses(*_batch()), _losses(*_batch(pad=40))
    torch.testing.assert_close(short, long)


def test_targets_can_be_made_twice() -> None:
    outputs, samples, mask = _batch()
    torch.testing.assert_close(_losses(outputs, samples, mask), _losses(outputs, samples, mask))
    assert samples[0].gt_segments.tolist() == MOMENTS[0]


def test_a_batch_without_moments_has_finite_losses() -> None:
    logits = torch.zeros(4, 1, 5, requires_grad=True)
    mask = torch.ones(1, 5, dtype=torch.bool)
    losses = _losses(UMTOutputs(*logits), [_sample([], torch.zeros(5))], mask)
    # Five clips that might be centers, at p = 1 / 2: 0.25 log 2 each.
    assert losses["center"].item() == pytest.approx(5 * 0.25 * math.log(2))
    assert losses["window"].item() == losses["offset"].item() == 0.0
    sum(losses.values()).backward()
    assert logits.grad.isfinite().all()
    assert logits.grad[1].abs().min() > 0


def test_samples_that_lack_an_annotation_do_not_teach_it() -> None:
    outputs, samples, mask = _batch()
    _, without, _ = _batch()
    del without[1].gt_saliency
    del without[1].gt_segments
    losses, alone = _losses(outputs, without, mask), _losses(*_first(outputs, samples, mask))
    torch.testing.assert_close(losses, alone)
    nothing = _losses(outputs, [_sample(), _sample()], mask)
    assert all(value.item() == 0.0 for value in nothing.values())


def _first(outputs: UMTOutputs, samples: list[VideoSample], mask: Tensor) -> Any:
    said = (outputs.saliency, outputs.centers, outputs.windows, outputs.offsets)
    return UMTOutputs(*(values[:1, : LENGTHS[0]] for values in said)), samples[:1], mask[:1, : LENGTHS[0]]


def test_of_two_moments_that_share_a_center_both_pull() -> None:
    said = torch.zeros(4, 1, 9, requires_grad=True)
    mask = torch.ones(1, 9, dtype=torch.bool)
    sample = _sample([[6.0, 12.0], [2.0, 16.0]])  # clips 3 to 5 and 1 to 7, both round clip 4
    losses = _losses(UMTOutputs(*said), [sample], mask, window=1.0)
    assert losses["window"].item() == pytest.approx((2 + 6) / 2)
    losses["window"].backward()
    assert said.grad[2, 0].tolist() == [0, 0, 0, 0, -1, 0, 0, 0, 0]
    turned = _sample([[2.0, 16.0], [6.0, 12.0]])
    torch.testing.assert_close(_losses(UMTOutputs(*said), [turned], mask, window=1.0), losses)


def test_a_weight_of_none_has_no_term() -> None:
    outputs, samples, mask = _batch()
    assert list(_losses(outputs, samples, mask, saliency=None)) == ["center", "window", "offset"]
    highlights = _losses(outputs, samples, mask, center=None, window=None, offset=None)
    assert list(highlights) == ["saliency"]
    assert _losses(outputs, samples, mask, saliency=0.0)["saliency"].item() == 0.0


def test_impossible_weights_are_refused() -> None:
    with pytest.raises(ValueError, match=r"window is the weight of a loss, at least 0, or None, got -0.1"):
        UMTLoss(window=-0.1)
    with pytest.raises(ValueError, match="need one another, got center=None; set all three to None"):
        UMTLoss(center=None)
    with pytest.raises(ValueError, match="a model needs a head"):
        UMTLoss(saliency=None, center=None, window=None, offset=None)
