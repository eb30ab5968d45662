"""Repurposing on features in which the annotated clips of Repurpose-10K are planted: what learns, how much.

Run: python tools/planted_repurposing.py $VIDKIT_TEST_DATA/repurpose10k/val.json --seeds 2002 2003 2004
The annotations are real; the features are noise in which every modality shows most of the clips, with their
beginning and end drawing near, misses some, and shows others that are none. Trains a small model on a part of
the videos, reports the rest: mean tIoU precision (the average of 0.5 to 0.9), mean and spread over seeds.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from vidkit import apis
from vidkit.data import RepurposedVideo, read_repurpose10k
from vidkit.evaluation import repurposing_metrics
from vidkit.seeds import derived_seed
from vidkit.tasks.repurposing.baselines import loudest_clips, random_clips, uniform_clips

CONFIG = "repurposing/mmct_repurpose10k"
DIM = 32
FOLDERS = {"visual": "clip", "audio": "pann", "text": "minilm"}
SHOWN = {"visual": 0.8, "audio": 0.75, "text": 0.85}  # chance that a modality shows a clip
DECOYS = {"visual": 0.4, "audio": 0.5, "text": 0.3}  # false clips for each true one
STRENGTH = 0.8  # of the planted vectors, against noise of 1 in each of the channels
CLIP_SECONDS = 2.0  # of the features; half the benchmark's rate, for a quarter of its attention
FAR_SECONDS = 20.0  # from a border, where the vector that tells its distance has the strength of 1

SMALL = [
    *(f"model.{modality}_encoder.dim={DIM}" for modality in FOLDERS),
    *("model.dim=64", "model.num_heads=4", "model.feedforward_dim=256", "model.recompute=False"),
    *("model.num_self_layers=1", "model.num_caption_layers=1", "model.num_fusion_layers=1"),
    *("optim_wrapper.optimizer.lr=1e-3", "train_dataloader.batch_size=8"),
    *("default_hooks.checkpoint.max_keep_ckpts=1", f"model.clip_seconds={CLIP_SECONDS}"),
    *(f"{split}_dataloader.dataset.clip_seconds={CLIP_SECONDS}" for split in ("train", "val", "test")),
    *(f"{split}_dataloader.num_workers=0" for split in ("train", "val", "test")),
]
WITHOUT_GUIDER = ["model.guider=None", "model.loss.unimodal=0.0", "model.loss.alignment=0.0"]
METHODS: dict[str, list[str]] = {
    "MMCT": [],
    "MMCT without guider": WITHOUT_GUIDER,
    "visual alone": [*WITHOUT_GUIDER, "model.audio_encoder=None", "model.text_encoder=None"],
    "audio alone": [*WITHOUT_GUIDER, "model.visual_encoder=None", "model.text_encoder=None"],
    "captions alone": [*WITHOUT_GUIDER, "model.visual_encoder=None", "model.audio_encoder=None"],
}


def main() -> None:
    """Plant, train, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("annotations", type=Path, help="a released json of Repurpose-10K")
    parser.add_argument("--seeds", type=int, nargs="+", default=[2002, 2003, 2004])
    parser.add_argument("--train", type=int, default=320, help="videos to train on")
    parser.add_argument("--test", type=int, default=60, help="videos to report on")
    parser.add_argument("--max-seconds", type=float, default=1800.0, help="longer videos are left out")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--out", type=Path, default=Path("planted"))
    arguments = parser.parse_args()
    columns: dict[str, list[float]] = defaultdict(list)
    for seed in arguments.seeds:
        rows = results_of(
            arguments.annotations,
            arguments.out / str(seed),
            seed=seed,
            num_train=arguments.train,
            num_test=arguments.test,
            max_seconds=arguments.max_seconds,
            epochs=arguments.epochs,
            methods=arguments.methods,
        )
        for name, value in rows.items():
            columns[name].append(value)
            print(f"seed {seed}\t{name}\t{value:.4f}", flush=True)
    print("| method | mean tIoU precision, mean over seeds | smallest to largest |\n|---|---|---|")
    for name, values in columns.items():
        print(f"| {name} | {np.mean(values):.4f} | {min(values):.4f} to {max(values):.4f} |")


def results_of(
    annotations: Path,
    folder: Path,
    *,
    seed: int,
    num_train: int,
    num_test: int,
    max_seconds: float,
    epochs: int,
    methods: list[str],
) -> dict[str, float]:
    """Return the average tIoU precision on the test videos of every method, for one planting."""
    train, val, test = _split(annotations, seed, num_train, num_test, max_seconds)
    data = folder / "repurpose10k"
    for name, part in (("train", train), ("val", val), ("test", test)):
        _write_annotations(data / f"{name}.json", part)
    for video in (*train, *val, *test):
        _plant(data / "features", video, seed)
    rows = _baselines(data, test, seed)
    os.environ["VIDKIT_DATA"] = str(folder.resolve())
    options = [*SMALL, f"train_cfg.max_epochs={epochs}", f"train_cfg.val_interval={epochs}"]
    options += ["param_scheduler.0.end=1", "param_scheduler.1.begin=1"]
    for name in methods:
        changes = [*options, *METHODS[name], f"randomness.seed={seed}"]
        work = folder / name.replace(" ", "_")
        checkpoint = apis.train(CONFIG, work_dir=work, resume=True, options=changes, quiet=True)
        metrics, _ = apis.test(CONFIG, checkpoint, options=changes, quiet=True)
        rows[name] = metrics["average"]
    return rows


def _split(
    annotations: Path, seed: int, num_train: int, num_test: int, max_seconds: float
) -> tuple[list[RepurposedVideo], list[RepurposedVideo], list[RepurposedVideo]]:
    """Return different videos, from their beginning, to train, select and report on."""
    whole = {
        video.video_id: video
        for video in read_repurpose10k(annotations)
        if video.start_seconds == 0 and video.duration_seconds <= max_seconds
    }
    order = np.random.default_rng(derived_seed(seed, "split")).permutation(sorted(whole))
    num_val = max(4, num_test // 4)
    if len(order) < num_train + num_val + num_test:
        raise SystemExit(
            f"{annotations} has {len(order)} videos of up to {max_seconds:.0f} s, fewer than "
            f"{num_train} + {num_val} + {num_test}; ask for fewer"
        )
    videos = [whole[video_id] for video_id in order]
    test_from = num_train + num_val
    return videos[:num_train], videos[num_train:test_from], videos[test_from : test_from + num_test]


def _write_annotations(path: Path, videos: list[RepurposedVideo]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for video in videos:
        time_range, segments = [0.0, video.duration_seconds], video.segments.tolist()
        rows.append(
            {
                "youtube_id": video.video_id,
                "timeRange": time_range,
                "segments": segments,
                "timeRangeOffset": time_range,
                "segmentsOffset": segments,
            }
        )
    path.write_text(json.dumps(rows), encoding="utf-8")


def _plant(root: Path, video: RepurposedVideo, seed: int) -> None:
    """Write the features of a video: noise, and in the clips that a modality shows three vectors of its own.

    One says that there is a clip, the others how far its beginning and its end are.
    """
    assert video.duration_seconds is not None
    middles = (np.arange(int(np.ceil(video.duration_seconds / CLIP_SECONDS))) + 0.5) * CLIP_SECONDS
    for modality, name in FOLDERS.items():
        random = np.random.default_rng(derived_seed(seed, video.video_id, modality))
        vectors = np.random.default_rng(derived_seed(seed, modality)).standard_normal((3, DIM))
        shown = [clip for clip in video.segments if random.random() < SHOWN[modality]]
        for _ in range(random.poisson(DECOYS[modality] * len(video.segments))):
            start = random.uniform(0, video.duration_seconds)
            shown.append(np.array([start, start + random.uniform(15, 65)]))
        said = np.zeros((len(middles), 3))
        for start, end in shown:
            inside = (middles >= start) & (middles < end)
            said[inside, 0] = 1.0
            said[inside, 1] = (middles[inside] - start) / FAR_SECONDS
            said[inside, 2] = (end - middles[inside]) / FAR_SECONDS
        rows = random.standard_normal((len(middles), DIM)) + STRENGTH * said @ vectors
        path = root / name / f"{video.video_id}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, rows.astype(np.float32))


def _baselines(data: Path, videos: list[RepurposedVideo], seed: int) -> dict[str, float]:
    rows: dict[str, list[Any]] = {"random clips": [], "uniform clips": [], "loudest clips": []}
    for video in videos:
        assert video.duration_seconds is not None
        duration = video.duration_seconds
        sound = np.load(data / "features" / FOLDERS["audio"] / f"{video.video_id}.npy")
        rows["random clips"].append(random_clips(duration, video_id=video.video_id, seed=seed))
        rows["uniform clips"].append(uniform_clips(duration))
        rows["loudest clips"].append(loudest_clips(sound.mean(axis=1), clip_seconds=CLIP_SECONDS))
    return {
        name: repurposing_metrics(list(zip(predictions, videos)))["average"]
        for name, predictions in rows.items()
    }


if __name__ == "__main__":
    main()
