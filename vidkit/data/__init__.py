"""Samples, padding, samplers and annotations that several tasks read."""

from vidkit.data.charades_sta import read_charades_sta
from vidkit.data.clip_lists import chunks_of, read_clip_list
from vidkit.data.feature_videos import FeatureVideos, Missing, check_missing
from vidkit.data.highlights import HIGHLIGHT_READERS, HighlightAnnotation, read_tvsum, read_youtube_highlights
from vidkit.data.modality_features import ModalityFeatures, NeededVideo
from vidkit.data.moments import MomentAnnotation, read_moment_lines
from vidkit.data.padding import PadSequences, pad_sequences
from vidkit.data.qvhighlights import read_qvhighlights
from vidkit.data.raw_videos import ShortVideos, TrainingShortVideos
from vidkit.data.repurpose10k import RepurposedVideo, read_repurpose10k
from vidkit.data.sample import VideoSample, sample_of_features
from vidkit.data.samplers import LengthBuckets
from vidkit.data.token_files import TokenFiles, reads_token_files
from vidkit.data.topics import topic_names

__all__ = [
    "HIGHLIGHT_READERS",
    "FeatureVideos",
    "HighlightAnnotation",
    "LengthBuckets",
    "Missing",
    "ModalityFeatures",
    "MomentAnnotation",
    "NeededVideo",
    "PadSequences",
    "RepurposedVideo",
    "ShortVideos",
    "TokenFiles",
    "TrainingShortVideos",
    "VideoSample",
    "check_missing",
    "chunks_of",
    "pad_sequences",
    "read_charades_sta",
    "read_clip_list",
    "read_moment_lines",
    "read_qvhighlights",
    "read_repurpose10k",
    "read_tvsum",
    "read_youtube_highlights",
    "reads_token_files",
    "sample_of_features",
    "topic_names",
]
