"""The features of some videos by the encoders of a model, read from files as samples need them.

Shapes: T clips, D channels.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch

from vidkit.data.modality_features import TOLERANCE_SECONDS, ModalityFeatures, NeededVideo
from vidkit.encoders.base import Encoder

_WITHOUT = {"audio": "sound", "text": "captions"}


class FeatureVideos:
    """The features of some videos by the encoders of a model.

    Args:
        folder: A feature store, or a folder of plain folders; see ``ModalityFeatures``.
        encoders: By modality.
        clip_seconds: Length of a clip.

    Raises:
        ValueError: If an encoder cannot read what stands in its folder.
    """

    def __init__(self, folder: str | Path, encoders: Mapping[str, Encoder], clip_seconds: float) -> None:
        self.folder = folder
        self.clip_seconds = clip_seconds
        self.by_modality = {
            modality: ModalityFeatures(folder, encoder, modality, clip_seconds)
            for modality, encoder in encoders.items()
        }

    def command(self, modalities: Iterable[str]) -> str:
        """Return the command that makes features of these modalities."""
        spec = ",".join(self.by_modality[modality].spec for modality in modalities)
        return (
            f"vidkit extract VIDEOS --encoder {shlex.quote(spec)} --clip-seconds {self.clip_seconds} "
            f"--out {shlex.quote(str(self.folder))}"
        )

    def missing(self, video_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return the videos without features by modality, in their order, each once."""
        missing = {}
        for modality, features in self.by_modality.items():
            there = set(features.video_ids())
            absent = [video_id for video_id in dict.fromkeys(video_ids) if video_id not in there]
            if absent:
                missing[modality] = absent
        return missing

    def check(self, video_ids: Sequence[str]) -> None:
        """Check that there is at least one video and that none lacks features.

        Raises:
            FileNotFoundError: If that is not so; the message says how to make them.
        """
        if not video_ids:
            modality = next(iter(self.by_modality))
            raise FileNotFoundError(f"no video has {self._how_to_make(modality)}")
        for modality, absent in self.missing(video_ids).items():
            raise FileNotFoundError(
                f"{len(absent)} of {len(set(video_ids))} videos, first {absent[0]!r}, have no "
                f"{self._how_to_make(modality)}"
            )

    def common_ids(self) -> list[str]:
        """Return the videos that have features of any modality."""
        return sorted(set().union(*(features.video_ids() for features in self.by_modality.values())))

    def num_clips(self, video_id: str) -> int:
        """Return the clips of a video: those of its shortest modality."""
        return min(features.num_clips(video_id) for features in self.by_modality.values())

    def duration_seconds(self, video_id: str) -> float:
        """Return the length of a video: that of its shortest modality."""
        return min(features.duration_seconds(video_id) for features in self.by_modality.values())

    def spread_fault(self, video_id: str, num_clips: Mapping[str, int]) -> tuple[str, str] | None:
        """Return the shortest modality, and in words why it does not fit the longest; None if it does."""
        short, long = min(num_clips, key=num_clips.__getitem__), max(num_clips, key=num_clips.__getitem__)
        seconds = (num_clips[long] - num_clips[short]) * self.clip_seconds
        if seconds <= max(TOLERANCE_SECONDS, self.clip_seconds):
            return None
        return short, (
            f"features of {video_id!r} in {self.folder} differ in length: {short} has {num_clips[short]} "
            f"clips of {self.clip_seconds:g} s, {long} has {num_clips[long]}; extract both from one file"
        )

    def rows_of(self, video: NeededVideo) -> tuple[int, int]:
        """Return the first clip of a stretch, and the one after its last: those of the shortest modality.

        Raises:
            FileNotFoundError: If features are missing.
            ValueError: If features are damaged, do not fit the encoder, or are more than 2 s shorter or
                longer than the annotation says or than each other; if no clip lies in the stretch.
        """
        counts = {name: features.num_clips(video.video_id) for name, features in self.by_modality.items()}
        for modality, features in self.by_modality.items():
            features.check_length(video, counts[modality])
        if spread := self.spread_fault(video.video_id, counts):
            raise ValueError(spread[1])
        shortest = min(counts, key=counts.__getitem__)
        return self.by_modality[shortest].rows_of(video, counts[shortest])

    def read(self, video_id: str, start: int, stop: int) -> dict[str, torch.Tensor]:
        """Return clips [start, stop) of a video by modality, (T, D) float32.

        Raises:
            KeyError: If it lacks features.
            ValueError: If they are damaged, of another encoder or width, or not finite.
        """
        return {
            modality: features.read(video_id, start, stop) for modality, features in self.by_modality.items()
        }

    def _how_to_make(self, modality: str) -> str:
        folder, without = self.by_modality[modality].folder, _WITHOUT.get(modality)
        hint = f"; where there is no {without}, leave it out: --cfg-options model.{modality}_encoder=None"
        return (
            f"{modality} features in {folder}; make them: {self.command([modality])}{hint if without else ''}"
        )
