"""Sentences asked of videos: QVHighlights, Charades-STA, and data of one's own.

Shapes: T clips, N moments, D channels, A annotators.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch.utils.data import Dataset

from vidkit.data import (
    Missing,
    MomentAnnotation,
    NeededVideo,
    VideoSample,
    check_missing,
    read_charades_sta,
    read_qvhighlights,
)
from vidkit.data.moments import MAX_SALIENCY
from vidkit.encoders.base import Encoder
from vidkit.registry import DATASETS
from vidkit.tasks.moment_retrieval.data.streams import (
    STREAM_TOLERANCE_SECONDS,
    Paths,
    SampleStreams,
    files_of,
)

MomentProtocol = Literal["qvhighlights", "charades_sta"]

_READERS = {"qvhighlights": read_qvhighlights, "charades_sta": read_charades_sta}


@DATASETS.register_module()
class MomentQueries(Dataset[dict[str, Any]]):
    """Sentences asked of videos, and where in them they are true: QVHighlights, Charades-STA, own data.

    Own data has the form of QVHighlights, where the judgements of clips may be left out. The shortest stream
    of features decides how many clips there are. Nothing but the heads of feature files is read before a
    sample is asked for.

    A text encoder that is ``Precomputed`` stands for files of words (``TokenFiles``); any other reads the
    sentence, which the sample then holds as a str.

    Args:
        annotations: A file, or several: JSON lines, for Charades-STA also UMT's text.
        features: A feature store, or a folder of plain folders as the benchmarks are passed on.
        encoders: By modality; those of the model if left out.
        protocol: Whose rules the file follows.
        clip_seconds: Length of a clip of the features. The clips that the file of QVHighlights judges have
            2 s whatever it is.
        missing: What happens if videos lack features or sentences their words: "warn" leaves them out,
            "error" refuses.

    Raises:
        ValueError: If the annotations are wrong or empty, or features of another width or length.
        FileNotFoundError: If a file is missing, features are and ``missing`` is "error", or no video has any;
            the message says how to make them.
    """

    stream_tolerance_seconds = STREAM_TOLERANCE_SECONDS

    def __init__(
        self,
        *,
        annotations: Paths,
        features: str | Path,
        encoders: Mapping[str, Encoder],
        protocol: MomentProtocol = "qvhighlights",
        clip_seconds: float = 2.0,
        missing: Missing = "warn",
    ) -> None:
        check_missing(missing)
        read = read_moments(annotations, protocol)
        self.metainfo = dict(task="moment_retrieval", protocol=protocol)
        self.clip_seconds = clip_seconds
        self.streams = SampleStreams(features, encoders, clip_seconds)
        needed = [_needed_by(annotation) for annotation in read]
        places = self.streams.with_all(needed, missing)
        self.annotations = [read[place] for place in places]
        self.needed = [needed[place] for place in places]
        rows: dict[tuple[str, float | None], tuple[int, int]] = {}  # most videos are asked several things
        self.rows: list[tuple[int, int]] = []
        for video in self.needed:
            key = video.video_id, video.end_seconds
            if key not in rows:
                rows[key] = self.streams.videos.rows_of(video)
            self.rows.append(rows[key])
        self._warn_of_moments_beyond()

    @classmethod
    def needed_videos(
        cls, *, annotations: Paths, protocol: MomentProtocol = "qvhighlights", **_: Any
    ) -> Sequence[NeededVideo]:
        """Return what the annotations need of features; see ``vidkit.data.inspection``."""
        return [_needed_by(annotation) for annotation in read_moments(annotations, protocol)]

    def __len__(self) -> int:
        return len(self.annotations)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one sentence: clips (T, D) per modality, its words, its moments and the saliency of clips.

        Moments are cut to the clips that there are; one that lies beyond them all is left out.

        Raises:
            ValueError: If features are damaged or not finite.
        """
        annotation, (start, stop) = self.annotations[index], self.rows[index]
        seconds = (stop - start) * self.clip_seconds
        meta = dict(
            video_id=annotation.video_id,
            query_id=annotation.query_id,
            query=annotation.query,
            duration_seconds=annotation.duration_seconds or seconds,
            clip_seconds=self.clip_seconds,
            annotation=annotation,
        )
        sample = VideoSample(metainfo=meta)
        if annotation.moments is not None:
            sample.gt_segments = torch.from_numpy(_cut(annotation.moments, seconds)).float()
        if annotation.saliency is not None:
            sample.gt_saliency = _judged_saliency(annotation, stop - start, self.clip_seconds)
        inputs = self.streams.read(self.needed[index], self.rows[index])
        return dict(inputs=inputs, data_samples=sample)

    def lengths(self) -> list[int]:
        """Return the clips of every sample, T, for samplers."""
        return [stop - start for start, stop in self.rows]

    def _warn_of_moments_beyond(self) -> None:
        num_beyond = sum(
            len(annotation.moments) - len(_cut(annotation.moments, (stop - start) * self.clip_seconds))
            for annotation, (start, stop) in zip(self.annotations, self.rows, strict=True)
            if annotation.moments is not None
        )
        if num_beyond:
            warnings.warn(
                f"{num_beyond} moments lie beyond the features of their video and teach nothing", stacklevel=3
            )


def read_moments(paths: Paths, protocol: str) -> list[MomentAnnotation]:
    """Return the annotations of files, which may not be empty.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If the protocol is unknown, a line is wrong, a qid stands in two files, or there is none.
    """
    if protocol not in _READERS:
        raise ValueError(f"unknown protocol {protocol!r}; known: {', '.join(_READERS)}")
    annotations: list[MomentAnnotation] = []
    places: dict[str, str | Path] = {}
    for path in files_of(paths):
        read = _READERS[protocol](path)
        for annotation in read:
            name = str(annotation.query_id)
            if name in places:
                raise ValueError(
                    f"qid {name} stands in {places[name]} and in {path}; give each sentence its own"
                )
        places.update({str(annotation.query_id): path for annotation in read})
        annotations += read
    if not annotations:
        raise ValueError(f"{paths} has no query; give annotations of at least one")
    return annotations


def _needed_by(annotation: MomentAnnotation) -> NeededVideo:
    seconds = annotation.duration_seconds
    return NeededVideo(
        annotation.video_id,
        end_seconds=seconds,
        min_seconds=seconds or 0.0,
        max_seconds=seconds,
        query_id=annotation.query_id,
        query=annotation.query,
    )


def _cut(moments: np.ndarray, seconds: float) -> np.ndarray:
    """Return the part of moments (N, 2) that lies before a time; those that have none are left out."""
    cut = np.minimum(moments, seconds)
    kept: np.ndarray = cut[cut[:, 0] < cut[:, 1]]
    return kept


def _judged_saliency(annotation: MomentAnnotation, num_clips: int, clip_seconds: float) -> torch.Tensor:
    """Return the mean judgement of clips, in [0, 1], (T,); 0 beyond those that could be judged."""
    assert annotation.saliency is not None
    assert annotation.clip_seconds is not None
    values = annotation.saliency.mean(axis=1) / MAX_SALIENCY
    index = ((np.arange(num_clips) + 0.5) * clip_seconds / annotation.clip_seconds).astype(np.int64)
    values = np.concatenate([values, [0.0]])[np.minimum(index, len(values))]
    return torch.from_numpy(values).float()
