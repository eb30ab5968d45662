"""The synthetic data set: real video files whose highlights, events, words and topics are known.

``generate`` writes a set to a folder; ``write_script`` gives the plan of one video, ``Painter`` and ``Band``
draw its frames and play its sound. ``docs/synthetic_data.md`` says what is planted.
"""

from vidkit.data.synth.generate import SynthSet, generate
from vidkit.data.synth.picture import Painter
from vidkit.data.synth.script import VERSION, Event, Highlight, Line, Mark, Script, Stretch
from vidkit.data.synth.sound import SAMPLE_RATE_HZ, Band
from vidkit.data.synth.writing import write_script

__all__ = [
    "generate",
    "SynthSet",
    "write_script",
    "Script",
    "Highlight",
    "Stretch",
    "Event",
    "Line",
    "Mark",
    "Painter",
    "Band",
    "SAMPLE_RATE_HZ",
    "VERSION",
]
