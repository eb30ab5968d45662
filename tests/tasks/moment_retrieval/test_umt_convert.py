"""Released weights of UMT say here what they say in a plain re-implementation of the original."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner, Result
from umt_reference import reference_outputs, released_weights

from vidkit.cli import app
from vidkit.engine import load_weights, read_checkpoint, state_dict_of
from vidkit.engine.convert import convert_checkpoint
from vidkit.registry import MODELS
from vidkit.tasks.moment_retrieval.centers import read_off
from vidkit.tasks.moment_retrieval.model.base import MomentOutputs

Tensors = dict[str, Tensor]
ALL_HEADS = ("saliency", "center", "window", "offset")
DIMS = dict(visual=12, audio=10, text=6)
LENGTHS, NUM_WORDS = (14, 9), (3, 5)


@pytest.fixture(scope="module")
def weights() -> Tensors:
    return released_weights(**DIMS, num_layers=2, heads=ALL_HEADS)


@pytest.fixture(scope="module")
def converted(weights: Tensors, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("umt")
    torch.save({"state_dict": weights, "meta": {"epoch": 3}}, folder / "released.pth")
    return convert_checkpoint(folder / "released.pth", folder / "ours.pth"), folder / "ours.pth"


def _model(converted: tuple[dict[str, Any], Path], **changes: Any) -> torch.nn.Module:
    config, path = converted
    model = MODELS.build({**config, **changes})
    load_weights(model, state_dict_of(read_checkpoint(path)), source=str(path))
    return model.eval()


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["convert", *map(str, arguments)])


def _batch() -> tuple[Tensors, Tensors]:
    """Two samples, the second padded with zeros."""
    inputs, masks = {}, {}
    for name, dim in DIMS.items():
        sizes = NUM_WORDS if name == "text" else LENGTHS
        masks[name] = torch.arange(max(sizes)) < torch.tensor(sizes)[:, None]
        x = torch.randn(2, max(sizes), dim, generator=torch.Generator().manual_seed(dim))
        inputs[name] = x * masks[name][..., None]
    return inputs, masks


def _expected(weights: Tensors, inputs: Tensors, masks: Tensors) -> list[MomentOutputs]:
    outputs = []
    for i, real in enumerate(masks["visual"]):
        said = reference_outputs(weights, *(inputs[name][i] for name in DIMS), real)
        said = {name: values[real] for name, values in said.items()}
        moments, scores = read_off(
            said["center"].sigmoid(), said["window"], said["offset"], clip_seconds=2.0, num_moments=100
        )
        outputs.append(MomentOutputs(moments, scores, said["saliency"].sigmoid()))
    return outputs


def _assert_same(some: list[MomentOutputs], others: list[MomentOutputs]) -> None:
    for a, b in zip(some, others, strict=True):
        for name in ("saliency", "scores", "moments"):
            torch.testing.assert_close(getattr(a, name), getattr(b, name), atol=2e-5, rtol=1e-5)


def test_converted_weights_say_what_the_released_model_says(
    weights: Tensors, converted: tuple[dict[str, Any], Path]
) -> None:
    inputs, masks = _batch()
    with torch.no_grad():
        _assert_same(_model(converted)(inputs, masks=masks), _expected(weights, inputs, masks))


def test_umt_says_the_same_of_single_samples_and_not_of_padded_ones(
    weights: Tensors, converted: tuple[dict[str, Any], Path]
) -> None:
    model = _model(converted, type="UMT", num_window_clips=5000)
    inputs, masks = _batch()
    with torch.no_grad():
        together = model(inputs, masks=masks)
        for i in range(2):
            own = {name: x[i : i + 1, masks[name][i]] for name, x in inputs.items()}
            real = {name: torch.ones(x.shape[:2], dtype=torch.bool) for name, x in own.items()}
            _assert_same(model(own), _expected(weights, own, real))
            _assert_same(together[i : i + 1], model(own))
        padded = _expected(weights, inputs, masks)
    torch.testing.assert_close(padded[0].saliency.shape, together[0].saliency.shape)
    assert (padded[1].saliency - together[1].saliency).abs().max() > 1e-3


def test_the_model_is_read_off_the_weights(converted: tuple[dict[str, Any], Path]) -> None:
    config, path = converted
    encoders = {f"{name}_encoder": dict(type="Precomputed", dim=d, modality=name) for name, d in DIMS.items()}
    assert config == dict(type="ReleasedUMT", **encoders, loss=dict(type="UMTLoss"), num_decoder_layers=2)
    assert read_checkpoint(path)["meta"] == {"layout": "UMTLayout", "model": config}
    assert _model(converted).num_window_clips == 75


@pytest.mark.parametrize(
    ("heads", "absent"),
    [(("saliency",), ["center", "window", "offset"]), (("center", "window", "offset"), ["saliency"])],
)
def test_models_without_query_or_some_heads_are_converted(
    heads: tuple[str, ...], absent: list[str], tmp_path: Path
) -> None:
    weights = released_weights(visual=4, audio=4, text=None, num_layers=1, heads=heads)
    torch.save(weights, tmp_path / "released.pth")
    config = convert_checkpoint(tmp_path / "released.pth", tmp_path / "ours.pth")
    assert "text_encoder" not in config
    assert config["loss"] == dict(type="UMTLoss", **dict.fromkeys(absent))
    assert config["num_decoder_layers"] == 1
    model = _model((config, tmp_path / "ours.pth"))
    inputs = {name: torch.randn(1, 5, 4) for name in ("visual", "audio")}
    with torch.no_grad():
        said = reference_outputs(
            weights, inputs["visual"][0], inputs["audio"][0], None, torch.ones(5, dtype=torch.bool)
        )
        (outputs,) = model(inputs)
    expected = said["saliency" if "saliency" in heads else "center"].sigmoid()
    torch.testing.assert_close(outputs.saliency, expected, atol=2e-5, rtol=1e-5)


def test_the_command_writes_the_file_and_prints_the_model(weights: Tensors, tmp_path: Path) -> None:
    torch.save({"state_dict": weights}, tmp_path / "released.pth")
    result = _run(tmp_path / "released.pth", "--out", tmp_path / "new" / "umt.pth")
    assert result.exit_code == 0, result.stderr
    config = json.loads(result.stdout)
    assert config["type"] == "ReleasedUMT"
    assert "the weights of a ReleasedUMT" in result.stderr
    _model((config, tmp_path / "new" / "umt.pth"))


def test_what_cannot_be_converted_is_told_and_nothing_is_written(weights: Tensors, tmp_path: Path) -> None:
    torch.save({"layer.weight": torch.zeros(2)}, tmp_path / "other.pth")
    result = _run(tmp_path / "other.pth", "--out", tmp_path / "out.pth")
    assert result.exit_code == 2
    assert "has no known layout: its weights are layer.weight, ...; known: " in result.stderr
    assert "UMTLayout" in result.stderr
    short = {name: weight for name, weight in weights.items() if not name.startswith("query_dec.norm")}
    torch.save(short, tmp_path / "short.pth")
    with pytest.raises(ValueError, match=r"does not fit ReleasedUMT: 2 missing: decode_queries\.norm\.bias"):
        convert_checkpoint(tmp_path / "short.pth", tmp_path / "out.pth")
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        convert_checkpoint(tmp_path / "absent.pth", tmp_path / "out.pth")
    assert not (tmp_path / "out.pth").exists()
