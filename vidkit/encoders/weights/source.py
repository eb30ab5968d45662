"""Where weights come from: a file or folder here, a name of the catalogue, or a name on a hub."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from vidkit.encoders.weights.catalogue import KNOWN, KnownWeights

FOLDER = "VIDKIT_WEIGHTS"
_SUFFIXES = frozenset((".bin", ".ckpt", ".npz", ".pkl", ".pt", ".pth", ".pyth", ".safetensors", ".txt"))


def local_weights(weights: str | Path) -> Path | None:
    """Return the file or folder that ``weights`` names, or None if it is a name on a hub.

    A name of the catalogue (``vidkit weights list``) is its file or folder on this machine. ``FILE#PREFIX``
    keeps its prefix.

    Raises:
        FileNotFoundError: If it reads like a path, or is a name of the catalogue, and is not there.
    """
    path, prefix = split_prefix(weights)
    if path.exists():
        return Path(f"{path}#{prefix}") if prefix else path
    text = str(weights)
    known = next((each for each in KNOWN if each.name == text), None)
    if known is not None:
        found = find_file(known)
        if found is None:
            raise FileNotFoundError(how_to_get(known))
        return found
    reads_like_a_path = (
        isinstance(weights, Path)
        or path.suffix.lower() in _SUFFIXES
        or text.startswith((".", "/", "~"))
        or text.count("/") > 1
        or "\\" in text
    )
    if reads_like_a_path:
        raise FileNotFoundError(f"no weights at {path}; give a file or folder that exists, or a hub name")
    return None


def split_prefix(weights: str | Path) -> tuple[Path, str]:
    """Return the path and the prefix of FILE#PREFIX; the prefix is empty if there is none.

    Example:
        >>> path, prefix = split_prefix("model.pth#visual_encoder")
        >>> path.name, prefix
        ('model.pth', 'visual_encoder')
    """
    whole = Path(weights).expanduser()
    if whole.exists():  # a "#" of its own
        return whole, ""
    path, _, prefix = str(whole).rpartition("#") if "#" in str(whole) else (str(whole), "", "")
    return Path(path), prefix


def weights_folder() -> Path:
    """Return the folder of public weights: ``$VIDKIT_WEIGHTS``, or ``~/.cache/vidkit/weights``."""
    given = os.environ.get(FOLDER)
    return Path(given).expanduser() if given else Path.home() / ".cache" / "vidkit" / "weights"


def find_file(known: KnownWeights) -> Path | None:
    """Return where public weights are on this machine, or None. Nothing is downloaded."""
    return next((path for path in places_of(known) if _holds_weights(path)), None)


def places_of(known: KnownWeights) -> Iterator[Path]:
    """Yield where public weights may be: vidkit's folder, then the caches of the tools that download them."""
    yield weights_folder() / known.file_name
    if known.hub is None:
        torch_home = (
            os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"
        )
        yield Path(torch_home).expanduser() / "hub" / "checkpoints" / known.file_name
        yield Path.home() / ".cache" / "clip" / known.file_name
        yield Path.home() / "panns_data" / known.file_name
    else:
        yield from _hub_snapshots(known.hub)


def how_to_get(known: KnownWeights) -> str:
    """Return in one sentence what to download from which page, and where to put it."""
    return (
        f"{known.name} is not on this machine: download {known.what_to_get}, and put it at "
        f"{weights_folder() / known.file_name}"
    )


def _holds_weights(path: Path) -> bool:
    kinds = ("*.safetensors", "*.bin")
    return path.is_file() or any(file.is_file() for kind in kinds for file in path.glob(kind))


def _hub_snapshots(hub: str) -> Iterator[Path]:
    """Yield the folders of a model in the cache of the Hugging Face hub, the latest first."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface"
    cache = os.environ.get("HF_HUB_CACHE") or Path(home) / "hub"
    folder = Path(cache).expanduser() / f"models--{hub.replace('/', '--')}"
    main = folder / "refs" / "main"
    if main.is_file():
        yield folder / "snapshots" / main.read_text(encoding="utf-8").strip()
    if (folder / "snapshots").is_dir():
        yield from sorted(
            (folder / "snapshots").iterdir(), key=lambda path: path.stat().st_mtime, reverse=True
        )
