"""The terms of QD-DETR's saliency against plain formulas."""

from __future__ import annotations

import math

import pytest
import torch

from vidkit.tasks.moment_retrieval import QDDETRLoss
from vidkit.tasks.moment_retrieval.loss.detr_targets import DETRTargets
from vidkit.tasks.moment_retrieval.loss.qd_detr import QDDETROutputs, rank_contrast

GENERATOR = torch.Generator().manual_seed(0)
SALIENCY, NEGATIVE = 4 * torch.rand(2, 4, 6, generator=GENERATOR, dtype=torch.float64) - 3
LENGTHS = torch.tensor([6, 4, 5, 3])
MASK = torch.arange(6) < LENGTHS[:, None]
NEGATIVE_MASK = MASK & torch.tensor([True, True, False, True])[:, None]
SCORES = torch.tensor(
    [[0, 3, 12, 7, 1, 0], [0, 0, 5, 5, 12, 12], [0, 0, 0, 0, 0, 9], [11, 12, 6, 12, 12, 12]]
)  # sums of three annotators; those beyond the lengths are padding


def _reference_rank() -> float:
    terms = []
    for row, length in enumerate(LENGTHS.tolist()):
        everything = SALIENCY[row, :length].tolist()
        if NEGATIVE_MASK[row].any():
            everything = everything + NEGATIVE[row, :length].tolist()
        total = sum(math.exp(score / 0.5) for score in everything)
        for threshold in range(1, 12):
            relevant = [t for t in range(length) if SCORES[row, t] >= threshold]
            if relevant:
                shares = [math.exp(SALIENCY[row, t].item() / 0.5) / total for t in relevant]
                terms.append(-sum(math.log(share) for share in shares) / len(shares))
    return sum(terms) / len(terms)


def _rank(saliency: torch.Tensor, relevance: torch.Tensor, negative: torch.Tensor) -> float:
    return rank_contrast(saliency, relevance, MASK, negative=negative, negative_mask=NEGATIVE_MASK).item()


def test_the_rank_term_is_its_formula() -> None:
    assert _rank(SALIENCY, SCORES / 12, NEGATIVE) == pytest.approx(_reference_rank(), rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sums_of_annotators_reach_their_own_threshold(dtype: torch.dtype) -> None:
    for score in range(13):
        relevance = (torch.tensor([[score, 0]]) / 12).to(dtype)
        ones = torch.ones(1, 2, dtype=torch.bool)
        saliency = torch.tensor([[0.0, 5.0]], dtype=dtype)
        said = rank_contrast(
            saliency, relevance, ones, negative=torch.zeros_like(saliency), negative_mask=~ones
        )
        expected = 0.0 if score == 0 else math.log(1 + math.exp(10.0))
        assert said.item() == pytest.approx(expected, rel=1e-5)  # the mean does not fall with the score


def test_values_of_padding_have_no_influence() -> None:
    before = _rank(SALIENCY, SCORES / 12, NEGATIVE)
    after = _rank(
        SALIENCY.masked_fill(~MASK, 1e3),
        (SCORES / 12).masked_fill(~MASK, 1.0),
        NEGATIVE.masked_fill(~NEGATIVE_MASK, 1e3),
    )
    assert after == pytest.approx(before, rel=1e-9)


def test_nothing_relevant_gives_zero_and_finite_gradients() -> None:
    saliency = SALIENCY.clone().requires_grad_()
    loss = rank_contrast(
        saliency, torch.zeros(4, 6), MASK, negative=NEGATIVE, negative_mask=torch.zeros_like(MASK)
    )
    loss.backward()
    assert loss.item() == 0.0
    assert torch.equal(saliency.grad, torch.zeros_like(SALIENCY))


def _losses(saliency: torch.Tensor, negative: torch.Tensor, weight: float = 1.0) -> dict[str, torch.Tensor]:
    outputs = QDDETROutputs(
        torch.zeros(1, 4, 2, 2),
        torch.full((1, 4, 2, 2), 0.5),
        saliency,
        MASK,
        negative_saliency=negative,
        negative_mask=NEGATIVE_MASK,
    )
    none = torch.zeros(4, 2, dtype=torch.long)
    targets = DETRTargets(
        torch.zeros(4, 0, 2),
        torch.zeros(4, 0, dtype=torch.bool),
        torch.ones(4, dtype=torch.bool),
        SCORES / 12,
        better=none,
        worse=none + 1,
        pair_mask=torch.ones(4, 2, dtype=torch.bool),
    )
    losses: dict[str, torch.Tensor] = QDDETRLoss(saliency=weight)(outputs, targets)
    return losses


def test_the_negative_term_is_summed_over_clips_and_averaged_over_samples_that_have_one() -> None:
    sums = []
    for row in (0, 1, 3):
        own = NEGATIVE[row, : LENGTHS[row]].tolist()
        sums.append(sum(-math.log(1 - 1 / (1 + math.exp(-score))) for score in own))
    losses = _losses(SALIENCY, NEGATIVE)
    assert losses["negative"].item() == pytest.approx(sum(sums) / 3, rel=1e-6)


def test_one_weight_scales_the_hinge_and_both_terms() -> None:
    single, fourfold = _losses(SALIENCY, NEGATIVE), _losses(SALIENCY, NEGATIVE, weight=4.0)
    for name in ("saliency", "rank", "negative"):
        assert fourfold[name].item() == pytest.approx(4 * single[name].item(), rel=1e-6)
        assert single[name].item() > 0
    assert fourfold["label"].item() == pytest.approx(single["label"].item())


def test_scores_however_high_have_finite_losses_and_gradients() -> None:
    """The released code takes the logarithm of 1 - sigmoid, which is minus infinity from 17 on in float32."""
    negative = torch.full((4, 6), 90.0, requires_grad=True)
    saliency = torch.full((4, 6), -200.0, requires_grad=True)
    losses = _losses(saliency, negative)
    sum(losses.values()).backward()
    assert losses["negative"].item() == pytest.approx(90.0 * (6 + 4 + 3) / 3)
    assert all(torch.isfinite(loss) for loss in losses.values())
    assert torch.isfinite(negative.grad).all()
    assert torch.isfinite(saliency.grad).all()
