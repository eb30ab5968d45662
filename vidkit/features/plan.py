"""What an extraction job has to do: checks before it starts, and what is there already."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vidkit.encoders.base import Encoder, FeatureRecipe
from vidkit.features.sidecar import difference, is_same_source, make_sidecar, source_of
from vidkit.features.store import FeatureStore, check_video_id


def named_encoders(encoders: Mapping[str, Encoder] | Iterable[Encoder]) -> dict[str, Encoder]:
    """Return the encoders by the name of their folder.

    Raises:
        ValueError: If there is none, one stands twice, or one reads features.
    """
    if not isinstance(encoders, Mapping):
        given = list(encoders)
        encoders = {encoder.store_name: encoder for encoder in given}
        if len(encoders) < len(given):
            raise ValueError(f"an encoder stands twice in {[encoder.store_name for encoder in given]}")
    if not encoders:
        raise ValueError("no encoders are given; name at least one, such as PixelVisual()")
    for name, encoder in encoders.items():
        if isinstance(encoder.recipe, FeatureRecipe):
            raise ValueError(
                f"{type(encoder).__name__} ({name!r}) reads features that exist and cannot extract any; "
                "name an encoder that reads videos"
            )
    return dict(encoders)


def unique_paths(paths: list[Path]) -> list[Path]:
    """Return the paths, each once, in order.

    Raises:
        ValueError: If two videos have the same stem, or one has a stem that cannot name a file.
    """
    by_id: dict[str, Path] = {}
    for path in paths:
        check_video_id(path.stem)
        other = by_id.setdefault(path.stem, path)
        if other != path and os.path.abspath(other) != os.path.abspath(path):
            raise ValueError(
                f"two videos have the id {path.stem!r}: {other} and {path}; rename one, or extract them into "
                "two folders"
            )
    return list(by_id.values())


def check_store(
    store: FeatureStore, encoders: Mapping[str, Encoder], clip_seconds: float, overwrite: bool
) -> None:
    """Check that features with this clip length may be written for each encoder, and make the folders.

    Raises:
        ValueError: If a folder holds features of another recipe or clip length.
        OSError: If a folder cannot be made or written.
    """
    for name, encoder in encoders.items():
        features = store.encoder(name)
        sidecar = make_sidecar(encoder, clip_seconds=clip_seconds, duration_seconds=0.0)
        if not overwrite:
            features.check_recipe(sidecar)
        try:
            features.folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise FileExistsError(
                f"cannot write features to {features.folder}: a file is in the way"
            ) from error
        if not os.access(features.folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, f"cannot write features to {features.folder}: not writable")


def pending_encoders(
    path: Path, encoders: Mapping[str, Encoder], store: FeatureStore, clip_seconds: float, overwrite: bool
) -> tuple[str, ...]:
    """Return the names of the encoders whose features of this video are to be made.

    Raises:
        OSError: If there is no such video.
        ValueError: If features with its name were made from another video.
    """
    source = source_of(path)
    if overwrite:
        return tuple(encoders)
    return tuple(
        name
        for name, encoder in encoders.items()
        if not _is_finished(path, encoder, store, name, clip_seconds, source)
    )


def _is_finished(
    path: Path,
    encoder: Encoder,
    store: FeatureStore,
    name: str,
    clip_seconds: float,
    source: Mapping[str, Any],
) -> bool:
    features = store.encoder(name)
    if path.stem not in features:
        return False
    known = features.sidecar(path.stem)
    if wrong := difference(known, {"clip_seconds": clip_seconds, "fingerprint": encoder.fingerprint()}):
        raise ValueError(
            f"{features.folder} holds features of {path.stem!r} made with {wrong}; write to another folder, "
            "or overwrite (--overwrite)"
        )
    if is_same_source(known.get("source"), source):
        return True
    origin = (known.get("source") or {}).get("path")
    if origin != source["path"]:
        raise ValueError(
            f"{features.folder} holds features of {path.stem!r} made from another file, {origin}; rename "
            f"{path}, write to another folder, or overwrite (--overwrite)"
        )
    return False  # the same file has changed since
