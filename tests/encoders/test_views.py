"""Views of a batch through an encoder, and their means: order, owners, videos that lack a modality."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vidkit.encoders import TSM, TSN, Encoder, HashedText, LogMelAudio, PixelVisual, Precomputed, SlowFast
from vidkit.encoders.base import VisualRecipe
from vidkit.encoders.views import encode_views, mean_over_views


class Counting(Encoder):
    """The mean colour of a view; notes how many views come at once."""

    modality = "visual"
    dim = 3

    def __init__(self) -> None:
        super().__init__()
        self.recipe = VisualRecipe(8)
        self.scale = nn.Parameter(torch.ones(3))
        self.sizes: list[int] = []

    def encode(self, inputs: Tensor) -> Tensor:
        self.sizes.append(len(inputs))
        return inputs.float().mean((1, 2, 3)) * self.scale


def _clips(*num_views: int, size: int = 4) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randint(0, 256, (num, 8, size, size, 3), generator=generator, dtype=torch.uint8)
        for num in num_views
    ]


def test_views_keep_their_order_and_owner_and_videos_without_any_have_none() -> None:
    first, second = _clips(2, 3)
    views = encode_views(Counting(), [first, None, second])
    expected = torch.cat([first, second]).float().mean((1, 2, 3))
    torch.testing.assert_close(views.features, expected)
    assert views.owners.tolist() == [0, 0, 2, 2, 2]
    means, present = mean_over_views(views.features, views.owners, 3)
    torch.testing.assert_close(means[2], second.float().mean((0, 1, 2, 3)))
    assert means[1].tolist() == [0, 0, 0]
    assert present.tolist() == [True, False, True]


def test_a_missing_modality_leaves_the_views_of_others_alone() -> None:
    first, second = _clips(2, 1)
    encoder = Counting()
    together = encode_views(encoder, [first, None, second]).features
    torch.testing.assert_close(together[:2], encode_views(encoder, [first]).features)


def test_texts_count_as_one_view_each_also_empty_ones() -> None:
    views = encode_views(HashedText(), ["a cat", None, ""])
    assert views.owners.tolist() == [0, 2]
    torch.testing.assert_close(views.features, HashedText()(["a cat", ""]))


def test_waveforms_and_features_pass() -> None:
    encoder = LogMelAudio()
    sound = torch.zeros(2, encoder.recipe.num_samples)
    assert encode_views(encoder, [sound, sound]).features.shape == (4, encoder.dim)
    rows = torch.rand(5, 3)
    views = encode_views(Precomputed(3), [None, rows, rows[:0]])
    assert torch.equal(views.features, rows)
    assert views.owners.tolist() == [1] * 5
    with pytest.raises(ValueError, match=r"the features must have shape \(N, 4\), got \(5, 3\)"):
        encode_views(Precomputed(4), [rows])


@pytest.mark.parametrize("clips", [[None, None], [], [None, torch.zeros(0, 8, 4, 4, 3, dtype=torch.uint8)]])
def test_a_batch_without_any_view_gives_no_row(clips: list[Tensor | None]) -> None:
    encoder = Counting()
    views = encode_views(encoder, clips)
    assert views.features.shape == (0, 3)
    assert views.owners.shape == (0,)
    assert not encoder.sizes
    means, present = mean_over_views(views.features, views.owners, len(clips))
    assert means.shape == (len(clips), 3)
    assert not means.any()
    assert not present.any()


def test_training_encodes_a_batch_at_once_and_testing_a_few_views_at_a_time() -> None:
    encoder, clips = Counting(), _clips(30, 20)
    encode_views(encoder.train(), clips)
    with torch.no_grad():
        views = encode_views(encoder.eval(), clips)
    assert encoder.sizes == [50, 32, 18]  # 256 frames are 32 views of 8
    torch.testing.assert_close(views.features, torch.cat(clips).float().mean((1, 2, 3)))


def test_gradients_reach_the_encoder_through_the_means() -> None:
    encoder = Counting()
    views = encode_views(encoder, [*_clips(2), None])
    mean_over_views(views.features, views.owners, 2)[0].sum().backward()
    assert encoder.scale.grad is not None
    assert encoder.scale.grad.abs().min() > 0


def test_views_of_other_sizes_are_joined_where_the_encoder_resizes() -> None:
    clips = [*_clips(1, size=20), *_clips(2, size=30), *_clips(1, size=20)]
    encoder = PixelVisual(size=(4, 4))
    expected = torch.cat([encoder(clip) for clip in clips])
    torch.testing.assert_close(encode_views(encoder, clips).features, expected)
    with pytest.raises(
        ValueError, match=r"views of different sizes cannot be joined: .*crop them to one size"
    ):
        encode_views(Counting(), clips)


def test_texts_and_tensors_do_not_mix() -> None:
    with pytest.raises(ValueError, match="a batch holds texts and tensors of one modality"):
        encode_views(HashedText(), ["a", torch.zeros(1, 3)])


@pytest.mark.parametrize("kind", [TSN, TSM, SlowFast])
def test_crops_are_neither_resized_nor_cropped_again(kind: type[TSN] | type[TSM] | type[SlowFast]) -> None:
    encoder = kind(recipe="crops")
    clip = torch.randint(0, 256, (2, encoder.recipe.num_frames, 33, 40, 3), dtype=torch.uint8)
    assert torch.equal(encoder.preprocess(clip)[:, 0], clip.permute(0, 1, 4, 2, 3))
