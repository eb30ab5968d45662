"""The simple clips are what their names say."""

from __future__ import annotations

import numpy as np
import pytest

from vidkit.tasks.repurposing.baselines import loudest_clips, loudness_of, random_clips, uniform_clips


@pytest.mark.parametrize("seconds", [5.0, 45.0, 600.0, 1800.0])
def test_every_baseline_gives_the_number_that_the_metric_allows_within_the_video(seconds: float) -> None:
    expected = {5.0: 1, 45.0: 1, 600.0: 3, 1800.0: 9}[seconds]
    sound = np.random.default_rng(0).random(int(seconds))
    for segments, scores in (
        uniform_clips(seconds),
        random_clips(seconds, video_id="a"),
        loudest_clips(sound),
    ):
        assert segments.shape == (expected, 2)
        assert scores.shape == (expected,)
        assert (np.diff(scores) <= 0).all()
        assert (segments[:, 0] >= 0).all()
        assert (segments[:, 1] <= seconds).all()
        np.testing.assert_allclose(segments[:, 1] - segments[:, 0], min(39.5, seconds), atol=0.5)


def test_uniform_clips_stand_at_equal_distances() -> None:
    segments, scores = uniform_clips(600.0, length_seconds=40.0)
    assert segments.tolist() == [[80, 120], [280, 320], [480, 520]]
    assert scores.tolist() == [1, 1, 1]
    crowded, _ = uniform_clips(60.0, num_clips=3, length_seconds=40.0)
    assert crowded.tolist() == [[0, 40], [10, 50], [20, 60]]


def test_the_loudest_stretches_come_first_and_do_not_overlap() -> None:
    loudness = np.zeros(300)
    loudness[100:140], loudness[141:150], loudness[250:290] = 5.0, 4.0, 3.0
    segments, scores = loudest_clips(loudness, num_clips=2, length_seconds=40.0)
    assert segments.tolist() == [[100, 140], [250, 290]]
    assert scores.tolist() == [5, 3]
    segments, _ = loudest_clips(loudness, num_clips=2, length_seconds=80.0, clip_seconds=2.0)
    assert segments.tolist() == [[200, 280], [500, 580]]
    assert len(loudest_clips(loudness, num_clips=50, length_seconds=100.0)[0]) < 4  # no more fit
    assert loudest_clips(np.ones(10), num_clips=3)[0].tolist() == [[0, 10]]


def test_loudness_is_the_mean_over_channels() -> None:
    assert loudness_of(np.array([[1.0, 3.0], [0.0, 0.0]])).tolist() == [2, 0]


@pytest.mark.parametrize("loudness", [np.zeros(0), np.zeros((3, 2)), np.array([1.0, np.nan])])
def test_loudness_must_be_one_number_a_second(loudness: np.ndarray) -> None:
    with pytest.raises(ValueError, match="loudness must be finite, one number per second"):
        loudest_clips(loudness)


def test_random_clips_follow_video_and_seed_and_cover_the_video() -> None:
    first = random_clips(600.0, video_id="a")
    for again, same in (
        (random_clips(600.0, video_id="a"), True),
        (random_clips(600.0, video_id="b"), False),
        (random_clips(600.0, video_id="a", seed=1), False),
    ):
        assert np.array_equal(first[0], again[0]) is same
        assert np.array_equal(first[1], again[1]) is same
    starts = random_clips(600.0, video_id="a", num_clips=5000)[0][:, 0]
    assert starts.min() < 5
    assert starts.max() > 600 - 39.5 - 5
    assert starts.mean() == pytest.approx((600 - 39.5) / 2, abs=10)
