"""Batches of one size, and the way in which an encoder is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vidkit.encoders import Encoder, VisualRecipe
from vidkit.features import batches
from vidkit.features.batches import Batcher, EncoderCall, default_batch_size
from vidkit.features.chosen import check_precision, choose_execution, chosen_execution, forget_executions
from vidkit.features.execution import PLAIN, Execution


class Net(Encoder):
    modality = "visual"

    def __init__(self) -> None:
        super().__init__()
        self.dim, self.recipe = 2, VisualRecipe()
        self.linear = nn.Linear(3, 2)

    def encode(self, inputs: Tensor) -> Tensor:
        return self.linear(inputs)


def _rows(first: int, count: int) -> Tensor:
    return torch.arange(first, first + count)[:, None].float()


def test_every_batch_has_its_size_and_rows_keep_their_order() -> None:
    batcher: Batcher[str] = Batcher(4)
    found = [*batcher.add("a", _rows(0, 3)), *batcher.add("b", _rows(10, 7)), *batcher.add("c", _rows(20, 1))]
    assert [batch.inputs.flatten().tolist() for batch in found] == [[0, 1, 2, 10], [11, 12, 13, 14]]
    assert [list(batch.parts) for batch in found] == [[("a", 3), ("b", 1)], [("b", 4)]]
    assert list(batcher.owners()) == ["b", "c"]
    (last,) = batcher.rest()
    assert last.inputs.flatten().tolist() == [15, 16, 20, 20]  # filled up with the last row
    assert list(last.parts) == [("b", 2), ("c", 1)]
    assert list(batcher.rest()) == []


def test_parts_alone_fill_a_batch_of_the_same_size() -> None:
    batcher: Batcher[str] = Batcher(4)
    list(batcher.add("a", _rows(0, 1)))
    (batch,) = batcher.add("b", _rows(10, 3))
    alone = list(batch.alone())
    assert [each.inputs.flatten().tolist() for each in alone] == [[0, 0, 0, 0], [10, 11, 12, 12]]
    assert [list(each.parts) for each in alone] == [[("a", 1)], [("b", 3)]]


def test_batches_are_smaller_where_clips_are_larger() -> None:
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert default_batch_size(torch.zeros(1, 3, 16, 16), cpu) == 16
    assert default_batch_size(torch.zeros(1, 3, 224, 224), gpu) == 256
    assert default_batch_size(torch.zeros(1, 16, 3, 224, 224), gpu) == 16
    assert default_batch_size(torch.zeros(1, 64, 3, 224, 224), cpu) == 1


def test_the_first_call_chooses_the_way_and_later_jobs_take_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[Any] = []

    def fastest(encoder: Encoder, inputs: Tensor, precision: str) -> Execution:
        measured.append(precision)
        return Execution(channels_last=True)

    monkeypatch.setattr(batches, "fastest_execution", fastest)
    for _ in range(2):
        call = EncoderCall(Net().eval(), folder=tmp_path, execution="float32")
        assert call.encode(torch.ones(2, 3)).shape == (2, 2)
        assert call.computed == {"device": "cpu", "execution": "float32+channels_last"}
    assert measured == ["float32"]
    fixed = EncoderCall(Net().eval(), folder=tmp_path, execution=PLAIN)
    fixed.encode(torch.ones(2, 3))
    assert fixed.computed["execution"] == "float32"


def test_the_first_of_several_processes_decides(tmp_path: Path) -> None:
    first = Execution(channels_last=True)
    assert chosen_execution(tmp_path, "cpu") is None
    assert choose_execution(tmp_path, "cpu", first) == first
    assert choose_execution(tmp_path, "cpu", PLAIN) == first
    assert chosen_execution(tmp_path, "cpu") == first
    assert chosen_execution(tmp_path, "cuda") is None
    assert [path.name for path in tmp_path.iterdir()] == [".execution-cpu"]


def test_features_of_another_precision_are_refused(tmp_path: Path) -> None:
    check_precision(tmp_path, "bfloat16")
    choose_execution(tmp_path, "cpu", PLAIN)
    check_precision(tmp_path, Execution(channels_last=True))
    with pytest.raises(ValueError, match=r"computed in float32, now it would be bfloat16.*auto\+float32"):
        check_precision(tmp_path, "bfloat16")
    forget_executions(tmp_path)
    check_precision(tmp_path, "bfloat16")


def test_a_damaged_choice_is_told(tmp_path: Path) -> None:
    (tmp_path / ".execution-cpu").write_text("auto")
    with pytest.raises(ValueError, match="names no way to run an encoder"):
        chosen_execution(tmp_path, "cpu")


def test_without_hard_links_the_choice_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*arguments: object) -> None:
        raise PermissionError("no hard links")

    monkeypatch.setattr("os.link", no_links)
    choose_execution(tmp_path, "cpu", PLAIN)
    assert chosen_execution(tmp_path, "cpu") == PLAIN
