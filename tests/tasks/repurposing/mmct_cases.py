"""Small models and batches for the tests of MMCT."""

from __future__ import annotations

import itertools
from typing import Any

import torch

from vidkit.data import PadSequences, VideoSample
from vidkit.registry import MODELS
from vidkit.tasks.repurposing import MMCT

DIMS = dict(visual=12, audio=20, text=8)
SUBSETS = [names for count in (1, 2, 3) for names in itertools.combinations(DIMS, count)]
UNGUIDED = dict(guider=None, loss=dict(type="MMCTLoss", unimodal=0.0, alignment=0.0))


def mmct(names: tuple[str, ...] = tuple(DIMS), **settings: Any) -> MMCT:
    torch.manual_seed(0)
    guided = [name for name in names if name != "text"] or ["text"]
    config = dict(
        type="MMCT",
        **{f"{name}_encoder": dict(type="Precomputed", dim=DIMS[name], modality=name) for name in names},
        dim=16,
        num_heads=2,
        feedforward_dim=24,
        num_self_layers=2,
        num_caption_layers=1,
        num_fusion_layers=2,
        guider=dict(type="AlignmentGuider", modalities=guided),
        loss=dict(type="MMCTLoss"),
        selection=dict(type="ClipSelection", min_seconds=2.0),
    )
    model = MODELS.build({**config, **settings})
    assert isinstance(model, MMCT)
    return model


def sample_of(length: int) -> VideoSample:
    sample = VideoSample(
        metainfo=dict(video_id=f"v{length}", duration_seconds=float(length), clip_seconds=1.0)
    )
    sample.gt_segments = torch.tensor([[1.0, 0.5 * length], [2.0, 6.0]])
    return sample


def batch_of(lengths: list[int], names: tuple[str, ...] = tuple(DIMS)) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(1)
    inputs = {
        name: [torch.randn(length, DIMS[name], generator=generator) for length in lengths] for name in names
    }
    return PadSequences()(dict(inputs=inputs, data_samples=[sample_of(length) for length in lengths]))
