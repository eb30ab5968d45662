"""Metric mathematics as pure functions."""

from vidkit.evaluation.charades_sta import charades_sta_metrics
from vidkit.evaluation.highlights import (
    HIGHLIGHT_METRICS,
    trapezoid_average_precision,
    tvsum_map,
    youtube_highlights_map,
)
from vidkit.evaluation.moment_predictions import (
    MomentPrediction,
    moment_prediction,
    read_moment_predictions,
)
from vidkit.evaluation.qvhighlights import qvhighlights_metrics
from vidkit.evaluation.repurposing import num_allowed_clips, repurposing_metrics

__all__ = [
    "HIGHLIGHT_METRICS",
    "MomentPrediction",
    "charades_sta_metrics",
    "moment_prediction",
    "num_allowed_clips",
    "qvhighlights_metrics",
    "read_moment_predictions",
    "repurposing_metrics",
    "trapezoid_average_precision",
    "tvsum_map",
    "youtube_highlights_map",
]
