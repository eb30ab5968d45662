"""Features of videos: extraction, the feature store, and the layouts of others.

``extract(videos, encoders=..., out=...)`` writes; ``FeatureStore(out)[encoder][video_id]`` reads.
"""

from vidkit.features.extract import ExtractReport, Progress, extract
from vidkit.features.layouts import FeatureFolder, read_features
from vidkit.features.sidecar import make_sidecar, num_clips_of
from vidkit.features.spec import VIDEO_SUFFIXES, find_videos, parse_encoder_spec
from vidkit.features.store import EncoderFeatures, FeatureStore

__all__ = [
    "ExtractReport",
    "Progress",
    "extract",
    "FeatureStore",
    "EncoderFeatures",
    "FeatureFolder",
    "read_features",
    "find_videos",
    "parse_encoder_spec",
    "make_sidecar",
    "num_clips_of",
    "VIDEO_SUFFIXES",
]
