"""Where weights come from: a file or folder here, or a name on a hub."""

from __future__ import annotations

import os
from pathlib import Path

OFFLINE = "VIDKIT_OFFLINE"
_ALSO_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_SUFFIXES = frozenset((".bin", ".ckpt", ".npz", ".pkl", ".pt", ".pth", ".pyth", ".safetensors", ".txt"))


def is_offline() -> bool:
    """Return whether the network must not be touched: ``VIDKIT_OFFLINE=1``, or the hub's own variables."""
    return any(
        os.environ.get(name, "0").lower() in ("1", "true", "yes", "on") for name in (OFFLINE, *_ALSO_OFFLINE)
    )


def local_weights(weights: str | Path) -> Path | None:
    """Return the file or folder that ``weights`` names, or None if it is a name on a hub.

    Raises:
        FileNotFoundError: If it reads like a path and is not there.
    """
    path = Path(weights).expanduser()
    if path.exists():
        return path
    text = str(weights)
    reads_like_a_path = (
        isinstance(weights, Path)
        or path.suffix.lower() in _SUFFIXES
        or text.startswith((".", "/", "~"))
        or text.count("/") > 1
        or "\\" in text
    )
    if reads_like_a_path:
        raise FileNotFoundError(f"no weights at {weights}; give a file or folder that exists, or a hub name")
    return None
