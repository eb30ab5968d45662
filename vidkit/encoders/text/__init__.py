"""Encoders of sentences: list of N str -> (N, dim)."""

from vidkit.encoders.text.hashed import HashedText

__all__ = ["HashedText"]
