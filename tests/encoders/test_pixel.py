from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from vidkit.encoders import PixelVisual
from vidkit.encoders.visual.pixel import PIXEL_MEAN, PIXEL_STD


def _reference_thumbnail(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    """Block means of a frame whose sides are multiples of the thumbnail's, in planes, standardised."""
    rows, columns = frame.shape[0] // height, frame.shape[1] // width
    blocks = frame.reshape(height, rows, width, columns, 3).astype(np.float64).mean((1, 3))
    planes = np.moveaxis(blocks, -1, 0) / 255
    return ((planes - PIXEL_MEAN) / PIXEL_STD).ravel()


def test_is_the_standardised_mean_over_blocks_of_pixels() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 1, 48, 80, 3), dtype=np.uint8)
    features = PixelVisual(size=(12, 16))(torch.from_numpy(frames))
    expected = np.stack([_reference_thumbnail(frame[0], 12, 16) for frame in frames])
    np.testing.assert_allclose(features.numpy(), expected, atol=1e-5)


def test_a_frame_of_the_right_size_is_only_standardised() -> None:
    frames = np.random.default_rng(1).integers(0, 256, (2, 1, 12, 16, 3), dtype=np.uint8)
    features = PixelVisual()(torch.from_numpy(frames))
    expected = np.stack([_reference_thumbnail(frame[0], 12, 16) for frame in frames])
    np.testing.assert_allclose(features.numpy(), expected, atol=1e-5)


def test_frames_smaller_than_the_thumbnail_are_enlarged() -> None:
    frames = torch.full((1, 1, 3, 5, 3), 255, dtype=torch.uint8)
    features = PixelVisual()(frames)
    torch.testing.assert_close(features, torch.full((1, 576), (1 - PIXEL_MEAN) / PIXEL_STD))


def test_several_frames_of_a_clip_are_averaged() -> None:
    frames = torch.randint(0, 256, (2, 4, 12, 16, 3), dtype=torch.uint8)
    encoder = PixelVisual()
    each = encoder(frames.flatten(0, 1)[:, None]).unflatten(0, (2, 4))
    torch.testing.assert_close(encoder(frames), each.mean(1))


def test_noise_has_about_unit_scale() -> None:
    frames = torch.randint(0, 256, (8, 1, 12, 16, 3), dtype=torch.uint8)
    features = PixelVisual()(frames)
    assert abs(features.mean().item()) < 0.5
    assert 0.5 < features.std().item() < 1.5


def test_the_reader_is_asked_for_the_thumbnail() -> None:
    assert PixelVisual(size=(8, 8)).recipe.decode_size == (8, 8)  # type: ignore[union-attr]
    assert PixelVisual(size=[8, 8]).dim == 192  # type: ignore[arg-type]  # as JSON and YAML give it


@pytest.mark.parametrize("size", [(0, 16), (12,), (12.5, 16), (1, 2, 3)])
def test_a_size_that_is_none_is_refused(size: Any) -> None:
    with pytest.raises(ValueError, match=r"size must be \(height, width\)"):
        PixelVisual(size=size)


def test_frames_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"reads frames \(N, F, H, W, 3\), got \(1, 12, 16, 3\)"):
        PixelVisual()(torch.zeros(1, 12, 16, 3, dtype=torch.uint8))


def test_frames_that_are_not_bytes_are_refused() -> None:
    with pytest.raises(TypeError, match=r"uint8, 0 to 255, got torch.float32"):
        PixelVisual()(torch.zeros(1, 1, 12, 16, 3))
