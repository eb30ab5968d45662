"""Trained models on raw videos, and training, testing and evaluating from a config.

``load(config, checkpoint)`` gives a ``Predictor``; ``predictor("video.mp4")`` gives a ``Prediction``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config

from vidkit.encoders.base import Encoder
from vidkit.encoders.joined import parts_of
from vidkit.encoders.precomputed import Precomputed
from vidkit.encoders.weights.missing_encoders import with_encoders
from vidkit.engine import (
    Launcher,
    build_runner,
    check_config,
    latest_checkpoint,
    load_config,
    load_weights,
    read_checkpoint,
    state_dict_of,
    wait_for_all,
)
from vidkit.export import Prediction
from vidkit.features import FeatureStore, Progress, extract
from vidkit.features.plan import unique_paths
from vidkit.inference import Inference, VideoInference, predict_videos
from vidkit.media import MediaError, find_captions, open_video
from vidkit.media.missing_captions import supply_captions
from vidkit.registry import ENCODERS, MODELS, TASKS, ConfigError
from vidkit.results import CLIPS, PREDICTIONS, REPORT, Part, Tell, prediction_of, write_results

__all__ = [
    "CLIPS",
    "PREDICTIONS",
    "REPORT",
    "Inference",
    "Predictor",
    "Tell",
    "VideoInference",
    "encoders_of",
    "load",
    "share_of",
    "test",
    "train",
    "write_results",
]

_CAPTIONS = ".captions"  # in the folder of features: what was heard in videos that have no captions


@dataclass(frozen=True)
class Predictor:
    """A trained model that reads raw videos of any length.

    Args:
        inference: The task's way from features to predictions.
    """

    inference: Inference | VideoInference

    def __call__(self, video: str | Path, *, query: str | None = None) -> Prediction:
        """Return the prediction for one video.

        Raises:
            MediaError: If the video cannot be read, or lacks what the model reads.
        """
        predictions, failed = self.predict_many([video], queries=() if query is None else [query])
        if failed:
            raise MediaError(next(iter(failed.values())))
        return predictions[0]

    def predict_many(
        self,
        videos: Iterable[str | Path],
        *,
        queries: Sequence[str] = (),
        features: str | Path | None = None,
        tell: Tell | None = None,
    ) -> tuple[list[Prediction], dict[Path, str]]:
        """Return the predictions of the videos that can be read, and why the others cannot.

        There is one prediction for each video and query, those of a video one after the other; the features
        of a video are computed once. Without queries there is one for each video.

        Where the model reads text, speech is heard in videos that have no captions, or else they are read as
        silent with a warning; see ``vidkit.media.missing_captions``.

        Args:
            videos: Video files with different stems.
            queries: The sentences to answer, for tasks that take some; the same one twice is answered once.
            features: Folder of a feature store to keep features in, and to find those that are there; None
                forgets them.
            tell: Called with the share that is done and the video at work.

        Raises:
            ConfigError: If an encoder reads features that exist.
            TypeError: If ``queries`` is one str instead of a list of them.
            ValueError: If the task cannot answer a query, or two videos have the same stem.
        """
        if isinstance(queries, str):
            raise TypeError(f"queries is a list of str, got the str {queries!r}; put it into a list")
        asked: list[str | None] = [*dict.fromkeys(queries)] or [None]
        for query in asked:
            self.inference.check_query(query)
        paths = unique_paths([Path(video) for video in videos])
        inference = self.inference
        if isinstance(inference, VideoInference):
            return predict_videos(inference, paths, None if features is None else Path(features), tell)
        encoders = [part for encoder in inference.encoders().values() for part in parts_of(encoder)]
        for modality, encoder in inference.encoders().items():
            if any(isinstance(part, Precomputed) for part in parts_of(encoder)):
                raise ConfigError(
                    f"model.{modality}_encoder is Precomputed({encoder.dim}), which cannot read a raw video; "
                    f"name the encoder that made them: --cfg-options model.{modality}_encoder.type=NAME "
                    f"model.{modality}_encoder.weights=FILE"
                )
        told = tell or (lambda share, text: None)
        with tempfile.TemporaryDirectory(prefix="vidkit-") as temporary:
            store = Path(features or temporary)
            failed: dict[Path, str] = {}
            spoken = None
            if any(encoder.modality == "text" for encoder in encoders):
                spoken = store / _CAPTIONS
                hearing = Part(told, 0.0, 0.5)
                failed = supply_captions(paths, spoken, on_progress=hearing.of_video)
                told = Part(told, hearing.done, 1.0)
            report = extract(
                [path for path in paths if path not in failed],
                encoders={encoder.store_name: encoder for encoder in encoders},
                out=store,
                clip_seconds=inference.clip_seconds,
                captions=spoken,
                on_progress=share_of(told),
            )
            failed.update(report.failed)
            predictions = []
            for path in paths:
                if path in failed:
                    continue
                try:
                    predictions += _predict(inference, path, store, spoken, asked)
                except (ValueError, OSError) as error:
                    failed[path] = str(error)
            return predictions, failed


def load(config: str | Path | Config, checkpoint: str | Path, *, options: Iterable[str] = ()) -> Predictor:
    """Return a trained model that reads raw videos.

    Args:
        config: The config it was trained with: a file, a name, or a loaded one.
        checkpoint: The file that training wrote.
        options: Changes of the config, each "key.path=value".

    Raises:
        ConfigError: If the config is wrong, or has no ``inference``.
        FileNotFoundError: If a file is missing.
        ValueError: If the checkpoint is unsafe, or does not fit the config.
    """
    settings = config if isinstance(config, Config) else load_config(config, options)
    check_config(settings)
    if not settings.get("inference"):
        raise ConfigError("the config has no 'inference', which says how to read raw videos; add one")
    content = read_checkpoint(checkpoint)
    model = MODELS.build(settings.model, path="model")
    weights = with_encoders(model, state_dict_of(content), source=str(checkpoint))
    load_weights(model, weights, source=str(checkpoint))
    model = model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    return Predictor(TASKS.build({**_as_tested(settings), "model": model}, path="inference"))


def train(
    config: str | Path | Config,
    *,
    work_dir: str | Path,
    resume: bool = False,
    launcher: Launcher = "none",
    options: Iterable[str] = (),
    quiet: bool = False,
) -> Path:
    """Train what a config describes, and return the last checkpoint.

    Args:
        config: A file, a name, or a loaded config.
        work_dir: Folder of checkpoints and logs.
        resume: Go on from the last checkpoint in ``work_dir``.
        launcher: How processes were started.
        options: Changes of the config, each "key.path=value".
        quiet: Only warnings on stderr.

    Raises:
        ConfigError: If the config is wrong.
        FileNotFoundError: If data is missing.
        ValueError: If ``work_dir`` holds another run and ``resume`` is False.
    """
    settings = config if isinstance(config, Config) else load_config(config, options)
    check_config(settings)
    there = latest_checkpoint(work_dir)
    if there is not None and not resume:
        raise ValueError(
            f"{work_dir} holds a run ({there.name}); add --resume to go on, or give another --work-dir"
        )
    runner = build_runner(settings, work_dir=work_dir, launcher=launcher, resume=resume, quiet=quiet)
    runner.train()
    wait_for_all()  # process 0 writes the checkpoint
    last = latest_checkpoint(work_dir)
    if last is None:
        raise ValueError("no checkpoint was written: default_hooks.checkpoint skips every epoch of the run")
    return last


def test(
    config: str | Path | Config,
    checkpoint: str | Path,
    *,
    work_dir: str | Path | None = None,
    launcher: Launcher = "none",
    options: Iterable[str] = (),
    quiet: bool = False,
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Evaluate a checkpoint on the test data of a config.

    Returns:
        The metrics, and the rows that ``vidkit evaluate`` reads.

    Raises:
        ConfigError: If the config is wrong, or has no test data.
        FileNotFoundError: If a file is missing.
        ValueError: If the checkpoint is unsafe, or does not fit the config.
    """
    settings = config if isinstance(config, Config) else load_config(config, options)
    check_config(settings)
    read_checkpoint(checkpoint)  # a wrong file is told before the data is opened
    with tempfile.TemporaryDirectory(prefix="vidkit-") as temporary:
        settings = Config({**settings.to_dict(), "load_from": str(checkpoint)}, filename=settings.filename)
        runner = build_runner(
            settings, work_dir=work_dir or temporary, mode="test", launcher=launcher, quiet=quiet
        )
        metrics = {name: float(value) for name, value in runner.test().items()}
        rows = [row for metric in runner.test_evaluator.metrics for row in getattr(metric, "predictions", [])]
    return metrics, rows


def encoders_of(config: Mapping[str, Any]) -> dict[str, Encoder]:
    """Return the encoders of videos that a config's model trains on, by their folder in a feature store.

    Those that are joined are named each. What a model reads of queries (``query_modality``) is none of them.

    Raises:
        ConfigError: If one of them is misspelt.
    """
    query = getattr(MODELS.get(config["model"]["type"]), "query_modality", None)
    built = {}
    for path, settings in _encoder_settings(config["model"], "model"):
        if path != f"model.{query}_encoder":
            encoder: Encoder = ENCODERS.build(settings, path=path)
            built.update({part.store_name: part for part in parts_of(encoder)})
    return built


def _encoder_settings(model: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield place and settings of every encoder of a model, also of those in its branches."""
    for key, value in model.items():
        if not isinstance(value, Mapping):
            continue
        if key == "encoder" or key.endswith("_encoder"):
            yield f"{path}.{key}", value
        else:
            yield from _encoder_settings(value, f"{path}.{key}")


def _predict(
    inference: Inference, path: Path, store: Path, spoken: Path | None, queries: Sequence[str | None]
) -> list[Prediction]:
    """Return a prediction for each query, of the features in the store."""
    features = FeatureStore(store, clip_seconds=inference.clip_seconds)
    arrays, duration = {}, 0.0
    for modality, encoder in inference.encoders().items():
        parts = parts_of(encoder)
        rows = [features[part][path.stem] for part in parts]
        arrays[modality] = rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1)
        duration = float(features[parts[0]].sidecar(path.stem)["duration_seconds"])
    captions = find_captions(path, folder=spoken) if inference.uses_captions else None
    with open_video(path) as video:
        aspect_ratio = video.info.aspect_ratio
    predictions = []
    for query in queries:
        sample = inference.predict(
            arrays,
            video_id=path.stem,
            duration_seconds=duration,
            query=query,
            captions=captions or (),
            aspect_ratio=aspect_ratio,
        )
        predictions.append(
            prediction_of(sample, path=path, task=inference.task, query=query, captions=captions)
        )
    return predictions


def _as_tested(config: Config) -> dict[str, Any]:
    """Return the settings of ``inference``, with what it takes over from the test data."""
    kind = TASKS.get(config.inference.type)
    data = (config.get("test_dataloader") or {}).get("dataset") or {}
    taken = {key: data[key] for key in getattr(kind, "from_test_data", ()) if key in data}
    return {**taken, **config.inference}


def share_of(tell: Tell) -> Callable[[Progress], None]:
    """Return a listener of extraction that tells the share of all videos that is done."""

    def listen(progress: Progress) -> None:
        tell(progress.total, progress.path.name)

    return listen
