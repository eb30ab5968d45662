"""From features of a video of any length to clips with a title, reasons and a crop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vidkit.data import VideoSample
from vidkit.encoders import Precomputed
from vidkit.media import Caption
from vidkit.tasks.repurposing import ClipSelection, Outputs, RepurposingInference
from vidkit.tasks.repurposing.base import RepurposingModel
from vidkit.tasks.repurposing.words import TITLE_CHARACTERS, shortened, title_of

LOW, HIGH = -4.0, 4.0


class Planted(RepurposingModel):
    """Says what stands in its features: logit, offsets, and the logit of the visual modality alone.

    The fifth channel asks for the distance to the nearer end of the chunk instead of the logit.
    """

    def __init__(self, **selection: float) -> None:
        encoders = dict(visual=Precomputed(5, modality="visual", name="planted"))
        chosen = ClipSelection(**selection)
        super().__init__(encoders, selection=chosen, clip_seconds=1.0, data_preprocessor=None)
        self.weight = nn.Parameter(torch.zeros(1))
        self.lengths: list[int] = []

    def outputs(self, features: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> Outputs:
        x = features["visual"]
        self.lengths.append(x.shape[1])
        place = torch.arange(x.shape[1])
        distance = torch.minimum(place, x.shape[1] - 1 - place).float()
        logits = torch.where(x[..., 4] > 0, distance, x[..., 0])
        return Outputs(logits, x[..., 1:3], {"visual": x[..., 3]})

    def proposals(self, outputs: Outputs) -> tuple[Tensor, Tensor]:
        middles = torch.arange(len(outputs.logits)) + 0.5
        before, after = outputs.offsets.unbind(dim=1)
        return outputs.logits.sigmoid(), torch.stack([middles - before, middles + after], dim=1)


def _features(num_clips: int, *clips: tuple[float, float]) -> dict[str, np.ndarray]:
    """Features that plant clips: their seconds are high and propose them, the others are low."""
    planted = np.zeros((num_clips, 5), np.float32)
    planted[:, 0] = LOW
    planted[:, 3] = np.linspace(-1, 1, num_clips)
    middles = np.arange(num_clips) + 0.5
    for start, end in clips:
        inside = (middles >= start) & (middles < end)
        planted[inside, 0] = HIGH
        planted[inside, 1] = middles[inside] - start
        planted[inside, 2] = end - middles[inside]
    cuts = np.zeros((num_clips, 3, 12, 16), np.float32)
    return {"visual": planted, "cuts": cuts.reshape(num_clips, -1)}


def _predict(
    features: dict[str, np.ndarray],
    *,
    model: Planted | None = None,
    captions: tuple[Caption, ...] = (),
    aspect_ratio: float | None = None,
    **settings: float,
) -> VideoSample:
    inference = RepurposingInference(model=model or Planted(), **settings)
    seconds = float(len(features["visual"]))
    return inference.predict(
        features, video_id="a", duration_seconds=seconds, captions=captions, aspect_ratio=aspect_ratio
    )


def test_planted_clips_are_found_best_first() -> None:
    features = _features(600, (30.0, 70.0), (300.5, 340.25))
    features["visual"][30:70, 0] = 2.0
    sample = _predict(features)
    assert sample.pred_segments.tolist() == [[300.5, 340.25], [30.0, 70.0]]
    assert sample.pred_scores.tolist() == pytest.approx([1 / (1 + np.exp(-HIGH)), 1 / (1 + np.exp(-2.0))])
    assert sample.pred_saliency.shape == (600,)
    assert "pred_note" not in sample


def test_three_hours_are_read_in_chunks_and_nothing_is_lost_between_them() -> None:
    planted = [(100.0 * number, 100.0 * number + 50.0) for number in range(100)]
    features, model = _features(10_800, *planted), Planted(clips_per_minute=1.0)
    sample = _predict(features, model=model)
    assert max(model.lengths) == 1800
    assert sum(model.lengths) <= 1.2 * 10_800
    found = sorted(map(tuple, sample.pred_segments.tolist()))
    np.testing.assert_allclose(found, planted, atol=1e-3)
    logits = torch.from_numpy(features["visual"])
    torch.testing.assert_close(sample.pred_saliency, logits[:, 0].sigmoid())
    torch.testing.assert_close(sample.pred_modality_saliency["visual"], logits[:, 3].sigmoid())


def test_every_second_comes_from_the_chunk_with_more_round_it() -> None:
    features = _features(5000)
    features["visual"][:, 4] = 1.0
    distances = RepurposingInference(model=Planted())._outputs(features).logits.numpy()
    place = np.arange(5000)
    from_the_ends = np.minimum(place, 4999 - place)
    assert (distances >= np.minimum(from_the_ends, 90)).all()


def test_a_video_of_five_seconds_is_one_clip_or_says_why_not() -> None:
    sample = _predict(_features(5, (0.0, 5.0)), aspect_ratio=16 / 9)
    assert sample.pred_segments.tolist() == [[0.0, 5.0]]
    assert len(sample.pred_details[0]["vertical_crop"]) == 1
    part = _predict(_features(5, (0.0, 3.0)))
    assert part.pred_segments.shape == (0, 2)
    assert part.pred_details == []
    expected = "scores reach the threshold 0.5, but of no clip longer than 10 s and shorter than 90 s"
    assert part.pred_note.startswith(f"no clip: {expected} (the video has 5.0 s)")


def test_without_a_clip_the_note_names_a_threshold_that_gives_one() -> None:
    features = _features(100, (20.0, 50.0))
    features["visual"][:, 0] = np.where(features["visual"][:, 0] > 0, -0.7, LOW)
    note = _predict(features).pred_note
    assert note == (
        "no clip: the highest score is 0.332, the threshold 0.5; lower it: "
        "--cfg-options model.selection.threshold=0.33"
    )
    sample = _predict(features, model=Planted(threshold=0.33))
    assert sample.pred_segments.tolist() == [[20.0, 50.0]]


def test_one_moment_gives_one_clip() -> None:
    features = _features(600, (100.0, 140.0), (400.0, 440.0))
    features["visual"][100:140:2, 1] += 4.0  # half of its seconds propose an earlier start
    sample = _predict(features, model=Planted(clips_per_minute=1.0))
    assert sorted(end for _, end in sample.pred_segments.tolist()) == [140.0, 440.0]
    assert len(sample.pred_candidates) == 80


def test_a_clip_that_borders_on_another_keeps_the_score_that_the_model_gives() -> None:
    features = _features(600, (100.0, 140.0), (130.0, 170.0))
    sample = _predict(features, model=Planted(clips_per_minute=0.2))
    assert sorted(sample.pred_segments.tolist()) == [[100.0, 140.0], [130.0, 170.0]]
    assert sample.pred_scores.tolist() == pytest.approx([1 / (1 + np.exp(-HIGH))] * 2)


def test_borders_move_to_sentences_within_the_limit() -> None:
    captions = (
        Caption(90.0, 98.7, "Before."),
        Caption(99.0, 120.0, "The first."),
        Caption(120.5, 141.5, "The second."),
        Caption(142.0, 160.0, "After."),
    )
    features = _features(600, (100.0, 140.0))
    assert _predict(features, captions=captions).pred_segments.tolist() == [[99.0, 141.5]]
    assert _predict(features, captions=captions, snap_seconds=1.2).pred_segments.tolist() == [[99.0, 140.0]]
    assert _predict(features, captions=captions, snap_seconds=0.0).pred_segments.tolist() == [[100.0, 140.0]]


def test_a_clip_that_gives_way_takes_no_other_with_it() -> None:
    """The second overlaps the first by 0.29, snapped by 0.33; the third overlaps the second alone."""
    features = _features(600, (100.0, 140.0), (122.0, 162.0), (141.0, 181.0))
    captions = (Caption(120.5, 160.0, "Said."),)
    sample = _predict(features, model=Planted(clips_per_minute=0.3), captions=captions)
    assert sorted(sample.pred_segments.tolist()) == [[100.0, 140.0], [141.0, 181.0]]


def test_borders_move_to_shot_cuts_where_nobody_speaks() -> None:
    features = _features(600, (100.0, 140.0))
    pictures = np.random.default_rng(0).normal(size=(3, 576)).astype(np.float32)
    features["cuts"] = pictures[np.searchsorted([99, 141], np.arange(600), side="right")]
    sample = _predict(features, aspect_ratio=16 / 9)
    assert sample.pred_segments.tolist() == [[99.0, 141.0]]
    assert _predict(features, snap_seconds=0.5).pred_segments.tolist() == [[100.0, 140.0]]


def test_a_clip_says_its_first_sentence_its_reasons_and_its_crop() -> None:
    captions = (
        Caption(90.0, 101.9, "A long one."),
        Caption(102.5, 110.0, "On bees,"),
        Caption(110.0, 120.0, "really."),
    )
    features = _features(600, (104.0, 140.0))
    (detail,) = _predict(features, captions=captions, aspect_ratio=1.0).pred_details
    assert detail["title"] == "On bees, really."
    start = 102  # at the sentence, 102.5, whose second has its middle there
    fused = 1 / (1 + np.exp(-features["visual"][start:140, 0]))
    visual = 1 / (1 + np.exp(-features["visual"][start:140, 3]))
    assert detail["modality_scores"] == pytest.approx(
        {"visual": visual.mean(), "fused": fused.mean()}, abs=1e-4
    )
    assert detail["vertical_crop"] == [
        {"start": 102.5, "end": 140.0, "x": 0.2188, "y": 0.0, "width": 0.5625, "height": 1.0}
    ]
    (silent,) = _predict(features).pred_details
    assert set(silent) == {"modality_scores"}


def test_titles_are_the_first_sentence_that_begins_else_the_one_being_said() -> None:
    said = [Caption(0.0, 10.0, "One."), Caption(10.0, 20.0, "Two."), Caption(20.0, 30.0, "Three.")]
    expected = {(10.0, 20.0): "Two.", (10.02, 29.0): "Two.", (11.0, 25.0): "Three.", (12.0, 18.0): "Two."}
    assert {span: title_of(said, *span) for span in expected} == expected
    assert title_of(said, 30.0, 40.0) is None
    assert title_of([], 0.0, 10.0) is None


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("word " * 40, 80),
        ("x" * 200, 80),
        ("see " + "b" * 100, 80),
        ("東" * 100, 80),
        ("a " * 39 + "end", 78),
    ],
)
def test_long_titles_are_cut_between_words(text: str, length: int) -> None:
    title = shortened(text.strip())
    assert len(title) == length <= TITLE_CHARACTERS
    assert text.startswith(title.removesuffix("…"))
    assert shortened("x" * TITLE_CHARACTERS) == "x" * TITLE_CHARACTERS


def test_clips_answer_no_sentence() -> None:
    with pytest.raises(ValueError, match="repurposing takes no --query"):
        RepurposingInference(model=Planted()).check_query("bees")


def test_features_of_different_lengths_are_refused() -> None:
    features = _features(20)
    features["cuts"] = features["cuts"][:19]
    with pytest.raises(ValueError, match="features of a differ in their number of rows: visual 20, cuts 19"):
        _predict(features)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"snap_seconds": -1.0}, "snap_seconds must be at least 0, got -1.0; 0 moves no border"),
        ({"overlap_seconds": 1800.0}, r"overlap_seconds < chunk_seconds must hold, got 1800.0 and 1800.0"),
        ({"overlap_seconds": -1.0}, "0 <= overlap_seconds < chunk_seconds must hold, got -1.0"),
        ({"chunk_seconds": 0.5, "overlap_seconds": 0.0}, "at least a clip of 1.0 s, got 0.5"),
    ],
)
def test_wrong_options_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RepurposingInference(model=Planted(), **settings)
