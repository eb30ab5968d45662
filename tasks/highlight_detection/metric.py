"""The metric of the task: that of the highlight benchmarks, which retrieval of moments reports as well."""

from vidkit.evaluation import HighlightMetric, clip_scores

__all__ = ["HighlightMetric", "clip_scores"]
