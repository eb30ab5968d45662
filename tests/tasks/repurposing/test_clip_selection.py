"""Which clips are chosen: threshold, limits of length, soft-NMS, number."""

from __future__ import annotations

import time

import numpy as np
import pytest

from vidkit.postprocessing import soft_nms
from vidkit.registry import MODULES
from vidkit.tasks.repurposing.selection import ClipSelection, Selection


def _select(scores: list[float], segments: list[list[float]], seconds: float, **options: float) -> Selection:
    return ClipSelection(**options)(np.array(scores), np.array(segments), duration_seconds=seconds)


def _random_seconds(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores and clips as a model gives them, two offsets from the middle of every second."""
    rng = np.random.default_rng(seed)
    middles = np.arange(count)[:, None] + 0.5
    return rng.random(count), middles + rng.uniform(0, 60, (count, 2)) * [-1, 1]


def test_the_registry_builds_it_with_the_values_of_the_paper() -> None:
    selection = MODULES.build(dict(type="ClipSelection"))
    values = dict(threshold=0.5, min_seconds=10, max_seconds=90, sigma=0.5, clips_per_minute=0.3)
    assert {name: getattr(selection, name) for name in values} == values


def test_seconds_below_the_threshold_propose_nothing() -> None:
    segments = [[0.0, 20.0], [100.0, 120.0], [200.0, 220.0]]
    assert _select([0.49999, 0.5, 0.9], segments, 600).candidates.tolist() == [[200, 220], [100, 120]]
    nothing = _select([0.1, 0.2, 0.3], segments, 600)
    assert [len(rows) for rows in vars(nothing).values()] == [0, 0, 0, 0]
    assert nothing.segments.shape == nothing.candidates.shape == (0, 2)


def test_clips_are_longer_than_10_and_shorter_than_90_seconds() -> None:
    segments = [[0.0, 10.0], [100.0, 110.5], [200.0, 289.5], [300.0, 390.0]]
    assert _select([0.9] * 4, segments, 600).candidates.tolist() == [[100, 110.5], [200, 289.5]]
    limits = dict(min_seconds=0.0, max_seconds=100.0)
    assert len(_select([0.9] * 4, segments, 600, **limits).candidates) == 4


def test_clips_are_cut_at_the_ends_of_the_video_before_they_are_measured() -> None:
    segments = [[-15.0, 5.0], [-5.0, 25.0], [570.0, 700.0], [595.0, 640.0]]
    selection = _select([0.9, 0.8, 0.7, 0.6], segments, 600)
    assert selection.candidates.tolist() == [[0, 25], [570, 600]]


def test_a_video_no_longer_than_the_limit_may_be_one_clip() -> None:
    assert _select([0.9, 0.8], [[-2.0, 7.0], [1.0, 4.0]], 5).segments.tolist() == [[0, 5]]
    assert _select([0.9], [[-2.0, 12.0]], 10).segments.tolist() == [[0, 10]]
    assert len(_select([0.9], [[0.0, 9.0]], 10.5).segments) == 0


@pytest.mark.parametrize(
    ("seconds", "expected"), [(30, 1), (59, 1), (201, 2), (600, 3), (601, 4), (1800, 9), (5400, 27)]
)
def test_the_number_of_clips_follows_the_length(seconds: int, expected: int) -> None:
    scores, segments = _random_seconds(seconds)
    selection = ClipSelection()(scores, segments, duration_seconds=float(seconds))
    assert len(selection.segments) == expected
    assert len(selection.candidates) > expected
    more = ClipSelection(clips_per_minute=600.0)(scores, segments, duration_seconds=float(seconds))
    assert len(more.segments) == len(more.candidates)


def test_the_clips_are_the_first_of_soft_nms_over_all_candidates() -> None:
    scores, segments = _random_seconds(900)
    selection = ClipSelection(sigma=0.3)(scores, segments, duration_seconds=900.0)
    clipped = np.clip(segments, 0, 900)
    lengths = clipped[:, 1] - clipped[:, 0]
    kept = (scores >= 0.5) & (lengths > 10) & (lengths < 90)
    order, decayed = soft_nms(clipped[kept], scores[kept], sigma=0.3)
    np.testing.assert_array_equal(selection.candidates, clipped[kept][order])
    np.testing.assert_array_equal(selection.candidate_scores, decayed)
    np.testing.assert_array_equal(selection.segments, selection.candidates[:5])
    np.testing.assert_array_equal(selection.scores, selection.candidate_scores[:5])


def test_copies_of_the_best_clip_make_way_for_another_one() -> None:
    segments = [[100.0, 140.0]] * 30 + [[300.0, 340.0], [500.0, 520.0]]
    scores = [0.9] * 30 + [0.6, 0.5]
    assert _select(scores, segments, 600).segments.tolist() == [[100, 140], [300, 340], [500, 520]]


def test_the_inputs_are_left_alone() -> None:
    scores, segments = _random_seconds(100)
    copies = scores.copy(), segments.copy()
    ClipSelection()(scores, segments, duration_seconds=90.0)
    np.testing.assert_array_equal(scores, copies[0])
    np.testing.assert_array_equal(segments, copies[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(threshold=1.5), r"threshold is a score, in \[0, 1\], got 1.5"),
        (dict(min_seconds=90.0), "0 <= min_seconds < max_seconds must hold, got 90.0 and 90.0"),
        (dict(sigma=0.0), "sigma and clips_per_minute are positive, got 0.0 and 0.3"),
        (dict(clips_per_minute=-1.0), "sigma and clips_per_minute are positive, got 0.5 and -1.0"),
    ],
)
def test_arguments_out_of_range_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ClipSelection(**options)


def test_predictions_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"2 segments need as many scores, got shape \(1,\)"):
        _select([0.5], [[0.0, 1.0], [0.0, 1.0]], 10)
    for scores, segments in (([float("nan")], [[0.0, 20.0]]), ([0.5], [[0.0, float("inf")]])):
        with pytest.raises(ValueError, match="scores and segments must be finite"):
            _select(scores, segments, 100)


@pytest.mark.slow
def test_two_hours_take_less_than_two_seconds() -> None:
    """Every second proposes a clip, as it does at worst."""
    scores, segments = _random_seconds(7200)
    scores = 0.5 + scores / 2
    segments = np.arange(7200)[:, None] + np.array([-30.0, 30.0]) + segments % 1
    start = time.perf_counter()
    selection = ClipSelection()(scores, segments, duration_seconds=7200.0)
    assert time.perf_counter() - start < 2
    assert (len(selection.segments), len(selection.candidates)) == (36, 7200)
