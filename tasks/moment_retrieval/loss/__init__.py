"""The losses of the task's models."""

from vidkit.tasks.moment_retrieval.loss.detr import MomentDETRLoss
from vidkit.tasks.moment_retrieval.loss.qd_detr import QDDETRLoss
from vidkit.tasks.moment_retrieval.loss.umt import UMTLoss, UMTOutputs, UMTTargets

__all__ = ["MomentDETRLoss", "QDDETRLoss", "UMTLoss", "UMTOutputs", "UMTTargets"]
