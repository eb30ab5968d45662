"""The results table of highlight detection on synthetic sets of seeds that nothing was developed on.

Run: python tools/highlight_results.py --seeds 1001 1002 1003 --out results
Prints one row per method: trapezoid AP on the test videos, mean and spread over seeds.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from pathlib import Path

import numpy as np

from vidkit import apis
from vidkit.data import HighlightAnnotation, read_youtube_highlights
from vidkit.data.synth import generate
from vidkit.evaluation import trapezoid_average_precision
from vidkit.features import FeatureStore, extract, find_videos, parse_encoder_spec
from vidkit.postprocessing import find_cuts, suppress_cuts
from vidkit.tasks.highlight_detection.baselines import BASELINES, fit_linear_probe, random_scores
from vidkit.tasks.highlight_detection.metric import clip_scores

ENCODERS = {"motion": "MotionVisual", "pixels": "PixelVisual", "audio": "LogMelAudio"}
CONFIGS = {"RASL": "rasl_synthetic", "RASL, pixels": "rasl_synthetic_pixels"}
STEP_SECONDS = 0.2


def main() -> None:
    """Make the sets, train, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1001, 1002, 1003])
    parser.add_argument("--videos", type=int, default=36)
    parser.add_argument("--out", type=Path, default=Path("results"))
    arguments = parser.parse_args()
    columns: dict[str, list[float]] = defaultdict(list)
    for seed in arguments.seeds:
        for name, value in results_of(seed, arguments.videos, arguments.out / str(seed)).items():
            columns[name].append(value)
            print(f"seed {seed}\t{name}\t{value:.3f}", flush=True)
    print("| method | AP, mean over seeds | spread (min - max) |\n|---|---|---|")
    for name, values in columns.items():
        print(f"| {name} | {np.mean(values):.3f} | {min(values):.3f} - {max(values):.3f} |")


def results_of(seed: int, num_videos: int, folder: Path) -> dict[str, float]:
    """Return the AP of every method on the test videos of one synthetic set."""
    data = folder / "synthetic"
    generate(data, num_videos=num_videos, seed=seed)
    extract(
        find_videos([data / "videos"]),
        encoders=parse_encoder_spec(",".join(ENCODERS.values())),
        out=data / "features",
        clip_seconds=STEP_SECONDS,
    )
    train, test = (
        read_youtube_highlights(data / "annotations" / f"youtube_highlights_{split}.jsonl")
        for split in ("train", "test")
    )
    rows = {"random": np.mean([_ap(test, data, _random(repeat)) for repeat in range(20)])}
    for name, baseline in BASELINES.items():
        rows[name] = _ap(test, data, lambda features, _, f=baseline: f(features))
    rows["linear probe on mean pixels (has seen labels)"] = _ap(test, data, _probe(train, data))
    rows["frame difference, cuts suppressed"] = _ap(test, data, _calmed_difference)
    os.environ["VIDKIT_DATA"] = str(folder.resolve())
    for name, config in CONFIGS.items():
        work = folder / config
        checkpoint = apis.train(f"highlight_detection/{config}", work_dir=work, resume=True, quiet=True)
        _, predictions = apis.test(f"highlight_detection/{config}", checkpoint, quiet=True)
        scores = {row["vid"]: row["pred_saliency_scores"] for row in predictions}
        rows[name] = float(np.mean([_ap_of(annotation, scores[annotation.video_id]) for annotation in test]))
        predictor = apis.load(
            f"highlight_detection/{config}", checkpoint, options=["inference.cut_suppression=True"]
        )
        rows[f"{name}, cuts suppressed"] = _ap(test, data, _with_suppression(predictor))
    return {name: float(value) for name, value in rows.items()}


def _features(data: Path, video_id: str) -> dict[str, np.ndarray]:
    store = FeatureStore(data / "features", clip_seconds=STEP_SECONDS)
    return {name: np.array(store[encoder][video_id]) for name, encoder in ENCODERS.items()}


def _ap(annotations: list[HighlightAnnotation], data: Path, score: object) -> float:
    values = []
    for annotation in annotations:
        saliency = score(_features(data, annotation.video_id), annotation)  # type: ignore[operator]
        values.append(_ap_of(annotation, clip_scores(saliency, STEP_SECONDS, annotation.clips)))
    return float(np.mean(values))


def _ap_of(annotation: HighlightAnnotation, scores: object) -> float:
    return trapezoid_average_precision(np.asarray(scores), annotation.labels[:, 0] > 0)


def _calmed_difference(features: dict[str, np.ndarray], annotation: HighlightAnnotation) -> np.ndarray:
    return suppress_cuts(BASELINES["frame difference"](features), find_cuts(features["pixels"]))


def _random(repeat: int) -> object:
    return lambda features, annotation: random_scores(features, video_id=annotation.video_id, seed=repeat)


def _probe(train: list[HighlightAnnotation], data: Path) -> object:
    rows, labels = [], []
    for annotation in train:
        colours = _mean_colour(_features(data, annotation.video_id)["pixels"])
        middles = (np.arange(len(colours)) + 0.5) * STEP_SECONDS
        positive = annotation.clips[annotation.labels[:, 0] > 0]
        rows.append(colours)
        labels.append(
            ((middles[:, None] >= positive[:, 0]) & (middles[:, None] < positive[:, 1])).any(axis=1)
        )
    weights = fit_linear_probe(np.concatenate(rows), np.concatenate(labels).astype(float))
    return lambda features, _: _mean_colour(features["pixels"]) @ weights[:-1] + weights[-1]


def _mean_colour(pixels: np.ndarray) -> np.ndarray:
    return pixels.reshape(len(pixels), 3, -1).mean(axis=2)


def _with_suppression(predictor: apis.Predictor) -> object:
    def score(features: dict[str, np.ndarray], annotation: HighlightAnnotation) -> np.ndarray:
        name = next(iter(predictor.inference.model.scoring_encoders().values())).store_name  # type: ignore[attr-defined]
        visual = features["motion" if name == "MotionVisual" else "pixels"]
        sample = predictor.inference.predict(
            {"visual": visual, "cuts": features["pixels"]},
            video_id=annotation.video_id,
            duration_seconds=annotation.duration_seconds,
        )
        return np.asarray(sample.pred_saliency)

    return score


if __name__ == "__main__":
    main()
