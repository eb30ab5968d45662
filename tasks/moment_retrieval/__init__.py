"""Moment retrieval: a video and a sentence in, the moments that answer it and the saliency of clips out."""

from vidkit.tasks.moment_retrieval.convert_detr import MomentDETRLayout, QDDETRLayout
from vidkit.tasks.moment_retrieval.convert_umt import UMTLayout
from vidkit.tasks.moment_retrieval.loss import MomentDETRLoss, QDDETRLoss, UMTLoss
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
    "MomentDETR",
    "MomentDETRLayout",
    "MomentDETRLoss",
    "MomentModel",
    "MomentOutputs",
    "QDDETR",
    "QDDETRLayout",
    "QDDETRLoss",
    "ReleasedUMT",
    "UMT",
    "UMTLayout",
    "UMTLoss",
    "VisionaryVids",
]
