"""From the features of a raw video of any length to clips that can be posted.

Shapes: T seconds (clips with a feature of their own), D channels, K clips.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vidkit.data import VideoSample, sample_of_features
from vidkit.encoders import Encoder, PixelVisual
from vidkit.media import Caption
from vidkit.media.sentences import whole_sentences
from vidkit.overlap import temporal_iou
from vidkit.postprocessing import chunks_of, find_cuts, snap_segments
from vidkit.registry import TASKS
from vidkit.tasks.repurposing.base import Outputs, RepurposingModel
from vidkit.tasks.repurposing.crop import clips_in, vertical_crops
from vidkit.tasks.repurposing.words import title_of, why_no_clip

_MOST_OVERLAP = 0.3  # tIoU: clips of one length that share less than half of it
_MILLISECONDS = 3  # digits of seconds
_SCORE_DIGITS = 4


@TASKS.register_module()
class RepurposingInference:
    """Clips of a raw video, by a trained model of the task.

    The clips of the benchmark may hold one moment several times; here a clip that overlaps a better one by a
    tIoU of more than 0.3 gives way to the next, and scores are those that the model gives, not decayed ones.
    Every clip gets a title, the reasons for its choice and the boxes of a vertical crop.

    Args:
        model: ``MMCT``, or another ``RepurposingModel``.
        snap_seconds: Farthest way of a clip's border to the border of a sentence or to a shot cut; 0 leaves
            the borders where the model sets them.
        chunk_seconds: What the model reads at once; the data set is cut into chunks of 30 minutes.
        overlap_seconds: What two chunks share at least. A second's outputs come from the chunk in which it
            lies farther from the ends: with the default, 90 s or more, the length of the longest clip.

    Raises:
        ValueError: If a time is out of range.
    """

    task = "repurposing"
    uses_captions = True

    def __init__(
        self,
        *,
        model: RepurposingModel,
        snap_seconds: float = 2.0,
        chunk_seconds: float = 1800.0,
        overlap_seconds: float = 180.0,
    ) -> None:
        if not snap_seconds >= 0:
            raise ValueError(f"snap_seconds must be at least 0, got {snap_seconds}; 0 moves no border")
        if not 0 <= overlap_seconds < chunk_seconds:
            raise ValueError(
                f"0 <= overlap_seconds < chunk_seconds must hold, got {overlap_seconds} and {chunk_seconds}"
            )
        if chunk_seconds < model.clip_seconds:
            raise ValueError(
                f"chunk_seconds must be at least a clip of {model.clip_seconds} s, got {chunk_seconds}"
            )
        self.model = model
        self.snap_seconds = snap_seconds
        self.chunk_seconds = chunk_seconds
        self.overlap_seconds = overlap_seconds
        self.clip_seconds = model.clip_seconds

    def encoders(self) -> dict[str, Encoder]:
        """Return the encoders of the model, and thumbnails for shot cuts and the crop, as "cuts"."""
        return {**self.model.encoders(), "cuts": PixelVisual()}

    def check_query(self, query: str | None) -> None:
        """Check that there is no query: clips answer no sentence.

        Raises:
            ValueError: If there is one.
        """
        if query is not None:
            raise ValueError("repurposing takes no --query: its model answers no sentences")

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
        """Return the sample of a video with its clips, best first.

        Beside the fields of ``RepurposingModel.decode`` it has ``pred_details``, a dict for each clip:
        ``title``, where something is said; ``modality_scores``, means over the clip, "fused" that of all
        modalities together; ``vertical_crop``, where there is a picture. Without a clip ``pred_note`` says
        why.

        Args:
            features: (T, D) per name in ``encoders``, one row per clip of ``clip_seconds``.
            video_id: Name of the video.
            duration_seconds: Its length.
            query: Must be None.
            captions: What is said.
            aspect_ratio: Width by height of the picture.

        Raises:
            ValueError: If there is a query, or the features differ in length.
        """
        self.check_query(query)
        sample = sample_of_features(
            features, video_id=video_id, duration_seconds=duration_seconds, clip_seconds=self.clip_seconds
        )
        with torch.inference_mode():
            self.model.eval()
            outputs = self._outputs(features)
            self.model.decode(sample, outputs)
        cuts = find_cuts(features["cuts"], apart=1)
        sentences = whole_sentences(captions)
        self._choose(sample, outputs, sentences, cuts * self.clip_seconds)
        segments = sample.pred_segments.tolist()
        sample.pred_details = [self._detail(sample, start, end, sentences) for start, end in segments]
        if aspect_ratio is not None:
            thumbnails = features["cuts"].reshape(-1, 3, *PixelVisual().size)
            for (start, end), detail in zip(segments, sample.pred_details):
                detail["vertical_crop"] = vertical_crops(
                    thumbnails,
                    start,
                    end,
                    cuts=cuts,
                    clip_seconds=self.clip_seconds,
                    aspect_ratio=aspect_ratio,
                )
        if not len(sample.pred_segments):
            sample.pred_note = why_no_clip(sample, self.model.selection)
        return sample

    def _outputs(self, features: Mapping[str, np.ndarray]) -> Outputs:
        """Return what the model says of a video of any length, on the CPU, chunk by chunk."""
        names = list(self.model.encoders())
        device = next(self.model.parameters()).device
        length, overlap = (
            max(1, round(seconds / self.clip_seconds)) if seconds else 0
            for seconds in (self.chunk_seconds, self.overlap_seconds)
        )
        parts = []
        for start, stop, first, last in chunks_of(len(features[names[0]]), length, min(overlap, length - 1)):
            rows = {name: torch.from_numpy(np.array(features[name][start:stop])) for name in names}
            (outputs,) = self.model({name: x[None].to(device) for name, x in rows.items()}, mode="tensor")
            kept = slice(first - start, last - start)
            parts.append(
                Outputs(
                    outputs.logits[kept].cpu(),
                    outputs.offsets[kept].cpu(),
                    {name: logits[kept].cpu() for name, logits in outputs.modality_logits.items()},
                )
            )
        guided = parts[0].modality_logits
        return Outputs(
            torch.cat([part.logits for part in parts]),
            torch.cat([part.offsets for part in parts]),
            {name: torch.cat([part.modality_logits[name] for part in parts]) for name in guided},
        )

    def _choose(
        self, sample: VideoSample, outputs: Outputs, sentences: Sequence[Caption], cuts: np.ndarray
    ) -> None:
        """Set the clips and their scores: as many as the model allows, of the best proposals that differ.

        As in soft-NMS a clip weakens those that overlap it, but only one that is chosen does: the many
        proposals for one moment do not weaken what borders on it.
        """
        selection = copy(self.model.selection)
        selection.sigma = math.inf  # ranks without weakening
        scores, segments = (x.double().numpy() for x in self.model.proposals(outputs))
        ranking = selection(scores, segments, duration_seconds=sample.duration_seconds)
        left = ranking.candidate_scores.copy()
        chosen, chosen_scores = np.zeros((0, 2)), []
        while len(chosen) < len(sample.pred_segments) and left.max() > 0:
            best = int(left.argmax())
            left[best] = 0.0
            clip = self._snapped(ranking.candidates[best : best + 1], sample, sentences, cuts)
            if not (temporal_iou(clip, chosen) > _MOST_OVERLAP).any():
                chosen = np.concatenate([chosen, clip])
                chosen_scores.append(ranking.candidate_scores[best])
                overlap = temporal_iou(ranking.candidates[best : best + 1], ranking.candidates)[0]
                decay = np.exp(-(overlap**2) / self.model.selection.sigma)
                left *= np.where(overlap > _MOST_OVERLAP, 0.0, decay)
        order = np.argsort(-np.array(chosen_scores), kind="stable")
        sample.pred_segments = torch.from_numpy(chosen[order])
        sample.pred_scores = torch.from_numpy(np.array(chosen_scores)[order])

    def _snapped(
        self, clip: np.ndarray, sample: VideoSample, sentences: Sequence[Caption], cuts: np.ndarray
    ) -> np.ndarray:
        """Return a clip, (1, 2), with its borders where a person would cut, in whole milliseconds."""
        snapped = snap_segments(
            clip,
            sentences=np.array([(sentence.start, sentence.end) for sentence in sentences]).reshape(-1, 2),
            cuts=cuts,
            max_shift_seconds=self.snap_seconds,
            duration_seconds=sample.duration_seconds,
            min_seconds=self.model.selection.min_seconds,
            max_seconds=self.model.selection.max_seconds,
        )
        return snapped.round(_MILLISECONDS).clip(0, sample.duration_seconds)

    def _detail(
        self, sample: VideoSample, start: float, end: float, sentences: Sequence[Caption]
    ) -> dict[str, Any]:
        """Return the title of a clip and what speaks for it."""
        curves: dict[str, Tensor] = {**sample.pred_modality_saliency, "fused": sample.pred_saliency}
        inside = clips_in(start, end, self.clip_seconds, len(sample.pred_saliency))
        scores = {
            name: round(float(curve[inside].double().mean()), _SCORE_DIGITS) for name, curve in curves.items()
        }
        title = title_of(sentences, start, end)
        return {"modality_scores": scores} if title is None else {"title": title, "modality_scores": scores}
