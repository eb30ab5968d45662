"""The feature store: one array per video and encoder, with a sidecar that says how it was made.

Layout: ``<root>/<encoder>/<video_id>.npy`` (T, D) float32 and ``<video_id>.json``, which is written last: an
array without it is not there. Shapes: T clips, D channels.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.encoders.base import Encoder, FeatureRecipe, spec_of
from vidkit.features.npy_writer import NpyWriter
from vidkit.features.sidecar import check_sidecar, difference
from vidkit.files import atomic_path, read_json, write_json
from vidkit.registry import ENCODERS
from vidkit.registry.builder import nearest

Features = NDArray[np.float32]


class FeatureStore:
    """Features of many videos by many encoders: ``store[encoder][video_id]`` -> (T, D) float32.

    Args:
        root: Folder of the store. It need not exist before something is put there.
        clip_seconds: If given, features of another clip length are refused when they are read.

    Example:
        >>> import tempfile
        >>> from vidkit.encoders import Precomputed
        >>> from vidkit.features.sidecar import make_sidecar
        >>> store = FeatureStore(tempfile.mkdtemp())
        >>> sidecar = make_sidecar(Precomputed(2), clip_seconds=1.0, duration_seconds=3.0)
        >>> store.encoder("Toy").put("video", np.ones((3, 2), np.float32), sidecar)
        >>> store["Toy"]["video"].shape, store.encoders()
        ((3, 2), ['Toy'])
    """

    def __init__(self, root: str | Path, *, clip_seconds: float | None = None) -> None:
        self.root = Path(root)
        self.clip_seconds = clip_seconds

    def encoders(self) -> list[str]:
        """Return the sorted names of the encoders that have features here."""
        if not self.root.is_dir():
            return []
        folders = (f for f in self.root.iterdir() if f.is_dir() and not f.name.startswith("."))
        return sorted(f.name for f in folders if any(f.glob("[!.]*.json")))

    def encoder(self, encoder: str | Encoder) -> EncoderFeatures:
        """Return the features of an encoder, which need not be there yet; see ``EncoderFeatures``."""
        return EncoderFeatures(self.root, encoder, clip_seconds=self.clip_seconds)

    def __getitem__(self, encoder: str | Encoder) -> EncoderFeatures:
        """Return the features of an encoder, given by its folder's name or as the object.

        The object is safer: its recipe is compared with the sidecar of every array that is read.

        Raises:
            KeyError: If it has none here.
        """
        features = self.encoder(encoder)
        if not features.folder.is_dir():
            known = self.encoders()
            raise KeyError(
                f"no features of {features.name!r} in {self.root}{nearest(features.name, known) or ';'} "
                f"there are: {', '.join(known) or 'none'}; "
                f"make them: {features.command}"
            )
        return features

    def __contains__(self, encoder: object) -> bool:
        name = encoder.store_name if isinstance(encoder, Encoder) else encoder
        return name in self.encoders()


class EncoderFeatures(Mapping[str, Features]):
    """The features of one encoder: a mapping from video_id to (T, D) float32, memory-mapped.

    Args:
        root: Folder of the store.
        encoder: Name of the folder, or the encoder, whose recipe the features must then have.
        clip_seconds: If given, features of another clip length are refused when they are read.
    """

    def __init__(
        self, root: str | Path, encoder: str | Encoder, *, clip_seconds: float | None = None
    ) -> None:
        self.root = Path(root)
        self.name = encoder.store_name if isinstance(encoder, Encoder) else encoder
        if not self.name or self.name.startswith(".") or "/" in self.name or "\\" in self.name:
            raise ValueError(f"{self.name!r} cannot name an encoder's folder; give a plain name")
        self.folder = self.root / self.name
        self._expected: dict[str, Any] = {}
        if clip_seconds is not None:
            self._expected["clip_seconds"] = clip_seconds
        # What makes such features, if the name tells.
        self._spec = self.name if self.name in ENCODERS else f"ENCODER:folder={self.name}"
        self._dim: int | None = None
        if isinstance(encoder, Encoder):
            if isinstance(encoder.recipe, FeatureRecipe):
                self._dim = encoder.dim  # whatever has made them
            else:
                self._spec = spec_of(encoder)
                self._expected.update(encoder.description(), fingerprint=encoder.fingerprint())

    @property
    def command(self) -> str:
        """The command that makes features like these."""
        length = self._expected.get("clip_seconds")
        clips = "" if length is None else f" --clip-seconds {length}"
        return f"vidkit extract VIDEOS --encoder {shlex.quote(self._spec)}{clips} --out {self.root}"

    def video_ids(self) -> list[str]:
        """Return the sorted ids of the videos whose features are complete."""
        if not self.folder.is_dir():
            return []
        names = [path.name for path in self.folder.iterdir() if not path.name.startswith(".")]
        arrays = {name[: -len(".npy")] for name in names if name.endswith(".npy")}
        return sorted(arrays & {name[: -len(".json")] for name in names if name.endswith(".json")})

    def __iter__(self) -> Iterator[str]:
        return iter(self.video_ids())

    def __len__(self) -> int:
        return len(self.video_ids())

    def __contains__(self, video_id: object) -> bool:
        return isinstance(video_id, str) and all(path.is_file() for path in self._paths(video_id))

    def __getitem__(self, video_id: str) -> Features:
        """Return the features of a video, (T, D), read-only and memory-mapped.

        Raises:
            KeyError: If there are none.
            ValueError: If another recipe or clip length than the expected made them, or if the array does
                not fit its sidecar.
        """
        sidecar = self.sidecar(video_id)
        if wrong := difference(sidecar, {**sidecar, **self._expected}):
            raise ValueError(
                f"features of {video_id!r} in {self.folder} were made with {wrong}; extract them again with "
                "--overwrite, or into another folder"
            )
        if self._dim not in (None, sidecar["dim"]):
            raise ValueError(
                f"features of {video_id!r} in {self.folder} have {sidecar['dim']} channels instead of "
                f"{self._dim}; set dim to theirs, or name another folder"
            )
        path = self._paths(video_id)[0]
        try:
            features: Features = np.load(path, mmap_mode="r", allow_pickle=False)
        except ValueError as error:
            raise ValueError(f"{path} is not a whole .npy file ({error}); extract it again") from error
        expected = (sidecar["num_clips"], sidecar["dim"])
        if features.shape != expected or features.dtype != np.float32:
            raise ValueError(
                f"{path} holds {features.dtype} {features.shape}, its sidecar says float32 {expected}; "
                "extract it again"
            )
        return features

    def sidecar(self, video_id: str) -> dict[str, Any]:
        """Return how the features of a video were made.

        Raises:
            KeyError: If there are none.
            ValueError: If the sidecar is damaged.
        """
        array, path = self._paths(video_id)
        if not (array.is_file() and path.is_file()):
            near = nearest(video_id, self.video_ids())
            raise KeyError(
                f"no features of video {video_id!r} in {self.folder}{near}; make them: {self.command}"
            )
        sidecar = read_json(path)
        if not isinstance(sidecar, dict):
            raise ValueError(f"{path} is no sidecar: it holds {json.dumps(sidecar)[:40]}; extract again")
        check_sidecar(sidecar, f"{video_id!r} in {self.folder}")
        return sidecar

    def readable_sidecar(self, video_id: str) -> dict[str, Any] | None:
        """Return how the features of a video were made; None if there are none, or the sidecar is damaged."""
        if video_id not in self:
            return None
        try:
            return self.sidecar(video_id)
        except ValueError:
            return None

    def put(
        self,
        video_id: str,
        rows: Features | Iterable[Features],
        sidecar: Mapping[str, Any],
        *,
        overwrite: bool = False,
    ) -> None:
        """Write the features of a video, whole or not at all.

        Args:
            video_id: Name of the video; its file's stem.
            rows: Array (T, D), or blocks of rows (n, D) in order.
            sidecar: Of ``make_sidecar``.
            overwrite: Whether features of another recipe may be replaced.

        Raises:
            ValueError: If the width or the number of rows is not the sidecar's, if the number of clips does
                not fit the duration, or if the folder holds features of another recipe or clip length.
            OSError: If the disk is full or not writable.
        """
        blocks = [rows] if isinstance(rows, np.ndarray) else rows
        with self.writing(video_id, sidecar, overwrite=overwrite) as writer:
            for block in blocks:
                writer.append(block)

    @contextmanager
    def writing(
        self, video_id: str, sidecar: Mapping[str, Any], *, overwrite: bool = False
    ) -> Iterator[NpyWriter]:
        """Yield a writer of rows; the features appear when the block ends. See ``put``."""
        check_video_id(video_id)
        check_sidecar(sidecar, repr(video_id))
        if not overwrite:
            self.check_recipe(sidecar, video_id=video_id)
        array, path = self._paths(video_id)
        with atomic_path(array) as temporary:
            with NpyWriter(temporary, dim=sidecar["dim"]) as writer:
                yield writer
                if writer.num_rows != sidecar["num_clips"]:
                    raise ValueError(
                        f"features of {video_id!r}: {writer.num_rows} rows came for {sidecar['num_clips']} "
                        f"clips of {sidecar['clip_seconds']} s in {sidecar['duration_seconds']:.2f} s"
                    )
            path.unlink(missing_ok=True)  # never an old sidecar beside a new array
        write_json(path, dict(sidecar))

    def check_recipe(self, sidecar: Mapping[str, Any], *, video_id: str | None = None) -> None:
        """Check that features with this sidecar may join those in the folder.

        Only the sidecars of ``video_id`` and of one other video are read, not all. A damaged one is passed
        over: its features are made again.

        Raises:
            ValueError: If those were made with another recipe or clip length.
        """
        others = (path.name[: -len(".json")] for path in sorted(self.folder.glob("[!.]*.json")))
        found = ((other, known) for other in others if (known := self.readable_sidecar(other)) is not None)
        compared = dict(islice(found, 1))
        if video_id is not None and (own := self.readable_sidecar(video_id)) is not None:
            compared[video_id] = own
        for known_id, known in compared.items():
            if wrong := difference(sidecar, known):
                raise ValueError(
                    f"{self.folder} holds features made with another recipe: {known_id!r} is there, "
                    f"now {wrong}; write to another folder, or overwrite (--overwrite)"
                )

    def _paths(self, video_id: str) -> tuple[Path, Path]:
        return self.folder / f"{video_id}.npy", self.folder / f"{video_id}.json"


def check_video_id(video_id: str) -> None:
    """Check that a video's name can name a file.

    Raises:
        ValueError: If it is empty, begins with a dot, or holds a path separator.
    """
    if not video_id or video_id.startswith(".") or any(sign in video_id for sign in "/\\\0"):
        raise ValueError(
            f"{video_id!r} cannot be a video_id: it names files, so it needs a first letter other than a dot "
            "and no slash"
        )
