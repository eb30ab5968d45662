"""Where weights come from: paths, the catalogue, hubs; and that nothing is downloaded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from vidkit.encoders.weights import (
    find_file,
    find_known,
    known_weights,
    load_into,
    local_weights,
    where_to_get,
)
from vidkit.encoders.weights.catalogue import KNOWN
from vidkit.offline import is_offline

ENCODERS = {
    *("CLIPVisual", "TSN", "TSM", "I3D", "R2Plus1D", "SlowFast", "Swin", "TimmVisual"),
    *("CNN14", "LogMelResNet", "AST", "Mockingjay"),
    *("MiniLM", "SentenceEncoder", "BERT", "CLIPText", "GloVe"),
}


@pytest.fixture(autouse=True)
def _no_weights_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    names = ("VIDKIT_WEIGHTS", "VIDKIT_OFFLINE", "TORCH_HOME", "XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE")
    for name in (*names, "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


def test_every_encoder_with_public_weights_is_in_the_catalogue() -> None:
    assert {name for weights in KNOWN for name in weights.encoders} == ENCODERS


def test_names_and_files_of_the_catalogue_are_unique() -> None:
    assert len({weights.name for weights in KNOWN}) == len(KNOWN)
    assert len({weights.file_name for weights in KNOWN}) == len(KNOWN)


@pytest.mark.parametrize("weights", KNOWN, ids=lambda weights: weights.name)
def test_an_entry_of_the_catalogue_agrees_with_itself(weights: object) -> None:
    known = known_weights(weights.name)  # type: ignore[attr-defined]
    assert known.page.startswith("https://")
    assert known.sha256 is None or re.fullmatch(r"[0-9a-f]{8}|[0-9a-f]{64}", known.sha256)
    assert (known.hub is None) == (known.main_file is None)
    in_name = re.search(r"-([0-9a-f]{8})\.pth$", known.file_name)
    assert in_name is None or in_name[1] == known.sha256  # of torchvision and mmaction2


def test_an_encoder_without_public_weights_has_none() -> None:
    assert find_known("PixelVisual") == []
    assert where_to_get("PixelVisual") == (
        "no public weights of PixelVisual are known; give a file of your own as weights=FILE"
    )


def test_where_to_get_says_file_page_and_argument() -> None:
    assert where_to_get("CNN14", "16k") == (
        "download the file Cnn14_16k_mAP=0.438.pth from https://zenodo.org/records/3987831, and give it as "
        "weights=FILE (`vidkit weights list` names others)"
    )
    assert where_to_get("CNN14", "8k") == where_to_get("CNN14")  # the usual one
    assert "the folder all-MiniLM-L6-v2 from https://huggingface.co/sentence-tr" in where_to_get("MiniLM")


def test_an_unknown_name_of_the_catalogue_is_told_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"no public weights are called 'swin-x'.*did you mean 'swin-"):
        known_weights("swin-x")


def test_files_and_folders_are_local_and_hub_names_are_not(tmp_path: Path) -> None:
    (tmp_path / "a.pth").touch()
    assert local_weights(tmp_path / "a.pth") == tmp_path / "a.pth"
    assert local_weights(str(tmp_path)) == tmp_path
    assert local_weights("openai/clip-vit-base-patch32") is None
    assert local_weights("bert-base-multilingual-cased") is None
    for path in ("nothing.pth", "./nothing", "~/nothing", "a/b/c", Path("x"), "nothing.pth#encoder"):
        with pytest.raises(
            FileNotFoundError, match=r"no weights at .*; give a file or folder that exists, or a"
        ):
            local_weights(path)


def test_a_prefix_stays_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "model.pth").touch()
    assert local_weights(f"{tmp_path}/model.pth#visual") == Path(f"{tmp_path}/model.pth#visual")


def test_a_name_of_the_catalogue_is_its_file_in_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"swin-t is not on this machine: download the file swin_tiny_.* at "
    ):
        local_weights("swin-t")
    monkeypatch.setenv("VIDKIT_WEIGHTS", str(tmp_path))
    (tmp_path / "swin_tiny_patch4_window7_224.pth").touch()
    assert local_weights("swin-t") == tmp_path / "swin_tiny_patch4_window7_224.pth"


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("clip-vit-b-32", ".cache/vidkit/weights/ViT-B-32.pt"),
        ("clip-vit-b-32", ".cache/clip/ViT-B-32.pt"),
        ("panns-cnn14-32k", "panns_data/Cnn14_mAP=0.431.pth"),
        ("resnet50-v2", ".cache/torch/hub/checkpoints/resnet50-11ad3fa6.pth"),
    ],
)
def test_the_caches_of_other_tools_are_searched(name: str, place: str, tmp_path: Path) -> None:
    assert find_file(known_weights(name)) is None
    path = tmp_path / "home" / place
    path.parent.mkdir(parents=True)
    path.touch()
    assert find_file(known_weights(name)) == path


def test_the_cache_of_the_hub_is_searched_for_whole_snapshots(tmp_path: Path) -> None:
    folder = tmp_path / "home/.cache/huggingface/hub/models--sentence-transformers--all-MiniLM-L6-v2"
    for revision in ("old", "new"):
        (folder / "snapshots" / revision).mkdir(parents=True)
    assert find_file(known_weights("minilm-l6")) is None  # without weights
    for revision in ("old", "new"):
        (folder / "snapshots" / revision / "model.safetensors").touch()
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("old")
    assert find_file(known_weights("minilm-l6")) == folder / "snapshots" / "old"


def test_load_into_takes_a_name_of_the_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDKIT_WEIGHTS", str(tmp_path))
    layer, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    torch.save(other.state_dict(), tmp_path / "swin_tiny_patch4_window7_224.pth")
    load_into(layer, "swin-t", converters={}, owner="Net")
    torch.testing.assert_close(layer.weight.data, other.weight.data)


@pytest.mark.parametrize("name", ["VIDKIT_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_is_told_by_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_offline()
    monkeypatch.setenv(name, "1")
    assert is_offline()
    monkeypatch.setenv(name, "0")
    assert not is_offline()
