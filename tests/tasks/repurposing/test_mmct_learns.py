"""A small MMCT learns clips that are planted into noise, and finds those of videos it has not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmct_cases import DIMS, mmct

from vidkit.data import PadSequences, RepurposedVideo, VideoSample
from vidkit.evaluation import repurposing_metrics
from vidkit.tasks.repurposing.baselines import random_clips, uniform_clips

NUM_SECONDS = 80
CLIPS = ((4, 18), (24, 44), (50, 74))  # of each one is planted, at the most 6 s later


def _videos(seed: int, count: int) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Return a padded batch whose modalities tell where a clip is and how far its borders, and the clips."""
    random = np.random.default_rng(seed)
    directions = {
        name: np.random.default_rng(17).standard_normal((3, dim)) * 1.5 for name, dim in DIMS.items()
    }
    inputs: dict[str, list[torch.Tensor]] = {name: [] for name in DIMS}
    samples, clips = [], []
    middles = np.arange(NUM_SECONDS) + 0.5
    for index in range(count):
        start, end = np.array(CLIPS[random.integers(len(CLIPS))]) + random.integers(6)
        inside = ((middles >= start) & (middles < end)).astype(float)
        told = np.stack([inside, inside * (middles - start) / 10, inside * (end - middles) / 10], axis=1)
        for name, vectors in directions.items():
            rows = told @ vectors + random.standard_normal((NUM_SECONDS, DIMS[name]))
            inputs[name].append(torch.from_numpy(rows).float())
        sample = VideoSample(
            metainfo=dict(video_id=f"v{index}", duration_seconds=float(NUM_SECONDS), clip_seconds=1.0)
        )
        clips.append(np.array([[start, end]], dtype=float))
        sample.gt_segments = torch.from_numpy(clips[-1]).float()
        samples.append(sample)
    return PadSequences()(dict(inputs=inputs, data_samples=samples)), clips


def test_clips_of_unseen_videos_are_found_and_better_than_by_chance() -> None:
    seed = 7002
    model = mmct(selection=dict(type="ClipSelection", min_seconds=5.0))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    batch, _ = _videos(seed, 32)
    for _ in range(60):
        losses = model(**batch, mode="loss")
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    unseen, clips = _videos(seed + 1000, 16)
    with torch.inference_mode():
        samples = model.eval()(**unseen, mode="predict")
    videos = [RepurposedVideo(f"v{i}", 0.0, float(NUM_SECONDS), own) for i, own in enumerate(clips)]

    def average(predictions: list[Any]) -> Any:
        return repurposing_metrics(list(zip(predictions, videos, strict=True)))["average"]

    reached = average([(s.pred_segments.double().numpy(), s.pred_scores.double().numpy()) for s in samples])
    length = float(np.mean([np.diff(own) for own in clips]))
    uniform = average([uniform_clips(NUM_SECONDS, length_seconds=length)] * len(videos))
    chance = average([random_clips(NUM_SECONDS, video_id=video.video_id, seed=seed) for video in videos])
    assert reached > 0.5
    assert reached > 2 * max(uniform, chance)
