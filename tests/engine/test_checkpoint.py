"""Checkpoints are data: nothing in them runs, and every weight must fit."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from vidkit.engine import load_weights, read_checkpoint, state_dict_of


class _Malicious:
    """Writes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self.marker, "run"))


class _MaliciousGetattr:
    """Reaches for an attribute that is not a method of the loss history."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (getattr, (HistoryBuffer, "__init__"))


def test_a_malicious_pickle_is_refused_and_does_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    torch.save({"state_dict": {}, "meta": _Malicious(marker)}, tmp_path / "bad.pth")
    with pytest.raises(ValueError, match=r"bad.pth was refused: .*; vidkit reads only data"):
        read_checkpoint(tmp_path / "bad.pth")
    assert not marker.exists()


def test_getattr_reaches_nothing_but_the_loss_history(tmp_path: Path) -> None:
    torch.save({"state_dict": {}, "meta": _MaliciousGetattr()}, tmp_path / "bad.pth")
    with pytest.raises(ValueError, match="was refused"):
        read_checkpoint(tmp_path / "bad.pth")


def test_what_mmengine_writes_is_read(tmp_path: Path) -> None:
    history = HistoryBuffer([1.0, 2.0], [1, 1])
    content = {
        "state_dict": {"weight": torch.ones(2)},
        "message_hub": {"log_scalars": {"loss": history}},
        "meta": {"numbers": np.arange(3), "scalar": np.float64(0.5), "flag": np.bool_(True)},
    }
    torch.save(content, tmp_path / "good.pth")
    read = read_checkpoint(tmp_path / "good.pth")
    assert read["message_hub"]["log_scalars"]["loss"].current() == 2.0
    assert read["meta"]["numbers"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"no checkpoint", "is no readable checkpoint|was refused"), (b"", "is no readable checkpoint")],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "file.pth").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_checkpoint(tmp_path / "file.pth")


def test_a_truncated_checkpoint_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": {"weight": torch.randn(1000)}}, tmp_path / "whole.pth")
    data = (tmp_path / "whole.pth").read_bytes()
    (tmp_path / "half.pth").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match="no readable checkpoint"):
        read_checkpoint(tmp_path / "half.pth")


def test_a_plain_pickle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(_Malicious(tmp_path / "marker")))
    with pytest.raises(ValueError, match="was refused"):
        read_checkpoint(tmp_path / "plain.pth")
    assert not (tmp_path / "marker").exists()


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no checkpoint at .*absent.pth"):
        read_checkpoint(tmp_path / "absent.pth")


def test_a_checkpoint_that_is_a_tensor_is_refused(tmp_path: Path) -> None:
    torch.save(torch.ones(1), tmp_path / "tensor.pth")
    with pytest.raises(ValueError, match="holds a Tensor, not a checkpoint"):
        read_checkpoint(tmp_path / "tensor.pth")


def test_a_prefix_picks_the_weights_of_a_part() -> None:
    weights = {"module.encoder.a": torch.ones(1), "module.head.b": torch.zeros(1)}
    assert state_dict_of({"state_dict": weights}, prefix="encoder.").keys() == {"a"}
    with pytest.raises(ValueError, match=r"no weights under 'decoder.'; it has: encoder., head."):
        state_dict_of({"state_dict": weights}, prefix="decoder.")


@pytest.mark.parametrize("content", [{1: 2}, {"state_dict": None}, {"state_dict": {"weight": 1}}])
def test_a_checkpoint_without_named_tensors_is_refused(content: dict[Any, Any]) -> None:
    with pytest.raises(ValueError, match="holds no state_dict of named tensors"):
        state_dict_of(content)


def test_every_weight_must_fit() -> None:
    module = torch.nn.Linear(2, 3)
    with pytest.raises(ValueError, match="does not fit Linear: 1 missing: bias; 1 unexpected: extra"):
        load_weights(module, {"weight": torch.zeros(3, 2), "extra": torch.zeros(1)}, source="x.pth")
    with pytest.raises(ValueError, match=r"1 of another shape: weight \(3, 5\) for \(3, 2\)"):
        load_weights(module, {"weight": torch.zeros(3, 5), "bias": torch.zeros(3)}, source="x.pth")
