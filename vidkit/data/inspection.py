"""Which videos data sets need, and which of their features are there, missing or wrong.

A data set takes part by a class method ``needed_videos``, which gets the settings of its component in the
config (but ``type`` and ``encoders``) as keywords and returns what it reads of each video, before any feature
is there; None says that it takes what its folder of features holds. Its arguments ``features``, ``encoders``
and ``clip_seconds`` say where its features are, and of which clips; ``stream_tolerance_seconds`` of the
class, if it has that, by how much those of one video may differ in length. Where a sentence is asked of a
video, the encoder of text stands for the words of the sentences, else for a text per clip.

A data set that reads video files themselves (``reads_raw_clips``) has a method ``read``, which is called for
each of its ``videos``; only of ``Precomputed`` encoders there are features to look at.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vidkit.data.feature_videos import FeatureVideos
from vidkit.data.modality_features import TOLERANCE_SECONDS, ModalityFeatures, NeededVideo
from vidkit.data.token_files import REMEDY, TokenFiles, reads_token_files
from vidkit.encoders.base import Encoder, FeatureRecipe
from vidkit.registry import DATASETS, ENCODERS, ConfigError
from vidkit.registry.builder import signature_keys

_FILES_REMEDY = "put the files where the table says, or whole copies of them; root says where its paths begin"


@dataclass
class ModalityReport:
    """How far the features of one stream are, for the videos of one data set; or its sentences, or its files.

    Args:
        modality: Its name; of one of several streams of a modality, with that of its folder.
        num_videos: Videos, or sentences, that the data set needs.
        missing: Those without features.
        wrong: Those whose features cannot be used -> why, in one sentence.
        command: Makes what is missing; of sentences, what there is to do.
        unit: "videos", "sentences" or "files".
        hint: Why all may be missing; "" where nothing says.
    """

    modality: str
    num_videos: int
    command: str
    missing: list[str] = field(default_factory=list)
    wrong: dict[str, str] = field(default_factory=dict)
    unit: str = "videos"
    hint: str = ""

    @property
    def num_right(self) -> int:
        """Videos whose features are there and can be used."""
        return self.num_videos - len(self.missing) - len(self.wrong)

    @property
    def is_right(self) -> bool:
        """Whether there are videos, and all of them can be used."""
        return self.num_right == self.num_videos > 0


def needed_videos(settings: Mapping[str, Any], *, path: str) -> list[NeededVideo] | None:
    """Return what the data set of a component needs, in order; None if its folder of features decides.

    Args:
        settings: The component.
        path: Where it stands in the config, for messages.

    Raises:
        ConfigError: If its class does not tell.
        FileNotFoundError: If its annotations are missing.
        ValueError: If they are wrong.
    """
    kind = _kind(settings)
    if not hasattr(kind, "needed_videos"):
        raise ConfigError(
            f"{path}: {kind.__name__} does not tell which videos it needs; give it a class method "
            "needed_videos (see vidkit.data.inspection)"
        )
    rest = {key: value for key, value in settings.items() if key not in ("type", "encoders")}
    needed: Sequence[NeededVideo] | None = kind.needed_videos(**rest)
    return None if needed is None else list(needed)


def sources_of(videos: Iterable[NeededVideo]) -> list[str]:
    """Return where the videos are, or their ids where nobody says, in order, each once.

    Raises:
        ValueError: If two files have one video_id, which names the features of both.
    """
    sources: dict[str, str] = {}
    for video in videos:
        source = video.source or video.video_id
        known = sources.setdefault(video.video_id, source)
        if known != source:
            raise ValueError(
                f"{known!r} and {source!r} have one video_id, {video.video_id!r}, which names the features "
                "of both; rename one of the files"
            )
    return list(sources.values())


def inspect_features(
    settings: Mapping[str, Any],
    encoders: Mapping[str, Encoder],
    needed: Sequence[NeededVideo] | None,
    *,
    path: str,
    on_progress: Callable[[float, str], None] | None = None,
) -> list[ModalityReport]:
    """Read all features that a data set needs, and return how far they are by modality.

    Args:
        settings: The component of the data set.
        encoders: Those of the model, for a data set that names none.
        needed: Its ``needed_videos``.
        path: Where the component stands in the config, for messages.
        on_progress: Called with the share that is done and the video at work.

    Raises:
        ConfigError: If the data set reads no features.
        ValueError: If a folder holds features of which nothing says that the encoder made them.
    """
    if getattr(_kind(settings), "reads_raw_clips", False):
        return _inspect_files(settings, encoders, needed or (), on_progress or _quietly, path)
    encoders = _encoders(settings, encoders, path)
    words = None
    if any(video.query_id is not None for video in needed or ()):
        words, encoders = encoders.get("text"), {m: e for m, e in encoders.items() if m != "text"}
    features = _features(settings, encoders)
    if needed is None:
        needed = [NeededVideo(video_id) for video_id in features.common_ids()]
    found = _inspect_streams(features, needed, on_progress or _quietly)
    if words is not None and reads_token_files(words):
        found.append(_inspect_sentences(TokenFiles(settings["features"], words), needed))
    return found


def _inspect_streams(
    features: FeatureVideos, needed: Sequence[NeededVideo], on_progress: Callable[[float, str], None]
) -> list[ModalityReport]:
    """Return how far the features of every stream are."""
    stretches: dict[str, list[NeededVideo]] = {}
    for video in needed:
        stretches.setdefault(video.video_id, []).append(video)
    missing = features.missing(list(stretches))
    reports = {
        modality: ModalityReport(
            modality,
            len(stretches),
            features.command([modality]),
            missing.get(modality, []),
            hint=features.other_ids([modality], list(stretches)),
        )
        for modality in features.streams
    }
    absent = {modality: set(report.missing) for modality, report in reports.items()}
    for number, (video_id, videos) in enumerate(stretches.items()):
        on_progress(number / len(stretches), video_id)
        there = {m: f for m, f in features.streams.items() if video_id not in absent[m]}
        for modality, fault in _faults(features, there, videos).items():
            reports[modality].wrong[video_id] = fault
    return list(reports.values())


def _inspect_files(
    settings: Mapping[str, Any],
    encoders: Mapping[str, Encoder],
    needed: Sequence[NeededVideo],
    on_progress: Callable[[float, str], None],
    path: str,
) -> list[ModalityReport]:
    """Return how far the files of a data set of raw clips are, and the features that it reads beside them."""
    reports = []
    ready = {name: e for name, e in encoders.items() if isinstance(e.recipe, FeatureRecipe)}
    raw = {name: encoder for name, encoder in encoders.items() if name not in ready}
    if {"visual", "audio"} & set(raw):
        files = ModalityReport("videos", len(needed), _FILES_REMEDY, unit="files")
        files.missing = [video.video_id for video in needed if not Path(str(video.source)).is_file()]
        if len(files.missing) < len(needed):
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".* videos have no file")  # reported here
                data: Any = DATASETS.build({**settings, "encoders": raw, "missing": "warn"}, path=path)
            for number, video in enumerate(data.videos):
                on_progress(number / len(data.videos), video.video_id)
                try:
                    data.read(video)
                except (ValueError, OSError) as error:
                    files.wrong[video.video_id] = str(error)
        reports.append(files)
    for name, encoder in ready.items():
        features = FeatureVideos(settings["features"], {name: encoder}, None)
        reports += _inspect_streams(features, needed, on_progress)
    return reports


def _quietly(share: float, name: str) -> None:
    """Tell nobody of progress."""


def _inspect_sentences(files: TokenFiles, needed: Sequence[NeededVideo]) -> ModalityReport:
    """Return how far the words of sentences are."""
    queries = {video.query_id: video.query for video in needed if video.query_id is not None}
    report = ModalityReport("text", len(queries), REMEDY, unit="sentences")
    report.missing = [str(name) for name in files.missing(list(queries))]
    for name, query in queries.items():
        try:
            if str(name) not in report.missing:
                files.read(name, query)
        except (ValueError, KeyError, OSError) as error:
            report.wrong[str(name)] = _told(error)
    return report


def _faults(
    features: FeatureVideos, there: Mapping[str, ModalityFeatures], videos: Sequence[NeededVideo]
) -> dict[str, str]:
    """Return by modality the first thing that is wrong with the features of one video."""
    faults: dict[str, str] = {}
    counts: dict[str, int] = {}
    for modality, one in there.items():
        try:
            counts[modality] = one.num_clips(videos[0].video_id)
            for video in videos:
                one.check_length(video, counts[modality])
                one.read(video.video_id, *one.rows_of(video, counts[modality]))
        except (ValueError, KeyError, OSError) as error:
            faults[modality] = _told(error)
    if not faults and counts and (spread := features.spread_fault(videos[0].video_id, counts)):
        faults[spread[0]] = spread[1]
    return faults


def _told(error: Exception) -> str:
    return str(error.args[0]) if isinstance(error, KeyError) else str(error)


def _encoders(
    settings: Mapping[str, Any], encoders: Mapping[str, Encoder], path: str
) -> Mapping[str, Encoder]:
    """Return the encoders that a data set names, else those of the model."""
    keys = signature_keys(_kind(settings))[0]
    if "features" not in keys or "features" not in settings or "clip_seconds" not in keys:
        raise ConfigError(f"{path}: {_kind(settings).__name__} reads no features, so there are none to check")
    own = settings.get("encoders")
    if own:
        return {
            name: ENCODERS.build(encoder, path=f"{path}.encoders.{name}") for name, encoder in own.items()
        }
    return encoders


def _features(settings: Mapping[str, Any], encoders: Mapping[str, Encoder]) -> FeatureVideos:
    kind = _kind(settings)
    clip_seconds = settings.get("clip_seconds", signature_keys(kind)[0]["clip_seconds"].default)
    tolerance = getattr(kind, "stream_tolerance_seconds", TOLERANCE_SECONDS)
    return FeatureVideos(settings["features"], encoders, clip_seconds, tolerance_seconds=tolerance)


def _kind(settings: Mapping[str, Any]) -> Any:
    return DATASETS.get(settings["type"]) if isinstance(settings["type"], str) else settings["type"]
