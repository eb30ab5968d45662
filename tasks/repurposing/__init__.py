"""Video repurposing: from a long video to the short clips that a person would post."""

from vidkit.tasks.repurposing.data import RepurposingVideos
from vidkit.tasks.repurposing.inference import RepurposingInference
from vidkit.tasks.repurposing.loss import MMCTLoss
from vidkit.tasks.repurposing.metric import RepurposingMetric
from vidkit.tasks.repurposing.model import MMCT, AlignmentGuider, Outputs
from vidkit.tasks.repurposing.selection import ClipSelection, Selection
from vidkit.tasks.repurposing.sl_module import SLModule

__all__ = [
    "AlignmentGuider",
    "ClipSelection",
    "MMCT",
    "MMCTLoss",
    "Outputs",
    "RepurposingInference",
    "RepurposingMetric",
    "RepurposingVideos",
    "SLModule",
    "Selection",
]
