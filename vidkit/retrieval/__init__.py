"""The archive of videos: an index on the disk, and what turns videos and sentences into its vectors.

``Archive`` builds one from what videos say and answers sentences; ``Index`` holds vectors of any encoder.
"""

from vidkit.retrieval.archive import AddReport, Archive
from vidkit.retrieval.embedder import Embedder
from vidkit.retrieval.entries import Entry, Hit
from vidkit.retrieval.index import Index
from vidkit.retrieval.text_embedder import TextEmbedder

__all__ = ["AddReport", "Archive", "Embedder", "Entry", "Hit", "Index", "TextEmbedder"]
