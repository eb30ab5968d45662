"""MotionVisual against its definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vidkit.encoders import MotionVisual


def _reference(frames: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The smaller of two changes per fine pixel, averaged over 2 x 2, of one clip."""
    before, middle, after = frames.astype(float)
    change = np.minimum(abs(middle - before), abs(after - middle))
    cells = [
        change[2 * row : 2 * row + 2, 2 * column : 2 * column + 2, colour].mean()
        for colour in range(3)
        for row in range(size[0])
        for column in range(size[1])
    ]
    return np.array(cells) / (0.083 * 255)


def test_it_is_its_definition() -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (4, 3, 6, 8, 3), dtype=np.uint8)
    features = MotionVisual(size=(3, 4))(torch.from_numpy(frames))
    expected = np.stack([_reference(clip, (3, 4)) for clip in frames])
    np.testing.assert_allclose(features.numpy(), expected, rtol=1e-5)


def test_a_cut_leaves_no_trace_and_motion_does() -> None:
    first, second, third = torch.randint(0, 256, (3, 12, 16, 3), dtype=torch.uint8)
    encoder = MotionVisual()
    cut = encoder(torch.stack([first, first, second])[None])
    assert (cut == 0).all()
    assert (encoder(torch.stack([first, second, third])[None]) > 0).any()


def test_frames_of_any_size_are_squeezed() -> None:
    frames = torch.randint(0, 256, (2, 3, 90, 160, 3), dtype=torch.uint8)
    assert MotionVisual()(frames).shape == (2, 144)
    assert sum(p.numel() for p in MotionVisual().parameters()) == 0


def test_the_recipe_reads_three_frames_a_step_apart() -> None:
    times = MotionVisual().recipe.frame_times(np.array([1.0]), clip_seconds=1.0, source_fps=25.0)  # type: ignore[union-attr]
    np.testing.assert_allclose(times, [[0.8, 1.0, 1.2]])


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 2, 12, 16, 3), "reads 3 frames a clip, got 2"),
        ((3, 12, 16, 3), r"reads frames \(N, F, H, W, 3\)"),
    ],
)
def test_wrong_clips_are_refused(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MotionVisual()(torch.zeros(shape, dtype=torch.uint8))


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(TypeError, match="in uint8"):
        MotionVisual()(torch.zeros(1, 3, 12, 16, 3))
    with pytest.raises(ValueError, match="size must be"):
        MotionVisual(size=(0, 8))
    with pytest.raises(ValueError, match="must be positive, got 0"):
        MotionVisual(step_seconds=0)
