"""What was measured on this machine, kept between programs, so that it is measured once and stays chosen."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from vidkit.files import read_json, write_json

CACHE = "VIDKIT_CACHE"


def cache_folder() -> Path:
    """Return where vidkit keeps what it has measured: ``$VIDKIT_CACHE``, else ``~/.cache/vidkit``."""
    return Path(os.environ.get(CACHE) or Path.home() / ".cache" / "vidkit")


def machine(device: torch.device) -> list[Any]:
    """Return what a measurement depends on beside its subject: processor, thread count, torch version."""
    return [_processor(device), torch.get_num_threads(), torch.__version__]


def key_of(*facts: Any) -> str:
    """Return 16 hex digits that name the facts, values that JSON knows or whose text names them."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def recall(path: Path, key: str) -> Any:
    """Return what ``remember`` has kept under ``key``, or None."""
    return _content(path).get(key)


def remember(path: Path, key: str, value: Any) -> None:
    """Keep a JSON value; where the folder cannot be written it is measured again the next time."""
    try:
        write_json(path, {**_content(path), key: value})
    except OSError:
        return


def _content(path: Path) -> dict[str, Any]:
    try:
        known = read_json(path)
    except (OSError, ValueError):  # none yet, or damaged: measured anew
        return {}
    return known if isinstance(known, dict) else {}


@lru_cache(maxsize=4)
def _processor(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line for line in lines if line.startswith("model name")), platform.machine())
