"""EasyOCR downloads its models itself: not when the network must not be touched."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from vidkit.media.ocr import load_ocr


def test_easyocr_downloads_nothing_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    module: Any = ModuleType("easyocr")
    module.Reader = lambda languages, *, verbose, download_enabled: asked.append(download_enabled)
    monkeypatch.setitem(sys.modules, "easyocr", module)
    for name in ("VIDKIT_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    load_ocr("easyocr")
    monkeypatch.setenv("VIDKIT_OFFLINE", "1")
    load_ocr("easyocr")
    assert asked == [True, False]
