"""Encoders of sound: float32 (N, samples) -> (N, dim)."""

from vidkit.encoders.audio.ast import AST
from vidkit.encoders.audio.cnn14 import CNN14
from vidkit.encoders.audio.log_mel import LogMelAudio
from vidkit.encoders.audio.log_mel_resnet import LogMelResNet
from vidkit.encoders.audio.mockingjay import Mockingjay

__all__ = ["AST", "CNN14", "LogMelAudio", "LogMelResNet", "Mockingjay"]
