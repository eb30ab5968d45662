"""Targets of the seconds against loops over seconds and segments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from vidkit.data import VideoSample, read_repurpose10k
from vidkit.tasks.repurposing.targets import middles_of, second_targets, targets_of


def _reference(
    segments: list[list[float]], num_clips: int, clip_seconds: float
) -> tuple[list[bool], list[list[float]]]:
    labels, offsets = [], []
    for t in range(num_clips):
        middle = (t + 0.5) * clip_seconds
        holding = [(e - s, s, e) for s, e in segments if s <= middle < e]
        labels.append(bool(holding))
        if holding:
            _, start, end = min(holding, key=lambda item: item[0])  # the first of equal ones
            offsets.append([middle - start, end - middle])
        else:
            offsets.append([0.0, 0.0])
    return labels, offsets


@pytest.mark.parametrize("clip_seconds", [1.0, 0.2, 2.0])
def test_they_are_those_of_a_loop_on_random_overlapping_segments(clip_seconds: float) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        count = int(rng.integers(0, 9))
        segments = np.sort(np.round(rng.random((count, 2)) * 60, 1), axis=1)
        labels, offsets = second_targets(torch.tensor(segments), 55, clip_seconds)
        expected_labels, expected_offsets = _reference(segments.tolist(), 55, clip_seconds)
        assert labels.tolist() == expected_labels
        np.testing.assert_allclose(offsets.numpy(), expected_offsets, atol=1e-12)


def test_a_second_is_positive_if_its_middle_lies_in_a_clip() -> None:
    labels, offsets = second_targets(torch.tensor([[0.5, 1.5], [2.6, 3.4]]), 5, 1.0)
    assert labels.tolist() == [True, False, False, False, False]  # [start, end)
    assert offsets[0].tolist() == [0.0, 1.0]


def test_of_overlapping_clips_the_shorter_gives_the_offsets_whatever_the_order() -> None:
    segments = torch.tensor([[0.0, 10.0], [2.0, 5.0], [4.0, 8.0]])
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        labels, offsets = second_targets(segments[order], 10, 1.0)
        assert labels.all()
        assert offsets[0].tolist() == [0.5, 9.5]
        assert offsets[4].tolist() == [2.5, 0.5]  # [2, 5) is shorter than [4, 8)
        assert offsets[5].tolist() == [1.5, 2.5]


def test_clips_without_length_beyond_the_video_and_none_at_all() -> None:
    for segments in ([[3.5, 3.5]], [[50.0, 60.0]], [[-9.0, -1.0]], [[4.0, 2.0]], []):
        labels, offsets = second_targets(torch.tensor(segments).reshape(-1, 2), 8, 1.0)
        assert labels.dtype == torch.bool
        assert not labels.any()
        assert offsets.tolist() == [[0.0, 0.0]] * 8


def test_decoding_at_the_middles_gives_the_clips_back() -> None:
    segments = torch.tensor([[3.25, 17.5], [20.0, 31.75]])
    labels, offsets = second_targets(segments, 40, 1.0)
    middles = middles_of(40, 1.0, like=offsets)[labels]
    decoded = torch.stack([middles - offsets[labels, 0], middles + offsets[labels, 1]], dim=1)
    expected = torch.where(middles[:, None] < 18, segments[0], segments[1])
    torch.testing.assert_close(decoded, expected)


def test_padding_has_no_label_and_each_video_its_own_segments() -> None:
    samples = [VideoSample() for _ in range(3)]
    for sample, segments in zip(samples, ([[0.0, 9.0]], [[2.0, 4.0]], [])):
        sample.gt_segments = torch.tensor(segments).reshape(-1, 2)
    mask = torch.arange(6) < torch.tensor([[4], [6], [5]])
    targets = targets_of(samples, mask, {"visual": mask}, clip_seconds=1.0)
    assert targets.labels.tolist() == [
        [True, True, True, True, False, False],
        [False, False, True, True, False, False],
        [False] * 6,
    ]
    for row, sample in enumerate(samples):
        torch.testing.assert_close(targets.offsets[row], second_targets(sample.gt_segments, 6, 1.0)[1])


def test_no_positive_second_of_the_real_annotations_has_empty_offsets(real_data: Path) -> None:
    positives = 0
    for video in read_repurpose10k(real_data / "repurpose10k" / "val.json")[:200]:
        segments = torch.from_numpy(video.segments)
        labels, offsets = second_targets(segments, round(video.end_seconds - video.start_seconds), 1.0)
        assert (offsets >= 0).all()
        assert (offsets[labels].sum(dim=1) > 0).all()
        positives += int(labels.sum())
    assert positives > 10_000
