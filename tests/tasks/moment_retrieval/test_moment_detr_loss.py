"""Matching and losses of Moment-DETR against plain formulas."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from detr_cases import MODELS, make_batch, make_model, make_sample
from torch import Tensor

from vidkit.tasks.moment_retrieval import MomentDETRLoss
from vidkit.tasks.moment_retrieval.loss.detr import DETROutputs
from vidkit.tasks.moment_retrieval.loss.detr_targets import DETRTargets
from vidkit.tasks.moment_retrieval.loss.matching import assign
from vidkit.tasks.moment_retrieval.model.detr_parts import DETRModel


def _cheapest(costs: np.ndarray) -> float:
    """The least sum over all ways to give the smaller side partners of its own."""
    costs = costs if costs.shape[0] >= costs.shape[1] else costs.T
    count = costs.shape[1]
    orders = itertools.permutations(range(len(costs)), count)
    return min(sum(costs[order[j], j] for j in range(count)) for order in orders)


@pytest.mark.parametrize(("num_predicted", "num_moments"), [(5, 3), (4, 4), (3, 5), (4, 1)])
def test_the_assignment_is_the_cheapest_of_all(num_predicted: int, num_moments: int) -> None:
    generator = torch.Generator().manual_seed(0)
    costs = torch.randn(6, 2, num_predicted, num_moments, generator=generator, dtype=torch.float64)
    assigned = assign(costs, torch.ones(num_moments, dtype=torch.bool))
    for own, partners in zip(costs.flatten(0, 1), assigned.flatten(0, 1)):
        matched = [(int(k), n) for n, k in enumerate(partners) if k >= 0]
        assert len(matched) == min(num_predicted, num_moments) == len({k for k, _ in matched})
        total = sum(own[k, n].item() for k, n in matched)
        assert total == pytest.approx(_cheapest(own.numpy()))


def test_moments_that_are_padding_are_not_assigned() -> None:
    costs = torch.tensor([[9.0, 0.0, 1.0], [0.0, 9.0, 9.0]])
    assert assign(costs, torch.tensor([True, False, True])).tolist() == [1, -1, 0]
    assert assign(costs[:, :0], torch.zeros(0, dtype=torch.bool)).shape == (0,)


def _iou_terms(a: Tensor, b: Tensor) -> float:
    """Generalised IoU of two (center, width)."""
    (s, e), (u, v) = ((c - w / 2, c + w / 2) for c, w in (a.tolist(), b.tolist()))
    inner, outer = max(0.0, min(e, v) - max(s, u)), max(e, v) - min(s, u)
    union = (e - s) + (v - u) - inner
    return inner / union - (outer - union) / outer


def _random_case(num_layers: int = 2) -> tuple[DETROutputs, DETRTargets]:
    """Three samples with 2, 0 and 1 moments, and one whose moments are unknown; 4 predictions each."""
    generator = torch.Generator().manual_seed(0)
    uniform = lambda *shape: torch.rand(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
    outputs = DETROutputs(
        logits=4 * uniform(num_layers, 4, 4, 2) - 2,
        spans=uniform(num_layers, 4, 4, 2),
        saliency=3 * uniform(4, 6) - 2,
        mask=torch.ones(4, 6, dtype=torch.bool),
    )
    targets = DETRTargets(
        spans=uniform(4, 2, 2) * 0.5 + 0.2,
        span_mask=torch.tensor([[True, True], [False, False], [True, False], [False, False]]),
        has_moments=torch.tensor([True, True, True, False]),
        relevance=uniform(4, 6),
        better=torch.tensor([[0, 1], [2, 3], [1, 1], [0, 0]]),
        worse=torch.tensor([[4, 5], [3, 2], [0, 0], [0, 0]]),
        pair_mask=torch.tensor([[True, True], [True, False], [True, True], [False, False]]),
    )
    return outputs, targets


def _matches(
    loss: MomentDETRLoss, logits: Tensor, spans: Tensor, targets: DETRTargets
) -> list[dict[int, int]]:
    """Moment -> prediction of each sample, by trying all orders."""
    matches = []
    for row, real in enumerate(targets.span_mask):
        moments = real.nonzero().flatten().tolist()
        probability = logits[row].softmax(dim=-1)[:, 0]

        def cost(order: tuple[int, ...], row: int = row, moments: list[int] = moments) -> float:
            total = 0.0
            for k, n in zip(order, moments, strict=True):
                predicted, true = spans[row, k], targets.spans[row, n]
                total += loss.span * (predicted - true).abs().sum().item()
                total -= loss.giou * _iou_terms(predicted, true) + loss.label * probability[k].item()  # noqa: B023
            return total

        best = min(itertools.permutations(range(len(spans[row])), len(moments)), key=cost)
        matches.append(dict(zip(moments, best, strict=True)))
    return matches


def _reference_losses(loss: MomentDETRLoss, outputs: DETROutputs, targets: DETRTargets) -> dict[str, float]:
    losses = {}
    last = len(outputs.spans) - 1
    for layer, (logits, spans) in enumerate(zip(outputs.logits, outputs.spans)):
        distances, overlaps, entropies = [], [], []
        for row, match in enumerate(_matches(loss, logits, spans, targets)):
            for n, k in match.items():
                distances += (spans[row, k] - targets.spans[row, n]).abs().tolist()
                overlaps.append(1 - _iou_terms(spans[row, k], targets.spans[row, n]))
            if not targets.has_moments[row]:
                continue
            for k in range(4):
                p = logits[row, k].softmax(dim=-1)
                is_moment = k in match.values()
                entropies.append(-math.log(p[0]) if is_moment else -loss.background * math.log(p[1]))
        ending = "" if layer == last else f"_{layer}"
        losses[f"span{ending}"] = loss.span * float(np.mean(distances))
        losses[f"giou{ending}"] = loss.giou * float(np.mean(overlaps))
        losses[f"label{ending}"] = loss.label * float(np.mean(entropies))
    hinges = []
    for row, slot in targets.pair_mask.nonzero().tolist():
        better, worse = (outputs.saliency[row, which[row, slot]] for which in (targets.better, targets.worse))
        hinges.append(max(0.0, loss.margin + float(worse) - float(better)))
    losses["saliency"] = loss.saliency * 2 * float(np.mean(hinges))
    return losses


@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize(
    "weights",
    [{}, dict(span=1.0, giou=3.0, label=0.5, saliency=4.0, background=0.3, margin=1.0)],
)
def test_it_is_its_formula(num_layers: int, weights: dict[str, float]) -> None:
    loss = MomentDETRLoss(**weights)  # type: ignore[arg-type]
    outputs, targets = _random_case(num_layers)
    losses = {name: value.item() for name, value in loss(outputs, targets).items()}
    assert losses == pytest.approx(_reference_losses(loss, outputs, targets), rel=1e-6)


def test_a_perfect_prediction_costs_nothing() -> None:
    outputs, targets = _random_case(1)
    spans = torch.full((1, 4, 4, 2), 0.9, dtype=torch.float64)
    spans[0, :, 1:3] = targets.spans
    logits = torch.tensor([-50.0, 50.0], dtype=torch.float64).repeat(1, 4, 4, 1)
    for row, n in targets.span_mask.nonzero().tolist():
        logits[0, row, 1 + n] = torch.tensor([50.0, -50.0])
    saliency = torch.zeros(4, 6, dtype=torch.float64)
    saliency[:, :4] = 1.0
    targets = replace(targets, worse=torch.full((4, 2), 5))
    losses = MomentDETRLoss()(replace(outputs, spans=spans, logits=logits, saliency=saliency), targets)
    assert {name: value.item() for name, value in losses.items()} == pytest.approx(
        dict.fromkeys(losses, 0.0), abs=1e-6
    )


def test_the_order_of_moments_and_predictions_does_not_matter() -> None:
    loss, (outputs, targets) = MomentDETRLoss(), _random_case()
    flipped = loss(
        replace(outputs, logits=outputs.logits.flip(2), spans=outputs.spans.flip(2)),
        replace(targets, spans=targets.spans.flip(1), span_mask=targets.span_mask.flip(1)),
    )
    for name, value in loss(outputs, targets).items():
        torch.testing.assert_close(flipped[name], value)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("moments", [[], None])
def test_a_batch_without_moments_has_finite_losses_and_gradients(
    kind: type[DETRModel], moments: list[list[float]] | None
) -> None:
    model = make_model(kind)
    samples = [make_sample(4, moments), make_sample(3, moments, video_id="b", query="a cat sleeps")]
    losses = model(**make_batch(model, [4, 3], [3, 2], samples), mode="loss")
    for name in ("span", "giou", "span_0", "giou_0", "saliency"):
        assert losses[f"loss_{name}"].item() == 0.0
    assert (losses["loss_label"].item() > 0) == (moments is not None)  # known: there is nothing to find
    sum(losses.values()).backward()
    gradients = [parameter.grad for parameter in model.parameters()]
    assert all(gradient is not None and torch.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("saliency", [None, [0.5, 0.9, 0.1, 0.5]])
def test_a_moment_as_long_as_the_video_and_a_batch_of_one_train(
    kind: type[DETRModel], saliency: list[float] | None
) -> None:
    model = make_model(kind)
    batch = make_batch(model, [4], [3], [make_sample(4, [[0.0, 8.0]], saliency)])
    losses = model(**batch, mode="loss")
    assert all(torch.isfinite(loss) for loss in losses.values())
    assert losses["loss_span"] > 0
    assert saliency is not None or losses["loss_saliency"].item() == 0.0
    sum(losses.values()).backward()


@pytest.mark.parametrize("kind", MODELS)
def test_training_leaves_the_samples_alone(kind: type[DETRModel]) -> None:
    model = make_model(kind)
    moments = [[2.0 * i, 2.0 * i + 2] for i in range(8)]
    sample = make_sample(8, moments, [0.1 * i for i in range(8)])
    batch = make_batch(model, [8], [3], [sample])
    first, second = (model(**batch, mode="loss") for _ in range(2))
    assert sample.gt_segments.tolist() == moments
    assert {name: loss.item() for name, loss in first.items()} == {
        name: loss.item() for name, loss in second.items()
    }


def test_draws_follow_the_epoch_that_was_set() -> None:
    loss = MomentDETRLoss()
    samples, mask = [make_sample(40, [[20.0, 60.0]])], torch.ones(1, 40, dtype=torch.bool)
    first = loss.targets(samples, mask, clip_seconds=2.0)
    loss.set_epoch(seed=0, epoch=1)
    second = loss.targets(samples, mask, clip_seconds=2.0)
    loss.set_epoch(seed=0, epoch=0)
    again = loss.targets(samples, mask, clip_seconds=2.0)
    assert torch.equal(first.better, again.better)
    assert not torch.equal(first.better, second.better)


def test_a_weight_of_zero_silences_its_term() -> None:
    outputs, targets = _random_case()
    losses = MomentDETRLoss(giou=0.0)(outputs, targets)
    assert losses["giou"].item() == losses["giou_0"].item() == 0.0
    assert losses["span"] > 0


@pytest.mark.parametrize("name", ["span", "giou", "label", "saliency", "background"])
def test_negative_weights_are_refused(name: str) -> None:
    settings: dict[str, Any] = {name: -1.0}
    with pytest.raises(ValueError, match=f"{name} is the weight of a loss, at least 0, got -1.0"):
        MomentDETRLoss(**settings)


def test_no_moments_at_all_are_refused() -> None:
    with pytest.raises(
        ValueError, match="max_moments, the most moments of a sample, must be at least 1, got 0"
    ):
        MomentDETRLoss(max_moments=0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", MODELS)
def test_it_learns_to_find_a_moment(kind: type[DETRModel]) -> None:
    """Over-fitting two samples: the best of the moments is the right one, and the best clip lies in it."""
    torch.manual_seed(0)
    model = kind(
        **{f"{name}_encoder": encoder for name, encoder in make_model(kind).encoders().items()},
        loss=make_model(kind).loss,
        dim=32,
        num_heads=2,
        feedforward_dim=32,
        num_moments=3,
        dropout=0.0,
        input_dropout=0.0,
    )
    samples = [
        make_sample(8, [[2.0, 6.0]], [0.0, 0.9, 0.7, 0.0, 0.0, 0.0, 0.0, 0.0]),
        make_sample(6, [[6.0, 12.0]], [0.0, 0.0, 0.0, 0.6, 0.9, 0.8], video_id="b", query="a cat sleeps"),
    ]
    batch = make_batch(model, [8, 6], [3, 2], samples)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for epoch in range(150):
        model.loss.set_epoch(seed=0, epoch=epoch)
        optimizer.zero_grad()
        sum(model(**batch, mode="loss").values()).backward()
        optimizer.step()
    for sample in model.eval()(**batch, mode="predict"):
        found, (true,) = sample.pred_segments[0], sample.gt_segments
        inner = min(found[1], true[1]) - max(found[0], true[0])
        assert inner / (max(found[1], true[1]) - min(found[0], true[0])) > 0.8
        assert sample.gt_saliency[sample.pred_saliency.argmax()] > 0.5
