"""Predictions as files: JSON lines and the HTML report."""

from vidkit.export.predictions import Prediction, Segment, read_predictions, write_predictions
from vidkit.export.report import ReportItem, heading, write_report

__all__ = [
    "Prediction",
    "ReportItem",
    "Segment",
    "heading",
    "read_predictions",
    "write_predictions",
    "write_report",
]
