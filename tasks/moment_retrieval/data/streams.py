"""What the data sets of the task read of a sample: clips from pictures and sound, words from text.

Shapes: T clips, L words, D channels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vidkit.data import FeatureVideos, Missing, NeededVideo, TokenFiles, reads_token_files
from vidkit.encoders.base import Encoder

STREAM_TOLERANCE_SECONDS = 1.0
"""Streams of a video differ by at most one clip, or by so much if that is more."""

Paths = str | Path | Sequence[str | Path]


class SampleStreams:
    """The inputs of samples.

    Args:
        features: A feature store, or a folder of plain folders.
        encoders: By modality; "text" is that of words.
        clip_seconds: Length of a clip; None where the annotations cut the clips.

    Raises:
        ValueError: If an encoder cannot read what stands in its folder.
    """

    def __init__(
        self,
        features: str | Path,
        encoders: Mapping[str, Encoder],
        clip_seconds: float | None,
    ) -> None:
        self.text_encoder = encoders.get("text")
        clips = {name: encoder for name, encoder in encoders.items() if name != "text"}
        self.videos = FeatureVideos(features, clips, clip_seconds, tolerance_seconds=STREAM_TOLERANCE_SECONDS)
        self.tokens = None
        if self.text_encoder is not None and reads_token_files(self.text_encoder):
            self.tokens = TokenFiles(features, self.text_encoder)

    def with_all(self, needed: Sequence[NeededVideo], missing: Missing) -> list[int]:
        """Return the places of those that have all features, after a warning of the others."""
        no_clips = self.videos.left_out([video.video_id for video in needed], missing)
        no_words: set[int | str] = set()
        if self.tokens is not None:
            no_words = self.tokens.left_out([v.query_id for v in needed if v.query_id is not None], missing)
        places = [
            place
            for place, video in enumerate(needed)
            if video.video_id not in no_clips and video.query_id not in no_words
        ]
        if not places:
            raise FileNotFoundError(
                f"no sample has both clips and words: {len(no_clips)} videos lack features in "
                f"{self.videos.folder}, and the sentences of the others theirs"
            )
        first = needed[places[0]]
        self.read(first, (0, 0))  # features of another recipe are told before training
        return places

    def read(self, video: NeededVideo, rows: tuple[int, int]) -> dict[str, Any]:
        """Return clips (T, D) by modality, and the words (L, D) or the sentence itself as "text"."""
        inputs: dict[str, Any] = dict(self.videos.read(video.video_id, *rows))
        if self.tokens is not None:
            assert video.query_id is not None
            inputs["text"] = self.tokens.read(video.query_id, video.query)
        elif self.text_encoder is not None:
            inputs["text"] = video.query
        return inputs


def files_of(paths: Paths) -> list[str | Path]:
    """Return one path or several as a list."""
    return [paths] if isinstance(paths, (str, Path)) else list(paths)
