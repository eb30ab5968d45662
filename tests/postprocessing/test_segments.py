"""Segments from scores, by ratio and by threshold, and the cases at the edges."""

from __future__ import annotations

import numpy as np
import pytest

from vidkit.postprocessing import find_cuts, runs, segments_from_scores, suppress_cuts


def _segments(scores: list[float], **settings: float) -> tuple[list[list[float]], list[float]]:
    options = dict(clip_seconds=1.0, duration_seconds=float(len(scores)), min_seconds=1.0, max_seconds=100.0)
    segments, values = segments_from_scores(np.array(scores), **{**options, **settings})  # type: ignore[arg-type]
    return segments.tolist(), values.tolist()


def test_runs_above_the_threshold_are_segments_best_first() -> None:
    segments, values = _segments([0, 0.6, 0.6, 0, 0.9, 0], threshold=0.5)
    assert segments == [[4, 5], [1, 3]]
    assert values == pytest.approx([0.9, 0.6])


def test_a_short_run_grows_to_the_higher_side_and_stays_inside() -> None:
    assert _segments([0, 0.4, 0.4, 1, 0, 0, 0], threshold=0.5, min_seconds=3.0)[0] == [[1, 4]]
    assert _segments([0, 0, 0, 1, 0, 0, 0], threshold=0.5, min_seconds=3.0)[0] == [[2, 5]]
    assert _segments([1, 0, 0, 0], threshold=0.5, min_seconds=3.0)[0] == [[0, 3]]
    assert _segments([0, 0, 0, 1], threshold=0.5, min_seconds=3.0)[0] == [[1, 4]]


def test_runs_that_grow_into_each_other_become_one() -> None:
    assert _segments([0, 1, 0, 1, 0], threshold=0.5, min_seconds=3.0)[0] == [[1, 4]]


def test_a_long_run_is_cut_round_its_best_window() -> None:
    assert _segments([0.6, 0.7, 0.9, 0.9, 0.6], threshold=0.5, max_seconds=2.0)[0] == [[2, 4], [0, 2], [4, 5]]
    assert _segments([0.9, 0.9, 0.6, 0], threshold=0.5, min_seconds=2.0, max_seconds=2.0)[0] == [[0, 2]]


@pytest.mark.parametrize("ratio", [0.05, 0.15, 0.5, 1.0])
def test_a_ratio_selects_about_that_share(ratio: float) -> None:
    scores = np.random.default_rng(0).random(1000)
    smooth = np.convolve(scores, np.ones(9) / 9, mode="same").tolist()
    segments, _ = _segments(smooth, ratio=ratio, max_seconds=50.0)
    total = sum(end - start for start, end in segments)
    assert total == pytest.approx(ratio * 1000, abs=10)
    for (start, end), (other, _) in zip(sorted(segments), sorted(segments)[1:]):
        assert start < end < other or end <= other


@pytest.mark.parametrize("scores", [[0.0] * 300, [0.5] * 150 + [0.2] * 150])
def test_a_ratio_selects_that_share_of_equal_scores_too(scores: list[float]) -> None:
    segments, _ = _segments(scores, ratio=0.1)
    assert sum(end - start for start, end in segments) == 30


def test_there_is_always_a_segment() -> None:
    assert _segments([0.0] * 5, threshold=0.5)[0] == [[0, 1]]
    assert _segments([0.3], ratio=0.01, duration_seconds=0.1, min_seconds=2.0)[0] == [[0, 0.1]]
    segments, _ = segments_from_scores(
        np.zeros(1), clip_seconds=0.2, duration_seconds=0.04, min_seconds=1.0, max_seconds=60.0, ratio=0.15
    )
    assert segments.tolist() == [[0, 0.04]]


def test_the_last_segment_ends_with_the_video() -> None:
    assert _segments([0, 0, 1], threshold=0.5, duration_seconds=2.5)[0] == [[2, 2.5]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(ratio=0.5, threshold=0.5), "give either ratio or threshold"),
        (dict(), "give either ratio or threshold"),
        (dict(ratio=0.0), r"in \(0, 1\], got 0.0"),
        (dict(ratio=1.5), r"in \(0, 1\], got 1.5"),
        (dict(ratio=0.5, min_seconds=3.0, max_seconds=2.0), "0 < min_seconds <= max_seconds must hold"),
        (dict(ratio=0.5, duration_seconds=0.0), "are positive, got 1.0, 0.0"),
    ],
)
def test_arguments_out_of_range_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _segments([0.1, 0.2], **settings)


@pytest.mark.parametrize("scores", [[], [float("nan")]])
def test_scores_must_be_there_and_finite(scores: list[float]) -> None:
    with pytest.raises(ValueError, match="scores must be finite"):
        _segments(scores, ratio=0.5, duration_seconds=1.0)


def test_runs_are_half_open() -> None:
    assert runs(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert runs(np.zeros(3, dtype=bool)) == []


def test_a_hard_cut_is_found_and_motion_is_not() -> None:
    rng = np.random.default_rng(0)
    still = rng.normal(0, 0.02, size=(100, 30))
    still[40:] += rng.normal(size=30)
    assert find_cuts(still).tolist() == [40]
    moving = np.cumsum(rng.normal(0, 0.5, size=(100, 30)), axis=0)
    assert len(find_cuts(moving)) == 0
    assert len(find_cuts(np.zeros((50, 3)))) == 0
    assert len(find_cuts(np.zeros((1, 3)))) == 0


def test_every_cut_between_short_shots_is_found_if_they_may_be_near() -> None:
    rng = np.random.default_rng(0)
    cameras = rng.normal(size=(2, 300))
    expected = [7, 15, 22, 30, 38, 45]
    shot = np.searchsorted(expected, np.arange(60), side="right")
    features = cameras[shot % 2] + rng.normal(0, 0.02, size=(60, 300))
    assert find_cuts(features, apart=1).tolist() == expected
    assert len(find_cuts(features)) < len(expected)


def test_a_peak_at_a_cut_goes_and_a_highlight_that_begins_there_stays() -> None:
    scores = np.full(40, 0.1)
    scores[9:11] = 1.0
    scores[25:35] = 0.8
    calmed = suppress_cuts(scores, np.array([10, 25]))
    assert calmed[9:11].max() == pytest.approx(0.1)
    assert calmed[25:35].min() == pytest.approx(0.8)
    assert scores[9] == 1.0  # the input is left alone
