"""The data of the task: short videos with titles, which topic recognition reads as well."""

from vidkit.data import ShortVideos, TrainingShortVideos

__all__ = ["ShortVideos", "TrainingShortVideos"]
