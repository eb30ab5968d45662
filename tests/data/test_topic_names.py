"""The topics of models and data: known sets, files, wrong names."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidkit.data import topic_names
from vidkit.data.synth.words import TOPIC_NAMES


def test_topics_are_named_or_stand_in_a_file(tmp_path: Path) -> None:
    assert topic_names(["b", "a"]) == ("b", "a")
    assert len(topic_names("usv")) == 212
    assert topic_names("synthetic") == TOPIC_NAMES
    (tmp_path / "topics.txt").write_text("sea\n\n 城市 \n", encoding="utf-8")
    assert topic_names(tmp_path / "topics.txt") == ("sea", "城市")
    (tmp_path / "videos.csv").write_text("path,topic\na.mp4,sea\nb.mp4,\nc.mp4,city\nd.mp4,sea\n")
    assert topic_names(str(tmp_path / "videos.csv")) == ("city", "sea")


def test_wrong_topics_are_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no topics 'usv2': .*known sets: usv, synthetic"):
        topic_names("usv2")
    with pytest.raises(ValueError, match=r"topics must be names, each once, .*'a' stands twice"):
        topic_names(["a", "b", "a"])
    for wrong in ([], ["a", " "]):
        with pytest.raises(ValueError, match="topics must be names, each once, at least one; got"):
            topic_names(wrong)
    (tmp_path / "videos.csv").write_text("path\na.mp4\n")
    with pytest.raises(ValueError, match=r"videos\.csv: topics must be names"):
        topic_names(tmp_path / "videos.csv")
