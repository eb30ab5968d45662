"""Extraction on many machines: thin drivers over the loop that one machine runs.

A launcher splits the videos that are left into shards, and each shard is the job of one process. Features
appear whole in the store that all processes see, so a shard that is killed, or run twice, harms nothing:
started again, the job goes on.
"""

from vidkit.features.launchers.shards import ShardJob, extract_with

__all__ = ["ShardJob", "extract_with"]
