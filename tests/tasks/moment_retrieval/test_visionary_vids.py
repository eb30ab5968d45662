"""VisionaryVids: UMT and each of its changes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from test_umt_model import assert_same, batch, samples_of

from vidkit.encoders import Precomputed
from vidkit.modules import (
    GridPositions,
    LearnedPositions,
    PersistentMemoryAttention,
    SinusoidalPositions,
    grid_positions,
)
from vidkit.tasks.moment_retrieval.loss import UMTLoss
from vidkit.tasks.moment_retrieval.model import UMT, VisionaryVids

SIZES = dict(dim=16, num_heads=2, num_decoder_layers=1, num_window_clips=8)


def _parts() -> dict[str, Any]:
    return dict(
        visual_encoder=Precomputed(6, modality="visual"),
        audio_encoder=Precomputed(5, modality="audio"),
        text_encoder=Precomputed(4, modality="text"),
        loss=UMTLoss(),
    )


def _model(**settings: Any) -> VisionaryVids:
    torch.manual_seed(0)
    arguments = {"visual_positions": GridPositions(width=3), **_parts(), **SIZES, **settings}
    return VisionaryVids(**arguments)


def _count(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_without_its_changes_it_is_umt() -> None:
    torch.manual_seed(0)
    umt = UMT(**_parts(), **SIZES).eval()
    model = _model(visual_positions=None, num_memory_slots=0).eval()
    model.load_state_dict(umt.state_dict())
    inputs, masks = batch((11, 4), (3, 5))
    assert_same(model(inputs, masks=masks), umt(inputs, masks=masks), atol=0)


def test_each_change_stands_for_itself() -> None:
    umt = _count(UMT(**_parts(), **SIZES))
    table, slots = 8 * 16, 2 * 16 * 16  # 16 keys and as many values, 16 channels over all heads
    assert _count(_model(num_memory_slots=0)) == umt - table
    assert _count(_model(visual_positions=None)) == umt + 2 * slots  # for pictures and for sound
    assert _count(_model()) == umt - table + 2 * slots
    for modality in ("visual", "audio"):
        attention = _model().unimodal[modality].layer.attention
        assert isinstance(attention, PersistentMemoryAttention)
        assert attention.memory_keys.shape == (2, 16, 8)


def test_the_published_size_follows_from_that_of_umt() -> None:
    dims = dict(visual=2816, audio=2048, text=512)
    encoders = {f"{name}_encoder": Precomputed(dim, modality=name) for name, dim in dims.items()}
    model = VisionaryVids(visual_positions=GridPositions(), loss=UMTLoss(), **encoders)
    tables, slots = 4 * 75 * 256, 2 * 2 * 16 * 256
    assert _count(model) == 14_890_244 - 5 * 5000 * 256 + tables + slots


def test_2d_positions_are_added_to_the_visual_clips_themselves() -> None:
    model = _model(num_memory_slots=0).eval()
    encoder, x = model.unimodal["visual"], torch.randn(1, 7, 6)
    clips = encoder.project(x) + grid_positions(7, 16, width=3)
    mask = torch.ones(1, 7, dtype=torch.bool)
    torch.testing.assert_close(encoder(x, mask, None), encoder.layer(clips))
    assert isinstance(model.unimodal["audio"].positions, LearnedPositions)


def test_positions_along_one_axis_can_take_their_place() -> None:
    inputs, masks = batch((7,), (3,))
    one_axis = _model(visual_positions=SinusoidalPositions()).eval()
    two_axes = _model().eval()
    two_axes.load_state_dict(one_axis.state_dict())
    assert not torch.allclose(
        one_axis(inputs, masks=masks)[0].saliency, two_axes(inputs, masks=masks)[0].saliency, atol=1e-4
    )


def test_no_result_depends_on_padding() -> None:
    model = _model().eval()
    lengths = (11, 5, 1)
    inputs, masks = batch(lengths, (3, 7, 1), pad=4)
    together = model(inputs, masks=masks)
    inputs, masks = batch(lengths, (3, 7, 1))
    rows = range(len(lengths))
    alone = [model({name: x[i : i + 1, masks[name][i]] for name, x in inputs.items()})[0] for i in rows]
    assert_same(together, alone)


def test_every_parameter_learns() -> None:
    model = _model(dropout=0.0, input_dropout=0.0, word_dropout=0.0)
    inputs, masks = batch((11, 8), (3, 5))
    losses = model(inputs, samples_of((11, 8)), mode="loss", masks=masks)
    sum(losses.values()).backward()
    still = [name for name, p in model.named_parameters() if p.grad is None or p.grad.abs().max() < 1e-7]
    assert not still


def test_mixed_precision_trains_with_finite_losses() -> None:
    model = _model()
    inputs, masks = batch((11, 4), (3, 5))
    with torch.autocast("cpu", torch.bfloat16):
        losses = model(inputs, samples_of((11, 4)), mode="loss", masks=masks)
    sum(losses.values()).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("length", [1, 5, 1800])
def test_it_reads_any_number_of_clips(length: int) -> None:
    inputs, masks = batch((length,), (3,))
    with torch.no_grad():
        (outputs,) = _model().eval()(inputs, masks=masks)
    assert outputs.saliency.shape == (length,)
    assert outputs.saliency.isfinite().all()


def test_impossible_models_are_refused() -> None:
    with pytest.raises(ValueError, match="visual_positions need a visual_encoder; set visual_positions=None"):
        _model(visual_encoder=None)
    with pytest.raises(ValueError, match="num_memory_slots must be at least 0, got -1"):
        _model(num_memory_slots=-1)
