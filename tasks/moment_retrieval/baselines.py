"""Guesses that any method must beat: moments and saliency without a look at the video or the sentence.

Shapes: K guessed moments, T clips. Moments are (start, end) in seconds, best first, with their scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch

from vidkit.data import VideoSample
from vidkit.registry import BASELINES
from vidkit.seeds import derived_seed

FIRST_SHARE = 0.3  # of a video: tuned on the training split of Charades-STA, where moments begin early

ScoredMoments = tuple[np.ndarray, np.ndarray]
"""Moments in seconds, (K, 2), and their scores, (K,)."""


def whole_video(duration_seconds: float) -> ScoredMoments:
    """Return the one moment from the beginning to the end."""
    return first_part(duration_seconds, share=1.0)


def first_part(duration_seconds: float, *, share: float = FIRST_SHARE) -> ScoredMoments:
    """Return the one moment that begins with the video.

    Args:
        duration_seconds: Length of the video.
        share: Length of the moment, in lengths of the video.

    Example:
        >>> first_part(100.0)
        (array([[ 0., 30.]]), array([1.]))
    """
    return np.array([[0.0, share * duration_seconds]]), np.ones(1)


def random_moments(
    duration_seconds: float, *, sample_id: str, seed: int = 0, num_moments: int = 10
) -> ScoredMoments:
    """Return moments between two uniform points each, the same for the same sample and seed.

    Args:
        duration_seconds: Length of the video.
        sample_id: What tells the query, or the video of a data set without, from all others.
        seed: Other seeds give other moments.
        num_moments: K.
    """
    generator = np.random.default_rng(derived_seed(seed, sample_id, "moments"))
    ends = np.sort(generator.random((num_moments, 2)), axis=1) * duration_seconds
    return ends, np.sort(generator.random(num_moments))[::-1].copy()


def constant_saliency(num_clips: int) -> np.ndarray:
    """Return the same number for every clip, (T,); how ties are broken says the metric."""
    return np.zeros(num_clips)


def random_saliency(num_clips: int, *, sample_id: str, seed: int = 0) -> np.ndarray:
    """Return uniform numbers, (T,), the same for the same sample and seed."""
    return np.random.default_rng(derived_seed(seed, sample_id, "saliency")).random(num_clips)


class _Guess:
    """A guess for ``vidkit sweep``; see ``registry.BASELINES``.

    Args:
        seed: Of what is drawn.
    """

    task: ClassVar[str] = "moment_retrieval"
    name: ClassVar[str]
    is_random: ClassVar[bool] = False

    def __init__(self, *, seed: int) -> None:
        self.seed = seed

    def __call__(self, sample: VideoSample, inputs: Mapping[str, Any]) -> VideoSample:
        """Return the sample with ``pred_segments``, ``pred_scores`` and ``pred_saliency``.

        Args:
            sample: Without predictions.
            inputs: Its features, which say how many clips there are.
        """
        num_clips = next(len(rows) for modality, rows in inputs.items() if modality != "text")
        identity = "/".join(str(sample.get(key, "")) for key in ("video_id", "query_id"))
        moments, scores = self.moments(sample.duration_seconds, identity)
        sample.pred_segments = torch.from_numpy(moments).float()
        sample.pred_scores = torch.from_numpy(scores).float()
        sample.pred_saliency = torch.from_numpy(self.saliency(num_clips, identity)).float()
        return sample

    def moments(self, duration_seconds: float, sample_id: str) -> ScoredMoments:
        """Return the guessed moments."""
        raise NotImplementedError

    def saliency(self, num_clips: int, sample_id: str) -> np.ndarray:
        """Return the guessed saliency, (T,)."""
        return constant_saliency(num_clips)


@BASELINES.register_module()
class WholeVideo(_Guess):
    """Every sentence is about the whole video, and all clips are alike."""

    name = "whole video, constant saliency"

    def moments(self, duration_seconds: float, sample_id: str) -> ScoredMoments:
        """Return the whole video."""
        return whole_video(duration_seconds)


@BASELINES.register_module()
class FirstPart(_Guess):
    """Every sentence is about the first 30 % of the video, and all clips are alike."""

    name = "first 30 %, constant saliency"

    def moments(self, duration_seconds: float, sample_id: str) -> ScoredMoments:
        """Return the first part of the video."""
        return first_part(duration_seconds)


@BASELINES.register_module()
class RandomMoments(_Guess):
    """Ten random moments, and random saliency."""

    name = "random moments, random saliency"
    is_random = True

    def moments(self, duration_seconds: float, sample_id: str) -> ScoredMoments:
        """Return random moments."""
        return random_moments(duration_seconds, sample_id=sample_id, seed=self.seed)

    def saliency(self, num_clips: int, sample_id: str) -> np.ndarray:
        """Return random numbers, (T,)."""
        return random_saliency(num_clips, sample_id=sample_id, seed=self.seed)
