"""Weights of encoders: files of every public tool, read as data, recognised, mapped and loaded whole."""

from vidkit.encoders.weights.containers import State, read_weights
from vidkit.encoders.weights.load import Converter, fixed_random, load_into
from vidkit.encoders.weights.schemes import recognise
from vidkit.encoders.weights.source import is_offline, local_weights

__all__ = [
    "Converter",
    "State",
    "fixed_random",
    "is_offline",
    "load_into",
    "local_weights",
    "read_weights",
    "recognise",
]
