"""The features of one encoder, whether a feature store or bare files hold them, and what is needed of them.

Shapes: T clips, D channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vidkit.encoders.base import Encoder, FeatureRecipe, spec_of
from vidkit.encoders.precomputed import Precomputed
from vidkit.encoders.weights import source_of_weights
from vidkit.features.layouts import FeatureFolder, features_header
from vidkit.features.npy_header import npy_header
from vidkit.features.origin import ORIGIN
from vidkit.features.sidecar import num_clips_of
from vidkit.features.store import EncoderFeatures
from vidkit.registry import ENCODERS

TOLERANCE_SECONDS = 2.0
"""Annotations and features of one video may differ in length by so much; they are cut to the shorter."""


@dataclass(frozen=True)
class NeededVideo:
    """What a data set reads of one source video, known before its features are.

    Args:
        video_id: Name of the video, which names its features.
        start_seconds: Where the stretch that is read begins.
        end_seconds: Where it ends; None reads to the end of the features.
        min_seconds: The features must reach so far, up to 2 s.
        max_seconds: And no farther, up to 2 s, because the video ends there; None if that is not known.
        num_clips: How many vectors its features have, up to one, where the annotation cuts the clips; None
            where all clips are equally long.
        source: Where the video is, if the annotations say so: a path. Else its id stands for it.
        query_id: Names the words of the sentence that is asked of it; None without a sentence.
        query: The sentence.
    """

    video_id: str
    start_seconds: float = 0.0
    end_seconds: float | None = None
    min_seconds: float = 0.0
    max_seconds: float | None = None
    num_clips: int | None = None
    source: str | None = None
    query_id: int | str | None = None
    query: str | None = None


class ModalityFeatures:
    """The features of one encoder: those of a feature store, or for ``Precomputed`` also bare files.

    Bare files are ``<folder>/<encoder.store_name>/<video_id><suffix>.npy`` without sidecars, as Repurpose-10K
    is passed on, or ``.npz`` with the key "features", as QVHighlights is. Nothing in them says who made them,
    so an encoder that could have made others refuses them.

    Args:
        folder: A feature store, or the folder of such folders.
        encoder: Whose features.
        modality: Its modality, for messages.
        clip_seconds: Length of a clip; None where the annotations cut the clips.

    Raises:
        ValueError: If the files are bare and the encoder is not ``Precomputed``, or its folder has no name.
    """

    def __init__(
        self, folder: str | Path, encoder: Encoder, modality: str, clip_seconds: float | None
    ) -> None:
        self.modality = modality
        self.dim = encoder.dim
        self.clip_seconds = clip_seconds
        self.spec = _spec(encoder)
        self.source: EncoderFeatures | FeatureFolder = EncoderFeatures(
            folder, encoder, clip_seconds=clip_seconds
        )
        self.folder = self.source.folder
        pattern = _bare_pattern(self.folder, encoder.suffix if isinstance(encoder, Precomputed) else "")
        if pattern is not None:
            if not isinstance(encoder.recipe, FeatureRecipe):
                raise ValueError(
                    f"{self.folder} holds arrays without sidecars, so nothing says that {self.spec} made "
                    f"them; read them with Precomputed(dim={encoder.dim}, modality={modality!r}, "
                    f"name={self.folder.name!r}), or extract them again"
                )
            self.source = FeatureFolder(
                self.folder, dim=encoder.dim, pattern=pattern, clip_seconds=clip_seconds
            )

    def video_ids(self) -> list[str]:
        """Return the sorted ids of the videos that have features."""
        return [name for name in self.source.video_ids() if not name.startswith(".")]

    def num_clips(self, video_id: str) -> int:
        """Return how many clips a video has; only the head of the file is read.

        Raises:
            FileNotFoundError: If there is no such file.
            KeyError: If an .npz file has no array that is known.
            ValueError: If it is not whole, no features (T, D), or of another width than the encoder's.
        """
        if isinstance(self.source, FeatureFolder):
            path = self.source.path(video_id)
            shape, dtype = features_header(path)
        else:
            path = self.folder / f"{video_id}.npy"
            shape, dtype = npy_header(path)
        if len(shape) != 2 or not np.issubdtype(dtype, np.floating):
            raise ValueError(f"{path} holds {dtype} of shape {shape}, not features (T, D); extract it again")
        if shape[1] != self.dim:
            raise ValueError(
                f"{path} has {shape[1]} channels, the {self.modality} encoder has {self.dim}; set its dim to "
                f"{shape[1]}, or read features of another folder"
            )
        return shape[0]

    def duration_seconds(self, video_id: str) -> float:
        """Return the length of the video that a sidecar tells, else that of all clips."""
        assert self.clip_seconds is not None
        seconds = self.num_clips(video_id) * self.clip_seconds
        if isinstance(self.source, EncoderFeatures):
            return min(seconds, float(self.source.sidecar(video_id)["duration_seconds"]))
        return seconds

    def read(self, video_id: str, start: int, stop: int) -> torch.Tensor:
        """Return clips [start, stop) of a video, (T, D) float32.

        Raises:
            KeyError: If it has no features.
            ValueError: If they are damaged, of another encoder or width, or not finite.
        """
        rows = np.array(self.source[video_id][start:stop])
        if not np.isfinite(rows).all():
            first = int((~np.isfinite(rows)).any(axis=1).argmax())
            value = rows[first][~np.isfinite(rows[first])][0]
            place = f"in clip {start + first}, counted from 0"
            if self.clip_seconds is not None:
                place = f"at second {(start + first) * self.clip_seconds:g} of the video"
            raise ValueError(
                f"{self.modality} features of {video_id!r} in {self.folder} are not finite: {value} {place}; "
                "extract them again with --overwrite"
            )
        return torch.from_numpy(rows)

    def read_all(self, video_id: str) -> torch.Tensor | None:
        """Return all clips of a video, (T, D) float32; None if it has no features.

        Raises:
            ValueError: If they are damaged, of another encoder or width, or not finite.
        """
        try:
            num_clips = self.num_clips(video_id)
        except FileNotFoundError:
            return None
        return self.read(video_id, 0, num_clips)

    def check_length(self, video: NeededVideo, num_clips: int) -> None:
        """Check that so many clips are what is needed of a video.

        Raises:
            ValueError: If they are more than 2 s shorter or longer, or more than one clip where the
                annotation cuts the clips.
        """
        if self.clip_seconds is None:
            if video.num_clips is not None and abs(num_clips - video.num_clips) > 1:
                raise ValueError(
                    f"{self.modality} features of {video.video_id!r} in {self.folder} have {num_clips} clips,"
                    f" its annotation has {video.num_clips}; make one vector for each annotated clip, or set "
                    "clip_seconds for clips of one length"
                )
            return
        seconds = num_clips * self.clip_seconds
        slack = max(TOLERANCE_SECONDS, self.clip_seconds)  # the last clip may reach beyond the end
        if seconds < video.min_seconds - slack:
            expected = f"at least {video.min_seconds:g} s"
        elif video.max_seconds is not None and seconds > video.max_seconds + slack:
            expected = f"{video.max_seconds:g} s"
        else:
            return
        raise ValueError(
            f"{self.modality} features of {video.video_id!r} in {self.folder} have {num_clips} clips of "
            f"{self.clip_seconds:g} s, which are {seconds:g} s; its annotation says {expected}; extract them "
            "again from the whole video, or correct the annotation"
        )

    def rows_of(self, video: NeededVideo, num_clips: int) -> tuple[int, int]:
        """Return the first of so many clips that a stretch reads, and the one after its last.

        Raises:
            ValueError: If no clip lies in the stretch.
        """
        start, stop = 0, num_clips
        if video.num_clips is not None:
            stop = min(stop, video.num_clips)
        if self.clip_seconds is not None:
            start = round(video.start_seconds / self.clip_seconds)
            if video.end_seconds is not None:
                stop = min(stop, num_clips_of(video.end_seconds, self.clip_seconds))
        if start >= stop:
            length = "" if self.clip_seconds is None else f" of {self.clip_seconds:g} s"
            raise ValueError(
                f"{self.modality} features of {video.video_id!r} in {self.folder} have {num_clips} clips"
                f"{length}, so the chunk that begins at {video.start_seconds:g} s has none; "
                "extract them again from the whole video, or remove the chunk from the annotation"
            )
        return start, stop


def _bare_pattern(folder: Path, suffix: str) -> str | None:
    """Return how the files of a folder are named that holds arrays and no sidecar; None of any other."""
    if not folder.is_dir():
        return None
    names = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
    if any(name.endswith(".json") and name != ORIGIN for name in names):
        return None
    for kind in (f"{suffix}.npy", f"{suffix}.npz", ".npy", ".npz"):
        if any(name.endswith(kind) for name in names):
            return f"{{video_id}}{suffix}{kind[-4:]}"
    return None


def _spec(encoder: Encoder) -> str:
    """Return the words of ``vidkit extract --encoder`` that make features like those of an encoder."""
    if isinstance(encoder.recipe, FeatureRecipe):
        name = encoder.store_name
        return name if name in ENCODERS else f"ENCODER:folder={name}"
    spec, weights = spec_of(encoder), source_of_weights(encoder)
    if weights is None or weights == "random":
        return spec
    return f"{spec}{';' if ':' in spec else ':'}weights={weights}"
