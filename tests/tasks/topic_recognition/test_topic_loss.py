"""The losses of topic recognition against plain formulas."""

from __future__ import annotations

import math

import pytest
import torch

from vidkit.tasks.topic_recognition.loss import FusedTopicLoss, TopicCrossEntropy


def test_is_equation_6_on_one_view_a_video() -> None:
    logits = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 3, 1, 4])
    plain = [
        -math.log(math.exp(row[label]) / sum(math.exp(value) for value in row))
        for row, label in zip(logits.tolist(), labels.tolist())
    ]
    loss = TopicCrossEntropy()(logits, torch.arange(4), labels)
    assert loss.item() == pytest.approx(sum(plain) / 4, rel=1e-5)


def test_a_video_with_many_views_weighs_as_much_as_one_with_few() -> None:
    one, other = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    labels = torch.tensor([0, 0])
    few = TopicCrossEntropy()(torch.cat([one, other]), torch.tensor([0, 1]), labels)
    many = TopicCrossEntropy()(torch.cat([one, one, one, other]), torch.tensor([0, 0, 0, 1]), labels)
    torch.testing.assert_close(many, few)


def test_videos_without_a_label_or_a_view_do_not_count() -> None:
    logits = torch.tensor([[2.0, 0.0], [5.0, 1.0]])
    alone = TopicCrossEntropy()(logits[:1], torch.tensor([0]), torch.tensor([1]))
    beside = TopicCrossEntropy()(logits, torch.tensor([0, 2]), torch.tensor([1, 0, -1]))
    torch.testing.assert_close(beside, alone)
    assert TopicCrossEntropy()(logits[:0], torch.tensor([], dtype=torch.int64), torch.tensor([1])).item() == 0


def test_the_fused_loss_is_the_log_of_the_probability_of_the_topic() -> None:
    scores, labels = torch.tensor([[0.2, 0.8], [0.5, 0.5], [1.0, 0.0]]), torch.tensor([1, -1, 1])
    expected = (-math.log(0.8) - math.log(1e-12)) / 2  # a probability of 0 counts as 1e-12
    assert FusedTopicLoss()(scores, labels).item() == pytest.approx(expected, rel=1e-5)
