"""Losses, as functions with a thin module."""

from vidkit.losses.classification import bernoulli_kl, sigmoid_focal_loss
from vidkit.losses.contrast import SymmetricContrast, symmetric_info_nce
from vidkit.losses.generalized_iou import generalized_iou
from vidkit.losses.heat_maps import gaussian_focal_loss
from vidkit.losses.moments import diou_loss
from vidkit.losses.reduction import gather_rows, global_mean, global_ratio

__all__ = [
    "SymmetricContrast",
    "bernoulli_kl",
    "diou_loss",
    "gather_rows",
    "gaussian_focal_loss",
    "generalized_iou",
    "global_mean",
    "global_ratio",
    "sigmoid_focal_loss",
    "symmetric_info_nce",
]
