"""The data of the task: short videos from their files or features, as retrieval reads them as well."""

from vidkit.data import ShortVideos, TrainingShortVideos, topic_names
from vidkit.data.short_videos import read_short_videos

__all__ = ["ShortVideos", "TrainingShortVideos", "read_short_videos", "topic_names"]
