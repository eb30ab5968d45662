"""The archive of videos: an index on the disk, and what turns videos and sentences into its vectors.

``Archive`` builds one from what videos say and answers sentences; ``Index`` holds vectors of any encoder.
"""

from vidkit.search.archive import AddReport, Archive
from vidkit.search.embedder import Embedder
from vidkit.search.entries import Entry, Hit
from vidkit.search.index import Index
from vidkit.search.text_embedder import TextEmbedder

__all__ = ["AddReport", "Archive", "Embedder", "Entry", "Hit", "Index", "TextEmbedder"]
