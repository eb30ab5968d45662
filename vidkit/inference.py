"""How a trained model of a task reads raw videos: by the features of their clips, or as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from vidkit.data import VideoSample
from vidkit.encoders.base import Encoder
from vidkit.export import Prediction
from vidkit.media import Caption
from vidkit.results import Tell, prediction_of


class Inference(Protocol):
    """How a trained model of a task reads a raw video; what ``registry.TASKS`` holds.

    The constructor takes ``model`` and the options of the task.
    """

    task: str
    clip_seconds: float
    uses_captions: bool
    """Whether ``predict`` wants what is said, beside the features of it."""

    def encoders(self) -> dict[str, Encoder]:
        """Return the encoders whose features prediction reads, by modality."""

    def check_query(self, query: str | None) -> None:
        """Raise ValueError if the task cannot answer this query, before any video is read."""

    def predict(
        self,
        features: Mapping[str, Any],
        *,
        video_id: str,
        duration_seconds: float,
        query: str | None = None,
        captions: Sequence[Caption] = (),
        aspect_ratio: float | None = None,
    ) -> VideoSample:
        """Return the sample of one video with its ``pred_...`` fields.

        Args:
            features: (T, D) by modality.
            video_id: Name of the video.
            duration_seconds: Its length.
            query: The sentence to answer.
            captions: What is said; () for a task that does not use it.
            aspect_ratio: Width by height of the picture; None without pictures.
        """


@runtime_checkable
class VideoInference(Protocol):
    """How a trained model reads a raw short video as a whole, without features of its clips.

    What the constructor takes of ``from_test_data`` and ``inference`` in the config does not say is that of
    ``test_dataloader.dataset``, so that a video is read as in the test.
    """

    task: str
    from_test_data: Sequence[str]

    def check_query(self, query: str | None) -> None:
        """Raise ValueError if the task cannot answer this query, before any video is read."""

    def predict_video(self, path: Path, *, cache: Path | None = None) -> VideoSample:
        """Return the sample of one video with its ``pred_...`` fields.

        Args:
            path: The video.
            cache: Folder for what is slow to read of it; None forgets it.
        """


def predict_videos(
    inference: VideoInference, paths: Sequence[Path], cache: Path | None, tell: Tell | None
) -> tuple[list[Prediction], dict[Path, str]]:
    """Return the predictions of the videos that can be read, and why the others cannot."""
    predictions, failed = [], {}
    for number, path in enumerate(paths):
        if tell is not None:
            tell(number / len(paths), path.name)
        try:
            sample = inference.predict_video(path, cache=cache)
        except (ValueError, OSError) as error:  # every MediaError is a ValueError
            failed[path] = str(error)
        else:
            predictions.append(prediction_of(sample, path=path, task=inference.task, query=None))
    return predictions, failed
