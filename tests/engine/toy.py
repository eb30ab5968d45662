"""A tiny feature store and config, so that a run of the engine takes a second. Not a test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.encoders import Precomputed
from vidkit.features import FeatureStore, make_sidecar
from vidkit.files import write_json_lines

DIM = 32
NUM_VIDEOS = 8


def write_store(root: Path, *, num_videos: int = NUM_VIDEOS, seed: int = 0) -> Path:
    """Write random visual and audio features of videos of different lengths, and their annotations."""
    rng = np.random.default_rng(seed)
    rows = []
    for index in range(num_videos):
        duration = 12.0 + 6.0 * (index % 3)
        for name, modality, dim in (("toy_visual", "visual", DIM), ("toy_audio", "audio", 8)):
            encoder = Precomputed(dim, modality=modality, name=name)
            sidecar = make_sidecar(encoder, clip_seconds=0.2, duration_seconds=duration)
            features = rng.normal(size=(sidecar["num_clips"], dim)).astype(np.float32)
            FeatureStore(root / "features").encoder(name).put(f"video{index}", features, sidecar)
        clips = [[25.0 * second, 25.0 * (second + 1)] for second in range(int(duration))]
        match = [1 if second in (2, 3) else -1 for second in range(len(clips))]
        row = dict(vid=f"video{index}", domain="toy", clip=clips, match=match, fps=25.0, duration=duration)
        rows.append(row)
    write_json_lines(root / "annotations.jsonl", rows)
    return root


def config_text(root: Path, *, max_epochs: int = 4, batch_size: int = 4, extra: str = "") -> str:
    """Return a config that trains RASL on the store for some epochs."""
    return f"""
model = dict(
    type="RASL",
    visual_encoder=dict(type="Precomputed", dim={DIM}, modality="visual", name="toy_visual"),
    audio_encoder=dict(type="Precomputed", dim=8, modality="audio", name="toy_audio"),
    contrast=dict(type="KPointContrast", k=5),
    masking=dict(type="RandomMask", ratio=0.5),
)
inference = dict(type="HighlightInference")
_data = dict(type="AnnotatedHighlights", features={str(root / "features")!r},
             annotations={str(root / "annotations.jsonl")!r})
train_dataloader = dict(
    dataset=dict(type="UnlabelledChunks", features={str(root / "features")!r}),
    sampler=dict(type="DefaultSampler", shuffle=True),
    batch_size={batch_size},
)
val_dataloader = dict(dataset=_data)
test_dataloader = dict(dataset=_data)
del _data
val_evaluator = dict(type="HighlightMetric")
test_evaluator = dict(type="HighlightMetric")
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="RMSprop", lr=1e-3))
param_scheduler = [dict(type="CosineAnnealingLR", T_max=8, by_epoch=False, end=8)]
train_cfg = dict(by_epoch=True, max_epochs={max_epochs}, val_interval=1)
default_hooks = dict(
    checkpoint=dict(
        type="CheckpointHook", interval=1, max_keep_ckpts=8, save_best="average/mAP", rule="greater"
    ),
    logger=dict(type="LoggerHook", interval=1),
)
{extra}
"""


def write_config(root: Path, **settings: Any) -> Path:
    """Write the config beside the store and return its path."""
    path = root / "toy_config.py"
    path.write_text(config_text(root, **settings))
    return path


def run_vidkit(
    arguments: Sequence[str], *, launcher: Sequence[str] = (), **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own and return what it printed."""
    command = [sys.executable, *launcher, "-m", "vidkit", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **options)
