"""Moment retrieval: a video and a sentence in, the moments that answer it and the saliency of clips out."""

from vidkit.tasks.moment_retrieval.baselines import FirstPart, RandomMoments, WholeVideo
from vidkit.tasks.moment_retrieval.convert_detr import MomentDETRLayout, QDDETRLayout
from vidkit.tasks.moment_retrieval.convert_umt import UMTLayout
from vidkit.tasks.moment_retrieval.data import HighlightVideos, MomentQueries
from vidkit.tasks.moment_retrieval.inference import MomentInference
from vidkit.tasks.moment_retrieval.loss import MomentDETRLoss, QDDETRLoss, UMTLoss
from vidkit.tasks.moment_retrieval.metric import MomentMetric
from vidkit.tasks.moment_retrieval.model import (
    QDDETR,
    UMT,
    MomentDETR,
    MomentModel,
    MomentOutputs,
    ReleasedUMT,
    VisionaryVids,
)

__all__ = [
    "FirstPart",
    "HighlightVideos",
    "MomentDETR",
    "MomentDETRLayout",
    "MomentDETRLoss",
    "MomentInference",
    "MomentMetric",
    "MomentModel",
    "MomentOutputs",
    "MomentQueries",
    "QDDETR",
    "QDDETRLayout",
    "QDDETRLoss",
    "RandomMoments",
    "ReleasedUMT",
    "UMT",
    "UMTLayout",
    "UMTLoss",
    "VisionaryVids",
    "WholeVideo",
]
