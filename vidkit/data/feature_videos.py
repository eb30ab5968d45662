"""The features of some videos by the encoders of a model, read from files as samples need them.

Shapes: T clips, D channels.
"""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import torch

from vidkit.data.modality_features import TOLERANCE_SECONDS, ModalityFeatures, NeededVideo
from vidkit.encoders.base import Encoder
from vidkit.encoders.joined import parts_of
from vidkit.encoders.precomputed import Precomputed

Missing = Literal["warn", "error"]

_WITHOUT = {"audio": "sound", "text": "captions"}
_NUM_NAMED = 5  # of the videos that lack features


class FeatureVideos:
    """The features of some videos by the encoders of a model.

    Each encoder has a stream of its own; the parts of a ``JoinedFeatures`` have one each, from their own
    folders, and are put side by side when they are read.

    Args:
        folder: A feature store, or a folder of plain folders; see ``ModalityFeatures``.
        encoders: By modality.
        clip_seconds: Length of a clip; None where the annotations cut the clips.
        tolerance_seconds: The streams of a video may differ in length by so much, and always by one clip;
            they are cut to the shortest.

    Raises:
        ValueError: If an encoder cannot read what stands in its folder, or one joins a stream twice.
    """

    def __init__(
        self,
        folder: str | Path,
        encoders: Mapping[str, Encoder],
        clip_seconds: float | None,
        *,
        tolerance_seconds: float = TOLERANCE_SECONDS,
    ) -> None:
        self.folder = folder
        self.clip_seconds = clip_seconds
        self.tolerance_seconds = tolerance_seconds
        self.streams: dict[str, ModalityFeatures] = {}
        """By modality; where it joins several encoders, by modality and folder: "visual (slowfast)"."""
        for modality, encoder in encoders.items():
            parts = parts_of(encoder)
            for part in parts:
                name = f"{modality} ({_label(part)})" if len(parts) > 1 else modality
                if name in self.streams:
                    raise ValueError(f"the {modality} encoder joins {_label(part)} twice; name it once")
                self.streams[name] = ModalityFeatures(folder, part, modality, clip_seconds)

    def command(self, streams: Iterable[str]) -> str:
        """Return the command that makes features of these streams."""
        spec = ",".join(self.streams[name].spec for name in streams)
        length = "" if self.clip_seconds is None else f" --clip-seconds {self.clip_seconds}"
        return (
            f"vidkit extract VIDEOS --encoder {shlex.quote(spec)}{length} "
            f"--out {shlex.quote(str(self.folder))}"
        )

    def missing(self, video_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return the videos without features by stream, in their order, each once."""
        missing = {}
        for name, features in self.streams.items():
            there = set(features.video_ids())
            absent = [video_id for video_id in dict.fromkeys(video_ids) if video_id not in there]
            if absent:
                missing[name] = absent
        return missing

    def check(self, video_ids: Sequence[str]) -> None:
        """Check that there is at least one video and that none lacks features.

        Raises:
            FileNotFoundError: If that is not so; the message says how to make them.
        """
        if not video_ids:
            raise FileNotFoundError(f"no video has {self._how_to_make(next(iter(self.streams)), ())}")
        for name, absent in self.missing(video_ids).items():
            raise FileNotFoundError(
                f"{len(absent)} of {len(set(video_ids))} videos, first {absent[0]!r}, have no "
                f"{self._how_to_make(name, video_ids)}"
            )

    def left_out(self, video_ids: Sequence[str], missing: Missing) -> set[str]:
        """Return the videos that lack features, after a warning of them.

        Args:
            video_ids: Those of a data set.
            missing: "error" refuses any that lack features.

        Raises:
            FileNotFoundError: If ``missing`` is "error" and some lack features, or if all do; the message
                says how to make them.
        """
        ids = list(dict.fromkeys(video_ids))
        lacking = self.missing(ids)
        if missing == "error":
            self.check(ids)
        absent = set().union(*lacking.values())
        if len(absent) == len(ids):
            raise FileNotFoundError(
                f"none of {len(ids)} videos has all features in {self.folder}"
                f"{_bracketed(self.other_ids(lacking, ids))}; make them: {self.command(lacking)}"
            )
        if absent:
            named = ", ".join([video_id for video_id in ids if video_id in absent][:_NUM_NAMED])
            count = ", ".join(f"{len(names)} have no {name}" for name, names in lacking.items())
            warnings.warn(
                f"{len(absent)} of {len(ids)} videos are left out, for lack of features in "
                f"{self.folder} ({count}), first {named}; make them: "
                f"{self.command(lacking)}",
                stacklevel=3,
            )
        return absent

    def other_ids(self, names: Iterable[str], video_ids: Sequence[str]) -> str:
        """Return in words that a folder names its files by other ids than videos; "" if none does.

        Args:
            names: Streams.
            video_ids: Those of a data set.
        """
        for name in names:
            ids = self.streams[name].video_ids()
            if video_ids and ids and not set(ids) & set(video_ids):
                folder = self.streams[name].folder.name
                return f"{folder} has {len(ids)} other ids, such as {ids[0]!r}; wanted {video_ids[0]!r}"
        return ""

    def common_ids(self) -> list[str]:
        """Return the videos that have features of any stream."""
        return sorted(set().union(*(features.video_ids() for features in self.streams.values())))

    def num_clips(self, video_id: str) -> int:
        """Return the clips of a video: those of its shortest stream."""
        return min(features.num_clips(video_id) for features in self.streams.values())

    def duration_seconds(self, video_id: str) -> float:
        """Return the length of a video: that of its shortest stream."""
        return min(features.duration_seconds(video_id) for features in self.streams.values())

    def spread_fault(self, video_id: str, num_clips: Mapping[str, int]) -> tuple[str, str] | None:
        """Return the shortest stream, and in words why it does not fit the longest; None if it does."""
        short, long = min(num_clips, key=num_clips.__getitem__), max(num_clips, key=num_clips.__getitem__)
        most, length = 1.0, ""
        if self.clip_seconds is not None:
            most, length = self.tolerance_seconds / self.clip_seconds, f" of {self.clip_seconds:g} s"
        if num_clips[long] - num_clips[short] <= max(1.0, most):
            return None
        return short, (
            f"features of {video_id!r} in {self.folder} differ in length: {short} has {num_clips[short]} "
            f"clips{length}, {long} has {num_clips[long]}; extract both from one file"
        )

    def rows_of(self, video: NeededVideo) -> tuple[int, int]:
        """Return the first clip of a stretch, and the one after its last: those of the shortest stream.

        Raises:
            FileNotFoundError: If features are missing.
            ValueError: If features are damaged, do not fit the encoder, or differ in length from the
                annotation (``ModalityFeatures.check_length``) or from each other (``tolerance_seconds``);
                if no clip lies in the stretch.
        """
        counts = {name: features.num_clips(video.video_id) for name, features in self.streams.items()}
        for name, features in self.streams.items():
            features.check_length(video, counts[name])
        if spread := self.spread_fault(video.video_id, counts):
            raise ValueError(spread[1])
        shortest = min(counts, key=counts.__getitem__)
        return self.streams[shortest].rows_of(video, counts[shortest])

    def read(self, video_id: str, start: int, stop: int) -> dict[str, torch.Tensor]:
        """Return clips [start, stop) of a video by modality, (T, D) float32.

        Raises:
            KeyError: If it lacks features.
            ValueError: If they are damaged, of another encoder or width, or not finite.
        """
        parts: dict[str, list[torch.Tensor]] = {}
        for features in self.streams.values():
            parts.setdefault(features.modality, []).append(features.read(video_id, start, stop))
        return {name: rows[0] if len(rows) == 1 else torch.cat(rows, dim=1) for name, rows in parts.items()}

    def _how_to_make(self, name: str, video_ids: Sequence[str]) -> str:
        stream = self.streams[name]
        without = _WITHOUT.get(stream.modality)
        hint = (
            f"; where there is no {without}, leave it out: --cfg-options model.{stream.modality}_encoder=None"
        )
        return (
            f"{name} features in {stream.folder}{_bracketed(self.other_ids([name], video_ids))}; make them: "
            f"{self.command([name])}{hint if without else ''}"
        )


def check_missing(missing: str) -> None:
    """Check an argument ``missing`` of a data set.

    Raises:
        ValueError: If it is none of the two words.
    """
    if missing not in ("warn", "error"):
        raise ValueError(f'missing must be "warn" or "error", got {missing!r}')


def _bracketed(text: str) -> str:
    return f" ({text})" if text else ""


def _label(encoder: Encoder) -> str:
    """Return the folder of a stream and what its files are told by."""
    return encoder.store_name + (encoder.suffix if isinstance(encoder, Precomputed) else "")
