"""The objective of MMCT against its terms, computed from their definitions."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from vidkit.registry import LOSSES
from vidkit.tasks.repurposing.base import Outputs
from vidkit.tasks.repurposing.loss import MMCTLoss
from vidkit.tasks.repurposing.targets import Targets, second_targets

LENGTHS, T = (9, 5), 9


def _batch(seed: int = 0) -> tuple[Outputs, Targets]:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    mask = torch.arange(T) < torch.tensor(LENGTHS)[:, None]
    segments = [torch.tensor([[1.0, 4.0], [5.0, 8.5]]), torch.tensor([[0.0, 3.0]])]
    pairs = [second_targets(s.double(), T, 1.0) for s in segments]
    labels, offsets = (torch.stack(x) for x in zip(*pairs))
    outputs = Outputs(
        draw(2, T), draw(2, T, 2).abs() * 3, {"visual": draw(2, T), "audio": draw(2, T), "text": draw(2, T)}
    )
    shorter = mask & (torch.arange(T) < torch.tensor([[9], [2]]))
    modality_masks = {"visual": mask, "audio": mask, "text": shorter}
    return outputs, Targets(labels & mask, offsets, mask, modality_masks)


def _focal(logits: Tensor, labels: Tensor, mask: Tensor) -> float:
    terms = []
    for z, label in zip(logits[mask].tolist(), labels[mask].tolist()):
        p = 1 / (1 + math.exp(-z)) if label else 1 / (1 + math.exp(z))
        terms.append(-(0.7 if label else 0.3) * (1 - p) ** 2 * math.log(p))
    return sum(terms) / len(terms)


def _divergence(logits: Tensor, fused: Tensor, mask: Tensor) -> float:
    p, q = (torch.distributions.Bernoulli(logits=x[mask]) for x in (logits, fused))
    return torch.distributions.kl_divergence(p, q).mean().item()


def _regression(outputs: Outputs, targets: Targets) -> float:
    terms = []
    for video in range(2):
        for t in range(T):
            if targets.labels[video, t]:
                before, after = outputs.offsets[video, t].tolist()
                true_before, true_after = targets.offsets[video, t].tolist()
                a, b, u, v = t + 0.5 - before, t + 0.5 + after, t + 0.5 - true_before, t + 0.5 + true_after
                inner = max(0.0, min(b, v) - max(a, u))
                overlap = inner / (b - a + v - u - inner)
                terms.append(1 - overlap + (((a + b) - (u + v)) / 2 / (max(b, v) - min(a, u))) ** 2)
    return sum(terms) / len(terms)


def test_every_term_is_its_definition() -> None:
    outputs, targets = _batch()
    losses = MMCTLoss(unimodal=0.1, fused=0.3, alignment=0.2, regression=0.7)(outputs, targets)
    labels, mask = targets.labels, targets.mask
    expected = {
        "fused": 0.3 * _focal(outputs.logits, labels, mask),
        "regression": 0.7 * _regression(outputs, targets),
    }
    for name, logits in outputs.modality_logits.items():
        own = targets.modality_masks[name]
        expected[f"unimodal_{name}"] = 0.1 * _focal(logits, labels, own)
        expected[f"alignment_{name}"] = 0.2 * _divergence(logits, outputs.logits, own)
    assert {name: pytest.approx(loss.item(), rel=1e-6) for name, loss in losses.items()} == expected


def test_the_weights_of_the_paper_are_the_defaults() -> None:
    loss = LOSSES.build(dict(type="MMCTLoss"))
    assert [loss.unimodal, loss.fused, loss.alignment, loss.regression] == [0.1, 0.3, 0.1, 0.7]
    assert (loss.alpha, loss.gamma, loss.detach_fused) == (0.7, 2.0, False)


@pytest.mark.parametrize(
    ("settings", "terms"),
    [
        (dict(unimodal=0.0), {"alignment"}),
        (dict(alignment=0.0), {"unimodal"}),
        (dict(unimodal=0.0, alignment=0.0), set()),
    ],
)
def test_terms_without_weight_are_left_out(settings: dict[str, float], terms: set[str]) -> None:
    losses = MMCTLoss(**settings)(*_batch())
    assert {name.split("_")[0] for name in losses} == {"fused", "regression", *terms}


def test_what_stands_in_padding_changes_no_term() -> None:
    outputs, targets = _batch()
    expected = MMCTLoss()(outputs, targets)
    far = ~targets.mask

    def spoilt(x: Tensor) -> Tensor:
        return x.masked_fill(far, 1e6)

    other = Outputs(
        spoilt(outputs.logits),
        outputs.offsets.masked_fill(far[..., None], 1e6),
        {name: spoilt(x) for name, x in outputs.modality_logits.items()},
    )
    for name, loss in MMCTLoss()(other, targets).items():
        torch.testing.assert_close(loss, expected[name])


def test_without_clips_there_is_no_regression_and_gradients_are_finite() -> None:
    outputs, targets = _batch()
    empty = Targets(torch.zeros_like(targets.labels), targets.offsets, targets.mask, targets.modality_masks)
    outputs.offsets.requires_grad_()
    losses: dict[str, Any] = MMCTLoss()(outputs, empty)
    assert losses["regression"].item() == 0
    losses["regression"].backward()
    assert (outputs.offsets.grad == 0).all()


def test_a_detached_fusion_learns_nothing_from_the_alignment() -> None:
    for detach in (True, False):
        outputs, targets = _batch()
        outputs.logits.requires_grad_()
        outputs.modality_logits["visual"].requires_grad_()
        losses = MMCTLoss(detach_fused=detach)(outputs, targets)
        losses["alignment_visual"].backward()
        assert (outputs.logits.grad is None) == detach
        assert outputs.modality_logits["visual"].grad.abs().sum() > 0


@pytest.mark.parametrize("name", ["unimodal", "fused", "alignment", "regression"])
def test_negative_weights_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is the weight of a loss, at least 0, got -0.1"):
        MMCTLoss(**{name: -0.1})
