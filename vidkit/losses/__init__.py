"""Losses, as functions with a thin module."""

from vidkit.losses.contrast import SymmetricContrast, symmetric_info_nce
from vidkit.losses.reduction import gather_rows, global_mean

__all__ = ["SymmetricContrast", "gather_rows", "global_mean", "symmetric_info_nce"]
