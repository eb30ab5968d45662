"""Predictions as files: JSON lines and the HTML report."""

from vidkit.export.predictions import Prediction, Segment, read_predictions, write_predictions
from vidkit.export.report import ReportItem, write_report

__all__ = ["Prediction", "Segment", "read_predictions", "write_predictions", "ReportItem", "write_report"]
