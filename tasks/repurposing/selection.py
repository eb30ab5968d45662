"""From a score and a clip per second to the clips of a video.

Shapes: T seconds (clips with a feature of their own), M candidates, K selected.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vidkit.evaluation.repurposing import CLIPS_PER_MINUTE, num_allowed_clips
from vidkit.overlap import check_moments
from vidkit.postprocessing import soft_nms
from vidkit.registry import MODULES


@dataclass(frozen=True)
class Selection:
    """The clips of one video, best first, in seconds.

    ``candidates`` (M, 2) and ``candidate_scores`` (M,) are the whole ranking after soft-NMS, with the decayed
    scores; ``segments`` (K, 2) and ``scores`` (K,) are its first K.
    """

    segments: np.ndarray
    scores: np.ndarray
    candidates: np.ndarray
    candidate_scores: np.ndarray


@MODULES.register_module()
class ClipSelection:
    """Threshold, limits of length, soft-NMS, and a number of clips that follows the length of the video.

    Section "Evaluation Metrics" of the MMCT paper; the limits of length are those of its released code. That
    code decays scores in its caller's array and cuts the minutes to whole ones, so that no video under 60 s
    gets a clip; here nothing is written into and minutes are not cut. The values of the paper and its code
    are the defaults.

    Args:
        threshold: Lowest score of a second whose clip is a candidate, in [0, 1].
        min_seconds: Clips are longer. A video no longer than this may give a clip that covers all of it.
        max_seconds: Clips are shorter.
        sigma: Of ``soft_nms``.
        clips_per_minute: Of ``num_allowed_clips``.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> clips = np.array([[0.0, 20.0], [0.0, 20.0], [20.0, 25.0], [0.0, 30.0]])
        >>> selection = ClipSelection()(np.array([0.9, 0.8, 0.7, 0.2]), clips, duration_seconds=60.0)
        >>> selection.segments, len(selection.candidates)
        (array([[ 0., 20.]]), 2)
    """

    def __init__(
        self,
        *,
        threshold: float = 0.5,
        min_seconds: float = 10.0,
        max_seconds: float = 90.0,
        sigma: float = 0.5,
        clips_per_minute: float = CLIPS_PER_MINUTE,
    ) -> None:
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold is a score, in [0, 1], got {threshold}")
        if not 0 <= min_seconds < max_seconds:
            raise ValueError(f"0 <= min_seconds < max_seconds must hold, got {min_seconds} and {max_seconds}")
        if not (sigma > 0 and clips_per_minute > 0):
            raise ValueError(f"sigma and clips_per_minute are positive, got {sigma} and {clips_per_minute}")
        self.threshold = threshold
        self.min_seconds = min_seconds
        self.max_seconds = max_seconds
        self.sigma = sigma
        self.clips_per_minute = clips_per_minute

    def __call__(self, scores: np.ndarray, segments: np.ndarray, *, duration_seconds: float) -> Selection:
        """Return the clips of a video; none where no second reaches the threshold with a usable clip.

        Args:
            scores: Of every second, in [0, 1], (T,).
            segments: The clip that each second proposes, in seconds, (T, 2); cut where the video begins and
                ends.
            duration_seconds: Length of the video.

        Raises:
            ValueError: If scores or segments are not finite or not as many.
        """
        scores, segments = np.asarray(scores, dtype=np.float64), check_moments(segments, "segments")
        if scores.shape != (len(segments),):
            raise ValueError(f"{len(segments)} segments need as many scores, got shape {scores.shape}")
        if not (np.isfinite(scores).all() and np.isfinite(segments).all()):
            raise ValueError("scores and segments must be finite; the model that made them has diverged")
        segments = segments.clip(0, duration_seconds)
        lengths = segments[:, 1] - segments[:, 0]
        long_enough = (lengths > self.min_seconds) | (lengths >= duration_seconds)
        usable = (scores >= self.threshold) & long_enough & (lengths < self.max_seconds)
        order, decayed = soft_nms(segments[usable], scores[usable], sigma=self.sigma)
        candidates = segments[usable][order]
        num_clips = num_allowed_clips(duration_seconds, clips_per_minute=self.clips_per_minute)
        return Selection(candidates[:num_clips], decayed[:num_clips], candidates, decayed)
