from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import MakeVideo

PAGE = Path(__file__).parents[2] / "docs" / "features.md"


def test_the_snippets_of_the_page_run(
    make_video: MakeVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_video("videos/talk.mp4", seconds=2.2)
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    for snippet in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(snippet, scope)
    out = capsys.readouterr().out
    assert "1 done, 0 were there" in out
    assert "talk (5, 576)" in out
    assert "(75, 2304)" in out
