"""Small models learn to answer a word with the stretch that shows it, in videos they have not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from vidkit.data import VideoSample
from vidkit.encoders import Precomputed
from vidkit.overlap import temporal_iou
from vidkit.tasks.moment_retrieval import QDDETR, UMT, QDDETRLoss
from vidkit.tasks.moment_retrieval.loss import UMTLoss

NUM_CLIPS, CLIP_SECONDS, DIM = 16, 2.0, 16
NUM_WORDS = 3
HALVES = ((0, 7), (8, 15))  # of each video shows another word; one of them is asked for

_UMT: dict[str, Any] = dict(
    num_decoder_layers=1, num_window_clips=NUM_CLIPS, num_moments=5, input_dropout=0.0, word_dropout=0.0
)
_DETR: dict[str, Any] = dict(
    num_encoder_layers=2, num_decoder_layers=2, feedforward_dim=64, num_moments=5, input_dropout=0.0
)
METHODS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "UMT": (UMT, UMTLoss, _UMT),
    "QD-DETR": (QDDETR, QDDETRLoss, _DETR),
}
NUM_STEPS = 70


def _videos(seed: int, count: int) -> tuple[dict[str, list[torch.Tensor]], list[VideoSample]]:
    """Return features of clips, words of queries, and the moments, which the query alone tells apart."""
    random = np.random.default_rng(seed)
    basis = np.linalg.qr(np.random.default_rng(17).standard_normal((DIM, DIM)))[0]
    inputs: dict[str, list[torch.Tensor]] = {"visual": [], "text": []}
    samples = []
    for index in range(count):
        shown = random.permutation(NUM_WORDS)[:2]
        asked = random.integers(2)
        clips = random.standard_normal((NUM_CLIPS, DIM)) * 0.3
        for half, (low, high) in enumerate(HALVES):
            start = low + random.integers(0, 3)
            end = min(start + random.integers(3, 5), high)
            here = np.arange(start, end)
            clips[here] += 3 * basis[shown[half]]
            borders = np.stack([here - start + 1, end - here], axis=1)
            clips[here] += borders @ basis[NUM_WORDS : NUM_WORDS + 2]
            if half == asked:
                moment = torch.tensor([[start, end]]) * CLIP_SECONDS
        words = random.standard_normal((3, DIM)) * 0.3
        words[1] += 3 * basis[shown[asked] + NUM_WORDS + 2]
        inputs["visual"].append(torch.from_numpy(clips).float())
        inputs["text"].append(torch.from_numpy(words).float())
        sample = VideoSample(
            metainfo=dict(
                video_id=f"v{seed}-{index}",
                query_id=f"q{seed}-{index}",
                query=f"word {shown[asked]}",
                duration_seconds=NUM_CLIPS * CLIP_SECONDS,
                clip_seconds=CLIP_SECONDS,
            )
        )
        sample.gt_segments = moment
        middles = (torch.arange(NUM_CLIPS) + 0.5) * CLIP_SECONDS
        sample.gt_saliency = ((middles > moment[0, 0]) & (middles < moment[0, 1])).float()
        samples.append(sample)
    return inputs, samples


@pytest.mark.parametrize("method", METHODS)
def test_unseen_videos_are_answered_better_than_by_a_guess(method: str) -> None:
    kind, loss, settings = METHODS[method]
    torch.manual_seed(7103)
    model = kind(
        visual_encoder=Precomputed(DIM),
        text_encoder=Precomputed(DIM, modality="text"),
        loss=loss(),
        dim=32,
        num_heads=2,
        dropout=0.0,
        clip_seconds=CLIP_SECONDS,
        **settings,
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    inputs, samples = _videos(7103, 64)
    batch = model.data_preprocessor(dict(inputs=inputs, data_samples=samples))
    for _ in range(NUM_STEPS):
        losses = model(**batch, mode="loss")
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    inputs, samples = _videos(8103, 48)
    unseen = model.data_preprocessor(dict(inputs=inputs, data_samples=samples))
    wanted = [sample.gt_segments.numpy() for sample in samples]
    with torch.inference_mode():
        predicted = model.eval()(**unseen, mode="predict")

    def share(moments: list[Any]) -> float:
        found = [temporal_iou(one, gt).max() >= 0.5 for one, gt in zip(moments, wanted, strict=True)]
        return float(np.mean(found))

    first = [sample.pred_segments[:1].numpy() for sample in predicted]
    guesses = [np.array([span]) * CLIP_SECONDS for span in (*HALVES, (0, NUM_CLIPS))]
    guess = max(share([span] * len(samples)) for span in guesses)
    hits = np.mean([s.gt_saliency[s.pred_saliency.argmax()].item() for s in predicted])
    assert share(first) > 0.6
    assert share(first) > 1.5 * guess
    assert hits > 0.6  # a random clip hits in a quarter of them
