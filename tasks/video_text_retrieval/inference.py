"""From raw videos to embeddings of the whole and of its windows, and to topics by their names.

Shapes: N parts of a video, D channels of the space.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vidkit.data import VideoSample
from vidkit.data.clip_sampling import FrameSampler, SoundSampler
from vidkit.data.crops import Crop
from vidkit.data.raw_clips import FrameViews, SoundViews, Span
from vidkit.data.raw_videos import joined_captions
from vidkit.data.video_inputs import VideoInputs, captions_within, note_of_lacking
from vidkit.encoders import Encoder
from vidkit.media import Caption, open_video
from vidkit.media.ocr import EngineName, load_ocr
from vidkit.registry import TASKS

OnShare = Callable[[float], None]

_PARTS_AT_ONCE = 8
_SHORTEST_WINDOW = 0.5  # of a whole one; a shorter rest belongs to the window before


@TASKS.register_module()
class RetrievalInference:
    """Embeddings of raw videos and of sentences by a trained VTCL, and the topic whose name is nearest.

    A video is read as the test data is, with the same frames, crops and stretches of sound, unless the config
    says others for ``inference``. Text is that of the captions beside the video or in its file; else what is
    written on the screen, where ``ocr`` names a program that is installed; else there is none.

    Args:
        model: ``VTCL``.
        frames: Which frames are read; needed where the model reads pictures.
        crop: What is cut out of them; needed likewise.
        short_side: To so many pixels frames are scaled while they are decoded.
        sound: Which stretches of sound are read; needed where the model reads sound.
        ocr: The program that reads the screen; None reads none, which is much quicker.

    Raises:
        ConfigError: If an argument is missing that the model needs, or it reads features that exist.
    """

    task = "video_text_retrieval"
    from_test_data = ("frames", "crop", "short_side", "sound")

    def __init__(
        self,
        *,
        model: Any,
        frames: FrameSampler | None = None,
        crop: Crop | None = None,
        short_side: int = 256,
        sound: SoundSampler | None = None,
        ocr: EngineName | None = None,
    ) -> None:
        self.model = model
        self._inputs = VideoInputs(
            self.encoders(),
            frames=frames,
            crop=crop,
            short_side=short_side,
            sound=sound,
            ocr=None if ocr is None else load_ocr(ocr),
        )

    @property
    def dim(self) -> int:
        """Channels of the embeddings, D."""
        return int(self.model.dim)

    def encoders(self) -> dict[str, Encoder]:
        """Return the encoders of the video, by modality."""
        encoders: dict[str, Encoder] = self.model.encoders()
        return encoders

    def fingerprint(self) -> str:
        """Return 12 hex digits that change whenever the embeddings may: weights, encoders, what is read."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.model.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
        modules = dict(self.encoders(), title=self.model.title_reader())
        facts = {name: encoder.description() for name, encoder in modules.items()}
        for name, views in (("frames", self._inputs.frames), ("sound", self._inputs.sound)):
            facts[f"read {name}"] = {} if views is None else _described(views)
        facts["read text"] = {"ocr": self._inputs.ocr is not None}
        digest.update(json.dumps(facts, sort_keys=True, default=str).encode())
        return digest.hexdigest()[:12]

    def check_query(self, query: str | None) -> None:
        """Check that there is no query, and that the model knows topics.

        Raises:
            ValueError: If a sentence is asked for, or there are no topics to choose from.
        """
        if query is not None:
            raise ValueError(
                "video_text_retrieval finds videos by a sentence in an index: vidkit index build CONFIG "
                "CHECKPOINT VIDEO... --out DIR, then vidkit search DIR SENTENCE"
            )
        if not self.model.topics:
            raise ValueError(
                "the model knows no topics to choose from; name some: --cfg-options "
                "model.topics=\"['cooking', 'travel']\", or find videos by sentences: vidkit index build"
            )

    def predict_video(self, path: Path, *, cache: Path | None = None) -> VideoSample:
        """Return the sample of a video: one segment that is all of it, named after the nearest topic.

        ``pred_embedding`` (D,) has unit length. ``pred_facts`` has ``label``, the topic whose name is
        nearest, and ``scores``, the cosine with each. ``pred_note`` says what the video lacks.

        Args:
            path: The video.
            cache: Folder in which the screen text is kept; None forgets it.

        Raises:
            FileNotFoundError: If there is no such file.
            MediaError: If it cannot be read.
            ValueError: If its captions cannot be read, or it has nothing that the model reads.
        """
        with open_video(path, on_damage="error") as video:
            duration = video.info.duration_seconds
            inputs = self._inputs.read(video, self._captions(path, cache))
        embedding = self._embed(path, [inputs])[0]
        sample = VideoSample(
            metainfo=dict(video_id=path.stem, duration_seconds=duration, clip_seconds=duration)
        )
        sample.pred_embedding = embedding
        sample.pred_segments = torch.tensor([[0.0, duration]], dtype=torch.float64)
        sample.pred_saliency = torch.zeros(0)
        with torch.inference_mode():
            topics = self.model.embed_topics()
        cosines = (topics.cpu() @ embedding).tolist()
        best = max(range(len(cosines)), key=cosines.__getitem__)
        sample.pred_scores = torch.tensor([cosines[best]])
        sample.pred_details = [{"title": self.model.topics[best]}]
        sample.pred_facts = {
            "label": self.model.topics[best],
            "scores": dict(zip(self.model.topics, cosines, strict=True)),
        }
        if note := note_of_lacking(inputs):
            sample.pred_note = note
        return sample

    def embed_parts(
        self, path: Path, *, window_seconds: float | None, on_share: OnShare = lambda share: None
    ) -> tuple[np.ndarray, list[tuple[Span, str]]]:
        """Return unit embeddings (N, D) of a video and of its windows, and what each is of.

        The first is that of the whole video, read as one. Then come those of consecutive windows; the last
        may last from half to one and a half times as long. A window without anything to read has none.

        Args:
            path: The video.
            window_seconds: Length of a window, > 0; None for the whole alone.
            on_share: Called with the share that is done.

        Returns:
            Embeddings, and the span in seconds and the text of each.

        Raises:
            FileNotFoundError: If there is no such file.
            MediaError: If it cannot be read.
            ValueError: If its captions cannot be read, or it has nothing that the model reads.
        """
        captions = self._captions(path, None)
        vectors: list[Tensor] = []
        parts: list[tuple[Span, str]] = []
        with open_video(path, on_damage="error") as video:
            duration = video.info.duration_seconds
            windows = [] if window_seconds is None else windows_of(duration, window_seconds)
            spans: list[Span | None] = [None, *windows]
            for first in range(0, len(spans), _PARTS_AT_ONCE):
                group = spans[first : first + _PARTS_AT_ONCE]
                inputs = [self._inputs.read(video, captions, span) for span in group]
                kept = [place for place, each in enumerate(inputs) if _has_anything(each)]
                if first == 0 and 0 not in kept:
                    raise ValueError(f"{path} has nothing of what the model reads: {self._inputs.words()}")
                if kept:
                    vectors.append(self._embed(path, [inputs[place] for place in kept]))
                for place in kept:
                    span = group[place] or (0.0, duration)
                    parts.append((span, joined_captions(captions_within(captions or [], span))))
                on_share(min(1.0, (first + len(group)) / len(spans)))
        return torch.cat(vectors).numpy(), parts

    def embed_text(self, text: str) -> np.ndarray:
        """Return the unit embedding of a sentence, read as a title, (D,)."""
        with torch.inference_mode():
            embedding: Tensor = F.normalize(self.model.eval().embed_titles([text])[0], dim=-1)
        vector: np.ndarray = embedding.float().cpu().numpy()
        return vector

    def _embed(self, path: Path, parts: Sequence[dict[str, Any]]) -> Tensor:
        """Return the unit embeddings of parts of a video, (N, D)."""
        if not all(map(_has_anything, parts)):
            raise ValueError(f"{path} has nothing of what the model reads: {self._inputs.words()}")
        batch = {name: [part[name] for part in parts] for name in self.encoders()}
        with torch.inference_mode():
            model = self.model.eval()
            inputs = model.data_preprocessor(dict(inputs=batch))["inputs"]
            embeddings: Tensor = model.embed_videos(inputs)[0]
        return F.normalize(embeddings.float().cpu(), dim=-1)

    def _captions(self, path: Path, cache: Path | None) -> list[Caption] | None:
        """Return what is said or written in a video; None where there is nothing."""
        return self._inputs.captions(path, cache=cache) or None


def windows_of(duration_seconds: float, window_seconds: float) -> list[Span]:
    """Return consecutive windows that cover a video, the last from half to one and a half times as long.

    Raises:
        ValueError: If the windows have no length.

    Example:
        >>> windows_of(24.0, 10.0), windows_of(26.0, 10.0), windows_of(3.0, 10.0)
        ([(0.0, 10.0), (10.0, 24.0)], [(0.0, 10.0), (10.0, 20.0), (20.0, 26.0)], [(0.0, 3.0)])
    """
    if not 0 < window_seconds < float("inf"):
        raise ValueError(f"window_seconds, the length of a window, must be above 0, got {window_seconds}")
    count = max(1, int(duration_seconds / window_seconds + 1 - _SHORTEST_WINDOW))
    edges = [index * window_seconds for index in range(count)] + [duration_seconds]
    return list(pairwise(edges))


def _has_anything(inputs: dict[str, Any]) -> bool:
    return any(value is not None for value in inputs.values())


def _described(views: FrameViews | SoundViews) -> dict[str, Any]:
    """Return the numbers of what is read of a video, as JSON values."""
    parts = vars(views)
    return {name: {type(part).__name__: getattr(part, "__dict__", part)} for name, part in parts.items()}
