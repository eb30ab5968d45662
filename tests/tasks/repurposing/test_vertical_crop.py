"""Boxes of 9:16 stand where the picture moves or has detail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vidkit.tasks.repurposing.crop import vertical_crops

WIDE = 16 / 9
WIDTH = 9 / 16 / WIDE


def _crops(thumbnails: np.ndarray, start: float, end: float, **changes: Any) -> list[dict[str, float]]:
    settings: dict[str, Any] = dict(cuts=np.array([], int), clip_seconds=1.0, aspect_ratio=WIDE)
    return vertical_crops(thumbnails, start, end, **(settings | changes))


def _moving(column: int, *, num_clips: int = 20, seed: int = 0) -> np.ndarray:
    """Thumbnails of an even picture in which the two columns from ``column`` on flicker."""
    thumbnails = np.zeros((num_clips, 3, 12, 16), np.float32)
    noise = np.random.default_rng(seed).normal(size=(num_clips, 3, 6, 2))
    thumbnails[:, :, 3:9, column : column + 2] = noise
    return thumbnails


def _middle(box: dict[str, float]) -> float:
    return box["x"] + box["width"] / 2


@pytest.mark.parametrize("column", [3, 7, 12])
def test_the_box_is_centred_on_what_moves(column: int) -> None:
    (box,) = _crops(_moving(column), 2.0, 15.0)
    assert _middle(box) == pytest.approx((column + 1) / 16, abs=0.03)
    assert (box["start"], box["end"], box["y"], box["height"]) == (2.0, 15.0, 0.0, 1.0)
    assert box["width"] == pytest.approx(WIDTH, abs=1e-4)


@pytest.mark.parametrize(("column", "x"), [(0, 0.0), (14, 1 - WIDTH)])
def test_the_box_stays_in_the_picture(column: int, x: float) -> None:
    (box,) = _crops(_moving(column), 0.0, 20.0)
    assert box["x"] == pytest.approx(x, abs=1e-4)
    assert box["x"] + box["width"] <= 1.0001


def test_detail_decides_where_nothing_moves_and_motion_where_something_does() -> None:
    detail = np.zeros((20, 3, 12, 16), np.float32)
    detail[:, :, ::2, 2:4] = 1.0
    (still,) = _crops(detail, 0.0, 20.0)
    assert _middle(still) == pytest.approx(3 / 16, abs=0.03)
    (moving,) = _crops(detail + _moving(11), 0.0, 20.0)
    assert _middle(moving) == pytest.approx(12 / 16, abs=0.05)


def test_light_that_changes_everywhere_and_empty_pictures_leave_the_box_in_the_middle() -> None:
    light = np.random.default_rng(0).normal(size=(20, 1, 1, 1)) * np.ones((20, 3, 12, 16))
    for thumbnails in (light, np.zeros((20, 3, 12, 16))):
        (box,) = _crops(thumbnails, 0.0, 20.0)
        assert _middle(box) == pytest.approx(0.5, abs=1e-3)


def test_the_larger_of_two_movers_is_kept_whole_rather_than_half_of_each() -> None:
    thumbnails = 0.6 * _moving(1) + _moving(12, seed=1)
    (box,) = _crops(thumbnails, 0.0, 20.0)
    assert box["x"] <= 12 / 16
    assert box["x"] + box["width"] >= 14 / 16


def test_every_shot_has_a_box_of_its_own() -> None:
    thumbnails = np.concatenate([_moving(2, num_clips=10), _moving(12, num_clips=10)])
    boxes = _crops(thumbnails, 4.2, 16.0, cuts=np.array([2, 10, 19]))
    assert [(box["start"], box["end"]) for box in boxes] == [(4.2, 10.0), (10.0, 16.0)]
    assert [_middle(box) for box in boxes] == pytest.approx([3 / 16, 13 / 16], abs=0.03)


def test_a_cut_within_half_a_clip_of_a_border_makes_no_box() -> None:
    boxes = _crops(_moving(5), 4.6, 15.4, cuts=np.array([5, 15]))
    assert [(box["start"], box["end"]) for box in boxes] == [(4.6, 15.4)]


@pytest.mark.parametrize(("start", "end"), [(3.6, 4.2), (19.8, 20.0), (0.0, 0.1)])
def test_a_stretch_without_a_thumbnail_of_its_own_takes_the_nearest(start: float, end: float) -> None:
    (box,) = _crops(_moving(7), start, end)
    assert (box["start"], box["end"]) == (start, end)
    assert 0 <= box["x"] <= 1 - WIDTH + 1e-4


@pytest.mark.parametrize(
    ("aspect_ratio", "width", "height"), [(9 / 16, 1.0, 1.0), (9 / 20, 1.0, 0.8), (1.0, 0.5625, 1.0)]
)
def test_pictures_of_every_shape_give_boxes_of_9_to_16(
    aspect_ratio: float, width: float, height: float
) -> None:
    (box,) = _crops(_moving(7), 0.0, 20.0, aspect_ratio=aspect_ratio)
    assert (box["width"], box["height"]) == (width, height)
    assert box["width"] * aspect_ratio / box["height"] == pytest.approx(9 / 16)
    assert 0 <= box["x"] <= 1 - width + 1e-4
    assert 0 <= box["y"] <= 1 - height + 1e-4


@pytest.mark.parametrize(
    ("thumbnails", "changes", "message"),
    [
        (
            np.zeros((0, 3, 12, 16)),
            {},
            r"thumbnails are \(T, 3, H, W\) with T >= 1, got shape \(0, 3, 12, 16\)",
        ),
        (np.zeros((4, 576)), {}, r"got shape \(4, 576\)"),
        (np.zeros((4, 3, 2, 2)), {"aspect_ratio": 0.0}, r"must hold, got 0\.0, 2\.0, 1\.0, 0\.0"),
        (np.zeros((4, 3, 2, 2)), {"clip_seconds": 0.0}, "positive clip_seconds and aspect_ratio must hold"),
    ],
)
def test_wrong_arguments_are_refused(thumbnails: np.ndarray, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _crops(thumbnails, 0.0, 2.0, **changes)
