"""Late fusion against Equation 4, with missing modalities, and the weights that fit some videos."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score

from vidkit.tasks.topic_recognition.fusion import checked_weights, fit_weights, fuse


def _scores(num_branches: int, num_videos: int, num_topics: int, seed: int = 0) -> torch.Tensor:
    logits = torch.randn(num_branches, num_videos, num_topics, generator=torch.Generator().manual_seed(seed))
    return logits.softmax(dim=-1)


def test_is_equation_4_up_to_one_factor() -> None:
    scores, weights = _scores(3, 5, 7), [1.0, 0.5, 0.5]
    printed = torch.stack(
        [sum(w * scores[k, video] for k, w in enumerate(weights)) / 3 for video in range(5)]
    )
    fused = fuse(scores, torch.ones(3, 5, dtype=torch.bool), torch.tensor(weights))
    torch.testing.assert_close(fused * sum(weights) / 3, printed)
    torch.testing.assert_close(fused.sum(dim=1), torch.ones(5))


def test_a_missing_modality_gives_its_weight_to_the_others() -> None:
    scores = _scores(3, 1, 4)
    present = torch.tensor([[True], [False], [True]])
    fused = fuse(scores, present, torch.tensor([1.0, 0.5, 0.25]))
    torch.testing.assert_close(fused[0], (1.0 * scores[0, 0] + 0.25 * scores[2, 0]) / 1.25)


def test_what_stands_in_the_place_of_a_missing_modality_is_not_read() -> None:
    scores, present = _scores(2, 2, 3), torch.tensor([[True, True], [False, True]])
    other = scores.clone()
    other[1, 0] = torch.nan
    weights = torch.tensor([1.0, 0.5])
    torch.testing.assert_close(fuse(other, present, weights), fuse(scores, present, weights))


def test_a_missing_modality_leaves_the_other_videos_alone() -> None:
    scores, weights = _scores(3, 4, 5), torch.tensor([1.0, 0.5, 0.5])
    present = torch.ones(3, 4, dtype=torch.bool)
    all_there = fuse(scores, present, weights)
    present[1, 2] = False
    one_lacks = fuse(scores, present, weights)
    assert torch.equal(one_lacks[[0, 1, 3]], all_there[[0, 1, 3]])
    assert not torch.equal(one_lacks[2], all_there[2])


def test_a_video_with_nothing_to_go_by_gets_every_topic_alike() -> None:
    fused = fuse(torch.zeros(2, 1, 4), torch.zeros(2, 1, dtype=torch.bool), torch.tensor([1.0, 0.5]))
    assert fused.tolist() == [[0.25] * 4]


def test_a_video_that_has_only_what_weighs_nothing_goes_by_that() -> None:
    scores, present = _scores(2, 1, 4), torch.tensor([[True], [False]])
    torch.testing.assert_close(fuse(scores, present, torch.tensor([0.0, 1.0]))[0], scores[0, 0])


def test_gradients_of_a_video_without_anything_are_finite() -> None:
    scores = _scores(2, 2, 3).requires_grad_()
    fuse(scores, torch.tensor([[True, False], [True, False]]), torch.ones(2)).log().sum().backward()
    assert scores.grad is not None
    assert bool(scores.grad.isfinite().all())
    assert not bool(scores.grad[:, 1].any())


def test_fitted_weights_are_the_best_of_the_grid() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 80)
    scores = _scores(3, 80, 5, seed=1).numpy()
    scores[1, np.arange(80), labels] += 0.4  # the second branch knows something
    scores[0, np.arange(80), labels] += 0.1
    found = fit_weights(scores, np.ones((3, 80), bool), labels)

    def accuracy(weights: tuple[float, ...]) -> float:
        fused = np.tensordot(np.array(weights), scores, axes=1)
        return float(balanced_accuracy_score(labels, fused.argmax(axis=1)))

    steps = [(a, b, 20 - a - b) for a in range(21) for b in range(21 - a)]
    assert accuracy(found) == pytest.approx(max(accuracy(step) for step in steps))
    assert max(found) == 1.0


def test_fitted_weights_of_branches_that_are_equally_right_follow_how_sure_they_are() -> None:
    sure, unsure = np.array([0.9, 0.1], np.float32), np.array([0.6, 0.4], np.float32)
    scores = np.stack([[unsure, unsure[::-1]], [sure, sure[::-1]]])
    assert fit_weights(scores, np.ones((2, 2), bool), np.array([0, 1])) == (0.0, 1.0)


def test_weights_that_are_not_given_are_those_of_the_paper() -> None:
    assert checked_weights(None, dict(visual=0, audio=0, text=0)) == [1.0, 0.5, 0.5]
    assert checked_weights({"text": 0.2}, dict(text=0, visual=0)) == [0.2, 1.0]


def test_wrong_weights_are_told() -> None:
    with pytest.raises(ValueError, match="a weight of 'audio' and no such branch; branches: visual"):
        checked_weights({"audio": 1.0}, dict(visual=0))
    with pytest.raises(ValueError, match="at least 0, and one above 0, got"):
        checked_weights({"visual": -1.0}, dict(visual=0, text=0))
    with pytest.raises(ValueError, match="at least 0, and one above 0, got"):
        checked_weights({"visual": 0.0}, dict(visual=0))
    with pytest.raises(ValueError, match="fitted to videos with a topic, and there are none"):
        fit_weights(np.zeros((2, 0, 3), np.float32), np.zeros((2, 0), bool), np.zeros(0, np.int64))
