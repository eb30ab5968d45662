"""What stands beside a feature file: who made it, from what, at which clip length."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import vidkit
from vidkit.encoders.base import Encoder
from vidkit.encoders.weights import source_of_weights

FORMAT_VERSION = 1

# Durations of the same file differ by rounding between containers and libraries.
_ROUNDING = 1e-6
_END_BYTES = 2**20
_REQUIRED = ("fingerprint", "dim", "clip_seconds", "num_clips", "duration_seconds")


def num_clips_of(duration_seconds: float, clip_seconds: float) -> int:
    """Return the clips of a video: ceil(duration / clip length), at least 1.

    The last clip may reach beyond the end. A rest below a millionth of a clip is rounding, not a clip.

    Raises:
        ValueError: If a number is not finite, the duration is negative or the clip length not positive.

    Example:
        >>> num_clips_of(10.0, 2.0), num_clips_of(10.01, 2.0), num_clips_of(0.04, 2.0)
        (5, 6, 1)
    """
    if not (math.isfinite(duration_seconds) and duration_seconds >= 0):
        raise ValueError(f"duration_seconds must be a number >= 0, got {duration_seconds}")
    if not (math.isfinite(clip_seconds) and clip_seconds > 0):
        raise ValueError(f"clip_seconds must be a number > 0, got {clip_seconds}")
    return max(1, math.ceil(duration_seconds / clip_seconds - _ROUNDING))


def make_sidecar(
    encoder: Encoder,
    *,
    clip_seconds: float,
    duration_seconds: float,
    source: str | Path | None = None,
) -> dict[str, Any]:
    """Return the sidecar of the features of one video, as JSON values.

    Args:
        encoder: What makes the features.
        clip_seconds: Length of a clip.
        duration_seconds: Length of the video.
        source: The video file; its path is kept as given, its size and time of change tell later whether
            it is still the same.

    Raises:
        FileNotFoundError: If there is no ``source``.
    """
    sidecar: dict[str, Any] = {
        "format": FORMAT_VERSION,
        "vidkit": vidkit.__version__,
        **encoder.description(),
        "fingerprint": encoder.fingerprint(),
        "weights_source": source_of_weights(encoder),
        "clip_seconds": clip_seconds,
        "num_clips": num_clips_of(duration_seconds, clip_seconds),
        "duration_seconds": duration_seconds,
    }
    if source is not None:
        sidecar["source"] = source_of(source)
    return sidecar


def source_of(path: str | Path) -> dict[str, Any]:
    """Return path as given, size in bytes and time of change of a source file.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    try:
        state = Path(path).stat()
    except FileNotFoundError:
        raise FileNotFoundError(f"no such video: {path}") from None
    return {"path": str(path), "size": state.st_size, "mtime_ns": state.st_mtime_ns}


def is_same_source(known: Mapping[str, Any] | None, now: Mapping[str, Any]) -> bool:
    """Return whether two answers of ``source_of`` tell of the same content: size and time of change."""
    return known is not None and all(known.get(key) == now[key] for key in ("size", "mtime_ns"))


def is_copy(known: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Return whether a file under another path is the same: one name and size, and both ends alike.

    The known file must still be there to be looked at; copies often have another time of change.
    """
    first, second = Path(known["path"]), Path(now["path"])
    if first.name != second.name or known["size"] != now["size"]:
        return False
    try:
        if first.stat().st_size != now["size"]:
            return False
        return _ends(first) == _ends(second)
    except FileNotFoundError:
        return False


def _ends(path: Path) -> tuple[bytes, bytes]:
    """Return the first and the last mebibyte."""
    with path.open("rb") as file:
        first = file.read(_END_BYTES)
        file.seek(max(0, path.stat().st_size - _END_BYTES))
        return first, file.read(_END_BYTES)


def difference(sidecar: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
    """Return in words why the features of two sidecars may not stand in one folder, or None.

    Example:
        >>> a = {"fingerprint": "1", "clip_seconds": 1.0}
        >>> difference(a, {"fingerprint": "1", "clip_seconds": 0.2})
        'clip_seconds 1.0 instead of 0.2'
    """
    if sidecar.get("clip_seconds") != other.get("clip_seconds"):
        return f"clip_seconds {sidecar.get('clip_seconds')} instead of {other.get('clip_seconds')}"
    if sidecar.get("fingerprint") != other.get("fingerprint"):
        for key in ("encoder", "dim", "arguments", "recipe", "weights"):
            if sidecar.get(key) != other.get(key):
                return f"{key} {sidecar.get(key)} instead of {other.get(key)}"
        return f"fingerprint {sidecar.get('fingerprint')} instead of {other.get('fingerprint')}"
    return None


def check_sidecar(sidecar: Mapping[str, Any], place: str) -> None:
    """Check that a sidecar has what readers rely on, and that its numbers agree.

    Raises:
        ValueError: If a key is missing, or the number of clips does not fit duration and clip length.
    """
    missing = [key for key in _REQUIRED if key not in sidecar]
    if missing:
        raise ValueError(f"the sidecar of {place} lacks {', '.join(missing)}; extract the features again")
    expected = num_clips_of(sidecar["duration_seconds"], sidecar["clip_seconds"])
    if abs(sidecar["num_clips"] - expected) > 1:
        raise ValueError(
            f"features of {place}: {sidecar['num_clips']} clips of {sidecar['clip_seconds']} s do not cover "
            f"{sidecar['duration_seconds']:.2f} s, which are {expected} clips; extract them again"
        )
