"""Batches of one size, and the way in which an encoder is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vidkit.encoders import Encoder, VisualRecipe
from vidkit.features import batches
from vidkit.features.batches import Batcher, EncoderCall, WayError, default_batch_size
from vidkit.features.chosen import (
    Choice,
    check_precision,
    choose_execution,
    chosen_execution,
    forget_executions,
)
from vidkit.features.execution import PLAIN, Execution


class Net(Encoder):
    modality = "visual"

    def __init__(self) -> None:
        super().__init__()
        self.dim, self.recipe = 2, VisualRecipe()
        self.linear = nn.Linear(3, 2)

    def encode(self, inputs: Tensor) -> Tensor:
        return self.linear(inputs)


class FailsInBfloat16(Net):
    def encode(self, inputs: Tensor) -> Tensor:
        return self.linear(inputs + torch.zeros(3))


def _choice(execution: Execution, batch_size: int | None = 2, num_threads: int = 1) -> Choice:
    return Choice(execution, batch_size, num_threads)


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
    same = EncoderCall(Net().eval(), folder=tmp_path, execution=Execution(channels_last=True))
    assert same.encode(torch.ones(2, 3)).shape == (2, 2)
    with pytest.raises(
        ValueError, match=r"computed as float32\+channels_last, now it would be float32; go on as it began"
    ):
        EncoderCall(Net().eval(), folder=tmp_path, execution=PLAIN)


def test_a_way_that_another_process_began_meanwhile_is_told(tmp_path: Path) -> None:
    call = EncoderCall(Net().eval(), folder=tmp_path, execution=PLAIN)
    choose_execution(tmp_path, "cpu", _choice(Execution(channels_last=True)))
    with pytest.raises(WayError, match="now it would be float32"):
        call.encode(torch.ones(2, 3))


def test_the_way_of_a_faster_process_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "fastest_execution", lambda encoder, inputs, precision: PLAIN)
    call = EncoderCall(Net().eval(), folder=tmp_path, execution="float32")
    choose_execution(tmp_path, "cpu", _choice(Execution(onednn=True)))
    call.encode(torch.ones(2, 3))
    assert call.computed["execution"] == "float32+onednn"


def test_a_job_that_goes_on_takes_the_batch_size_it_began_with(tmp_path: Path) -> None:
    inputs = torch.ones(7, 3)
    first = EncoderCall(Net().eval(), folder=tmp_path, execution=PLAIN, batch_size=7)
    assert first.batch_size(inputs) == 7
    first.encode(inputs)
    assert chosen_execution(tmp_path, "cpu") == _choice(PLAIN, 7, torch.get_num_threads())
    assert EncoderCall(Net().eval(), folder=tmp_path, execution=PLAIN).batch_size(inputs) == 7
    given = EncoderCall(Net().eval(), folder=tmp_path, execution=PLAIN, batch_size=3)
    assert given.batch_size(inputs) == 3
    assert EncoderCall(Net().eval(), folder=tmp_path / "new", execution=PLAIN).batch_size(inputs) == 16


def test_a_way_that_cannot_run_is_told_and_the_folder_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = EncoderCall(FailsInBfloat16().eval(), folder=tmp_path, execution=Execution("bfloat16"))
    with pytest.raises(WayError, match=r"FailsInBfloat16 cannot run as bfloat16 \(RuntimeError: .*choose"):
        call.encode(torch.ones(2, 3))
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ValueError, match=r"needs a C\+\+ compiler"):
        EncoderCall(Net().eval(), folder=tmp_path, execution=Execution(compiled=True))
    assert list(tmp_path.iterdir()) == []


def test_inputs_that_no_way_can_take_are_not_blamed_on_the_way(tmp_path: Path) -> None:
    call = EncoderCall(Net().eval(), folder=tmp_path, execution=Execution(channels_last=True))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        call.encode(torch.ones(2, 4))
    assert list(tmp_path.iterdir()) == []
    assert call.encode(torch.ones(2, 3)).shape == (2, 2)


@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (2,)])
def test_an_encoder_that_gives_other_rows_than_it_got_is_told(tmp_path: Path, shape: tuple[int, ...]) -> None:
    class Other(Net):
        def encode(self, inputs: Tensor) -> Tensor:
            return torch.zeros(shape)

    call = EncoderCall(Other().eval(), folder=tmp_path, execution=PLAIN)
    with pytest.raises(
        ValueError, match=r"Other gave rows \(.*\) for 2 clips; its encode must give \(2, 2\)"
    ):
        call.encode(torch.ones(2, 3))


@pytest.mark.parametrize("shape", [(2, 5, 2), (1, 5, 3), (1, 2)])
def test_a_sequence_of_another_shape_is_told(tmp_path: Path, shape: tuple[int, ...]) -> None:
    class Other(Net):
        def sequence(self, inputs: Tensor) -> Tensor:
            return torch.zeros(shape)

    call = EncoderCall(Other().eval(), folder=tmp_path, execution=PLAIN)
    with pytest.raises(ValueError, match=r"Other gave vectors .*must give \(1, N, 2\)"):
        call.sequence(torch.ones(1, 3))


def test_sequences_choose_a_way_as_well(tmp_path: Path) -> None:
    class Steps(Net):
        def sequence(self, inputs: Tensor) -> Tensor:
            seen.append(self.linear.weight.dtype)
            return self.linear(inputs.to(self.linear.weight.dtype)[None])

    seen: list[torch.dtype] = []
    call = EncoderCall(Steps().eval(), folder=tmp_path, execution=Execution("bfloat16"))
    assert call.sequence(torch.ones(5, 3)).shape == (5, 2)
    assert seen == [torch.bfloat16]
    assert call.computed["execution"] == "bfloat16"
    assert chosen_execution(tmp_path, "cpu") == _choice(Execution("bfloat16"), None, torch.get_num_threads())


def test_the_first_of_several_processes_decides(tmp_path: Path) -> None:
    first = _choice(Execution(channels_last=True))
    assert chosen_execution(tmp_path, "cpu") is None
    assert choose_execution(tmp_path, "cpu", first) == first
    assert choose_execution(tmp_path, "cpu", _choice(PLAIN)) == first
    assert chosen_execution(tmp_path, "cpu") == first
    assert chosen_execution(tmp_path, "cuda") is None
    assert [path.name for path in tmp_path.iterdir()] == [".execution-cpu"]


def test_features_of_another_precision_are_refused(tmp_path: Path) -> None:
    check_precision(tmp_path, "bfloat16")
    choose_execution(tmp_path, "cpu", _choice(PLAIN))
    check_precision(tmp_path, Execution(channels_last=True))
    with pytest.raises(ValueError, match=r"computed in float32, now it would be bfloat16.*auto\+float32"):
        check_precision(tmp_path, "bfloat16")
    forget_executions(tmp_path)
    check_precision(tmp_path, "bfloat16")


@pytest.mark.parametrize("text", ["auto", "[]", "{}", '{"execution": "auto"}', '{"execution": "plain"}'])
def test_a_damaged_choice_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / ".execution-cpu").write_text(text)
    with pytest.raises(ValueError, match="does not say how to run an encoder; remove it and extract with"):
        chosen_execution(tmp_path, "cpu")


def test_without_hard_links_the_choice_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*arguments: object) -> None:
        raise PermissionError("no hard links")

    monkeypatch.setattr("os.link", no_links)
    choose_execution(tmp_path, "cpu", _choice(PLAIN))
    assert chosen_execution(tmp_path, "cpu") == _choice(PLAIN)
