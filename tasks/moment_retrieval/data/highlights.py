"""Videos whose clips people have judged: YouTube Highlights and TVSum.

Shapes: T clips of the features, N annotated clips, D channels, A annotators.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from vidkit.data import (
    HIGHLIGHT_READERS,
    HighlightAnnotation,
    Missing,
    NeededVideo,
    VideoSample,
    check_missing,
)
from vidkit.data.rows import checked_rows
from vidkit.encoders.base import Encoder
from vidkit.evaluation.highlight_metric import HighlightProtocol
from vidkit.registry import DATASETS
from vidkit.tasks.moment_retrieval.data.streams import (
    STREAM_TOLERANCE_SECONDS,
    Paths,
    SampleStreams,
    files_of,
)

_SCALES = {"youtube_highlights": (0.0, 1.0), "tvsum": (1.0, 5.0)}
"""Protocol -> the lowest and the highest judgement of a clip."""


@DATASETS.register_module()
class HighlightVideos(Dataset[dict[str, Any]]):
    """Videos of YouTube Highlights or TVSum with the saliency that people saw in their clips.

    The features that are passed on have one vector for each annotated clip, and those of YouTube Highlights
    overlap by half; features that vidkit makes have clips of one length, one after the other. Without
    ``clip_seconds`` the first are read. With it a clip is as salient as the annotated clips round its middle.

    The sentence of TVSum is the title of the video, that of YouTube Highlights its domain; ``MomentQueries``
    says how a text encoder reads it, its words being named by the video.

    Args:
        annotations: JSON lines of the benchmark, or UMT's JSON: a file, or several.
        features: A feature store, or a folder of plain folders as the benchmarks are passed on.
        encoders: By modality; those of the model if left out.
        protocol: Which benchmark's.
        domain: Read the videos of this one alone; None for all.
        videos: JSON lines with a ``vid`` each: read these videos alone, such as those of a split, of which
            UMT's JSON says nothing. None for all.
        clip_seconds: Length of a clip of the features; None for one vector per annotated clip.
        missing: As ``MomentQueries``.

    Raises:
        ValueError: If the annotations are wrong or empty, no video is of the domain, one has no sentence
            that the text encoder could read, or features are of another width or length.
        FileNotFoundError: As ``MomentQueries``.
    """

    stream_tolerance_seconds = STREAM_TOLERANCE_SECONDS

    def __init__(
        self,
        *,
        annotations: Paths,
        features: str | Path,
        encoders: Mapping[str, Encoder],
        protocol: HighlightProtocol = "youtube_highlights",
        domain: str | None = None,
        videos: str | Path | None = None,
        clip_seconds: float | None = None,
        missing: Missing = "warn",
    ) -> None:
        check_missing(missing)
        read = read_highlights(annotations, protocol, domain=domain, videos=videos)
        self.metainfo = dict(task="moment_retrieval", protocol=protocol)
        self.clip_seconds = clip_seconds
        self.streams = SampleStreams(features, encoders, clip_seconds)
        needed = [_needed_of(annotation, clip_seconds) for annotation in read]
        if self.streams.text_encoder is not None and self.streams.tokens is None:
            silent = next((video.video_id for video in needed if video.query is None), None)
            if silent is not None:
                raise ValueError(
                    f"video {silent!r} has no query that the text encoder could read; give one in its line, "
                    "or set model.text_encoder=None"
                )
        places = self.streams.with_all(needed, missing)
        self.annotations = [read[place] for place in places]
        self.needed = [needed[place] for place in places]
        self.rows = [self.streams.videos.rows_of(video) for video in self.needed]

    @classmethod
    def needed_videos(
        cls,
        *,
        annotations: Paths,
        protocol: HighlightProtocol = "youtube_highlights",
        domain: str | None = None,
        videos: str | Path | None = None,
        clip_seconds: float | None = None,
        **_: Any,
    ) -> Sequence[NeededVideo]:
        """Return what the annotations need of features; see ``vidkit.data.inspection``."""
        read = read_highlights(annotations, protocol, domain=domain, videos=videos)
        return [_needed_of(annotation, clip_seconds) for annotation in read]

    def __len__(self) -> int:
        return len(self.annotations)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one video: clips (T, D) per modality, its words if the model reads some, its saliency (T,).

        Raises:
            ValueError: If features are damaged or not finite.
        """
        annotation, (start, stop) = self.annotations[index], self.rows[index]
        meta = dict(
            video_id=annotation.video_id,
            query_id=annotation.video_id,
            query=annotation.query,
            duration_seconds=annotation.duration_seconds,
            clip_seconds=self.clip_seconds,
            annotation=annotation,
        )
        sample = VideoSample(metainfo=meta)
        lowest, highest = _SCALES[self.metainfo["protocol"]]
        saliency = (annotation.labels.mean(axis=1) - lowest) / (highest - lowest)  # (N,)
        if self.clip_seconds is None:
            saliency = saliency[: stop - start]
        else:
            saliency = _at_middles(saliency, annotation.clips, stop - start, self.clip_seconds)
        sample.gt_saliency = torch.from_numpy(saliency).float()
        inputs = self.streams.read(self.needed[index], self.rows[index])
        return dict(inputs=inputs, data_samples=sample)

    def lengths(self) -> list[int]:
        """Return the clips of every sample, T, for samplers."""
        return [stop - start for start, stop in self.rows]


def read_highlights(
    paths: Paths, protocol: str, *, domain: str | None = None, videos: str | Path | None = None
) -> list[HighlightAnnotation]:
    """Return the annotations of files, of one domain or of all, of some videos or of all.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If the protocol is unknown, a line is wrong, a video that is named is not annotated, or no
            video is of the domain.
    """
    if protocol not in HIGHLIGHT_READERS:
        raise ValueError(f"unknown protocol {protocol!r}; known: {', '.join(HIGHLIGHT_READERS)}")
    annotations = [annotation for path in files_of(paths) for annotation in HIGHLIGHT_READERS[protocol](path)]
    if videos is not None:
        by_id = {annotation.video_id: annotation for annotation in annotations}
        named = [str(row["vid"]) for _, row in checked_rows(videos, ("vid",), unique="vid")]
        absent = [video_id for video_id in named if video_id not in by_id]
        if absent:
            raise ValueError(
                f"{len(absent)} of {len(named)} videos of {videos} are not annotated in {paths}, first "
                f"{absent[0]!r}; leave them out"
            )
        annotations = [by_id[video_id] for video_id in named]
    domains = sorted({annotation.domain for annotation in annotations})
    if not annotations or (domain is not None and domain not in domains):
        told = ", ".join(domains) or "no video"
        raise ValueError(f"{paths} has {told}, no video of domain {domain!r}; name one, or None for all")
    return [annotation for annotation in annotations if domain in (None, annotation.domain)]


def _needed_of(annotation: HighlightAnnotation, clip_seconds: float | None) -> NeededVideo:
    """Return what is read of a video; the lengths of the files are not those of the videos."""
    return NeededVideo(
        annotation.video_id,
        num_clips=len(annotation.clips) if clip_seconds is None else None,
        query_id=annotation.video_id,
        query=annotation.query,
    )


def _at_middles(saliency: np.ndarray, clips: np.ndarray, num_clips: int, clip_seconds: float) -> np.ndarray:
    """Return the mean saliency of the annotated clips that hold the middle of each clip, (T,); 0 without any.

    Args:
        saliency: Of the annotated clips, (N,).
        clips: Their start and end in seconds, (N, 2); they may overlap.
        num_clips: T.
        clip_seconds: Length of each of the T clips.
    """
    middles = (np.arange(num_clips) + 0.5) * clip_seconds
    holds = (clips[:, 0] <= middles[:, None]) & (middles[:, None] < clips[:, 1])  # (T, N)
    mean: np.ndarray = holds @ saliency / np.maximum(holds.sum(axis=1), 1)
    return mean
