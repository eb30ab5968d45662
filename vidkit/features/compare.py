"""Are these features those? Cosine of every clip, and what a difference looks like.

Shapes: T clips, D channels. Features of the same videos, made here and elsewhere, are paired clip by clip.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.features.layouts import FeatureFolder
from vidkit.features.store import FeatureStore

Array = NDArray[Any]
Features = Mapping[str, NDArray[np.float32]]

_SHIFTS = (-2, -1, 1, 2)  # clips
_ROWS = 64  # of a video, in which the order of the channels is looked for
_NUM_WORST = 10
_QUANTILES = (0.01, 0.05, 0.25, 0.5)
_CLEARLY = 0.02  # by so much another reading must be nearer to count as found
_ALIKE = 0.5  # and so near it must be


@dataclass(frozen=True)
class Comparison:
    """What ``compare_features`` found.

    Args:
        num_videos: Videos that both have.
        num_clips: Clips that were compared.
        only_here: Videos that only the first has.
        only_there: Videos that only the second has.
        lengths: Video -> clips here and there, where they differ.
        cosine: Mean, minimum and quantiles over all clips; empty if none could be compared.
        worst: The clips with the lowest cosine: video, clip, cosine.
        norm_ratio: Mean length of a vector here, divided by that there.
        findings: What the difference looks like, in words.
        agrees: Whether all videos, lengths and clips agree.
    """

    num_videos: int
    num_clips: int
    only_here: list[str]
    only_there: list[str]
    lengths: dict[str, tuple[int, int]]
    cosine: dict[str, float]
    worst: list[dict[str, Any]]
    norm_ratio: float | None
    findings: list[str]
    agrees: bool

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values; of long lists the first, and how many there are."""
        lists = {"only_here": self.only_here, "only_there": self.only_there}
        short = {name: {"videos": len(ids), "first": ids[:_NUM_WORST]} for name, ids in lists.items()}
        lengths = {"videos": len(self.lengths), "first": dict(list(self.lengths.items())[:_NUM_WORST])}
        return {**asdict(self), **short, "lengths": lengths}


def open_features(path: str | Path, *, encoder: str | None = None) -> Features:
    """Return the features in a feature store, in one encoder's folder of it, or in a folder of others.

    Args:
        path: The folder; or, for files with more than the id in their names, FOLDER/{video_id}_rgb.npy.
        encoder: Which encoder of a feature store, if it has several.

    Raises:
        FileNotFoundError: If there is no such folder, or no feature file in it.
        ValueError: If the store has several encoders and none is named.
        KeyError: If the store has none of that name.
    """
    path = Path(path)
    if "{video_id}" in path.name:
        return FeatureFolder(path.parent, pattern=path.name)
    if not path.is_dir():
        raise FileNotFoundError(f"no feature folder at {path}; check the path")
    store = FeatureStore(path)
    if names := store.encoders():
        if encoder is None and len(names) > 1:
            raise ValueError(f"{path} holds features of {', '.join(names)}; say which: --encoder {names[0]}")
        return store[encoder or names[0]]
    if FeatureStore(path.parent).encoder(path.name).video_ids():
        return FeatureStore(path.parent)[path.name]
    for suffix in (".npz", ".npy"):
        if next(path.glob(f"*{suffix}"), None):
            return FeatureFolder(path, pattern="{video_id}" + suffix)
    raise FileNotFoundError(f"no feature files (.npy, .npz) in {path}; name the folder that holds them")


def compare_features(here: Features, there: Features, *, min_cosine: float = 0.999) -> Comparison:
    """Compare the features of every video that both have.

    Args:
        here: Features by video.
        there: Those that they should equal.
        min_cosine: What every clip must reach for the two to agree, in [-1, 1].

    Raises:
        ValueError: If they have no video in common, or a file cannot be read.

    Example:
        >>> rows = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
        >>> found = compare_features({"a": rows}, {"a": np.roll(rows, 2, axis=1)})
        >>> found.agrees, found.findings
        (False, ['the channels stand in another order: here 6|2, there 2|6 of the same 8'])
    """
    common = [video_id for video_id in here if video_id in there]
    if not common:
        raise ValueError(
            f"the two folders have no video in common: here {_some(here)}, there {_some(there)}; are "
            "they of the same data set, and named alike?"
        )
    tally = _Tally()
    for video_id in common:
        tally.add(video_id, np.asarray(here[video_id]), np.asarray(there[video_id]))
    only_here = [video_id for video_id in here if video_id not in there]
    only_there = [video_id for video_id in there if video_id not in here]
    cosines = np.concatenate([*tally.cosines.values(), np.zeros(0)])
    is_near = bool(cosines.size and cosines.min() >= min_cosine)
    return Comparison(
        num_videos=len(common),
        num_clips=cosines.size,
        only_here=only_here,
        only_there=only_there,
        lengths=tally.lengths,
        cosine=_summary(cosines),
        worst=_worst(tally.cosines),
        norm_ratio=tally.norms[0] / tally.norms[1] if tally.norms[1] else None,
        findings=tally.findings(is_near),
        agrees=is_near and not (only_here or only_there or tally.lengths or tally.widths),
    )


@dataclass
class _Tally:
    """What is summed up over the videos."""

    cosines: dict[str, Array] = field(default_factory=dict)
    lengths: dict[str, tuple[int, int]] = field(default_factory=dict)
    widths: set[tuple[int, int]] = field(default_factory=set)
    norms: list[float] = field(default_factory=lambda: [0.0, 0.0])
    halves: list[bool] = field(default_factory=lambda: [True, True])
    shifted: dict[int, float] = field(default_factory=lambda: dict.fromkeys(_SHIFTS, 0.0))  # sum of cosines
    num_shifted: dict[int, int] = field(default_factory=lambda: dict.fromkeys(_SHIFTS, 0))
    correlation: Array | None = None  # (D,) over rotations of the channels
    num_correlated: int = 0

    def add(self, video_id: str, here: Array, there: Array) -> None:
        if len(here) != len(there):
            self.lengths[video_id] = (len(here), len(there))
        for i, rows in enumerate((here, there)):
            self.halves[i] &= bool(np.array_equal(rows.astype(np.float16).astype(np.float32), rows))
        if here.shape[1] != there.shape[1]:
            self.widths.add((here.shape[1], there.shape[1]))
            return
        num = min(len(here), len(there))
        self.cosines[video_id] = _cosine(here[:num], there[:num])
        for i, rows in enumerate((here, there)):
            self.norms[i] += float(np.linalg.norm(rows[:num], axis=1).sum())
        for shift in _SHIFTS:
            left, right = here[max(0, shift) :], there[max(0, -shift) :]
            pairs = min(len(left), len(right))
            self.shifted[shift] += float(_cosine(left[:pairs], right[:pairs]).sum())
            self.num_shifted[shift] += pairs
        if self.correlation is None or len(self.correlation) == here.shape[1]:
            self._correlate(_unit(here[:num][:_ROWS]), _unit(there[:num][:_ROWS]))

    def _correlate(self, here: Array, there: Array) -> None:
        """Add the cosine of every rotation of the channels, by the Fourier transform."""
        spectrum = (np.fft.rfft(here, axis=1).conj() * np.fft.rfft(there, axis=1)).sum(axis=0)
        total = np.fft.irfft(spectrum, n=here.shape[1])
        self.correlation = total if self.correlation is None else self.correlation + total
        self.num_correlated += len(here)

    def findings(self, is_near: bool) -> list[str]:
        """Return in words what the difference looks like."""
        found = []
        if self.lengths:
            differences = sorted({there - here for here, there in self.lengths.values()})
            found.append(f"{len(self.lengths)} videos have other lengths: {_signed(differences)} clips there")
        for here, there in sorted(self.widths):
            found.append(
                f"other widths: {here} channels here, {there} there; other encoders, or one more beside it"
            )
        halves = [name for name, half in zip(("here", "there"), self.halves, strict=True) if half]
        if len(halves) == 1:
            found.append(
                f"the numbers {halves[0]} are those of float16; a difference of 1e-3 comes from that"
            )
        if is_near or not self.cosines:
            return found
        mean = float(np.concatenate(list(self.cosines.values())).mean())
        if cause := self._rotation(mean) or self._shift(mean):
            found.append(cause)
        return found

    def _rotation(self, mean: float) -> str | None:
        if self.correlation is None:
            return None
        best = int(self.correlation.argmax())
        width = len(self.correlation)
        if not best or self.correlation[best] / self.num_correlated < max(mean + _CLEARLY, _ALIKE):
            return None
        return (
            f"the channels stand in another order: here {width - best}|{best}, there {best}|{width - best} "
            f"of the same {width}"
        )

    def _shift(self, mean: float) -> str | None:
        means = {
            shift: total / num for shift, total in self.shifted.items() if (num := self.num_shifted[shift])
        }
        best = max(means, key=lambda shift: means[shift], default=0)
        if not best or means[best] < max(mean + _CLEARLY, _ALIKE):
            return None
        way = "later" if best > 0 else "earlier"
        return f"the clips here stand {abs(best)} {way} than there: cosine {means[best]:.4f} when moved"


def _cosine(here: Array, there: Array) -> Array:
    """Return the cosine of each pair of rows, (T,); two rows of zeros are equal."""
    both_zero = ~here.any(axis=1) & ~there.any(axis=1)
    cosine: Array = (_unit(here) * _unit(there)).sum(axis=1)
    return np.where(both_zero, 1.0, cosine)


def _unit(rows: Array) -> Array:
    norms = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    unit: Array = rows / np.maximum(norms, np.finfo(np.float64).tiny)
    return unit


def _summary(cosines: Array) -> dict[str, float]:
    if not cosines.size:
        return {}
    quantiles = {f"q{round(100 * q):02d}": float(np.quantile(cosines, q)) for q in _QUANTILES}
    return {"mean": float(cosines.mean()), "min": float(cosines.min()), **quantiles}


def _worst(cosines: Mapping[str, Array]) -> list[dict[str, Any]]:
    rows = [
        (value, name, clip) for name, values in cosines.items() for clip, value in enumerate(values.tolist())
    ]
    return [{"video": name, "clip": clip, "cosine": value} for value, name, clip in sorted(rows)[:_NUM_WORST]]


def _some(features: Features) -> str:
    names = list(features)
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "") if names else "none"


def _signed(numbers: list[int]) -> str:
    return ", ".join(f"{number:+d}" for number in numbers[:5]) + (", ..." if len(numbers) > 5 else "")
