"""vidkit: a modular toolkit for multimodal video understanding.

>>> import vidkit
>>> predictor = vidkit.load("config.py", "best.pth")  # doctest: +SKIP
>>> predictor("video.mp4").segments  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from vidkit.apis import Predictor, load
    from vidkit.features import FeatureStore
    from vidkit.features.extract import extract
    from vidkit.highlight_videos import highlights

# Imported on first use: `vidkit --help` must not wait for torch.
_WHERE = {
    "FeatureStore": "vidkit.features",
    "Predictor": "vidkit.apis",
    "extract": "vidkit.features",
    "highlights": "vidkit.highlight_videos",
    "load": "vidkit.apis",
}

__all__ = ["FeatureStore", "Predictor", "__version__", "extract", "highlights", "load"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'vidkit' has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
