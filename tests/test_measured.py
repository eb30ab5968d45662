"""What was measured is kept by its facts; a damaged or closed memory is no obstacle."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vidkit.measured import cache_folder, key_of, machine, recall, remember


def test_what_is_remembered_is_recalled_beside_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "made" / "memory.json"
    assert recall(path, "a") is None
    remember(path, "a", {"way": 1})
    remember(path, "b", "fast")
    assert (recall(path, "a"), recall(path, "b"), recall(path, "c")) == ({"way": 1}, "fast", None)


@pytest.mark.parametrize("content", ["{", "[1, 2]"])
def test_a_damaged_memory_is_written_anew(tmp_path: Path, content: str) -> None:
    path = tmp_path / "memory.json"
    path.write_text(content)
    assert recall(path, "a") is None
    remember(path, "a", 1)
    assert recall(path, "a") == 1


def test_a_folder_that_cannot_be_made_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    remember(tmp_path / "file" / "memory.json", "a", 1)
    assert recall(tmp_path / "file" / "memory.json", "a") is None


def test_a_key_changes_with_every_fact() -> None:
    facts = [*machine(torch.device("cpu")), "subject", True, [1, 2]]
    assert key_of(*facts) == key_of(*facts)
    assert len({key_of(*facts), *(key_of(*facts[:i], "other", *facts[i + 1 :]) for i in range(6))}) == 7


def test_the_folder_is_the_users_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIDKIT_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("VIDKIT_CACHE")
    assert cache_folder() == Path.home() / ".cache" / "vidkit"
