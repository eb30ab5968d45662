"""Moments as centers, and back, against plain loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vidkit.tasks.moment_retrieval.centers import centers_of, read_off


def _heat(moments: list[tuple[float, float]], num_clips: int, clip_seconds: float) -> list[float]:
    """The heat map, clip by clip (section 2.2 of the notes on UMT: radius 0.2 w, sigma 0.2 (r + 1))."""
    heat = [0.0] * num_clips
    for start, end in moments:
        first, last = start / clip_seconds, end / clip_seconds - 1
        center = min((first + last) / 2, num_clips - 0.5)
        radius = math.floor(0.2 * (last - first) + 1e-9)
        sigma = 0.2 * (radius + 1)
        for i in range(num_clips):
            distance = i - math.floor(center)
            if abs(distance) <= radius:
                heat[i] = max(heat[i], math.exp(-(distance**2) / (2 * sigma**2)))
    return heat


def _decoded(moments: Tensor, num_clips: int, clip_seconds: float) -> Tensor:
    """What is read off if every head says exactly its target."""
    centers = centers_of(moments, num_clips=num_clips, clip_seconds=clip_seconds)
    windows, offsets = torch.full((2, num_clips), -3.0)
    windows[centers.clips], offsets[centers.clips] = centers.windows, centers.offsets
    read, scores = read_off(
        centers.heat, windows, offsets, clip_seconds=clip_seconds, num_moments=len(moments)
    )
    assert torch.equal(scores, torch.ones(len(moments)))
    return read[read[:, 0].argsort()]


@pytest.mark.parametrize("seed", range(5))
def test_the_heat_is_that_of_plain_loops(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    bounds = torch.randint(0, 76, (6, 2), generator=generator).sort(dim=1).values
    moments = [(2.0 * a, 2.0 * b + 2.0 * (a == b)) for a, b in bounds.tolist()]
    moments = [(start, min(end, 150.0)) for start, end in moments if start < 150.0]
    heat = centers_of(torch.tensor(moments), num_clips=75, clip_seconds=2.0).heat
    torch.testing.assert_close(heat, torch.tensor(_heat(moments, 75, 2.0)))
    is_center = {math.floor((start + end - 2.0) / 4.0) for start, end in moments}
    assert {i for i in range(75) if heat[i] == 1.0} == is_center


def test_moments_of_whole_clips_come_back_exactly() -> None:
    moments = torch.tensor([[0.0, 2.0], [2.0, 4.0], [4.0, 10.0], [10.0, 30.0], [60.0, 150.0]])
    assert torch.equal(_decoded(moments, 75, 2.0), moments)
    assert torch.equal(_decoded(torch.tensor([[0.0, 150.0]]), 75, 2.0), torch.tensor([[0.0, 150.0]]))
    assert torch.equal(_decoded(torch.tensor([[0.0, 2.0]]), 1, 2.0), torch.tensor([[0.0, 2.0]]))


def test_moments_between_clips_come_back() -> None:
    moments = torch.tensor([[0.3, 7.1], [24.3, 30.4]])
    torch.testing.assert_close(_decoded(moments, 200, 1 / 6), moments)


def test_a_moment_of_one_clip_has_no_window() -> None:
    centers = centers_of(torch.tensor([[6.0, 8.0]]), num_clips=5, clip_seconds=2.0)
    assert (centers.clips.item(), centers.windows.item(), centers.offsets.item()) == (3, 0.0, 0.0)
    assert centers.heat.tolist() == [0.0, 0.0, 0.0, 1.0, 0.0]


def test_moments_shorter_than_a_clip_or_beyond_the_last_stay_on_the_grid() -> None:
    centers = centers_of(torch.tensor([[0.0, 0.5], [9.5, 30.0], [40.0, 41.0]]), num_clips=5, clip_seconds=2.0)
    assert centers.clips.tolist() == [0, 4, 4]
    assert centers.windows.min() >= 0
    assert (centers.offsets >= 0).all()
    assert (centers.offsets < 1).all()


def test_without_moments_there_is_no_heat() -> None:
    centers = centers_of(torch.zeros(0, 2), num_clips=4, clip_seconds=2.0)
    assert centers.heat.tolist() == [0.0] * 4
    assert len(centers.clips) == len(centers.windows) == len(centers.offsets) == 0


def test_moments_are_left_alone() -> None:
    moments = torch.tensor([[2.0, 36.0]])
    centers_of(moments, num_clips=20, clip_seconds=2.0)
    assert moments.tolist() == [[2.0, 36.0]]


def test_the_best_centers_are_read_off_within_the_clips() -> None:
    scores = torch.tensor([0.1, 0.9, 0.5, 0.7])
    windows, offsets = torch.tensor([0.0, 9.0, -1.0, 1.0]), torch.tensor([0.0, -0.5, 0.5, 0.25])
    moments, kept = read_off(scores, windows, offsets, clip_seconds=2.0, num_moments=3)
    assert kept.tolist() == pytest.approx([0.9, 0.7, 0.5])
    # 1 +- 4.5 is cut to [0, 3]; 3.25 +- 0.5 to [2.75, 3]; 2.5 has no window. Then times 2, and a clip more.
    assert moments.tolist() == [[0.0, 8.0], [5.5, 8.0], [5.0, 7.0]]


def test_there_are_at_most_as_many_moments_as_clips() -> None:
    moments, scores = read_off(*torch.rand(3, 5), clip_seconds=1.0, num_moments=100)
    assert moments.shape == (5, 2)
    assert scores.tolist() == sorted(scores.tolist(), reverse=True)
