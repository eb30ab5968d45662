"""Metric mathematics as pure functions, and what several tasks report of it while they train."""

from vidkit.evaluation.charades_sta import charades_sta_metrics
from vidkit.evaluation.highlight_metric import HighlightMetric, clip_scores
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
from vidkit.evaluation.retrieval import retrieval_metrics
from vidkit.evaluation.topics import mean_class_accuracy, topic_metrics

__all__ = [
    "HIGHLIGHT_METRICS",
    "HighlightMetric",
    "MomentPrediction",
    "charades_sta_metrics",
    "clip_scores",
    "mean_class_accuracy",
    "moment_prediction",
    "num_allowed_clips",
    "qvhighlights_metrics",
    "read_moment_predictions",
    "repurposing_metrics",
    "retrieval_metrics",
    "topic_metrics",
    "trapezoid_average_precision",
    "tvsum_map",
    "youtube_highlights_map",
]
