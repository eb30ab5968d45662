"""From annotations and features to samples: a sentence asked of a video, or a video with judged clips."""

from vidkit.tasks.moment_retrieval.data.highlights import HighlightVideos
from vidkit.tasks.moment_retrieval.data.queries import MomentQueries

__all__ = ["HighlightVideos", "MomentQueries"]
