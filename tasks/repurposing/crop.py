"""Where to crop a clip for phones: one upright box a shot, round what moves and what has detail.

Shapes: T clips, S clips of a shot, H x W a thumbnail. Boxes are in fractions of the picture, from its upper
left corner.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

UPRIGHT = 9 / 16  # width by height of what phones show

_MOTION_WEIGHT = 4.0  # to detail: eyes follow what moves, and detail decides where nothing does
_PLACES = 65  # of the box that are compared
_DIGITS = 4  # of a fraction: less than a pixel of 4K
_MILLISECONDS = 3  # digits of seconds


def vertical_crops(
    thumbnails: np.ndarray,
    start: float,
    end: float,
    *,
    cuts: np.ndarray,
    clip_seconds: float,
    aspect_ratio: float,
) -> list[dict[str, float]]:
    """Return the boxes of 9:16 for [start, end) of a video, one for each shot, in order.

    A box has ``start`` and ``end`` in seconds and ``x``, ``y``, ``width``, ``height``. It stands where it
    holds most of what moves and of what has detail, and is centred on that; in the middle of an even picture.

    Args:
        thumbnails: Of the whole video, one a clip, (T, 3, H, W), T >= 1.
        start: In seconds.
        end: In seconds, after ``start``.
        cuts: Clips that begin a new shot, (N,) int, as ``find_cuts`` returns them.
        clip_seconds: Length of a clip.
        aspect_ratio: Width by height of the picture.

    Raises:
        ValueError: If there is no thumbnail, or a length or the aspect ratio is not positive.

    Example:
        >>> still = np.zeros((4, 3, 12, 16))
        >>> vertical_crops(still, 0.0, 4.0, cuts=np.array([]), clip_seconds=1.0, aspect_ratio=16 / 9)
        [{'start': 0.0, 'end': 4.0, 'x': 0.3418, 'y': 0.0, 'width': 0.3164, 'height': 1.0}]
    """
    if thumbnails.ndim != 4 or not len(thumbnails):
        raise ValueError(f"thumbnails are (T, 3, H, W) with T >= 1, got shape {thumbnails.shape}")
    if not (end > start and clip_seconds > 0 and aspect_ratio > 0):
        raise ValueError(
            f"start < end and positive clip_seconds and aspect_ratio must hold, got {start}, {end}, "
            f"{clip_seconds}, {aspect_ratio}"
        )
    width, height = crop_size(aspect_ratio)
    boxes = []
    for first, last in _shots(start, end, cuts * clip_seconds, clip_seconds):
        interest = _interest(thumbnails[clips_in(first, last, clip_seconds, len(thumbnails))])
        box = {
            "start": round(first, _MILLISECONDS),
            "end": round(last, _MILLISECONDS),
            "x": round(_place(interest.sum(0), width), _DIGITS),
            "y": round(_place(interest.sum(1), height), _DIGITS),
            "width": round(width, _DIGITS),
            "height": round(height, _DIGITS),
        }
        boxes.append(box)
    return boxes


def crop_size(aspect_ratio: float) -> tuple[float, float]:
    """Return width and height, in fractions of the picture, of the largest box of 9:16 in it.

    Example:
        >>> crop_size(16 / 9), crop_size(9 / 20)
        ((0.31640625, 1.0), (1.0, 0.8))
    """
    if aspect_ratio > UPRIGHT:
        return UPRIGHT / aspect_ratio, 1.0
    return 1.0, aspect_ratio / UPRIGHT


def _shots(start: float, end: float, cuts: np.ndarray, clip_seconds: float) -> list[tuple[float, float]]:
    """Return [start, end) parted at the cuts, but for those within half a clip of an end.

    Cuts are found between clips and no more exact than that.
    """
    margin = clip_seconds / 2
    borders = [start, *cuts[(cuts > start + margin) & (cuts < end - margin)].tolist(), end]
    return list(pairwise(borders))


def clips_in(start: float, end: float, clip_seconds: float, num_clips: int) -> slice:
    """Return the clips whose middle lies in [start, end); the one at its middle if there is none.

    Example:
        >>> clips_in(0.4, 3.0, 1.0, 10), clips_in(2.6, 3.2, 1.0, 10)
        (slice(0, 3, None), slice(2, 3, None))
    """
    first, stop = (int(np.ceil(seconds / clip_seconds - 0.5)) for seconds in (start, end))
    if first >= min(stop, num_clips):
        first = min(int((start + end) / 2 / clip_seconds), num_clips - 1)
        stop = first + 1
    return slice(first, stop)


def _interest(shot: np.ndarray) -> np.ndarray:
    """Return how much there is to see in each cell, (H, W): motion and detail beyond the median cell.

    A pan or a change of light, which moves all cells alike, counts for nothing.
    """
    grey = shot.mean(axis=1)  # (S, H, W)
    down, across = np.gradient(grey, axis=(1, 2))
    interest = _beyond_median((np.abs(down) + np.abs(across)).mean(axis=0))
    if len(shot) > 1:
        interest += _MOTION_WEIGHT * _beyond_median(np.abs(np.diff(shot, axis=0)).mean(axis=(0, 1)))
    return interest


def _beyond_median(cells: np.ndarray) -> np.ndarray:
    beyond: np.ndarray = (cells - np.median(cells)).clip(min=0).astype(np.float64)
    return beyond


def _place(profile: np.ndarray, length: float) -> float:
    """Return where a box of a length, a fraction, begins along an axis whose cells have this much to see."""
    edges = np.linspace(0.0, 1.0, len(profile) + 1)
    before = np.concatenate([[0.0], np.cumsum(profile)])  # what lies before each edge
    starts = np.linspace(0.0, 1.0 - length, _PLACES)
    held = np.interp(starts + length, edges, before) - np.interp(starts, edges, before)
    central = -np.abs(starts + length / 2 - 0.5)
    start = starts[np.lexsort((central, held.round(9)))[-1]]
    overlaps = (np.minimum(edges[1:], start + length) - np.maximum(edges[:-1], start)).clip(min=0)
    weights = overlaps * profile
    if weights.sum() <= 0:
        return float(start)
    middle = float((weights * (edges[1:] + edges[:-1]) / 2).sum() / weights.sum())
    return min(max(middle - length / 2, 0.0), 1.0 - length)
