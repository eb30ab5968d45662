"""A score curve as SVG: pooling to a bounded number of points, paths, ticks and clock times.

Drawn in a box of 1000 x 100 units that the page stretches; time runs to the right, scores go up.
"""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 1000.0
HEIGHT = 100.0
MAX_POINTS = 1200  # about one per device pixel of a wide page; more only makes the file larger
MARGIN = 6.0  # units above the highest and below the lowest score, so that the line is not cut

_TICK_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_MAX_TICKS = 9


def max_pool(scores: Sequence[float], max_points: int = MAX_POINTS) -> tuple[list[float], int]:
    """Return the maxima of equal runs of scores and the length of a run (the last may be shorter).

    A peak of one clip survives, which a mean or every n-th score would lose.

    Raises:
        ValueError: If ``max_points`` is not positive.

    Example:
        >>> max_pool([0.0, 1.0, 0.0, 0.0, 0.5], max_points=3)
        ([1.0, 0.0, 0.5], 2)
    """
    if max_points < 1:
        raise ValueError(f"max_points must be at least 1, got {max_points}")
    run = max(1, -(-len(scores) // max_points))
    return [float(max(scores[first : first + run])) for first in range(0, len(scores), run)], run


def curve_paths(
    scores: Sequence[float], seconds_per_score: float, duration_seconds: float
) -> tuple[str, str]:
    """Return the ``d`` of the line and of the area under it; empty strings without scores.

    Score i stands at the middle of [i, i + 1) x ``seconds_per_score``; the ends run level to the
    edges of what the scores cover. The lowest score lies at the bottom, the highest at the top;
    equal scores lie half-way.

    Example:
        >>> curve_paths([0.0, 1.0], 1.0, 2.0)[0]
        'M0 94L250 94L750 6L1000 6'
    """
    if not scores:
        return "", ""
    low, high = min(scores), max(scores)
    scale = (HEIGHT - 2 * MARGIN) / (high - low) if high > low else 0.0
    ys = [HEIGHT - MARGIN - (score - low) * scale if scale else HEIGHT / 2 for score in scores]
    times = [(index + 0.5) * seconds_per_score for index in range(len(scores))]
    end = len(scores) * seconds_per_score
    points = [(0.0, ys[0]), *zip(times, ys), (end, ys[-1])]
    xs = [min(time / duration_seconds, 1.0) * WIDTH if duration_seconds > 0 else 0.0 for time, _ in points]
    line = "M" + "L".join(f"{_short(x)} {_short(y)}" for x, (_, y) in zip(xs, points))
    return line, f"{line}V{_short(HEIGHT)}H0Z"


def ticks(duration_seconds: float) -> list[float]:
    """Return the seconds that the axis names: 0 and the multiples of a round step up to the end.

    Example:
        >>> ticks(600.0)
        [0.0, 120.0, 240.0, 360.0, 480.0, 600.0]
    """
    step = next(
        (step for step in _TICK_STEPS if duration_seconds / step <= _MAX_TICKS - 1),
        max(3600.0 * -(-duration_seconds // (3600 * _MAX_TICKS)), _TICK_STEPS[-1]),
    )
    return [round(index * float(step), 3) for index in range(int(duration_seconds / step + 1e-9) + 1)]


def clock(seconds: float, decimals: int = 0) -> str:
    """Return seconds as mm:ss, from one hour on as h:mm:ss, with ``decimals`` places.

    Example:
        >>> clock(75.26), clock(59.96, 1), clock(3725)
        ('01:15', '01:00.0', '1:02:05')
    """
    units = round(max(seconds, 0.0) * 10**decimals)
    whole, fraction = divmod(units, 10**decimals)
    hours, rest = divmod(whole, 3600)
    minutes, rest = divmod(rest, 60)
    text = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
    return f"{text}.{fraction:0{decimals}}" if decimals else text


def _short(value: float) -> str:
    """Return at most one decimal: a tenth of a unit is a tenth of a pixel on a wide page."""
    return f"{value:.1f}".removesuffix(".0")
