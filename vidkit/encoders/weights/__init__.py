"""Weights of encoders: files of every public tool, read as data, recognised, mapped and loaded whole."""

from vidkit.encoders.weights.catalogue import KnownWeights, find_known, known_weights, where_to_get
from vidkit.encoders.weights.check import WeightsFile, check_weights
from vidkit.encoders.weights.containers import State, container_of, read_weights
from vidkit.encoders.weights.load import Converter, fixed_random, load_into, note_source, source_of_weights
from vidkit.encoders.weights.schemes import recognise
from vidkit.encoders.weights.source import find_file, how_to_get, local_weights, weights_folder
from vidkit.offline import is_offline

__all__ = [
    "Converter",
    "KnownWeights",
    "State",
    "WeightsFile",
    "check_weights",
    "container_of",
    "find_file",
    "find_known",
    "fixed_random",
    "how_to_get",
    "is_offline",
    "known_weights",
    "load_into",
    "local_weights",
    "note_source",
    "read_weights",
    "recognise",
    "source_of_weights",
    "weights_folder",
    "where_to_get",
]
