"""Samples, padding and annotations that several tasks read."""

from vidkit.data.highlights import HIGHLIGHT_READERS, HighlightAnnotation, read_tvsum, read_youtube_highlights
from vidkit.data.padding import PadSequences, pad_sequences
from vidkit.data.sample import VideoSample

__all__ = [
    "HIGHLIGHT_READERS",
    "HighlightAnnotation",
    "PadSequences",
    "VideoSample",
    "pad_sequences",
    "read_tvsum",
    "read_youtube_highlights",
]
