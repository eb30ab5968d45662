"""From a feature store to the layouts of the benchmarks, whose codes then read what vidkit extracted.

Shapes: T clips, D channels.

``qvhighlights``: .npz with the array ``features`` in ``slowfast_features`` and ``clip_features``, .npy in
``pann_features``; clips of 2 s (jayleicn/moment_detr; TencentARC/UMT for PANNs). The numbers stay float32;
the released files hold float16, and every reader takes both.

``repurpose10k``: .npy in ``video_clip_features``, ``audio_pann_features`` and ``caption_features``; clips of
1 s (yongliang-wu/Repurpose).

``umt``: .npy in ``video_features`` (``_rgb``, ``_opt``) and ``audio_features``, as for YouTube Highlights and
TVSum; clips of any length (TencentARC/UMT).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vidkit.features.origin import write_origin
from vidkit.features.store import EncoderFeatures, FeatureStore
from vidkit.files import atomic_path
from vidkit.registry.builder import nearest

Layout = Literal["qvhighlights", "repurpose10k", "umt"]

_CLIP_SECONDS = {"qvhighlights": 2.0, "repurpose10k": 1.0}
# Encoder class -> folder and width that the codes of QVHighlights know.
_QVHIGHLIGHTS = {
    "SlowFast": ("slowfast_features", 2304),
    "CLIPVisual": ("clip_features", 512),
    "CNN14": ("pann_features", 2048),
}
_REPURPOSE = {
    "visual": ("video_clip_features", 512),
    "audio": ("audio_pann_features", 2048),
    "text": ("caption_features", 384),
}
_UMT_SUFFIXES = ("_rgb", "_opt")


@dataclass(frozen=True)
class Place:
    """Where the features of one encoder go.

    Args:
        features: The features.
        folder: Name of the folder.
        pattern: Name of a file, ``{video_id}`` in it.
        sidecar: Of one of the features.
    """

    features: EncoderFeatures
    folder: str
    pattern: str
    sidecar: Mapping[str, Any]


def convert_features(
    root: str | Path, layout: str, out: str | Path, *, encoders: Sequence[str] = ()
) -> dict[str, int]:
    """Write the features of a store in the layout of a benchmark.

    Every file is whole or absent; what is there already is written anew. Beside the files of a folder,
    ``vidkit.json`` says which encoder made them, at which clip length.

    Args:
        root: Folder of the feature store.
        layout: Name of the layout, one of ``Layout``.
        out: Folder that gets the folders of the layout.
        encoders: Names in the store, in order; all of them by default.

    Returns:
        Name of the folder -> files written.

    Raises:
        ValueError: If the layout is unknown, or has no place for an encoder, its width or its clip length.
        KeyError: If the store has no such encoder.
        FileNotFoundError: If there are no features.
        OSError: If the disk is full or not writable.
    """
    if layout not in get_args(Layout):
        known = get_args(Layout)
        near = nearest(layout, known) or ";"
        raise ValueError(f"unknown layout {layout!r}{near} known: {', '.join(known)}")
    store = FeatureStore(root)
    names = list(encoders) or store.encoders()
    if not names:
        raise FileNotFoundError(f"no features in {root}; make them: vidkit extract VIDEOS --out {root}")
    places = _places(layout, [store[name] for name in names])
    for place in places:
        _check_clip_seconds(layout, place)
    out = Path(out)
    written: dict[str, int] = {}
    for place in places:
        for video_id in place.features:
            target = out / place.folder / place.pattern.format(video_id=video_id)
            _write(target, place.features[video_id])
            written[place.folder] = written.get(place.folder, 0) + 1
    for folder in written:
        files = {p.pattern: (p.features.name, p.sidecar) for p in places if p.folder == folder}
        clip_seconds = next(p.sidecar["clip_seconds"] for p in places if p.folder == folder)
        write_origin(out / folder, layout=layout, clip_seconds=clip_seconds, files=files)
    return written


def _places(layout: str, found: Iterable[EncoderFeatures]) -> list[Place]:
    find = {"qvhighlights": _qvhighlights, "repurpose10k": _repurpose, "umt": _umt}[layout]
    places: list[Place] = []
    for features in found:
        first = next(iter(features), None)
        if first is None:
            raise FileNotFoundError(f"no features in {features.folder}; extract them first")
        sidecar = features.sidecar(first)
        folder, pattern = find(features.name, sidecar, places)
        taken = next((p for p in places if (p.folder, p.pattern) == (folder, pattern)), None)
        if taken is not None:
            raise ValueError(
                f"{layout} has one place for {taken.features.name} and {features.name}, {folder}; "
                f"name one of them: --encoder {taken.features.name}"
            )
        places.append(Place(features, folder, pattern, sidecar))
    return places


def _qvhighlights(name: str, sidecar: Mapping[str, Any], _: list[Place]) -> tuple[str, str]:
    if sidecar["encoder"] not in _QVHIGHLIGHTS:
        return f"{name.lower()}_features", "{video_id}.npz"
    folder, dim = _QVHIGHLIGHTS[sidecar["encoder"]]
    _check_dim("qvhighlights", name, sidecar["dim"], dim)
    return folder, "{video_id}.npy" if folder == "pann_features" else "{video_id}.npz"


def _repurpose(name: str, sidecar: Mapping[str, Any], _: list[Place]) -> tuple[str, str]:
    folder, dim = _REPURPOSE[sidecar["modality"]]
    _check_dim("repurpose10k", name, sidecar["dim"], dim)
    return folder, "{video_id}.npy"


def _umt(name: str, sidecar: Mapping[str, Any], before: list[Place]) -> tuple[str, str]:
    if sidecar["modality"] == "audio":
        return "audio_features", "{video_id}.npy"
    if sidecar["modality"] == "text":
        raise ValueError(
            f"{name} reads text, and umt has features of words for queries only; name the others: --encoder"
        )
    number = sum(place.folder == "video_features" for place in before)
    if number == len(_UMT_SUFFIXES):
        raise ValueError(
            f"umt has two places for visual features, _rgb and _opt; leave out {name}: --encoder"
        )
    return "video_features", "{video_id}" + _UMT_SUFFIXES[number] + ".npy"


def _check_dim(layout: str, name: str, dim: int, expected: int) -> None:
    if dim != expected:
        raise ValueError(
            f"{layout} has {expected} channels in the place of {name}, the store has {dim}; extract with the "
            "encoder of the benchmark, or name other encoders: --encoder"
        )


def _check_clip_seconds(layout: str, place: Place) -> None:
    expected = _CLIP_SECONDS.get(layout, place.sidecar["clip_seconds"])
    for video_id in place.features:
        clip_seconds = place.features.sidecar(video_id)["clip_seconds"]
        if clip_seconds != expected:
            raise ValueError(
                f"{layout} has clips of {expected} s, the features of {video_id!r} by {place.features.name} "
                f"have clips of {clip_seconds} s; extract them again with --clip-seconds {expected}"
            )


def _write(path: Path, features: NDArray[np.float32]) -> None:
    with atomic_path(path) as temporary:
        if path.suffix == ".npz":
            np.savez(temporary, features=features)
        else:
            np.save(temporary, features)
