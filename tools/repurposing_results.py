"""Repurposing on synthetic sets of seeds that nothing was developed on, from the files to the clips.

Run: python tools/repurposing_results.py --seeds 3001 3002 3003 --out results
Writes the videos, extracts their features, trains ``repurposing/mmct_synthetic`` on the training videos,
takes the checkpoint that is best on the validation videos, and prints the tIoU precision of the test videos
beside that of clips that need no model and have the mean length of the clips to train on.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from pathlib import Path

import numpy as np

from vidkit import apis
from vidkit.data import read_repurpose10k
from vidkit.data.synth import generate
from vidkit.engine import load_config
from vidkit.evaluation import repurposing_metrics
from vidkit.features import extract, find_videos
from vidkit.tasks.repurposing.baselines import random_clips, uniform_clips

CONFIG = "repurposing/mmct_synthetic"
SHOWN = ("tIoU@0.5", "average")
NUM_RANDOM = 20  # draws of random clips


def main() -> None:
    """Make the sets, train, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[3001, 3002, 3003])
    parser.add_argument("--videos", type=int, default=96)
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each")
    parser.add_argument("--out", type=Path, default=Path("results"))
    arguments = parser.parse_args()
    columns: dict[tuple[str, str], list[float]] = defaultdict(list)
    for seed in arguments.seeds:
        rows = results_of(seed, arguments.videos, arguments.seconds, arguments.out / str(seed))
        for name, metrics in rows.items():
            told = "\t".join(f"{key} {metrics[key]:.3f}" for key in SHOWN)
            print(f"seed {seed}\t{name}\t{told}", flush=True)
            for key in SHOWN:
                columns[name, key].append(metrics[key])
    print("| method | metric | mean over seeds | smallest to largest |\n|---|---|---|---|")
    for (name, key), values in columns.items():
        print(f"| {name} | {key} | {np.mean(values):.3f} | {min(values):.3f} to {max(values):.3f} |")


def results_of(seed: int, num_videos: int, seconds: float, folder: Path) -> dict[str, dict[str, float]]:
    """Return the metrics of every method on the test videos of one synthetic set."""
    data = folder / "synthetic"
    generate(data, num_videos=num_videos, seconds=seconds, seed=seed)
    os.environ["VIDKIT_DATA"] = str(folder.resolve())
    config = load_config(CONFIG)
    report = extract(
        find_videos([data / "videos"]),
        encoders=apis.encoders_of(config),
        out=config.train_dataloader.dataset.features,
        clip_seconds=config.model.clip_seconds,
    )
    assert not report.failed, report.failed
    work = folder / "training"
    apis.train(config, work_dir=work, resume=True, quiet=True)
    rows = {"MMCT": apis.test(config, work / "best.pth", quiet=True)[0]}
    train, test = (
        read_repurpose10k(data / "annotations" / f"repurpose10k_{split}.json") for split in ("train", "test")
    )
    length = float(np.mean(np.concatenate([np.diff(video.segments)[:, 0] for video in train])))
    uniform = [(uniform_clips(seconds, length_seconds=length), video) for video in test]
    rows["uniform clips"] = _numbers(repurposing_metrics(uniform))
    draws = [
        repurposing_metrics(
            [
                (random_clips(seconds, video_id=video.video_id, seed=draw, length_seconds=length), video)
                for video in test
            ]
        )
        for draw in range(NUM_RANDOM)
    ]
    rows["random clips"] = {key: float(np.mean([_numbers(draw)[key] for draw in draws])) for key in SHOWN}
    return rows


def _numbers(metrics: dict[str, float | dict[str, dict[str, float]]]) -> dict[str, float]:
    return {key: value for key, value in metrics.items() if isinstance(value, float)}


if __name__ == "__main__":
    main()
