"""Targets of the DETR models: spans and pairs of clips."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from detr_cases import make_sample

from vidkit.data import VideoSample
from vidkit.tasks.moment_retrieval.loss.detr_targets import DETRTargets, detr_targets, relevant_clips


def _targets(
    samples: list[VideoSample], num_clips: int = 10, *, epoch: int = 0, most: int = 5
) -> DETRTargets:
    lengths = torch.tensor([int(sample.duration_seconds / 2) for sample in samples])
    mask = torch.arange(num_clips) < lengths[:, None]
    return detr_targets(samples, mask, clip_seconds=2.0, max_moments=most, seed=3, epoch=epoch)


def _pairs(targets: DETRTargets, row: int = 0) -> list[tuple[int, int]]:
    real = targets.pair_mask[row]
    return list(zip(targets.better[row][real].tolist(), targets.worse[row][real].tolist(), strict=True))


def test_spans_are_shares_of_the_clips_of_the_sample() -> None:
    targets = _targets([make_sample(10, [[0.0, 4.0], [10.0, 20.0]]), make_sample(5, [[2.0, 6.0]])])
    torch.testing.assert_close(targets.spans[0], torch.tensor([[0.1, 0.2], [0.75, 0.5]]))
    torch.testing.assert_close(targets.spans[1, 0], torch.tensor([0.4, 0.4]))
    assert targets.span_mask.tolist() == [[True, True], [True, False]]
    assert targets.has_moments.tolist() == [True, True]


def test_moments_are_cut_at_the_last_clip_and_left_out_behind_it() -> None:
    targets = _targets([make_sample(10, [[18.0, 25.0], [20.0, 24.0]])])
    torch.testing.assert_close(targets.spans, torch.tensor([[[0.95, 0.1]]]))


def test_no_moments_and_unknown_moments_differ() -> None:
    targets = _targets([make_sample(10, []), make_sample(10)])
    assert targets.spans.shape == (2, 0, 2)
    assert targets.has_moments.tolist() == [True, False]


def test_of_many_moments_some_are_drawn_anew_in_every_epoch_and_the_sample_is_left_alone() -> None:
    moments = [[2.0 * i, 2.0 * i + 2] for i in range(10)]
    sample = make_sample(10, moments)
    drawn = [_targets([sample], epoch=epoch).spans[0, :, 0].tolist() for epoch in range(60)]
    assert all(len(centers) == 5 and centers == sorted(set(centers)) for centers in drawn)
    counts = Counter(center for centers in drawn for center in centers)
    assert len(counts) == 10
    assert min(counts.values()) > 15
    assert sample.gt_segments.tolist() == moments


def test_draws_depend_on_the_sample_and_the_epoch_and_not_on_the_batch() -> None:
    samples = [make_sample(10, [[0.0, 10.0]], video_id=name) for name in "abcdefgh"]
    together = _targets(samples, epoch=7)
    for row, sample in enumerate(samples):
        assert _pairs(_targets([sample], epoch=7)) == _pairs(together, row)
    assert len({str(_pairs(together, row)) for row in range(8)}) > 4
    assert len({str(_pairs(_targets(samples[:1], epoch=epoch))) for epoch in range(8)}) > 4


def test_judged_clips_give_the_best_over_the_worst_and_a_relevant_over_an_irrelevant_one() -> None:
    saliency = [0.0, 0.5, 0.9, 0.1, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0]
    sample = make_sample(10, [[2.0, 10.0]], saliency)
    easy = set()
    for epoch in range(80):
        hard, other = _pairs(_targets([sample], epoch=epoch))
        assert hard == (2, 3)
        easy.add(other)
    assert {better for better, _ in easy} == {1, 2, 3, 4}
    assert {worse for _, worse in easy} == {0, 5, 6, 7, 8, 9}


def test_a_moment_as_long_as_the_video_gives_its_best_over_its_worst_clip_twice() -> None:
    sample = make_sample(4, [[0.0, 8.0]], [0.5, 0.9, 0.1, 0.5])
    assert _pairs(_targets([sample])) == [(1, 2), (1, 2)]


def test_clips_that_are_judged_alike_make_no_pair() -> None:
    inside = make_sample(4, [[2.0, 6.0]], [0.0, 0.5, 0.5, 0.0])
    ((better, worse),) = _pairs(_targets([inside]))
    assert better in (1, 2)
    assert worse in (0, 3)
    assert _pairs(_targets([make_sample(4, [[0.0, 8.0]], [0.5] * 4)])) == []


def test_judgements_without_moments_compare_all_clips() -> None:
    assert _pairs(_targets([make_sample(4, None, [0.5, 0.9, 0.1, 0.5])])) == [(1, 2), (1, 2)]


def test_moments_without_judgements_give_two_clips_inside_over_two_outside() -> None:
    sample = make_sample(10, [[2.0, 8.0]])
    for epoch in range(20):
        pairs = _pairs(_targets([sample], epoch=epoch))
        better, worse = zip(*pairs, strict=True)
        assert len(pairs) == len(set(better)) == len(set(worse)) == 2
        assert set(better) <= {1, 2, 3}
        assert not set(worse) & {1, 2, 3}


def test_a_kind_with_one_clip_gives_it_twice() -> None:
    pairs = _pairs(_targets([make_sample(5, [[2.0, 4.0]])]))
    assert [better for better, _ in pairs] == [1, 1]
    pairs = _pairs(_targets([make_sample(5, [[0.0, 8.0]])]))
    assert [worse for _, worse in pairs] == [4, 4]


@pytest.mark.parametrize("moments", [[[0.0, 10.0]], [], None])
def test_without_judgements_and_one_kind_of_clip_there_is_no_pair(moments: list[list[float]] | None) -> None:
    assert _pairs(_targets([make_sample(5, moments)])) == []


def test_relevance_is_what_was_judged_else_the_clips_of_moments() -> None:
    samples = [
        make_sample(4, [[0.0, 4.0]], [0.25, 0.5, 0.0, 0.0]),
        make_sample(3, [[2.0, 6.0]]),
        make_sample(4),
    ]
    relevance = _targets(samples, num_clips=4).relevance
    assert relevance.tolist() == [[0.25, 0.5, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ([0.0, 4.0], [0, 1]),
        ([0.9, 3.0], [0]),  # covers the middles of clip 0 but not, at 3.0, that of clip 1
        ([1.1, 3.1], [1]),
        ([4.2, 4.4], [2]),  # no middle; it lies in clip 2
        ([0.0, 6.0], [0, 1, 2]),
    ],
)
def test_a_clip_belongs_to_a_moment_that_covers_its_middle(moment: list[float], expected: list[int]) -> None:
    relevant = relevant_clips(torch.tensor([moment]), num_clips=3, clip_seconds=2.0)
    assert relevant.nonzero().flatten().tolist() == expected
    assert not relevant_clips(torch.zeros(0, 2), num_clips=3, clip_seconds=2.0).any()
