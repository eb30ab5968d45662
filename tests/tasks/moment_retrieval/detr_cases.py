"""Small models, samples and batches of them, for the tests of Moment-DETR and QD-DETR."""

from __future__ import annotations

from typing import Any

import torch
from detr_references import DIM, HEADS, HIDDEN, LAYERS, NUM_MOMENTS, TEXT_DIM, VIDEO_DIM
from torch import Tensor

from vidkit.data import VideoSample
from vidkit.encoders import Precomputed
from vidkit.tasks.moment_retrieval import QDDETR, MomentDETR, MomentDETRLoss, QDDETRLoss
from vidkit.tasks.moment_retrieval.model.detr_parts import DETRModel

CLIP_SECONDS = 2.0


def make_model(kind: type[DETRModel], *, with_text: bool = True, **changes: Any) -> DETRModel:
    """Return a model whose parameters are all random, so that none hides behind a zero."""
    text = Precomputed(TEXT_DIM, modality="text") if with_text else None
    settings: dict[str, Any] = dict(
        visual_encoder=Precomputed(VIDEO_DIM),
        text_encoder=text,
        loss=QDDETRLoss() if kind is QDDETR else MomentDETRLoss(),
        dim=DIM,
        num_heads=HEADS,
        feedforward_dim=HIDDEN,
        num_encoder_layers=LAYERS,
        num_decoder_layers=LAYERS,
        num_moments=NUM_MOMENTS,
        dropout=0.0,
        input_dropout=0.0,
        clip_seconds=CLIP_SECONDS,
    )
    torch.manual_seed(0)
    model = kind(**(settings | changes))
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            torch.nn.init.normal_(parameter, mean=float(isinstance(module, torch.nn.LayerNorm)), std=0.4)
    return model


def make_sample(
    num_clips: int,
    moments: list[list[float]] | None = None,
    saliency: list[float] | None = None,
    *,
    video_id: str = "a",
    query: str | None = "a dog runs",
) -> VideoSample:
    """Return what is known of a video; what is None is absent."""
    sample = VideoSample(
        metainfo=dict(
            video_id=video_id,
            query_id=f"{video_id}-{query}",
            query=query,
            duration_seconds=num_clips * CLIP_SECONDS,
            clip_seconds=CLIP_SECONDS,
        )
    )
    if moments is not None:
        sample.gt_segments = torch.tensor(moments, dtype=torch.float32).reshape(-1, 2)
    if saliency is not None:
        sample.gt_saliency = torch.tensor(saliency, dtype=torch.float32)
    return sample


def make_features(lengths: list[int], dim: int, seed: int) -> list[Tensor]:
    """Return random features (T, D) of each length."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(length, dim, generator=generator) for length in lengths]


def make_batch(
    model: DETRModel, clips: list[int], words: list[int] | None, samples: list[VideoSample] | None = None
) -> dict[str, Any]:
    """Return what the data preprocessor makes of videos with so many clips and queries with so many words."""
    inputs = dict(visual=make_features(clips, VIDEO_DIM, seed=1))
    if words is not None:
        inputs["text"] = make_features(words, TEXT_DIM, seed=2)
    batch: dict[str, Any] = model.data_preprocessor(dict(inputs=inputs, data_samples=samples))
    return batch


MODELS = [MomentDETR, QDDETR]
