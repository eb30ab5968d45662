"""The bricks of models."""

from vidkit.modules.attention import ResidualSelfAttention
from vidkit.modules.random_mask import RandomMask

__all__ = ["RandomMask", "ResidualSelfAttention"]
