"""Video-text retrieval: short videos and the titles that their authors gave them, in one space.

In: frames, sound and subtitle of a short video, and titles. Out: an embedding of each, so that either finds
the other; and topics by their names alone. Metrics: R@1, R@5, R@10 and median rank both ways, mean class
accuracy.
"""

from vidkit.tasks.video_text_retrieval.inference import RetrievalInference
from vidkit.tasks.video_text_retrieval.loss import SymmetricTitleContrast, TitleContrast
from vidkit.tasks.video_text_retrieval.metric import RetrievalMetric
from vidkit.tasks.video_text_retrieval.model import VTCL, Embeddings

__all__ = [
    "VTCL",
    "Embeddings",
    "RetrievalInference",
    "RetrievalMetric",
    "SymmetricTitleContrast",
    "TitleContrast",
]
