"""Every container in which weights are published, made here, and what is done with files that are none."""

from __future__ import annotations

import argparse
import collections
import os
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from safetensors.torch import save_file
from torch import Tensor, nn

from vidkit.encoders.weights import container_of, read_weights

State = dict[str, Tensor]


def _state(dtype: torch.dtype = torch.float32) -> State:
    torch.manual_seed(0)
    return {
        "layer.weight": torch.randn(4, 3).to(dtype),
        "layer.bias": torch.randn(4).to(dtype),
        "seen": torch.tensor(7),
    }


class Net(nn.Module):
    """What the TorchScript archives hold."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 4)
        self.norm = nn.Sequential(nn.BatchNorm1d(4))
        self.tied = nn.Linear(3, 4, bias=False)
        self.tied.weight = self.layer.weight
        self.register_buffer("seen", torch.tensor(7))
        self.sizes = [1, 2]

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.layer(x)) + self.tied(x)  # type: ignore[no-any-return]


def _history() -> HistoryBuffer:
    buffer = HistoryBuffer()
    buffer.update(0.5, 2)
    return buffer


def _save_torch(path: Path, state: State) -> None:
    torch.save(collections.OrderedDict(state), path)


def _save_legacy_torch(path: Path, state: State) -> None:
    torch.save(state, path, _use_new_zipfile_serialization=False)


def _save_safetensors(path: Path, state: State) -> None:
    save_file(state, path)


def _save_wrapped(path: Path, state: State) -> None:
    torch.save({"state_dict": {f"module._orig_mod.{name}": value for name, value in state.items()}}, path)


def _save_panns(path: Path, state: State) -> None:
    random = np.random.RandomState(1234)
    sampler = {"random_state": random, "indexes": np.arange(9), "pointer": np.int64(3)}
    sampler["random_state"] = random.get_state()  # a tuple with an array and numpy numbers
    torch.save({"iteration": 600_000, "model": state, "sampler": sampler}, path)


def _save_swin(path: Path, state: State) -> None:
    torch.save({"model": state}, path)


def _save_mmengine(path: Path, state: State) -> None:
    message_hub = {
        "log_scalars": {"train/loss": _history()},
        "runtime_info": {
            "iter": np.int64(9),
            "best": np.float64(0.5),
            "seeds": collections.defaultdict(list),
        },
        "resumed_keys": {},
    }
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(2))], lr=0.1, momentum=0.9).state_dict()
    content = {"meta": {"epoch": 3, "cfg": "model = 1"}, "state_dict": state, "message_hub": message_hub}
    torch.save({**content, "optimizer": optimizer, "param_schedulers": [{"_last_lr": [0.1]}]}, path)


def _save_pyslowfast(path: Path, state: State) -> None:
    content = {"epoch": 195, "model_state": state, "optimizer_state": {"state": {}}, "cfg": "TRAIN: true"}
    torch.save({**content, "scaler_state": {"scale": 65536.0}}, path)


def _save_caffe2(path: Path, state: State) -> None:
    blobs: dict[str, Any] = {name: value.numpy() for name, value in state.items()}
    path.write_bytes(pickle.dumps({"blobs": {**blobs, "lr": np.float32(0.1), "model_iter": 5}}, protocol=2))


def _save_caffe2_of_protocol_0(path: Path, state: State) -> None:
    path.write_bytes(pickle.dumps({"blobs": {k: v.numpy() for k, v in state.items()}}, protocol=0))


def _save_s3prl(path: Path, state: State) -> None:
    paras = argparse.Namespace(run="transformer", seed=1337, cuda=True)
    content = {"Transformer": state, "SpecHead": {"dense.weight": torch.ones(2)}, "Global_step": 500_000}
    torch.save({**content, "Settings": {"Config": {"hidden_size": 768}, "Paras": paras}}, path)


def _save_moment_detr(path: Path, state: State) -> None:
    torch.save(
        {"model": state, "optimizer": {"state": {}}, "epoch": 1, "opt": argparse.Namespace(dset="hl")}, path
    )


SAVERS: list[Callable[[Path, State], None]] = [
    _save_torch,
    _save_legacy_torch,
    _save_safetensors,
    _save_wrapped,
    _save_panns,
    _save_swin,
    _save_mmengine,
    _save_pyslowfast,
    _save_caffe2,
    _save_caffe2_of_protocol_0,
    _save_s3prl,
    _save_moment_detr,
]
KINDS = {
    _save_safetensors: "safetensors",
    _save_caffe2: "pickle",
    _save_caffe2_of_protocol_0: "pickle",
}


@pytest.mark.parametrize("save", SAVERS)
def test_every_public_container_gives_its_weights(
    save: Callable[[Path, State], None], tmp_path: Path
) -> None:
    path = tmp_path / "weights.pth"
    save(path, _state())
    read = read_weights(path)
    assert container_of(path) == KINDS.get(save, "torch")
    assert read.keys() == _state().keys()
    for name, value in _state().items():
        assert read[name].dtype == value.dtype
        torch.testing.assert_close(read[name], value, rtol=0, atol=0)


@pytest.mark.parametrize("how", ["script", "trace"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_torch_script_gives_what_torch_gives(how: str, dtype: torch.dtype, tmp_path: Path) -> None:
    path = tmp_path / "ViT.pt"
    _save_torch_script(path, how, dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = dict(torch.jit.load(str(path)).state_dict())
    read = read_weights(path)
    assert container_of(path) == "TorchScript"
    assert read.keys() == expected.keys()
    assert {name: value.dtype for name, value in read.items()} == {k: v.dtype for k, v in expected.items()}
    assert all(torch.equal(read[name], value) for name, value in expected.items())


def test_arrays_of_the_halves_and_of_objects_are_told_apart(tmp_path: Path) -> None:
    blobs = {"a": np.ones(2, np.float16), "names": np.array(["x"]), "objects": np.array([None, 1])}
    (tmp_path / "c2.pkl").write_bytes(pickle.dumps({"blobs": blobs}))
    read = read_weights(tmp_path / "c2.pkl")
    assert {name: value.dtype for name, value in read.items()} == {"a": torch.float16}


class MarkerMaker:
    """An object that makes a file while it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def _save_evil_torch(path: Path, evil: Any) -> None:
    torch.save({"state_dict": _state(), "hook": evil}, path)


def _save_evil_legacy_torch(path: Path, evil: Any) -> None:
    torch.save({"state_dict": _state(), "hook": evil}, path, _use_new_zipfile_serialization=False)


def _save_evil_pickle(path: Path, evil: Any) -> None:
    content = {"blobs": {"a": np.ones(2, np.float32)}, "hook": evil}
    path.write_bytes(pickle.dumps(content))


@pytest.mark.parametrize("save", [_save_evil_torch, _save_evil_legacy_torch, _save_evil_pickle])
def test_a_pickle_that_runs_code_is_refused_unless_trusted(
    save: Callable[[Path, Any], None], tmp_path: Path
) -> None:
    path, marker = tmp_path / "evil.pth", tmp_path / "marker"
    save(path, MarkerMaker(marker))
    with pytest.raises(ValueError, match=r"evil\.pth was refused: it holds (posix|nt)\.mkdir, which is code"):
        read_weights(path)
    assert not marker.exists()
    assert read_weights(path, trust=True)
    assert marker.exists()


def test_a_first_object_that_runs_code_is_refused_too(tmp_path: Path) -> None:
    path, marker = tmp_path / "evil.pkl", tmp_path / "marker"
    path.write_bytes(pickle.dumps(MarkerMaker(marker)))
    with pytest.raises(ValueError, match="which is code, not data"):
        read_weights(path)
    assert not marker.exists()


def test_torch_script_that_writes_files_is_read_and_its_code_not_run(tmp_path: Path) -> None:
    class Evil(nn.Module):
        def __init__(self, marker: str) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 2)
            self.marker = marker

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x)  # type: ignore[no-any-return]

        @torch.jit.export
        def __getstate__(self) -> tuple[Tensor, str, bool]:
            return (self.layer.weight, self.marker, self.training)

        @torch.jit.export
        def __setstate__(self, state: tuple[Tensor, str, bool]) -> None:
            self.training = state[2]
            torch.save(state[0], state[1])

    path, marker = tmp_path / "evil.pt", tmp_path / "marker"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(Evil(str(marker))).save(str(path))
    marker.unlink(missing_ok=True)
    with pytest.raises(ValueError, match="holds no named tensors"):
        read_weights(path)
    assert not marker.exists()


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.98])
@pytest.mark.parametrize("save", [*SAVERS, lambda path, _: _save_torch_script(path, "trace", torch.float32)])
def test_a_file_that_is_cut_short_is_told(
    save: Callable[[Path, State], None], share: float, tmp_path: Path
) -> None:
    path = tmp_path / "cut.pth"
    save(path, _state())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ValueError, match=r"cut\.pth .*cut short"):
        read_weights(path)


@pytest.mark.parametrize("content", [b"", b"not weights at all", b"<!DOCTYPE html><html>", bytes(range(256))])
def test_what_is_no_file_of_weights_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "page.pth").write_bytes(content)
    with pytest.raises(ValueError, match=r"page\.pth is no (file of weights|readable)"):
        read_weights(tmp_path / "page.pth")


def test_a_file_without_tensors_says_what_it_holds(tmp_path: Path) -> None:
    torch.save({"meta": {"epoch": 1}, "state_dict": {}}, tmp_path / "empty.pth")
    with pytest.raises(ValueError, match="holds no named tensors; it holds: meta, state_dict"):
        read_weights(tmp_path / "empty.pth")
    torch.save([torch.ones(2)], tmp_path / "list.pth")
    with pytest.raises(ValueError, match="holds a list, not a checkpoint"):
        read_weights(tmp_path / "list.pth")
    (tmp_path / "list.pkl").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(ValueError, match="holds a list, not named arrays"):
        read_weights(tmp_path / "list.pkl")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"no weights at .*nothing\.pth; give the file of a checkpoint"
    ):
        read_weights(tmp_path / "nothing.pth")


def _save_torch_script(path: Path, how: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    net = Net().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = torch.jit.script(net) if how == "script" else torch.jit.trace(net, torch.randn(2, 3))
        made.to(dtype).save(str(path))
