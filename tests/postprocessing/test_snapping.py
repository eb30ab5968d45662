"""Where the borders of clips go, worked by hand, and what holds for any speech and any cuts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vidkit.postprocessing import snap_segments

SENTENCES = [[0.0, 9.0], [10.0, 31.0], [32.0, 50.0], [55.0, 80.0]]


def _snap(segment: list[float], **changes: Any) -> list[float]:
    options = dict(sentences=SENTENCES, cuts=[], max_shift_seconds=2.0, duration_seconds=100.0)
    arguments = {**options, **changes}
    arguments["sentences"] = np.array(arguments["sentences"], dtype=float).reshape(-1, 2)
    arguments["cuts"] = np.array(arguments["cuts"], dtype=float)
    (snapped,) = snap_segments(np.array([segment]), **arguments).tolist()
    return snapped


def test_a_start_goes_to_the_start_of_a_sentence_and_an_end_to_an_end() -> None:
    assert _snap([11.5, 30.0]) == [10, 31]
    assert _snap([9.5, 51.0]) == [10, 50]  # from silence too
    assert _snap([31.5, 81.0]) == [32, 80]


def test_the_nearest_place_counts() -> None:
    assert _snap([31.0, 60.0], max_shift_seconds=30.0, cuts=[31.2])[0] == 31.2
    assert _snap([31.0, 60.0], max_shift_seconds=30.0, cuts=[29.0])[0] == 32  # 29 is amid a sentence
    assert _snap([11.0, 90.0], max_shift_seconds=2.0, cuts=[9.5])[0] == 10


def test_of_two_places_as_near_the_segment_grows() -> None:
    assert _snap([9.5, 53.0], cuts=[9.0, 10.0, 52.5, 53.5], sentences=[]) == [9, 53.5]


def test_a_border_moves_no_farther_than_the_limit() -> None:
    assert _snap([20.0, 40.0]) == [20, 40]  # 10 s to the nearest borders, both amid sentences
    assert _snap([12.0, 33.0]) == [10, 31]  # 2 s sharp
    assert _snap([12.001, 33.001]) == [12.001, 33.001]
    assert _snap([11.0, 30.0], max_shift_seconds=0.0) == [11, 30]


def test_without_anything_near_nothing_moves() -> None:
    assert _snap([20.0, 40.0], sentences=[], cuts=[]) == [20, 40]


def test_a_cut_amid_a_sentence_serves_only_a_border_amid_one() -> None:
    assert _snap([20.0, 50.0], cuts=[21.0]) == [21, 50]  # amid a sentence already; the picture then fits
    assert _snap([52.5, 80.0], cuts=[56.0], max_shift_seconds=4.0) == [55, 80]
    assert _snap([52.5, 80.0], cuts=[53.0]) == [53, 80]  # a cut in silence
    assert _snap([52.5, 80.0], cuts=[50.6], sentences=[[45.0, 51.0], [60.0, 80.0]]) == [52.5, 80]


def test_a_sentence_border_is_better_than_a_nearer_cut_amid_a_sentence() -> None:
    assert _snap([11.5, 50.0], cuts=[11.4]) == [10, 50]


def test_lengths_stay_between_the_limits() -> None:
    limits = dict(min_seconds=10.0, max_seconds=30.0)
    assert _snap([31.0, 41.5], sentences=[[32, 41]], **limits) == [31, 41.5]  # 32 or 41 alone: none is longer
    assert _snap([30.5, 41.5], sentences=[[32, 41]], **limits) == [30.5, 41]  # the nearer of the two can
    assert _snap([31.9, 42.5], sentences=[[32, 42]], **limits) == [32, 42.5]  # 10 s sharp are too short
    assert _snap([10.9, 40.0], sentences=[[10, 41]], **limits) == [10.9, 40]  # 30 s sharp are too long
    assert _snap([11.5, 40.0], sentences=[[10, 41]], **limits) == [11.5, 41]  # 29.5 s; the other way 30 s


def test_a_segment_beyond_a_limit_goes_no_farther_beyond() -> None:
    assert _snap([33.0, 41.0], sentences=[[34, 40]], min_seconds=10.0) == [33, 41]
    assert _snap([33.0, 41.0], sentences=[[32, 42]], min_seconds=10.0) == [32, 42]
    assert _snap([10.5, 50.0], sentences=[[10, 51]], max_seconds=30.0) == [10.5, 50]
    assert _snap([10.5, 50.0], sentences=[[11, 49]], max_seconds=30.0) == [11, 49]


def test_a_start_stays_before_its_end() -> None:
    assert _snap([9.2, 9.8]) == [9.2, 9.8]  # the nearest places are 10 and 9
    assert _snap([9.2, 9.8], cuts=[9.1]) == [9.1, 9.8]


def test_a_segment_of_no_length_stays() -> None:
    assert _snap([11.0, 11.0]) == [11, 11]


def test_a_place_outside_the_video_is_none() -> None:
    assert _snap([1.0, 99.0], sentences=[[-0.5, 3.0], [95.0, 100.5]]) == [1, 99]
    assert _snap([1.0, 99.0], sentences=[[0.0, 3.0], [95.0, 100.0]]) == [0, 100]


def test_order_and_count_stay_and_nothing_is_written_into() -> None:
    segments = np.array([[56.0, 79.0], [11.0, 30.0], [11.0, 30.0]])
    copy = segments.copy()
    snapped = snap_segments(
        segments, sentences=np.array(SENTENCES), cuts=np.array([]), max_shift_seconds=2, duration_seconds=100
    )
    assert snapped.tolist() == [[55, 80], [10, 31], [10, 31]]
    np.testing.assert_array_equal(segments, copy)
    empty = snap_segments(
        np.zeros((0, 2)), sentences=np.zeros((0, 2)), cuts=[], max_shift_seconds=2, duration_seconds=9
    )
    assert empty.shape == (0, 2)


@pytest.mark.parametrize("seed", range(10))
def test_what_holds_for_any_speech_and_any_cuts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    borders = np.sort(rng.uniform(0, 600, 80))
    sentences = borders.reshape(-1, 2)
    cuts = rng.uniform(0, 600, 60)
    starts = rng.uniform(0, 500, 200)
    segments = np.stack([starts, starts + rng.uniform(5, 100, 200)], axis=1)
    limit = float(rng.uniform(0, 6))
    snapped = snap_segments(
        segments,
        sentences=rng.permutation(sentences),
        cuts=cuts,
        max_shift_seconds=limit,
        duration_seconds=600.0,
        min_seconds=10.0,
        max_seconds=90.0,
    )
    shifts = np.abs(snapped - segments)
    assert shifts.max() <= limit
    assert (shifts > 0).any()
    lengths, old_lengths = np.diff(snapped, axis=1).ravel(), np.diff(segments, axis=1).ravel()
    assert (lengths > 0).all()
    assert ((lengths > 10) | (lengths >= old_lengths)).all()
    assert ((lengths < 90) | (lengths <= old_lengths)).all()

    def amid(times: np.ndarray) -> np.ndarray:
        return np.array([any(start < t < end for start, end in sentences) for t in times])

    for side, places in ((0, sentences[:, 0]), (1, sentences[:, 1])):
        moved = shifts[:, side] > 0
        assert np.isin(snapped[moved, side], np.concatenate([places, cuts])).all()
        assert not (amid(snapped[:, side]) & ~amid(segments[:, side])).any()  # no sentence is newly cut


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(max_shift_seconds=-1.0), "max_shift_seconds must be at least 0, got -1.0"),
        (dict(max_shift_seconds=float("nan")), "max_shift_seconds must be at least 0, got nan"),
        (dict(min_seconds=5.0, max_seconds=4.0), "0 <= min_seconds <= max_seconds must hold"),
        (dict(cuts=[float("nan")]), "cuts must be finite"),
        (dict(sentences=[[0.0, float("inf")]]), "sentences must be finite"),
    ],
)
def test_arguments_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _snap([10.0, 20.0], **changes)


def test_segments_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="segments must start before they end"):
        _snap([20.0, 10.0])
    with pytest.raises(ValueError, match="segments must be finite"):
        _snap([20.0, float("nan")])
