"""Encoders of sentences: list of N str -> (N, dim)."""

from vidkit.encoders.text.bert import BERT
from vidkit.encoders.text.clip_text import CLIPText
from vidkit.encoders.text.glove import GloVe
from vidkit.encoders.text.hashed import HashedText
from vidkit.encoders.text.minilm import MiniLM
from vidkit.encoders.text.sentence_encoder import SentenceEncoder

__all__ = ["BERT", "CLIPText", "GloVe", "HashedText", "MiniLM", "SentenceEncoder"]
