from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import functional as transforms

from vidkit.encoders.visual.pixels import Exact, PixelRecipe, ShorterSide, normalise, prepare_frames


def _frames(height: int, width: int, num_clips: int = 1, num_frames: int = 1) -> torch.Tensor:
    """Smooth pictures with noise, as videos are."""
    generator = torch.Generator().manual_seed(height * width)
    shape = (num_clips * num_frames, 3, height, width)
    coarse = torch.rand(num_clips * num_frames, 3, 9, 16, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    pixels = (255 * (0.8 * smooth + 0.2 * torch.rand(shape, generator=generator))).to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).unflatten(0, (num_clips, num_frames)).contiguous()


def _numbered(height: int, width: int) -> torch.Tensor:
    """One frame whose red channel counts columns and whose green one counts rows."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([columns, rows, columns * 0], -1)[None, None].to(torch.uint8)


def _corners(views: torch.Tensor) -> list[tuple[int, int]]:
    """Return (row, column) of the first pixel of each view of ``_numbered``."""
    return [(int(view[0, 1, 0, 0]), int(view[0, 0, 0, 0])) for view in views[0]]


@pytest.mark.parametrize("size", [(360, 640), (270, 480), (64, 97), (640, 360), (100, 100)])
def test_antialiased_bicubic_is_pillows_to_one_grey_level(size: tuple[int, int]) -> None:
    frames = _frames(*size)
    recipe = PixelRecipe(ShorterSide(128), crop=None, crop_size=None)
    got = prepare_frames(frames, recipe, "cpu")[0, 0, 0]
    height, width = ShorterSide(128).of(*size)
    image = Image.fromarray(frames[0, 0].numpy()).resize((width, height), Image.Resampling.BICUBIC)
    difference = np.abs(got.permute(1, 2, 0).numpy().astype(int) - np.asarray(image).astype(int))
    assert difference.max() <= 1
    assert difference.mean() < 0.01


def test_bilinear_without_antialias_is_torchs_in_float_rounded() -> None:
    frames = _frames(90, 160)
    recipe = PixelRecipe(ShorterSide(64, "round"), "bilinear", False, crop=None, crop_size=None)
    got = prepare_frames(frames, recipe, "cpu")[0, 0]
    pixels = frames[0].permute(0, 3, 1, 2).float()
    expected = torch.nn.functional.interpolate(pixels, (64, 114), mode="bilinear", align_corners=False)
    assert (got.float() - expected).abs().max() <= 1


def test_the_longer_side_is_rounded_as_each_tool_does() -> None:
    assert ShorterSide(224).of(720, 1280) == (224, int(224 * 1280 / 720))
    assert ShorterSide(256, "round").of(853, 480) == (int(853 * (256 / 480) + 0.5), 256)
    assert ShorterSide(256, "floor").of(480, 853) == (256, 454)
    assert ShorterSide(256, "round").of(480, 853) == (256, 455)
    assert Exact(10, 20).of(480, 853) == (10, 20)


@pytest.mark.parametrize(("rounding", "corner"), [("floor", (1, 2)), ("round", (2, 2)), ("ceil", (2, 3))])
def test_the_middle_crop_lies_where_each_tool_puts_it(rounding: Any, corner: tuple[int, int]) -> None:
    recipe = PixelRecipe(None, crop_size=(10, 20), crop_rounding=rounding)
    views = prepare_frames(_numbered(13, 25), recipe, "cpu")
    assert _corners(views) == [corner]


def test_round_is_the_crop_of_torchvision() -> None:
    frames = _frames(31, 46)
    views = prepare_frames(frames, PixelRecipe(None, crop_size=(24, 24), crop_rounding="round"), "cpu")
    expected = transforms.center_crop(frames[0].permute(0, 3, 1, 2), [24, 24])
    assert torch.equal(views[0, 0], expected)


def test_three_crops_are_start_end_and_middle_of_the_longer_side() -> None:
    wide = prepare_frames(_numbered(20, 50), PixelRecipe(None, crop="three", crop_size=(20, 20)), "cpu")
    assert _corners(wide) == [(0, 0), (0, 30), (0, 15)]
    tall = prepare_frames(_numbered(51, 20), PixelRecipe(None, crop="three", crop_size=(20, 20)), "cpu")
    assert _corners(tall) == [(0, 0), (30, 0), (15, 0)]  # mmaction2: twice the half of 31
    last = PixelRecipe(None, crop="three", crop_size=(20, 20), crop_rounding="ceil")
    assert _corners(prepare_frames(_numbered(51, 20), last, "cpu")) == [(0, 0), (31, 0), (16, 0)]


def test_ten_crops_are_the_corners_and_the_middle_each_with_its_mirror_image() -> None:
    views = prepare_frames(_numbered(30, 51), PixelRecipe(None, crop="ten", crop_size=(20, 20)), "cpu")
    assert views.shape == (1, 10, 1, 3, 20, 20)
    plain = _corners(views[:, ::2])
    assert plain == [(0, 0), (0, 28), (8, 0), (8, 28), (4, 14)]  # quarters of 10 and 31: 2 and 7
    assert torch.equal(views[:, 1::2], views[:, ::2].flip(-1))


def test_each_clip_and_frame_keeps_its_place() -> None:
    frames = _frames(40, 60, num_clips=2, num_frames=3)
    recipe = PixelRecipe(ShorterSide(32), crop="three", crop_size=(32, 32))
    views = prepare_frames(frames, recipe, "cpu")
    assert views.shape == (2, 3, 3, 3, 32, 32)
    assert views.is_contiguous()
    alone = prepare_frames(frames[1:, 2:], recipe, "cpu")
    assert torch.equal(views[1:, :, 2:], alone)


def test_pixels_are_normalised_by_channel() -> None:
    frames = _frames(24, 24)
    recipe = PixelRecipe(None, crop_size=(24, 24), mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
    got = normalise(prepare_frames(frames, recipe, "cpu"), recipe)
    expected = (frames.numpy()[0, 0] / 255 - [0.1, 0.2, 0.3]) / [0.5, 0.6, 0.7]
    np.testing.assert_allclose(got[0, 0, 0].permute(1, 2, 0).numpy(), expected, atol=1e-6)


def test_bgr_turns_the_channels_round() -> None:
    frames = _frames(24, 24)
    rgb = prepare_frames(frames, PixelRecipe(None, crop_size=(24, 24)), "cpu")
    bgr = prepare_frames(frames, PixelRecipe(None, crop_size=(24, 24), channels="bgr"), "cpu")
    assert torch.equal(bgr, rgb.flip(-3))


def test_frames_that_cannot_be_prepared_are_refused() -> None:
    recipe = PixelRecipe(None)
    with pytest.raises(ValueError, match=r"frames of 100 x 300 cannot be cropped to 224 x 224"):
        prepare_frames(_frames(100, 300), recipe, "cpu")
    with pytest.raises(ValueError, match=r"reads frames \(N, F, H, W, 3\)"):
        prepare_frames(torch.zeros(1, 3, 8, 8, dtype=torch.uint8), recipe, "cpu")
    with pytest.raises(TypeError, match="uint8"):
        prepare_frames(torch.zeros(1, 1, 8, 8, 3), recipe, "cpu")


def test_recipes_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="a crop needs a crop_size"):
        PixelRecipe(None, crop_size=None)
    with pytest.raises(ValueError, match="crop must be 'center', 'three', 'ten' or None"):
        PixelRecipe(None, crop="five")  # type: ignore[arg-type]


@pytest.mark.gpu
def test_the_gpu_prepares_the_same_pictures_to_one_grey_level() -> None:
    frames = _frames(270, 480, num_clips=2)
    for recipe in (
        PixelRecipe(ShorterSide(224), crop="three"),
        PixelRecipe(ShorterSide(224), "bilinear", antialias=False),
    ):
        on_gpu = prepare_frames(frames, recipe, "cuda")
        assert on_gpu.is_cuda
        difference = (on_gpu.cpu().int() - prepare_frames(frames, recipe, "cpu").int()).abs()
        assert difference.max() <= 1
        torch.testing.assert_close(
            normalise(on_gpu, recipe).cpu(), normalise(on_gpu.cpu(), recipe), rtol=1e-5, atol=1e-6
        )
