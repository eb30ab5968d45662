"""Metric mathematics as pure functions."""

from vidkit.evaluation.highlights import (
    HIGHLIGHT_METRICS,
    trapezoid_average_precision,
    tvsum_map,
    youtube_highlights_map,
)

__all__ = ["HIGHLIGHT_METRICS", "trapezoid_average_precision", "tvsum_map", "youtube_highlights_map"]
