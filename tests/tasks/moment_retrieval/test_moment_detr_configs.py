"""The configs that the benchmarks of Moment-DETR and QD-DETR build on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vidkit.engine import load_config
from vidkit.engine.config import configs_folder
from vidkit.registry import MODELS, OPTIMIZERS
from vidkit.tasks.moment_retrieval import QDDETR, MomentDETR, MomentDETRLoss, QDDETRLoss

ENCODERS = """
model = dict(
    visual_encoder=dict(type="Precomputed", dim=6),
    text_encoder=dict(type="Precomputed", dim=4, modality="text"),
)
"""


@pytest.mark.parametrize(
    ("base", "kind", "loss_kind"),
    [("moment_detr.py", MomentDETR, MomentDETRLoss), ("qd_detr.py", QDDETR, QDDETRLoss)],
)
def test_a_base_is_the_published_model_and_optimiser(
    base: str, kind: type[Any], loss_kind: type[Any], tmp_path: Path
) -> None:
    path = tmp_path / "leaf.py"
    path.write_text(f"_base_ = [{str(configs_folder() / '_base_' / base)!r}]\n{ENCODERS}")
    config = load_config(path)
    model = MODELS.build(config.model)
    assert type(model) is kind
    assert type(model.loss) is loss_kind
    loss = model.loss
    assert (loss.span, loss.giou, loss.label, loss.saliency, loss.background) == (10.0, 1.0, 4.0, 1.0, 0.1)
    assert (loss.margin, loss.max_moments) == (0.2, 5)
    assert (model.dim, len(model.encoder), model.clip_seconds, model.num_window_clips) == (256, 2, 2.0, 75)
    assert config.optim_wrapper.optimizer == dict(type="AdamW", lr=1e-4, weight_decay=1e-4)
    assert OPTIMIZERS.get("AdamW") is not None
    assert config.optim_wrapper.clip_grad == dict(max_norm=0.1)
    assert config.train_cfg.max_epochs == 200
