"""vidkit weights: list, path, check."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from test_bad_input import run
from torch import nn

from vidkit.commands import weights as commands
from vidkit.encoders.base import Encoder, VisualRecipe
from vidkit.encoders.weights import check_weights, load_into
from vidkit.encoders.weights.catalogue import KNOWN
from vidkit.encoders.weights.schemes import LOADED_BY, SCHEMES
from vidkit.registry import ENCODERS

RESNET = {
    "conv1.weight": torch.ones(2, 3),
    "bn1.weight": torch.ones(2),
    "layer1.0.conv1.weight": torch.ones(5),
}


class ToyWithWeights(Encoder):
    """An encoder of two weights, for the tests of this file."""

    modality = "visual"
    dim = 2

    def __init__(self, *, weights: str | None = None, trust: bool = False) -> None:
        super().__init__()
        self.recipe = VisualRecipe()
        self.layer = nn.Linear(1, 2, bias=False)
        if weights is not None:
            load_into(self, weights, converters={}, owner="ToyWithWeights", trust=trust)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIDKIT_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for name in ("TORCH_HOME", "XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_the_list_is_one_name_a_line_when_piped() -> None:
    assert run("weights", "list").stdout.splitlines() == [weights.name for weights in KNOWN]
    assert run("weights", "list", "--encoder", "CNN14").stdout == "panns-cnn14-32k\npanns-cnn14-16k\n"


def test_the_list_as_json_says_what_there_is_and_where(tmp_path: Path) -> None:
    (tmp_path / "Cnn14_mAP=0.431.pth").touch()
    rows = json.loads(run("weights", "list", "--encoder", "CNN14", "--json").stdout)
    assert [row["path"] for row in rows] == [str(tmp_path / "Cnn14_mAP=0.431.pth"), None]
    assert len(rows[0]["sha256"]) == 64
    assert rows[0]["page"] == "https://zenodo.org/records/3987831"


def test_the_list_in_a_terminal_is_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "240")
    commands.weights_list(encoder="SlowFast", as_json=False, quiet=False)
    table = capsys.readouterr().out
    assert "SLOWFAST_8x8_R50.pkl" in table
    assert "not published" in table
    assert "1cb6dfc8" in table


def test_an_encoder_without_public_weights_is_told() -> None:
    result = run("weights", "list", "--encoder", "PixelVisual")
    assert result.exit_code == 2
    assert "no public weights are known for 'PixelVisual'; there are for: AST, BERT" in result.stderr


def test_the_path_is_printed_or_the_way_to_get_it(tmp_path: Path) -> None:
    result = run("weights", "path", "clip-vit-b-32")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "download the file ViT-B-32.pt from https://github.com/openai/CLIP" in result.stderr
    assert f"put it at {tmp_path / 'ViT-B-32.pt'}" in result.stderr
    (tmp_path / "ViT-B-32.pt").touch()
    assert run("weights", "path", "clip-vit-b-32").stdout == f"{tmp_path / 'ViT-B-32.pt'}\n"
    assert run("weights", "path", "clip-vit-b-33").exit_code == 2


def test_a_file_is_told_with_scheme_size_digest_and_encoders(tmp_path: Path) -> None:
    torch.save(RESNET, tmp_path / "a.pth")
    result = run("weights", "check", tmp_path / "a.pth")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    digest = hashlib.sha256((tmp_path / "a.pth").read_bytes()).hexdigest()
    assert report["container"] == "torch"
    assert report["scheme"] == "torchvision ResNet"
    assert {"TSN", "LogMelResNet"} <= set(report["encoders"])
    assert (report["num_tensors"], report["num_parameters"]) == (3, 13)
    assert (report["sha256"], report["known"], report["digest"]) == (digest, None, None)


def test_a_known_name_with_another_digest_exits_with_1(tmp_path: Path) -> None:
    torch.save(RESNET, tmp_path / "resnet50-0676ba61.pth")
    result = run("weights", "check", "resnet50-v1")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["digest"] == "wrong"
    assert json.loads(result.stdout)["known"] == "resnet50-v1"


def test_a_published_digest_is_recognised_under_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(RESNET, tmp_path / "mine.pth")
    digest = hashlib.sha256((tmp_path / "mine.pth").read_bytes()).hexdigest()
    known = next(weights for weights in KNOWN if weights.name == "resnet50-v1")
    changed = type(known)(known.name, known.encoders, known.file_name, known.page, sha256=digest[:8])
    monkeypatch.setattr("vidkit.encoders.weights.check.KNOWN", (changed,))
    report = check_weights(tmp_path / "mine.pth")
    assert (report.known, report.digest) == ("resnet50-v1", "right")


def test_a_folder_of_the_hub_is_read_whole(tmp_path: Path) -> None:
    folder = tmp_path / "bert-base-multilingual-cased"
    folder.mkdir()
    with pytest.raises(FileNotFoundError, match=r"holds no weights: no \.safetensors or \.bin file"):
        check_weights(folder)
    name = "bert.encoder.layer.0.attention.self.query.weight"
    save_file({name: torch.ones(2, 2)}, folder / "model-1.safetensors")
    save_file({"bert.pooler.dense.weight": torch.ones(3)}, folder / "model-2.safetensors")
    report = check_weights(folder)
    assert (report.scheme, report.num_parameters, report.sha256) == ("Hugging Face BERT", 7, None)
    with pytest.raises(
        FileNotFoundError, match=r"no weights at .*nothing; give the file of a checkpoint or a fo"
    ):
        check_weights(tmp_path / "nothing")


def test_word_vectors_are_known_by_their_name(tmp_path: Path) -> None:
    (tmp_path / "glove.6B.300d.txt").write_text("the 0.1 0.2\n")
    report = json.loads(run("weights", "check", "glove-6b-300d").stdout)
    assert (report["container"], report["known"], report["encoders"]) == ("text", "glove-6b-300d", ["GloVe"])


def test_with_an_encoder_the_weights_are_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENCODERS.module_dict, "ToyWithWeights", ToyWithWeights)
    path = tmp_path / "it's mine.pth"
    torch.save({"layer.weight": torch.ones(2, 1)}, path)
    loaded = json.loads(run("weights", "check", path, "--encoder", "ToyWithWeights").stdout)["loaded_by"]
    assert loaded["encoder"] == "ToyWithWeights"
    assert loaded["weights"] == ToyWithWeights(weights=str(path)).weights_hash()
    torch.save(RESNET, path)
    result = run("weights", "check", path, "--encoder", "ToyWithWeights")
    assert result.exit_code == 2
    assert "looks like weights of torchvision ResNet; ToyWithWeights loads:" in result.stderr


class MarkerMaker:
    """An object that makes a folder while it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.marker),)


def test_a_pickle_that_runs_code_is_refused_unless_trusted(tmp_path: Path) -> None:
    content = {"blobs": {"conv1_w": np.ones(2, np.float32)}, "evil": MarkerMaker(tmp_path / "marker")}
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(content))
    result = run("weights", "check", tmp_path / "evil.pkl")
    assert result.exit_code == 2
    assert "evil.pkl was refused: it holds" in result.stderr
    assert not (tmp_path / "marker").exists()
    assert run("weights", "check", tmp_path / "evil.pkl", "--trust").exit_code == 0
    assert (tmp_path / "marker").exists()


def test_a_hub_name_is_not_fetched() -> None:
    result = run("weights", "check", "openai/clip-vit-base-patch32")
    assert result.exit_code == 2
    assert "no weights at openai/clip-vit-base-patch32; give a file or folder, or a name of" in result.stderr


def test_every_scheme_says_who_loads_it() -> None:
    assert LOADED_BY.keys() == SCHEMES.keys()
