"""From features to samples: chunks without labels to train on, annotated videos to report on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from torch.utils.data import Dataset

from vidkit.data import (
    HIGHLIGHT_READERS,
    FeatureVideos,
    HighlightAnnotation,
    NeededVideo,
    VideoSample,
)
from vidkit.encoders.base import Encoder
from vidkit.files import read_json_lines
from vidkit.registry import DATASETS
from vidkit.tasks.highlight_detection.model import CHUNK_SECONDS

Protocol = Literal["youtube_highlights", "tvsum"]


@DATASETS.register_module()
class UnlabelledChunks(Dataset[dict[str, Any]]):
    """Chunks of 30 s of videos without labels; the last chunk of a video may be shorter.

    Args:
        features: Folder of a feature store.
        encoders: By modality; those of the model if left out.
        videos: JSON lines with a ``vid`` per line, to train on these videos; None takes all in the store.
        clip_seconds: Length of a clip.

    Raises:
        FileNotFoundError: If a video lacks features, or there is none; the message says how to make them.
    """

    def __init__(
        self,
        *,
        features: str | Path,
        encoders: Mapping[str, Encoder],
        videos: str | Path | None = None,
        clip_seconds: float = 0.2,
    ) -> None:
        self.videos = FeatureVideos(features, encoders, clip_seconds)
        ids = self.videos.common_ids() if videos is None else _named_ids(videos)
        self.metainfo = dict(task="highlight_detection")
        self.videos.check(ids)
        self.clip_seconds = clip_seconds
        steps = round(CHUNK_SECONDS / clip_seconds)
        self.chunks: list[tuple[str, int, int]] = []
        for video_id in ids:
            num_clips = self.videos.num_clips(video_id)
            self.chunks += [
                (video_id, start, min(start + steps, num_clips)) for start in range(0, num_clips, steps)
            ]

    @classmethod
    def needed_videos(cls, *, videos: str | Path | None = None, **_: Any) -> Sequence[NeededVideo] | None:
        """Return the videos that are named; None if all in the store are read."""
        return None if videos is None else [NeededVideo(video_id) for video_id in _named_ids(videos)]

    def __len__(self) -> int:
        return len(self.chunks)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one chunk: features (T, D) per modality, T <= 150, and its place in the video."""
        video_id, start, stop = self.chunks[index]
        meta = dict(
            video_id=video_id,
            start_seconds=start * self.clip_seconds,
            duration_seconds=(stop - start) * self.clip_seconds,
            clip_seconds=self.clip_seconds,
        )
        return dict(inputs=self.videos.read(video_id, start, stop), data_samples=VideoSample(metainfo=meta))


@DATASETS.register_module()
class AnnotatedHighlights(Dataset[dict[str, Any]]):
    """Whole videos with the judgements of YouTube Highlights or TVSum.

    Args:
        features: Folder of a feature store.
        annotations: JSON lines of the benchmark: a file, or several.
        protocol: Which benchmark's.
        encoders: By modality; those of the model if left out.
        clip_seconds: Length of a clip of the features.

    Raises:
        FileNotFoundError: If a video lacks features; the message says how to make them.
    """

    def __init__(
        self,
        *,
        features: str | Path,
        annotations: str | Path | Sequence[str | Path],
        encoders: Mapping[str, Encoder],
        protocol: Protocol = "youtube_highlights",
        clip_seconds: float = 0.2,
    ) -> None:
        self.annotations = _read_files(annotations, protocol)
        self.metainfo = dict(task="highlight_detection", protocol=protocol)
        self.videos = FeatureVideos(features, encoders, clip_seconds)
        self.videos.check([annotation.video_id for annotation in self.annotations])
        self.clip_seconds = clip_seconds

    @classmethod
    def needed_videos(
        cls,
        *,
        annotations: str | Path | Sequence[str | Path],
        protocol: Protocol = "youtube_highlights",
        **_: Any,
    ) -> Sequence[NeededVideo]:
        """Return the annotated videos. Their durations are not those of the files: TVSum's are rounded."""
        return [NeededVideo(annotation.video_id) for annotation in _read_files(annotations, protocol)]

    def __len__(self) -> int:
        return len(self.annotations)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one video: features (T, D) per modality, and its annotation."""
        annotation = self.annotations[index]
        meta = dict(
            video_id=annotation.video_id,
            duration_seconds=annotation.duration_seconds,
            clip_seconds=self.clip_seconds,
            annotation=annotation,
        )
        num_clips = self.videos.num_clips(annotation.video_id)
        inputs = self.videos.read(annotation.video_id, 0, num_clips)
        return dict(inputs=inputs, data_samples=VideoSample(metainfo=meta))


def read_annotations(path: str | Path, protocol: str) -> list[HighlightAnnotation]:
    """Return the annotations of a benchmark's file.

    Raises:
        ValueError: If the protocol is unknown.
    """
    if protocol not in HIGHLIGHT_READERS:
        raise ValueError(f"unknown protocol {protocol!r}; known: {', '.join(HIGHLIGHT_READERS)}")
    return HIGHLIGHT_READERS[protocol](path)


def _read_files(files: str | Path | Sequence[str | Path], protocol: str) -> list[HighlightAnnotation]:
    listed = [files] if isinstance(files, (str, Path)) else list(files)
    return [annotation for file in listed for annotation in read_annotations(file, protocol)]


def _named_ids(path: str | Path) -> list[str]:
    """Return the videos that JSON lines name, each once."""
    return list(dict.fromkeys(str(row["vid"]) for row in read_json_lines(path)))
