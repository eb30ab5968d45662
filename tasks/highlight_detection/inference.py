"""From the features of a raw video of any length to highlight segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from vidkit.data import VideoSample, sample_of_features
from vidkit.encoders import Encoder, PixelVisual
from vidkit.media import Caption
from vidkit.postprocessing import check_selection, find_cuts, segments_from_scores, suppress_cuts
from vidkit.registry import TASKS


@TASKS.register_module()
class HighlightInference:
    """Highlights of a raw video, by a trained RASL.

    Args:
        model: ``RASL`` or ``FusedRASL``.
        ratio: Share of the video to select, in (0, 1]; None where ``threshold`` decides.
        threshold: Lowest score of a highlight, in [0, 1]; None where ``ratio`` decides.
        min_seconds: Shortest highlight, unless the whole video is shorter.
        max_seconds: Longest highlight.
        cut_suppression: Whether shot cuts, which score high though they mean nothing (Section IV-D of the
            paper), are taken out of the scores.
    """

    task = "highlight_detection"
    uses_captions = False

    def __init__(
        self,
        *,
        model: Any,
        ratio: float | None = 0.15,
        threshold: float | None = None,
        min_seconds: float = 1.0,
        max_seconds: float = 60.0,
        cut_suppression: bool = False,
    ) -> None:
        check_selection(min_seconds=min_seconds, max_seconds=max_seconds, ratio=ratio, threshold=threshold)
        self.model = model
        self.ratio = ratio
        self.threshold = threshold
        self.min_seconds = min_seconds
        self.max_seconds = max_seconds
        self.cut_suppression = cut_suppression
        self.clip_seconds: float = model.clip_seconds

    def encoders(self) -> dict[str, Encoder]:
        """Return the encoders whose features prediction reads; cuts are found in thumbnails, as "cuts"."""
        encoders: dict[str, Encoder] = dict(self.model.scoring_encoders())
        if self.cut_suppression:
            encoders["cuts"] = PixelVisual()
        return encoders

    def check_query(self, query: str | None) -> None:
        """Check that there is no query: highlights answer no sentence.

        Raises:
            ValueError: If there is one.
        """
        if query is not None:
            raise ValueError("highlight_detection takes no --query: its model answers no sentences")

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
        """Return the sample of a video with its saliency and segments.

        Args:
            features: (T, D) per name in ``encoders``, one row per clip of ``clip_seconds``.
            video_id: Name of the video.
            duration_seconds: Its length.
            query: Must be None.
            captions: Not read.
            aspect_ratio: Not read.

        Raises:
            ValueError: If there is a query, or the features differ in length.
        """
        self.check_query(query)
        sample = sample_of_features(
            features, video_id=video_id, duration_seconds=duration_seconds, clip_seconds=self.clip_seconds
        )
        device = next(self.model.parameters()).device
        read = self.model.scoring_encoders()
        inputs = {name: torch.from_numpy(np.array(features[name]))[None].to(device) for name in read}
        with torch.inference_mode():
            self.model.eval()(inputs, [sample], mode="predict")
        saliency = sample.pred_saliency.numpy()
        if self.cut_suppression:
            saliency = suppress_cuts(saliency, find_cuts(features["cuts"]))
            sample.pred_saliency = torch.from_numpy(saliency)
        segments, scores = segments_from_scores(
            saliency,
            clip_seconds=self.clip_seconds,
            duration_seconds=duration_seconds,
            min_seconds=self.min_seconds,
            max_seconds=self.max_seconds,
            ratio=self.ratio,
            threshold=self.threshold,
        )
        sample.pred_segments = torch.from_numpy(segments)
        sample.pred_scores = torch.from_numpy(scores)
        return sample
