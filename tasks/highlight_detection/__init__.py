"""Unsupervised highlight detection: a score per moment of a video, learnt without labels.

In: visual features, and audio features while training. Out: one score in [0, 1] per 0.2-s clip, and highlight
segments. Metrics: YouTube Highlights mAP, TVSum top-5 mAP.
"""

from vidkit.tasks.highlight_detection.data import AnnotatedHighlights, UnlabelledChunks
from vidkit.tasks.highlight_detection.fusion import ConcatenationFusion, LowRankFusion, MLPFusion, SumFusion
from vidkit.tasks.highlight_detection.inference import HighlightInference
from vidkit.tasks.highlight_detection.loss import KPointContrast, TopActivations
from vidkit.tasks.highlight_detection.metric import HighlightMetric
from vidkit.tasks.highlight_detection.model import RASL, FusedRASL

__all__ = [
    "RASL",
    "AnnotatedHighlights",
    "ConcatenationFusion",
    "FusedRASL",
    "HighlightInference",
    "HighlightMetric",
    "KPointContrast",
    "LowRankFusion",
    "MLPFusion",
    "SumFusion",
    "TopActivations",
    "UnlabelledChunks",
]
