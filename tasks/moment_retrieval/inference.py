"""From the features of a raw video of any length and a sentence to the moments that answer it.

Shapes: T clips of the video, D channels, L words, K moments.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from vidkit.data import VideoSample, sample_of_features
from vidkit.encoders import Encoder, Precomputed
from vidkit.encoders.joined import parts_of
from vidkit.media import Caption
from vidkit.postprocessing import chunks_of, soft_nms
from vidkit.registry import TASKS, ConfigError
from vidkit.tasks.moment_retrieval.model import MomentModel, MomentOutputs
from vidkit.tasks.moment_retrieval.model.base import STREAMS

_MOST_OVERLAP = 0.5  # tIoU: what shares more with a better moment is the same one
_MOST_WORDS = 64  # of a query; the longest of QVHighlights has 45
_WINDOWS_AT_ONCE = 16

_LETTER = re.compile(r"\w")


@TASKS.register_module()
class MomentInference:
    """Moments of a raw video that answer a sentence, and how much every clip stands out for it.

    The model reads windows of ``num_window_clips``, a video of at most that length in one. A window gives the
    moments whose middle is not too near to the ends that it shares with another (a quarter of what two
    share): a moment as long as half of the overlap is so read whole by every window that gives it. A moment
    longer than a window is found in pieces. The saliency of a clip comes from the window in which it lies
    farther from the ends.

    The moments of all windows are ranked together, by soft-NMS; of two with a tIoU above 0.5 the worse one
    is left out, and so is one that scores next to nothing beside the best. Scores are those that the model
    gives, not decayed ones. A moment is at least a clip long, since a model cannot tell less. All windows are
    read with the same words, and time and memory grow with the length of the video.

    Args:
        model: A ``MomentModel``.
        overlap: What two windows share at least, as a share of a window, in [0, 1).
        sigma: Of soft-NMS, > 0; the larger, the weaker the decay.
        max_moments: Most moments of a video.
        min_share: Lowest score of a moment, as a share of the best one's, in [0, 1]; 0 leaves none out.

    Raises:
        ValueError: If a number is out of range.
    """

    task = "moment_retrieval"
    uses_captions = False

    def __init__(
        self,
        *,
        model: MomentModel,
        overlap: float = 0.5,
        sigma: float = 0.5,
        max_moments: int = 10,
        min_share: float = 0.1,
    ) -> None:
        if not 0 <= overlap < 1:
            raise ValueError(f"overlap, a share of a window, must lie in [0, 1), got {overlap}")
        if not sigma > 0:
            raise ValueError(f"sigma must be positive, got {sigma}")
        if max_moments < 1:
            raise ValueError(f"max_moments must be at least 1, got {max_moments}")
        if not 0 <= min_share <= 1:
            raise ValueError(f"min_share must lie in [0, 1], got {min_share}")
        self.model = model
        self.overlap = overlap
        self.sigma = sigma
        self.max_moments = max_moments
        self.min_share = min_share
        self.clip_seconds = model.clip_seconds

    def encoders(self) -> dict[str, Encoder]:
        """Return the encoders of clips; that of the query reads no video."""
        return {name: encoder for name, encoder in self.model.encoders().items() if name in STREAMS}

    def check_query(self, query: str | None) -> None:
        """Check that the query is a sentence, and that the model's text encoder reads it.

        Letters that are not Latin give a warning, as public text encoders have learned English alone; and so
        does a query that is as long as the text encoder reads, since its end may not have been read.

        Raises:
            ValueError: If there is no query, or one without words or of more than 64; if there is one for a
                model that was trained without.
            ConfigError: If the text encoder is ``Precomputed``.
        """
        self._check(query)
        if query is None:
            return
        if not _is_latin(query):
            warnings.warn(
                f"the query {query!r} is not in Latin letters: its answer is worth something only if the "
                "model and its text encoder have learned this language; most know English alone",
                stacklevel=2,
            )
        num_read = self._words(query)[1].sum()
        if num_read == self._words(f"{query} {query}")[1].sum():
            warnings.warn(
                f"the text encoder reads no more than {num_read} tokens, and the query {query!r} fills them: "
                "its end may not be read; ask in fewer words",
                stacklevel=2,
            )

    def _check(self, query: str | None) -> None:
        encoder = self.model.encoders().get("text")
        if encoder is None:
            if query is not None:
                raise ValueError("this model was trained without queries and takes no --query")
            return
        if any(isinstance(part, Precomputed) for part in parts_of(encoder)):
            raise ConfigError(
                f"model.text_encoder is Precomputed({encoder.dim}), which cannot read a sentence; name the "
                "encoder that made the features: --cfg-options model.text_encoder.type=NAME"
            )
        if query is None:
            raise ValueError(
                'moment_retrieval answers a sentence; give one: --query "a dog jumps into the water"'
            )
        words = [word for word in query.split() if _LETTER.search(word)]
        if len(words) > _MOST_WORDS:
            raise ValueError(
                f"a query is one clear sentence of at most {_MOST_WORDS} words, got {len(words)}; ask for "
                "one thing at a time, each with a --query of its own"
            )
        if not words or not self._words(query)[1].any():
            raise ValueError(f"the query {query!r} has no words; say in a sentence what is to be found")

    def predict(
        self,
        features: Mapping[str, np.ndarray],
        *,
        video_id: str,
        duration_seconds: float,
        query: str | None = None,
        captions: Sequence[Caption] = (),
        aspect_ratio: float | None = None,
    ) -> VideoSample:
        """Return the sample of a video with its moments, best first, and its saliency.

        ``pred_scores`` and ``pred_saliency`` lie in [0, 1]. The saliency of a model that gives numbers of any
        sign is stretched: 0 is the lowest clip of this video, 1 the highest.

        Args:
            features: (T, D) per name in ``encoders``, one row per clip of ``clip_seconds``.
            video_id: Name of the video.
            duration_seconds: Its length.
            query: The sentence; None for a model that was trained without.
            captions: Not read.
            aspect_ratio: Not read.

        Raises:
            ValueError: If the model cannot answer the query, or the features differ in length.
        """
        self._check(query)
        sample = sample_of_features(
            features, video_id=video_id, duration_seconds=duration_seconds, clip_seconds=self.clip_seconds
        )
        with torch.inference_mode():
            self.model.eval().decode(sample, self._outputs(features, query))
        self._choose(sample)
        if not self.model.has_unit_saliency:
            sample.pred_saliency = _stretched(sample.pred_saliency)
        return sample

    def _words(self, query: str) -> tuple[Tensor, Tensor]:
        """Return the words of a query, (1, L, D), and their mask, (1, L)."""
        with torch.inference_mode():
            words: tuple[Tensor, Tensor] = self.model.encoders()["text"].tokens([query])  # type: ignore[operator]
        return words

    def _outputs(self, features: Mapping[str, np.ndarray], query: str | None) -> MomentOutputs:
        """Return what the model says of the whole video, window by window, on the CPU."""
        names, length = list(self.encoders()), self.model.num_window_clips
        num_clips = len(features[names[0]])
        device = next(self.model.parameters()).device
        words = None if query is None else self._words(query)
        windows = chunks_of(num_clips, length, min(round(self.overlap * length), length - 1))
        parts = []
        for begin in range(0, len(windows), _WINDOWS_AT_ONCE):
            group, masks = windows[begin : begin + _WINDOWS_AT_ONCE], {}
            inputs = {}
            for name in names:
                rows = [np.asarray(features[name][start:stop], np.float32) for start, stop, _, _ in group]
                inputs[name] = torch.from_numpy(np.stack(rows)).to(device)
            if words is not None:
                inputs["text"], masks["text"] = (x.to(device).expand(len(group), *x.shape[1:]) for x in words)
            for window, outputs in zip(group, self.model(inputs, mode="tensor", masks=masks), strict=True):
                parts.append(self._placed(outputs, window, num_clips))
        return MomentOutputs(
            torch.cat([part.moments for part in parts]),
            torch.cat([part.scores for part in parts]),
            torch.cat([part.saliency for part in parts]),
        )

    def _placed(
        self, outputs: MomentOutputs, window: tuple[int, int, int, int], num_clips: int
    ) -> MomentOutputs:
        """Return what a window gives to the video, in the video's time."""
        start, stop, first, last = window
        moments = outputs.moments.double().cpu() + start * self.clip_seconds
        middles = moments.mean(dim=1) / self.clip_seconds
        margin = self.overlap * self.model.num_window_clips / 4
        kept = torch.ones(len(moments), dtype=torch.bool)
        if start > 0:
            kept &= middles >= start + margin
        if stop < num_clips:
            kept &= middles <= stop - margin
        saliency = outputs.saliency[first - start : last - start].cpu()
        return MomentOutputs(moments[kept], outputs.scores.cpu()[kept], saliency)

    def _choose(self, sample: VideoSample) -> None:
        """Leave the best moments of a sample that differ."""
        moments = _at_least(self.clip_seconds, sample.pred_segments.double().numpy(), sample.duration_seconds)
        scores = sample.pred_scores.double().numpy()
        order, decayed = soft_nms(
            moments, scores, sigma=self.sigma, most_overlap=_MOST_OVERLAP, limit=self.max_moments
        )
        chosen = order[(decayed > 0) & (scores[order] >= self.min_share * scores.max(initial=0.0))]
        chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
        sample.pred_segments = torch.from_numpy(moments[chosen])
        sample.pred_scores = torch.from_numpy(scores[chosen])


def _at_least(seconds: float, moments: np.ndarray, duration_seconds: float) -> np.ndarray:
    """Return moments, (K, 2), of which the shorter ones are widened on both sides, within the video."""
    length = np.minimum(seconds, duration_seconds)
    starts = np.clip(moments.mean(axis=1) - length / 2, 0.0, duration_seconds - length)
    widened = np.stack([starts, starts + length], axis=1)
    is_short = moments[:, 1] - moments[:, 0] < length
    return np.where(is_short[:, None], widened, moments)


def _stretched(saliency: Tensor) -> Tensor:
    """Return (T,) in [0, 1], the lowest 0 and the highest 1; zeros where all are equal."""
    low, high = saliency.min(), saliency.max()
    return (saliency - low) / (high - low) if high > low else torch.zeros_like(saliency)


def _is_latin(text: str) -> bool:
    return all(not char.isalpha() or "LATIN" in unicodedata.name(char, "") for char in text)
