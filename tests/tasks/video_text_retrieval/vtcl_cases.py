"""Small models of VTCL and batches for them. Not a test."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from vidkit.data import VideoSample
from vidkit.encoders import HashedText, Precomputed
from vidkit.tasks.video_text_retrieval import VTCL, TitleContrast

DIM = 16
WIDTHS = {"visual": 12, "audio": 6}


def vtcl(modalities: str = "visual audio text", **settings: Any) -> VTCL:
    """Return a model on features of pictures and sound, with hashed texts."""
    torch.manual_seed(0)
    encoders: dict[str, Any] = {
        f"{name}_encoder": HashedText(dim=24) if name == "text" else Precomputed(WIDTHS[name], modality=name)  # type: ignore[arg-type]
        for name in modalities.split()
    }
    given = dict(title_encoder=HashedText(dim=24), loss=TitleContrast(), dim=DIM)
    return VTCL(**{**given, **encoders, **settings})


def batch(count: int = 6, seed: int = 0) -> dict[str, Any]:
    """Return a batch whose titles and subtitles share words, with two views a video."""
    random = np.random.default_rng(seed)
    words = ["whale", "rocket", "onion", "tulip", "camel", "tram", "owl", "glacier"]
    said = [" ".join(random.choice(words, 3)) for _ in range(count)]
    inputs: dict[str, Any] = {
        name: [torch.from_numpy(random.normal(size=(2, width))).float() for _ in range(count)]
        for name, width in WIDTHS.items()
    }
    inputs["text"] = [f"here is the {text}" for text in said]
    samples = [
        VideoSample(metainfo=dict(video_id=f"v{row}", title=f"the {text}", label=text.split()[0]))
        for row, text in enumerate(said)
    ]
    return dict(inputs=inputs, data_samples=samples)
