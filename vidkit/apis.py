"""Trained models on raw videos, and training, testing and evaluating from a config.

``load(config, checkpoint)`` gives a ``Predictor``; ``predictor("video.mp4")`` gives a ``Prediction``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from mmengine.config import Config

from vidkit.data import VideoSample
from vidkit.encoders.base import Encoder
from vidkit.encoders.precomputed import Precomputed
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
from vidkit.export import Prediction, ReportItem, Segment, write_predictions, write_report
from vidkit.features import FeatureStore, Progress, extract
from vidkit.media import Caption, MediaError, cut_clips, find_captions
from vidkit.registry import ENCODERS, MODELS, TASKS, ConfigError

Tell = Callable[[float, str], None]

PREDICTIONS, REPORT, CLIPS = "predictions.jsonl", "report.html", "clips"
"""Names of what stands in a folder of results."""


class Inference(Protocol):
    """How a trained model of a task reads a raw video; what ``registry.TASKS`` holds.

    The constructor takes ``model`` and the options of the task.
    """

    task: str
    clip_seconds: float

    def encoders(self) -> dict[str, Encoder]:
        """Return the encoders whose features prediction reads, by modality."""

    def check_query(self, query: str | None) -> None:
        """Raise ValueError if the task cannot answer this query, before any video is read."""

    def predict(
        self,
        features: Mapping[str, Any],
        *,
        video_id: str,
        duration_seconds: float,
        query: str | None = None,
    ) -> VideoSample:
        """Return the sample of one video with its ``pred_...`` fields, from features (T, D) by modality."""


@dataclass(frozen=True)
class Predictor:
    """A trained model that reads raw videos of any length.

    Args:
        inference: The task's way from features to predictions.
    """

    inference: Inference

    def __call__(self, video: str | Path, *, query: str | None = None) -> Prediction:
        """Return the prediction for one video.

        Raises:
            MediaError: If the video cannot be read, or lacks what the model reads.
        """
        predictions, failed = self.predict_many([video], query=query)
        if failed:
            raise MediaError(next(iter(failed.values())))
        return predictions[0]

    def predict_many(
        self,
        videos: Iterable[str | Path],
        *,
        query: str | None = None,
        features: str | Path | None = None,
        tell: Tell | None = None,
    ) -> tuple[list[Prediction], dict[Path, str]]:
        """Return the predictions of the videos that can be read, and why the others cannot.

        Args:
            videos: Video files with different stems.
            query: The sentence to answer, for tasks that take one.
            features: Folder of a feature store to keep features in, and to find those that are there; None
                forgets them.
            tell: Called with the share that is done and the video at work.
        """
        self.inference.check_query(query)
        paths = [Path(video) for video in videos]
        with tempfile.TemporaryDirectory(prefix="vidkit-") as temporary:
            store = Path(features or temporary)
            failed = self._extract(paths, store, tell)
            predictions = []
            for path in paths:
                if path in failed:
                    continue
                try:
                    predictions.append(self._predict(path, store, query))
                except (ValueError, OSError) as error:
                    failed[path] = str(error)
            return predictions, failed

    def _extract(self, paths: list[Path], store: Path, tell: Tell | None) -> dict[Path, str]:
        encoders = self.inference.encoders()
        for modality, encoder in encoders.items():
            if isinstance(encoder, Precomputed):
                raise ConfigError(
                    f"model.{modality}_encoder is Precomputed({encoder.dim}), which cannot read a raw video; "
                    f"name the encoder that made them: --cfg-options model.{modality}_encoder.type=NAME"
                )
        report = extract(
            paths,
            encoders={encoder.store_name: encoder for encoder in encoders.values()},
            out=store,
            clip_seconds=self.inference.clip_seconds,
            on_progress=None if tell is None else share_of(tell),
        )
        return report.failed

    def _predict(self, path: Path, store: Path, query: str | None) -> Prediction:
        features = FeatureStore(store, clip_seconds=self.inference.clip_seconds)
        arrays, duration = {}, 0.0
        for modality, encoder in self.inference.encoders().items():
            arrays[modality] = features[encoder][path.stem]
            duration = float(features[encoder].sidecar(path.stem)["duration_seconds"])
        sample = self.inference.predict(arrays, video_id=path.stem, duration_seconds=duration, query=query)
        return prediction_of(sample, path=path, task=self.inference.task, query=query)


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
    load_weights(model, state_dict_of(content), source=str(checkpoint))
    model = model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    return Predictor(TASKS.build({**settings.inference, "model": model}, path="inference"))


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
    """Return the encoders that a config's model trains on, by their folder in a feature store.

    Raises:
        ConfigError: If one of them is misspelt.
    """
    built = {}
    for key, settings in config["model"].items():
        if key.endswith("_encoder") and settings is not None:
            encoder: Encoder = ENCODERS.build(settings, path=f"model.{key}")
            built[encoder.store_name] = encoder
    return built


def write_results(
    predictions: Sequence[Prediction],
    *,
    out: str | Path,
    clips: bool = False,
    report: bool = False,
    title: str = "Predictions",
    tell: Tell | None = None,
) -> dict[Path, str]:
    """Write predictions into a folder: ``predictions.jsonl``, and what else is asked for.

    Args:
        predictions: Of videos that are still where they were.
        out: The folder; made if absent.
        clips: Cut the segments into ``clips/*.mp4``.
        report: Write the page ``report.html``.
        title: Heading of the page.
        tell: Called with the share that is done and what is at work.

    Returns:
        Videos of which a clip or the captions failed, and why; their other results are there.

    Raises:
        OSError: If the folder cannot be written or the disk is full; what is whole stays.
    """
    failed: dict[Path, str] = {}
    folder = Path(out)
    write_predictions(folder / PREDICTIONS, predictions)
    cut: dict[str, list[Path]] = {}
    for index, prediction in enumerate(predictions if clips else ()):
        if tell is not None:
            tell(index / len(predictions), f"clips of {prediction.video_id}")
        segments = [(segment.start, segment.end) for segment in prediction.segments]
        try:
            written = cut_clips(prediction.path, segments, folder / CLIPS)
        except ValueError as error:  # every MediaError is one
            failed[Path(prediction.path)] = f"its clips could not be cut: {error}"
        else:
            cut[prediction.video_id] = [clip.path for clip in written]
    if report:
        items = []
        for prediction in predictions:
            captions: Sequence[Caption] = ()
            try:
                captions = find_captions(prediction.path)
            except ValueError as error:
                failed[Path(prediction.path)] = f"its captions could not be read: {error}"
            clip_files = cut.get(prediction.video_id, ())
            items.append(ReportItem(prediction=prediction, captions=captions, clips=clip_files))
        write_report(folder / REPORT, items, title=title)
    return failed


def prediction_of(sample: VideoSample, *, path: Path, task: str, query: str | None) -> Prediction:
    """Return what goes into files and reports of a sample with predicted segments and saliency."""
    segments = sample.pred_segments.tolist()
    scores = sample.pred_scores.tolist()
    return Prediction(
        video_id=sample.video_id,
        path=str(path),
        duration=sample.duration_seconds,
        task=task,
        clip_seconds=sample.clip_seconds,
        segments=tuple(Segment(start, end, score) for (start, end), score in zip(segments, scores)),
        saliency=tuple(sample.pred_saliency.tolist()),
        query=query,
    )


def share_of(tell: Tell) -> Callable[[Progress], None]:
    """Return a listener of extraction that tells the share of all videos that is done."""

    def listen(progress: Progress) -> None:
        tell(progress.total, progress.path.name)

    return listen
