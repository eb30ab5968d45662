"""Crops of frames whose pixels hold their own place: shapes, places, mirror images."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from vidkit.data.crops import CenterCrop, MultiScaleCrop, TenCrop, ThreeCrop, WholeFrames


def _frames(height: int, width: int, num: int = 2) -> Tensor:
    """Return frames whose pixels are (row, column, number of the frame)."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([torch.stack([y, x, torch.full_like(y, n)], dim=-1) for n in range(num)]).byte()


def _random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _corners(crops: Tensor) -> list[list[int]]:
    """Return the (row, column) of the first pixel of each crop."""
    return crops[:, 0, 0, 0, :2].tolist()


def test_ten_crops_are_corners_and_middle_each_with_its_mirror_image() -> None:
    frames = _frames(64, 100)
    crops = TenCrop(56)(frames, _random())
    assert crops.shape == (10, 2, 56, 56, 3)
    assert _corners(crops[::2]) == [[0, 0], [0, 44], [8, 0], [8, 44], [4, 22]]
    assert torch.equal(crops[1::2], crops[::2].flip(-2))
    assert torch.equal(crops[6], frames[:, 8:, 44:])


def test_three_crops_lie_along_the_longer_side() -> None:
    assert _corners(ThreeCrop(64)(_frames(64, 100), _random())) == [[0, 0], [0, 36], [0, 18]]
    assert _corners(ThreeCrop(64)(_frames(100, 64), _random())) == [[0, 0], [36, 0], [18, 0]]


def test_the_centre_is_one_crop_and_whole_frames_are_not_cropped() -> None:
    assert _corners(CenterCrop(40)(_frames(64, 100), _random())) == [[12, 30]]
    frames = _frames(64, 100)
    assert torch.equal(WholeFrames()(frames, _random())[0], frames)


def test_a_multi_scale_crop_stands_in_a_corner_or_in_the_middle_and_is_the_same_in_all_frames() -> None:
    frames = _frames(64, 100, num=3)
    crop, seen, mirrored = MultiScaleCrop(48, scales=(0.75,)), set(), 0  # 0.75 * 64: nothing is scaled
    for seed in range(60):
        crops = crop(frames, _random(seed))
        assert crops.shape == (1, 3, 48, 48, 3)
        is_mirrored = bool(crops[0, 0, 0, 0, 1] > crops[0, 0, 0, -1, 1])
        plain = crops[0].flip(-2) if is_mirrored else crops[0]
        y, x = plain[0, 0, 0, :2].tolist()
        assert torch.equal(plain, frames[:, y : y + 48, x : x + 48])
        seen.add((y, x))
        mirrored += is_mirrored
    assert seen == {(0, 0), (0, 52), (16, 0), (16, 52), (8, 26)}
    assert 15 < mirrored < 45


def test_height_and_width_of_a_multi_scale_crop_are_neighbouring_scales() -> None:
    crop, random = MultiScaleCrop(224), _random()
    sides = [256, 224, 192, 168]  # 1, 0.875, 0.75 and int(0.66 * 256) of a shorter side of 256
    pairs = {crop.draw_size(256, random) for _ in range(500)}
    near = {(a, b) for i, a in enumerate(sides) for j, b in enumerate(sides) if abs(i - j) <= 1}
    assert pairs == near
    # A side within 2 pixels of the wanted size is that size.
    assert MultiScaleCrop(222, scales=(0.875,)).draw_size(256, random) == (222, 222)
    assert MultiScaleCrop(257, scales=(1.0,)).draw_size(256, random) == (256, 256)


def test_a_scaled_crop_is_what_pillow_makes_of_it() -> None:
    image = pytest.importorskip("PIL.Image")
    generator = torch.Generator().manual_seed(0)
    frames = torch.randint(0, 256, (1, 40, 60, 3), generator=generator, dtype=torch.uint8)
    frames = (frames.float() * 0.2 + 100).byte()
    crops = MultiScaleCrop(24, scales=(1.0,))(frames, _random(3))
    candidates = [
        np.asarray(image.fromarray(frames[0, :, x : x + 40].numpy()).resize((24, 24), image.BILINEAR))
        for x in (0, 20, 10)
    ]
    candidates += [picture[:, ::-1] for picture in candidates]
    ours = crops[0, 0].numpy().astype(int)
    assert min(np.abs(ours - picture.astype(int)).max() for picture in candidates) <= 1


def test_wrong_sizes_and_scales_are_refused() -> None:
    for kind in (CenterCrop, ThreeCrop, TenCrop, MultiScaleCrop):
        with pytest.raises(ValueError, match="size, the side of a crop in pixels, must be at least 1, got 0"):
            kind(0)
    for scales in ((), (1.5,), (0.0,)):
        with pytest.raises(ValueError, match=r"scales must be shares of the shorter side in \(0, 1\]"):
            MultiScaleCrop(8, scales=scales)
