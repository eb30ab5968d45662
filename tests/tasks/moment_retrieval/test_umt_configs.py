"""The configs that the benchmarks of UMT and VisionaryVids build on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vidkit.engine import load_config
from vidkit.engine.config import configs_folder
from vidkit.registry import MODELS, OPTIMIZERS
from vidkit.tasks.moment_retrieval.model import UMT, VisionaryVids

ENCODERS = """
model = dict(
    visual_encoder=dict(type="Precomputed", dim=6),
    audio_encoder=dict(type="Precomputed", dim=5, modality="audio"),
    text_encoder=dict(type="Precomputed", dim=4, modality="text"),
)
"""


def _leaf(folder: Path, base: str) -> Any:
    """A config of one base and small encoders."""
    path = folder / "leaf.py"
    path.write_text(f"_base_ = [{str(configs_folder() / '_base_' / base)!r}]\n{ENCODERS}")
    return load_config(path)


@pytest.mark.parametrize(
    ("base", "kind", "optimizer"),
    [
        ("umt.py", UMT, dict(type="Adam", lr=1e-3, weight_decay=1e-4)),
        ("visionary_vids.py", VisionaryVids, dict(type="Lion", lr=1e-4, weight_decay=1e-4)),
    ],
)
def test_a_base_is_the_published_model_and_optimiser(
    base: str, kind: type[UMT], optimizer: dict[str, Any], tmp_path: Path
) -> None:
    config = _leaf(tmp_path, base)
    model = MODELS.build(config.model)
    assert type(model) is kind
    assert len(model.decode_queries.layers) == 3
    loss = model.loss
    assert (loss.saliency, loss.center, loss.window, loss.offset) == (3.0, 1.0, 0.1, 1.0)
    assert config.optim_wrapper.optimizer == optimizer
    assert OPTIMIZERS.get(optimizer["type"]) is not None
    assert config.train_cfg.max_epochs == 200


def test_each_change_of_visionary_vids_is_one_line(tmp_path: Path) -> None:
    config = _leaf(tmp_path, "visionary_vids.py")
    counts = {}
    for name, change in {
        "all": {},
        "learned": dict(visual_positions=None),
        "one axis": dict(visual_positions=dict(type="SinusoidalPositions")),
        "no memory": dict(num_memory_slots=0),
    }.items():
        model = MODELS.build({**config.model, **change})
        counts[name] = sum(parameter.numel() for parameter in model.parameters())
    slots = 2 * 2 * 16 * 256  # keys and values of 16 slots, for pictures and sound
    assert counts["learned"] == counts["all"] + 75 * 256
    assert counts["one axis"] == counts["all"]
    assert counts["no memory"] == counts["all"] - slots
