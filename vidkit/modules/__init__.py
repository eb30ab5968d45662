"""The bricks of models."""

from vidkit.modules.attention import ResidualSelfAttention
from vidkit.modules.bottleneck import BottleneckLayer
from vidkit.modules.dropout import Dropout
from vidkit.modules.linear import Linear
from vidkit.modules.mlp import MLP, FeedForward
from vidkit.modules.multi_head_attention import MultiHeadAttention
from vidkit.modules.persistent_memory import PersistentMemoryAttention
from vidkit.modules.position_encodings import (
    GridPositions,
    LearnedPositions,
    SinusoidalPositions,
    grid_positions,
)
from vidkit.modules.positioned import PositionedDecoderLayer, PositionedEncoderLayer
from vidkit.modules.positions import sinusoidal_positions
from vidkit.modules.post_norm import PostNormDecoderLayer, PostNormEncoderLayer
from vidkit.modules.random_mask import RandomMask
from vidkit.modules.reference_decoder import ReferenceDecoder
from vidkit.modules.relative_positions import endpoints, relative_positions, sine_embedding
from vidkit.modules.spans import cxw_to_xx, inverse_sigmoid, xx_to_cxw
from vidkit.modules.transformer import CrossAttentionLayer, SelfAttentionLayer, SelfCrossAttentionLayer

__all__ = [
    "BottleneckLayer",
    "CrossAttentionLayer",
    "Dropout",
    "FeedForward",
    "GridPositions",
    "LearnedPositions",
    "Linear",
    "MLP",
    "MultiHeadAttention",
    "PersistentMemoryAttention",
    "PositionedDecoderLayer",
    "PositionedEncoderLayer",
    "PostNormDecoderLayer",
    "PostNormEncoderLayer",
    "RandomMask",
    "ReferenceDecoder",
    "ResidualSelfAttention",
    "SelfAttentionLayer",
    "SelfCrossAttentionLayer",
    "SinusoidalPositions",
    "cxw_to_xx",
    "endpoints",
    "grid_positions",
    "inverse_sigmoid",
    "relative_positions",
    "sine_embedding",
    "sinusoidal_positions",
    "xx_to_cxw",
]
