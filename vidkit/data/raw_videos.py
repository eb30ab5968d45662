"""Short videos as samples, read from their files: the data set of topic recognition and retrieval.

Shapes: V views, F frames a view, S x S pixels of a crop, T rows of features, D channels.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from vidkit.data.clip_sampling import FrameSampler, SoundSampler
from vidkit.data.crops import Crop
from vidkit.data.feature_videos import Missing, check_missing
from vidkit.data.modality_features import ModalityFeatures, NeededVideo
from vidkit.data.raw_clips import Clips, FrameViews, SoundViews, read_clips
from vidkit.data.sample import VideoSample
from vidkit.data.short_videos import ShortVideo, read_short_videos
from vidkit.data.topics import topic_names
from vidkit.encoders.base import AudioRecipe, Encoder, FeatureRecipe
from vidkit.media import Caption, MediaError, read_captions
from vidkit.registry import DATASETS
from vidkit.seeds import derived_seed

_NUM_NAMED = 5  # of the videos that have no file
_NUM_TRIES = 20  # files in a row that cannot be read: then something is wrong with all of them


@DATASETS.register_module()
class ShortVideos(Dataset[dict[str, Any]]):
    """Short videos with topic, title and text, for validation, test and prediction.

    A sample holds what the encoders read, ``inputs[modality]``, and None where the video lacks it:

    | modality | what | None |
    |---|---|---|
    | visual | crops, uint8 (V, F, S, S, 3) | no moving pictures |
    | audio | stretches of sound, float32 (V, samples) | no sound |
    | text | the subtitle, str; else the screen text | neither is known |
    | any, of ``Precomputed`` | features, float32 (T, D) | no file |

    ``data_samples`` has video_id, path, duration_seconds (None if no file was opened), title (str or None),
    label (the topic's name or None), label_index (its place among ``topics``, -1 if not known) and fault: why
    nothing could be read of a file, else None. A file with a fault has None everywhere; the run goes on,
    counts it as it is, and names it at the end.

    Random samplers and crops draw from (seed, epoch, video_id), whatever the batches and workers.

    Args:
        annotations: Table of the videos, .csv or .jsonl; see ``read_short_videos``.
        encoders: By modality; those of the model if left out. Only these modalities are read.
        root: Folder from which the paths of the table count; None for the folder of the table.
        topics: Their names, or where they stand; see ``topic_names``. None takes any.
        frames: Which frames are read; needed where an encoder reads pictures.
        crop: What is cut out of them; needed likewise.
        short_side: To so many pixels frames are scaled while they are decoded.
        sound: Which stretches of sound are read; needed where an encoder reads sound.
        screen_text: Folder of ``<video_id>.srt``, as `vidkit transcribe --source screen --out` writes them:
            the text of videos whose subtitle is not in the table.
        features: A feature store, or a folder of plain folders, for ``Precomputed``.
        missing: What happens if videos have no file: "warn" leaves them out, "error" refuses.

    Raises:
        ValueError: If the table is wrong or empty, or an argument is missing that an encoder needs.
        FileNotFoundError: If the table is missing, or files are and ``missing`` is "error", or all are.
    """

    reads_raw_clips = True
    """The encoders run on what the samples hold, so training may train them."""

    def __init__(
        self,
        *,
        annotations: str | Path,
        encoders: Mapping[str, Encoder],
        root: str | Path | None = None,
        topics: str | Path | Sequence[str] | None = None,
        frames: FrameSampler | None = None,
        crop: Crop | None = None,
        short_side: int = 256,
        sound: SoundSampler | None = None,
        screen_text: str | Path | None = None,
        features: str | Path | None = None,
        missing: Missing = "warn",
    ) -> None:
        check_missing(missing)
        self.topics = None if topics is None else topic_names(topics)
        self.metainfo = dict(topics=self.topics)
        self.frames: FrameViews | None = None
        self.sound: SoundViews | None = None
        self.features: dict[str, ModalityFeatures] = {}
        self.modalities = tuple(encoders)
        for name, encoder in encoders.items():
            if isinstance(encoder.recipe, FeatureRecipe):
                folder = _needed(features, "features", f"{name} features")
                self.features[name] = ModalityFeatures(folder, encoder, name, None)
            elif name == "visual":
                self.frames = FrameViews(
                    _needed(frames, "frames", "pictures"), _needed(crop, "crop", "pictures"), short_side
                )
            elif name == "audio":
                assert isinstance(encoder.recipe, AudioRecipe)
                self.sound = SoundViews(_needed(sound, "sound", "sound"), encoder.recipe)
        self.screen_text = None if screen_text is None else Path(screen_text)
        listed = read_short_videos(annotations, root=root, topics=self.topics)
        if not listed:
            raise ValueError(f"{annotations} names no video; give a table of at least one")
        self.videos = self._with_files(listed, missing)
        self._place = {topic: place for place, topic in enumerate(self.topics or ())}
        # Shared with workers, which live on from epoch to epoch if they are persistent.
        self._seed_and_epoch = torch.zeros(2, dtype=torch.int64).share_memory_()

    @classmethod
    def needed_videos(
        cls, *, annotations: str | Path, root: str | Path | None = None, **_: Any
    ) -> Sequence[NeededVideo]:
        """Return the videos of the table; see ``vidkit.data.inspection``."""
        videos = read_short_videos(annotations, root=root)
        return [NeededVideo(video.video_id, source=str(video.path)) for video in videos]

    def set_epoch(self, *, seed: int, epoch: int) -> None:
        """Say which epoch of which run the next samples belong to; workers that run hear of it."""
        self._seed_and_epoch[0], self._seed_and_epoch[1] = seed, epoch

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return the sample of one video."""
        video = self.videos[index]
        try:
            return self.read(video)
        except (MediaError, OSError) as error:
            return self._sample(video, dict.fromkeys(self.modalities), fault=str(error))

    def read(self, video: ShortVideo) -> dict[str, Any]:
        """Return the sample of a video.

        Raises:
            MediaError, OSError: If its file cannot be read.
            ValueError: If its features are damaged, or of another encoder.
        """
        inputs: dict[str, Any] = dict.fromkeys(self.modalities)
        clips = None
        if self.frames is not None or self.sound is not None:
            draw = partial(self._random, video.video_id)
            clips = read_clips(video.path, draw, frames=self.frames, sound=self.sound)
            raw = {"visual": clips.visual, "audio": clips.audio}
            inputs |= {name: raw[name] for name in inputs if name in raw}
        if "text" in inputs:
            inputs["text"] = self._text(video)
        for name, features in self.features.items():
            inputs[name] = features.read_all(video.video_id)
        return self._sample(video, inputs, clips=clips)

    def _sample(
        self,
        video: ShortVideo,
        inputs: dict[str, Any],
        *,
        clips: Clips | None = None,
        fault: str | None = None,
    ) -> dict[str, Any]:
        meta = dict(
            video_id=video.video_id,
            path=str(video.path),
            duration_seconds=None if clips is None else clips.duration_seconds,
            title=video.title,
            label=video.topic,
            label_index=-1 if video.topic is None else self._place.get(video.topic, -1),
            fault=fault,
        )
        return dict(inputs=inputs, data_samples=VideoSample(metainfo=meta))

    def _random(self, video_id: str, purpose: str) -> np.random.Generator:
        seed, epoch = self._seed_and_epoch.tolist()
        return np.random.default_rng(derived_seed(seed, epoch, video_id, purpose))

    def _text(self, video: ShortVideo) -> str | None:
        """Return the subtitle of the table, else the screen text, without repeats in a row."""
        if video.subtitle is not None or self.screen_text is None:
            return video.subtitle
        path = self.screen_text / f"{video.video_id}.srt"
        if not path.is_file():
            return None
        return joined_captions(read_captions(path))

    def _with_files(self, videos: list[ShortVideo], missing: Missing) -> list[ShortVideo]:
        """Return the videos without those whose file is not there, after a warning of them."""
        if self.frames is None and self.sound is None:
            return videos
        listings: dict[str, set[str]] = {}
        absent = [video for video in videos if not _is_file(video.path, listings)]
        if not absent:
            return videos
        named = ", ".join(str(video.path) for video in absent[:_NUM_NAMED])
        told = f"{len(absent)} of {len(videos)} videos have no file, first {named}"
        if missing == "error" or len(absent) == len(videos):
            raise FileNotFoundError(f"{told}; put them there, or say by root from where their paths count")
        warnings.warn(f"{told}; they are left out", stacklevel=3)
        left_out = {video.video_id for video in absent}
        return [video for video in videos if video.video_id not in left_out]


@DATASETS.register_module()
class TrainingShortVideos(ShortVideos):
    """Short videos to train on: in the place of a file that cannot be read stands another video.

    Which one depends on (seed, epoch, video_id). The sample has ``replaces``, the video_id and the fault of
    each file in whose place it stands; the run counts and names them at the end of each epoch.
    """

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return the sample of one video, or of another in its place.

        Raises:
            ValueError: If 20 files in a row cannot be read.
        """
        video = self.videos[index]
        replaces: list[tuple[str, str]] = []
        random = self._random(video.video_id, "replacement")
        while len(replaces) < _NUM_TRIES:
            try:
                sample = self.read(video)
            except (MediaError, OSError) as error:
                replaces.append((video.video_id, str(error)))
                video = self.videos[random.integers(len(self.videos))]
                continue
            sample["data_samples"].set_metainfo(dict(replaces=tuple(replaces)))
            return sample
        raise ValueError(f"{_NUM_TRIES} videos in a row cannot be read, the last: {replaces[-1][1]}")


def joined_captions(captions: Sequence[Caption]) -> str:
    """Return captions as one text, without repeats in a row.

    Example:
        >>> from vidkit.media import Caption
        >>> joined_captions([Caption(0, 1, "Hello"), Caption(1, 2, "Hello"), Caption(2, 3, "you")])
        'Hello you'
    """
    texts = [caption.text for caption in captions]
    return " ".join(text for place, text in enumerate(texts) if texts[place - 1 : place] != [text])


def _needed(value: Any, name: str, what: str) -> Any:
    if value is None:
        raise ValueError(f"the model reads {what}; give the data set {name}")
    return value


def _is_file(path: Path, listings: dict[str, set[str]]) -> bool:
    """Return whether a file is there; each folder is listed once, as there may be 200,000 files."""
    folder = str(path.parent)
    if folder not in listings:
        listings[folder] = set(os.listdir(folder)) if os.path.isdir(folder) else set()
    return path.name in listings[folder]
