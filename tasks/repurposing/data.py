"""From annotations and features to samples: chunks of long videos, and the clips that people made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset

from vidkit.data import (
    FeatureVideos,
    Missing,
    NeededVideo,
    RepurposedVideo,
    VideoSample,
    check_missing,
    chunks_of,
    read_clip_list,
    read_repurpose10k,
)
from vidkit.encoders.base import Encoder
from vidkit.registry import DATASETS


@DATASETS.register_module()
class RepurposingVideos(Dataset[dict[str, Any]]):
    """Videos, or chunks of half an hour of longer ones, with the clips that were made of them.

    Features and annotation may differ in length by 2 s: what both have is read. Nothing but the heads of the
    feature files is read before a sample is asked for.

    Args:
        annotations: A json as Repurpose-10K is released, or a list of clips of one's own, .csv or .jsonl; or
            several such files.
        features: A feature store, or a folder of plain folders as Repurpose-10K is passed on.
        encoders: By modality; those of the model if left out.
        clip_seconds: Length of a clip of the features.
        missing: What happens if videos lack features: "warn" leaves them out, "error" refuses.

    Raises:
        ValueError: If the annotations are wrong or empty, or features of another width or length.
        FileNotFoundError: If a file is missing, features are and ``missing`` is "error", or no video has any;
            the message says how to make them.
    """

    def __init__(
        self,
        *,
        annotations: str | Path | Sequence[str | Path],
        features: str | Path,
        encoders: Mapping[str, Encoder],
        clip_seconds: float = 1.0,
        missing: Missing = "warn",
    ) -> None:
        check_missing(missing)
        videos = read_annotations(annotations)
        if not videos:
            raise ValueError(f"{annotations} names no video; give annotations of at least one")
        self.metainfo = dict(task="repurposing")
        self.clip_seconds = clip_seconds
        self.features = FeatureVideos(features, encoders, clip_seconds)
        absent = self.features.left_out([video.video_id for video in videos], missing)
        videos = [video for video in videos if video.video_id not in absent]
        self.features.read(videos[0].video_id, 0, 0)  # features of another recipe are told before training
        self.videos: list[RepurposedVideo] = []
        self.rows: list[tuple[int, int]] = []
        for video in videos:
            self._add(video)

    @classmethod
    def needed_videos(
        cls, *, annotations: str | Path | Sequence[str | Path], **_: Any
    ) -> Sequence[NeededVideo]:
        """Return what the annotations need of features; see ``vidkit.data.inspection``."""
        return [video.needed() for video in read_annotations(annotations)]

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one chunk: features (T, D) per modality and its clips, in seconds from its start.

        Raises:
            ValueError: If its features are damaged or not finite.
        """
        video, (start, stop) = self.videos[index], self.rows[index]
        assert video.end_seconds is not None  # ``_add`` gives those an end that come without
        duration_seconds = video.end_seconds - video.start_seconds
        meta = dict(
            video_id=video.video_id,
            time_range=(video.start_seconds, video.end_seconds),
            duration_seconds=min(duration_seconds, (stop - start) * self.clip_seconds),
            clip_seconds=self.clip_seconds,
        )
        sample = VideoSample(metainfo=meta)
        sample.gt_segments = torch.from_numpy(video.segments).float()
        return dict(inputs=self.features.read(video.video_id, start, stop), data_samples=sample)

    def lengths(self) -> list[int]:
        """Return the clips of every sample, T, for samplers."""
        return [stop - start for start, stop in self.rows]

    def _add(self, video: RepurposedVideo) -> None:
        """Add an entry; a file of one's own in chunks as long as those of the data set."""
        rows = self.features.rows_of(video.needed())
        if video.path is None:
            self.videos.append(video)
            self.rows.append(rows)
            return
        duration_seconds = self.features.duration_seconds(video.video_id)
        for chunk in chunks_of(video, min(duration_seconds, video.end_seconds or duration_seconds)):
            self.videos.append(chunk)
            self.rows.append(self.features.rows_of(chunk.needed()))


def read_annotations(paths: str | Path | Sequence[str | Path]) -> list[RepurposedVideo]:
    """Return the videos of files of annotations, told apart by their suffixes.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If one is of another kind, or an entry is wrong.
    """
    files = [paths] if isinstance(paths, (str, Path)) else list(paths)
    return [video for file in files for video in _read(Path(file))]


def _read(path: Path) -> list[RepurposedVideo]:
    if path.suffix.lower() == ".json":
        return read_repurpose10k(path)
    if path.suffix.lower() in (".csv", ".jsonl"):
        return read_clip_list(path)
    raise ValueError(
        f"{path} is no file of annotations by its suffix; known: .json of Repurpose-10K, .csv and .jsonl of "
        "clips of your own"
    )
