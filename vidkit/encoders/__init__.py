"""Encoders: raw clips of one modality -> one vector per clip.

``PixelVisual``, ``MotionVisual``, ``LogMelAudio`` and ``HashedText`` need no weights; ``Precomputed`` passes
features through.
"""

from vidkit.encoders.adapted import AdaptedFeatures
from vidkit.encoders.audio import AST, CNN14, LogMelAudio, LogMelResNet, Mockingjay
from vidkit.encoders.base import (
    AudioRecipe,
    Encoder,
    FeatureRecipe,
    Modality,
    Recipe,
    SequenceRecipe,
    TextRecipe,
    VisualRecipe,
    encode_clips,
)
from vidkit.encoders.joined import JoinedFeatures
from vidkit.encoders.precomputed import Precomputed
from vidkit.encoders.text import BERT, CLIPText, GloVe, HashedText, MiniLM, SentenceEncoder
from vidkit.encoders.visual import (
    I3D,
    TSM,
    TSN,
    CLIPVisual,
    MotionVisual,
    PixelVisual,
    R2Plus1D,
    SlowFast,
    Swin,
    TimmVisual,
)

__all__ = [
    "Encoder",
    "Modality",
    "Recipe",
    "VisualRecipe",
    "AudioRecipe",
    "SequenceRecipe",
    "TextRecipe",
    "FeatureRecipe",
    "encode_clips",
    "Precomputed",
    "JoinedFeatures",
    "AdaptedFeatures",
    "MotionVisual",
    "PixelVisual",
    "CLIPVisual",
    "Swin",
    "TSN",
    "TimmVisual",
    "TSM",
    "I3D",
    "R2Plus1D",
    "SlowFast",
    "LogMelAudio",
    "AST",
    "Mockingjay",
    "LogMelResNet",
    "CNN14",
    "HashedText",
    "BERT",
    "CLIPText",
    "GloVe",
    "MiniLM",
    "SentenceEncoder",
]
