"""From features of a video of any length and a sentence to the moments that answer it."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from vidkit.data import VideoSample
from vidkit.encoders import Encoder, HashedText, Precomputed
from vidkit.encoders.joined import JoinedFeatures
from vidkit.registry import ConfigError
from vidkit.tasks.moment_retrieval import MomentInference, MomentModel, MomentOutputs
from vidkit.tasks.moment_retrieval.model import Features

CLIP_SECONDS = 2.0
QUERY = "a dog jumps into the water"


class Planted(MomentModel):
    """Says what stands in its features, of which a clip is the middle of one moment: start and end in seconds
    from the middle of the clip, its score, and the saliency of the clip.

    A moment is cut to what is read at once, as a model cannot know more.
    """

    has_unit_saliency = True

    def __init__(self, *, text_encoder: Encoder | None = None, num_window_clips: int = 75) -> None:
        super().__init__(
            visual_encoder=Precomputed(4, name="planted"),
            audio_encoder=None,
            text_encoder=text_encoder,
            clip_seconds=CLIP_SECONDS,
            num_window_clips=num_window_clips,
            normalized=(),
            data_preprocessor=None,
        )
        self.weight = nn.Parameter(torch.zeros(1))
        self.shapes: list[tuple[int, ...]] = []
        self.words: list[torch.Tensor] = []

    def moment_outputs(self, features: Features) -> list[MomentOutputs]:
        x = features.streams["visual"]
        self.shapes.append(tuple(x.shape[:2]))
        if features.words is not None:
            self.words.append(features.words)
        seconds = x.shape[1] * CLIP_SECONDS
        middles = (torch.arange(x.shape[1]) + 0.5) * CLIP_SECONDS
        return [
            MomentOutputs(
                (middles[:, None] + rows[:, :2]).clamp(0, seconds)[rows[:, 2] > 0],
                rows[:, 2][rows[:, 2] > 0],
                rows[:, 3],
            )
            for rows in x
        ]


class Unbounded(Planted):
    has_unit_saliency = False


def _features(num_clips: int, *moments: tuple[float, float, float]) -> dict[str, np.ndarray]:
    """Features that plant moments, each (start, end, score), and a saliency that rises from 0 to 1."""
    planted = np.zeros((num_clips, 4), np.float32)
    planted[:, 3] = np.linspace(0.0, 1.0, num_clips)
    for start, end, score in moments:
        clip = min(int((start + end) / 2 / CLIP_SECONDS), num_clips - 1)
        middle = (clip + 0.5) * CLIP_SECONDS
        planted[clip, :3] = start - middle, end - middle, score
    return {"visual": planted}


def _predict(
    features: dict[str, np.ndarray], *, model: Planted | None = None, **settings: Any
) -> VideoSample:
    model = model or Planted(text_encoder=HashedText(dim=8))
    inference = MomentInference(model=model, **settings)
    seconds = len(features["visual"]) * CLIP_SECONDS
    query = QUERY if "text" in model.encoders() else None
    return inference.predict(features, video_id="a", duration_seconds=seconds, query=query)


def test_a_video_of_a_window_is_read_once_and_its_moments_come_best_first() -> None:
    model = Planted(text_encoder=HashedText(dim=8))
    sample = _predict(_features(75, (10.0, 20.0, 0.3), (60.0, 90.0, 0.8)), model=model)
    assert model.shapes == [(1, 75)]
    assert sample.pred_segments.tolist() == [[60.0, 90.0], [10.0, 20.0]]
    assert sample.pred_scores.tolist() == pytest.approx([0.8, 0.3])
    torch.testing.assert_close(sample.pred_saliency, torch.linspace(0, 1, 75))
    torch.testing.assert_close(model.words[0], HashedText(dim=8).tokens([QUERY])[0])


def test_two_hours_are_read_in_windows_and_every_moment_is_found_whole_once() -> None:
    planted = [(97.0 * number, 97.0 * number + 36.0, 0.5 + number / 200) for number in range(74)]
    model = Planted(text_encoder=HashedText(dim=8))
    sample = _predict(_features(3600, *planted), model=model, max_moments=100)
    assert {clips for _, clips in model.shapes} == {75}
    assert sum(batch for batch, _ in model.shapes) == 97  # each window adds 37 or 38 clips to the first
    found = sorted(map(tuple, sample.pred_segments.tolist()))
    np.testing.assert_allclose(found, [moment[:2] for moment in planted], atol=1e-3)
    assert sample.pred_scores.tolist() == sorted(sample.pred_scores.tolist(), reverse=True)
    torch.testing.assert_close(sample.pred_saliency, torch.linspace(0, 1, 3600))


@pytest.mark.parametrize("start", np.arange(100.0, 260.0, 7.0).tolist())
def test_a_moment_as_long_as_half_of_the_overlap_is_never_cut(start: float) -> None:
    sample = _predict(_features(200, (start, start + 37.0, 0.9)))
    np.testing.assert_allclose(sample.pred_segments, [[start, start + 37.0]], atol=1e-3)


def test_no_more_moments_than_wanted_and_those_are_the_best() -> None:
    planted = [(20.0 * number, 20.0 * number + 10.0, number / 100) for number in range(1, 60)]
    sample = _predict(_features(1000, *planted), max_moments=3)
    assert sample.pred_scores.tolist() == pytest.approx([0.59, 0.58, 0.57])


def test_moments_that_score_next_to_nothing_beside_the_best_are_left_out() -> None:
    features = _features(75, (10.0, 20.0, 0.5), (60.0, 90.0, 0.051), (100.0, 110.0, 0.049))
    assert _predict(features).pred_scores.tolist() == pytest.approx([0.5, 0.051])
    assert len(_predict(features, min_share=0.0).pred_scores) == 3


def test_what_overlaps_a_better_moment_too_much_gives_way_and_the_others_keep_their_scores() -> None:
    features = _features(75, (20.0, 40.0, 0.9), (23.0, 43.0, 0.8), (31.0, 51.0, 0.7))
    sample = _predict(features)
    assert sample.pred_segments.tolist() == [[20.0, 40.0], [31.0, 51.0]]  # tIoU 17/23, 9/31
    assert sample.pred_scores.tolist() == pytest.approx([0.9, 0.7])


def test_the_weaker_of_two_overlapping_moments_gives_way_to_one_apart() -> None:
    features = _features(75, (20.0, 40.0, 0.9), (28.0, 48.0, 0.6), (100.0, 120.0, 0.55))
    assert _predict(features, max_moments=2).pred_segments.tolist()[1] == [100.0, 120.0]
    assert _predict(features, max_moments=2, sigma=100.0).pred_segments.tolist()[1] == [28.0, 48.0]


def test_saliency_of_any_sign_is_stretched_over_the_video() -> None:
    features = _features(300)
    features["visual"][:, 3] = np.linspace(-7.0, 3.0, 300)
    sample = _predict(features, model=Unbounded())
    torch.testing.assert_close(sample.pred_saliency, torch.linspace(0, 1, 300), atol=1e-5, rtol=0)
    features["visual"][:, 3] = -2.0
    assert not _predict(features, model=Unbounded()).pred_saliency.any()
    assert (_predict(features, model=Planted()).pred_saliency == -2.0).all()


def test_a_moment_is_at_least_a_clip_long_and_stays_in_the_video() -> None:
    features = _features(10, (0.0, 0.1, 0.9), (9.4, 9.6, 0.8), (19.9, 20.0, 0.7))
    segments = _predict(features).pred_segments.tolist()
    np.testing.assert_allclose(segments, [[0.0, 2.0], [8.5, 10.5], [18.0, 20.0]], atol=1e-5)


def test_a_video_shorter_than_a_clip_has_a_moment_as_long_as_itself() -> None:
    inference = MomentInference(model=Planted())
    sample = inference.predict(_features(1, (0.0, 2.0, 0.9)), video_id="a", duration_seconds=0.7)
    np.testing.assert_allclose(sample.pred_segments, [[0.0, 0.7]], atol=1e-6)
    assert sample.pred_saliency.shape == (1,)


def test_a_video_without_a_moment_has_saliency_alone() -> None:
    sample = _predict(_features(200))
    assert sample.pred_segments.shape == (0, 2)
    assert sample.pred_scores.shape == (0,)
    assert sample.pred_saliency.shape == (200,)


def test_windows_that_share_nothing_cover_the_video() -> None:
    model = Planted(num_window_clips=10)
    sample = _predict(_features(95, (188.0, 190.0, 0.9), (2.0, 4.0, 0.8)), model=model, overlap=0.0)
    assert sum(batch for batch, _ in model.shapes) == 10
    assert sample.pred_segments.tolist() == [[188.0, 190.0], [2.0, 4.0]]


def test_time_grows_with_the_length_of_the_video() -> None:
    def seconds(num_clips: int) -> float:
        model = Planted(text_encoder=HashedText(dim=8))
        features = _features(num_clips)
        features["visual"][:, :3] = -3.0, 3.0, 0.5
        started = time.process_time()
        _predict(features, model=model)
        return time.process_time() - started

    seconds(1800)
    assert seconds(36_000) < 15 * max(min(seconds(3600) for _ in range(3)), 0.01)  # ten times as long


def test_a_query_is_needed_and_must_be_one_clear_sentence() -> None:
    inference = MomentInference(model=Planted(text_encoder=HashedText(dim=8)))
    with pytest.raises(ValueError, match='answers a sentence; give one: --query "a dog'):
        inference.check_query(None)
    for empty in ("", "  ", "?!", "[empty]"):
        with pytest.raises(ValueError, match="has no words; say in a sentence what is to be found"):
            inference.check_query(empty)
    with pytest.raises(ValueError, match="at most 64 words, got 200; ask for one thing at a time"):
        inference.check_query("word " * 200)
    with pytest.raises(ValueError, match="answers a sentence"):
        inference.predict(_features(5), video_id="a", duration_seconds=10.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        inference.check_query("A señora, aged 64, says «naïve» 3 times.")
        inference.check_query("word " * 64)


@pytest.mark.parametrize(
    "query", ["собака прыгает в воду", "一只狗跳进水里", "כלב קופץ", " ".join(["कुत्ता पानी में कूदता है"] * 10)]
)
def test_a_query_in_another_script_is_answered_with_a_warning(query: str) -> None:
    inference = MomentInference(model=Planted(text_encoder=HashedText(dim=8)))
    with pytest.warns(UserWarning, match=f"{query}' is not in Latin letters: .* have learned"):
        inference.check_query(query)


def test_a_query_that_fills_the_text_encoder_is_answered_with_a_warning() -> None:
    inference = MomentInference(model=Planted(text_encoder=HashedText(dim=8)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        inference.check_query("-".join(["dog"] * 511))
    with pytest.warns(UserWarning, match="no more than 512 tokens, and the query 'dog-dog.* fills them"):
        inference.check_query("-".join(["dog"] * 600))


def test_a_text_encoder_of_features_that_exist_cannot_read_a_sentence() -> None:
    joined = JoinedFeatures(parts=[Precomputed(3, modality="text"), Precomputed(5, modality="text")])
    for encoder in (Precomputed(8, modality="text"), joined):
        with pytest.raises(ConfigError, match=r"model.text_encoder is Precomputed\(8\), which cannot read a"):
            MomentInference(model=Planted(text_encoder=encoder)).check_query(QUERY)


def test_a_model_trained_without_queries_takes_none() -> None:
    inference = MomentInference(model=Planted())
    inference.check_query(None)
    with pytest.raises(ValueError, match="trained without queries and takes no --query"):
        inference.check_query(QUERY)


def test_the_encoder_of_the_query_is_not_one_of_the_video() -> None:
    assert list(MomentInference(model=Planted(text_encoder=HashedText(dim=8))).encoders()) == ["visual"]


def test_features_of_different_lengths_are_told() -> None:
    features = {**_features(5), "audio": np.zeros((4, 2), np.float32)}
    with pytest.raises(ValueError, match="features of a differ in their number of rows: visual 5, audio 4"):
        _predict(features, model=Planted())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(overlap=1.0), r"overlap, a share of a window, must lie in \[0, 1\), got 1.0"),
        (dict(overlap=-0.1), r"must lie in \[0, 1\), got -0.1"),
        (dict(sigma=0.0), "sigma must be positive, got 0.0"),
        (dict(min_share=1.5), r"min_share must lie in \[0, 1\], got 1.5"),
        (dict(max_moments=0), "max_moments must be at least 1, got 0"),
    ],
)
def test_a_number_out_of_range_is_told(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MomentInference(model=Planted(), **settings)
