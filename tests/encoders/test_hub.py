from __future__ import annotations

from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

from vidkit.encoders.text.tokenizer import LibraryTokenizer
from vidkit.encoders.weights.hub import hub_folder


class _Hub:
    """Stands in for the hub: gives the files that the patterns allow, and remembers what was asked."""

    def __init__(self, folder: Path, files: list[str], error: Exception | None = None) -> None:
        self.folder, self.files, self.error = folder, files, error
        self.asked: list[dict[str, Any]] = []

    def __call__(self, name: str, **options: Any) -> str:
        self.asked.append({"name": name, **options})
        if self.error:
            raise self.error
        for file in self.files:
            if any(Path(file).match(pattern) for pattern in options["allow_patterns"]):
                (self.folder / file).touch()
        return str(self.folder)


def _use(monkeypatch: pytest.MonkeyPatch, hub: _Hub) -> _Hub:
    for name in ("VIDKIT_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", hub)
    return hub


def test_safetensors_are_taken_and_pickles_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = ["config.json", "model.safetensors", "pytorch_model.bin", "tf_model.h5"]
    hub = _use(monkeypatch, _Hub(tmp_path, files))
    assert hub_folder("google-bert/x", owner="BERT") == tmp_path
    assert {file.name for file in tmp_path.iterdir()} == {"config.json", "model.safetensors"}
    assert [call["local_files_only"] for call in hub.asked] == [False]


def test_pickles_are_taken_where_there_are_no_safetensors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(monkeypatch, _Hub(tmp_path, ["config.json", "pytorch_model.bin"]))
    assert hub_folder("google-bert/x", owner="BERT") == tmp_path
    assert (tmp_path / "pytorch_model.bin").exists()


def test_offline_only_the_cache_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = _use(monkeypatch, _Hub(tmp_path, [], LocalEntryNotFoundError("nothing cached")))
    monkeypatch.setenv("VIDKIT_OFFLINE", "1")
    with pytest.raises(
        FileNotFoundError,
        match=r"nor in the hub's cache, and the network is off .*download the folder all-Mini",
    ):
        hub_folder("sentence-transformers/x", owner="MiniLM")
    assert [call["local_files_only"] for call in hub.asked] == [True]


def test_what_the_hub_does_not_give_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, _Hub(tmp_path, [], HFValidationError("Repo id must be a name\nand more")))
    with pytest.raises(FileNotFoundError, match=r"hub did not give it: Repo id must be a name; download"):
        hub_folder("a b", owner="BERT")
    _use(monkeypatch, _Hub(tmp_path, ["config.json"]))
    with pytest.raises(
        FileNotFoundError, match=r"holds no model\.safetensors, no pytorch_model\.bin; download"
    ):
        hub_folder("google-bert/x", owner="BERT")


def test_a_tokenizer_without_a_fast_version_is_refused() -> None:
    with pytest.raises(TypeError, match=r"object has no fast version; save the folder with tokenizer\.json"):
        LibraryTokenizer(object(), max_tokens=8)
