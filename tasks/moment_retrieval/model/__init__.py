"""The models of the task: features of a video and the words of a query -> moments and saliency."""

from vidkit.tasks.moment_retrieval.model.base import Features, MomentModel, MomentOutputs
from vidkit.tasks.moment_retrieval.model.moment_detr import MomentDETR
from vidkit.tasks.moment_retrieval.model.qd_detr import QDDETR
from vidkit.tasks.moment_retrieval.model.released_umt import ReleasedUMT
from vidkit.tasks.moment_retrieval.model.umt import UMT
from vidkit.tasks.moment_retrieval.model.visionary_vids import VisionaryVids

__all__ = [
    "Features",
    "MomentDETR",
    "MomentModel",
    "MomentOutputs",
    "QDDETR",
    "ReleasedUMT",
    "UMT",
    "VisionaryVids",
]
