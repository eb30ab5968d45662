"""Released weights of Moment-DETR and QD-DETR say here what a plain writing-out of the original says."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from detr_references import (
    DIM,
    HIDDEN,
    LAYERS,
    NUM_MOMENTS,
    TEXT_DIM,
    VIDEO_DIM,
    Weights,
    moment_detr,
    moment_detr_weights,
    qd_detr,
    qd_detr_weights,
)
from typer.testing import CliRunner

from vidkit.cli import app
from vidkit.engine import load_weights, read_checkpoint, state_dict_of
from vidkit.engine.convert import convert_checkpoint
from vidkit.registry import MODELS
from vidkit.tasks.moment_retrieval import MomentDETRLayout, QDDETRLayout, UMTLayout

CASES: list[Any] = [
    ("MomentDETR", moment_detr_weights(), moment_detr),
    ("QDDETR", qd_detr_weights(), qd_detr),
]


def _save(weights: Weights, path: Path) -> Path:
    """Write a file as the original trainers do: weights beside the optimiser and the options."""
    options = argparse.Namespace(
        seed=2018, device=torch.device("cpu"), v_feat_dirs=["clip_features"], lr=1e-4
    )
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(2))])
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 400)
    torch.save(
        {
            "model": {name: weight.float() for name, weight in weights.items()},
            "optimizer": optimizer.state_dict(),
            "lr_scheduler": scheduler.state_dict(),
            "epoch": 3,
            "opt": options,
        },
        path,
    )
    return path


@pytest.mark.parametrize(("kind", "weights", "reference"), CASES)
def test_a_released_file_says_here_what_it_says_there(
    kind: str, weights: Weights, reference: Any, tmp_path: Path
) -> None:
    config = convert_checkpoint(_save(weights, tmp_path / "model_best.ckpt"), tmp_path / "ours.pth")
    assert config["type"] == kind
    model = MODELS.build(config)
    load_weights(model, state_dict_of(read_checkpoint(tmp_path / "ours.pth")), source="ours.pth")
    video, words = torch.randn(9, VIDEO_DIM), torch.randn(4, TEXT_DIM)
    (said,) = model.eval()(dict(visual=video[None], text=words[None]))
    expected = reference(weights, video.double(), words.double())
    center, width = expected.spans[-1].unbind(dim=-1)
    moments = 18.0 * torch.stack([center - width / 2, center + width / 2], dim=-1)
    torch.testing.assert_close(said.moments.double(), moments, atol=1e-4, rtol=1e-4)
    scores = expected.logits[-1].softmax(dim=-1)[:, 0]
    torch.testing.assert_close(said.scores.double(), scores, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(said.saliency.double(), expected.saliency, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("kind", "weights", "reference"), CASES)
def test_the_config_shows_the_sizes_of_the_model(kind: str, weights: Weights, reference: Any) -> None:
    layout: Any = MomentDETRLayout if kind == "MomentDETR" else QDDETRLayout
    config, _ = layout.convert(weights)
    sizes = dict(dim=DIM, feedforward_dim=HIDDEN, num_moments=NUM_MOMENTS, round_to_clips=True)
    sizes |= dict(num_encoder_layers=LAYERS, num_decoder_layers=LAYERS)
    assert sizes.items() <= config.items()
    assert config["visual_encoder"] == dict(type="Precomputed", dim=VIDEO_DIM, modality="visual")
    assert config["text_encoder"] == dict(type="Precomputed", dim=TEXT_DIM, modality="text")


def _channels(layout: Any, weights: Weights, width: int) -> dict[str, Any]:
    weights = Weights(weights)
    weights["input_vid_proj.0.LayerNorm.weight"] = torch.zeros(width)
    config: dict[str, Any] = layout.convert(weights)[0]
    return config


def test_streams_of_qvhighlights_are_recognised_by_their_channels() -> None:
    """Each stream is scaled to length 1 for itself, so a model has to know where one ends."""
    config = _channels(MomentDETRLayout, moment_detr_weights(), 2304 + 512 + 2)
    assert config["visual_encoder"]["type"] == "JoinedFeatures"
    assert [part["dim"] for part in config["visual_encoder"]["parts"]] == [2304, 512]
    assert "audio_encoder" not in config
    config = _channels(QDDETRLayout, qd_detr_weights(), 2304 + 512 + 2 + 2048 + 2)
    assert [part["dim"] for part in config["visual_encoder"]["parts"]] == [2304, 512]
    assert config["audio_encoder"] == dict(type="Precomputed", dim=2048, modality="audio")
    config = _channels(QDDETRLayout, qd_detr_weights(), 512 + 2)
    assert config["visual_encoder"] == dict(type="Precomputed", dim=512, modality="visual")


def test_every_layout_recognises_its_own_weights_alone() -> None:
    for own, weights in ((MomentDETRLayout, moment_detr_weights()), (QDDETRLayout, qd_detr_weights())):
        layouts = (MomentDETRLayout, QDDETRLayout, UMTLayout)
        assert [layout for layout in layouts if layout.recognises(weights)] == [own]


def test_the_alignment_heads_of_other_trainings_are_left_out() -> None:
    weights = moment_detr_weights()
    weights["contrastive_align_projection_txt.weight"] = torch.zeros(64, DIM)
    assert (
        MomentDETRLayout.convert(weights)[1].keys()
        == MomentDETRLayout.convert(moment_detr_weights())[1].keys()
    )


def test_a_weight_without_a_place_is_refused(tmp_path: Path) -> None:
    weights = qd_detr_weights()
    weights["transformer.encoder.norm.weight"] = torch.zeros(DIM)  # of a model that normalises first
    with pytest.raises(
        ValueError, match=r"does not fit QDDETR: 1 unexpected: transformer\.encoder\.norm\.weight"
    ):
        convert_checkpoint(_save(weights, tmp_path / "other.ckpt"), tmp_path / "ours.pth")
    assert not (tmp_path / "ours.pth").exists()


def test_the_command_prints_the_config(tmp_path: Path) -> None:
    source = _save(moment_detr_weights(), tmp_path / "model_best.ckpt")
    result = CliRunner().invoke(app, ["convert", str(source), "--out", str(tmp_path / "ours.pth"), "--quiet"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["type"] == "MomentDETR"
