"""Topic recognition on synthetic sets of seeds that nothing was developed on, from the video files.

Run: python tools/topic_results.py --seeds 6001 6002 6003 --out results
Writes the videos, trains ``topic_recognition/mmf_net_synthetic`` on the training videos, takes the checkpoint
that is best on the validation videos, and prints the mean class accuracy of the test videos: of each branch,
fused with the weights of the paper and with weights fitted to the validation videos, and of linear probes on
mean pixels.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from vidkit import apis
from vidkit.data import ShortVideos
from vidkit.data.clip_sampling import SegmentMiddleFrames
from vidkit.data.crops import WholeFrames
from vidkit.data.synth import generate
from vidkit.encoders import PixelVisual
from vidkit.engine import load_config
from vidkit.evaluation import mean_class_accuracy

CONFIG = "topic_recognition/mmf_net_synthetic"
BRANCHES = ("visual", "audio", "text")
FITTED = "fused, weights fitted on val"
PROBES = {"linear probe on the mean colour": (1, 1), "linear probe on the mean thumbnail": (12, 16)}
RIDGES = tuple(10.0**power for power in range(-3, 5))


def main() -> None:
    """Make the sets, train, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[6001, 6002, 6003])
    parser.add_argument("--videos", type=int, default=96)
    parser.add_argument("--seconds", type=float, default=6.0, help="length of each")
    parser.add_argument("--out", type=Path, default=Path("results"))
    arguments = parser.parse_args()
    columns: dict[str, list[float]] = defaultdict(list)
    for seed in arguments.seeds:
        rows = results_of(seed, arguments.videos, arguments.seconds, arguments.out / str(seed))
        for name, value in rows.items():
            print(f"seed {seed}\t{name}\t{value:.3f}", flush=True)
            columns[name].append(value)
    print("| method | mca, mean over seeds | smallest to largest |\n|---|---|---|")
    for name, values in columns.items():
        print(f"| {name} | {np.mean(values):.3f} | {min(values):.3f} to {max(values):.3f} |")


def results_of(seed: int, num_videos: int, seconds: float, folder: Path) -> dict[str, float]:
    """Return the mean class accuracy of every method on the test videos of one synthetic set."""
    data = folder / "synthetic"
    generate(data, num_videos=num_videos, seconds=seconds, seed=seed)
    os.environ["VIDKIT_DATA"] = str(folder.resolve())
    work = folder / "training"
    started = time.perf_counter()
    apis.train(CONFIG, work_dir=work, resume=True, quiet=True)
    print(f"seed {seed}\ttraining\t{time.perf_counter() - started:.0f} s", flush=True)
    metrics, _ = apis.test(CONFIG, work / "best.pth", quiet=True)
    rows = {f"{name} branch": metrics[f"{name}/mca"] for name in BRANCHES}
    rows["fused, weights 1, 0.5, 0.5"] = metrics["mca"]
    rows[FITTED] = _fitted(work / "best.pth", folder / "fitted")
    return {**rows, **{name: _probe(data, size) for name, size in PROBES.items()}}


def _fitted(checkpoint: Path, work: Path) -> float:
    """Return the accuracy of the trained branches with weights that suit the validation videos."""
    config = load_config(CONFIG)
    config.model = dict(
        type="FittedMMFNet",
        branches={
            name: {**config.model.branches[name], "weights": f"{checkpoint}#branches.{name}."}
            for name in BRANCHES
        },
    )
    config.train_dataloader = {**config.val_dataloader, "sampler": dict(type="DefaultSampler", shuffle=False)}
    config.train_cfg = dict(type="FitLoop")
    config.param_scheduler = None
    config.optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="SGD", lr=0.0))
    last = apis.train(config, work_dir=work, resume=True, quiet=True)
    return apis.test(config, last, quiet=True)[0]["mca"]


def _probe(data: Path, size: tuple[int, int]) -> float:
    """Return the accuracy of ridge regression on pixels averaged over time; the ridge is chosen on val."""
    x, y = {}, {}
    encoder = PixelVisual(size=size)
    for split in ("train", "val", "test"):
        videos = ShortVideos(
            annotations=data / "annotations" / f"usv_{split}.jsonl",
            root=data,
            topics="synthetic",
            encoders={"visual": encoder},
            frames=SegmentMiddleFrames(8),
            crop=WholeFrames(),
            short_side=72,
        )
        samples = [videos[place] for place in range(len(videos))]
        with torch.no_grad():
            rows = [encoder(sample["inputs"]["visual"])[0].numpy() for sample in samples]
        x[split] = np.stack(rows).astype(np.float64)
        y[split] = np.array([sample["data_samples"].label_index for sample in samples])
    mean, spread = x["train"].mean(axis=0), x["train"].std(axis=0) + 1e-6
    design = {split: np.c_[(rows - mean) / spread, np.ones(len(rows))] for split, rows in x.items()}
    targets = np.eye(y["train"].max() + 1)[y["train"]]
    best, chosen = -1.0, 0.0
    for ridge in RIDGES:
        weights = _ridge(design["train"], targets, ridge)
        accuracy = {
            split: mean_class_accuracy((design[split] @ weights).argmax(axis=1), y[split])
            for split in ("val", "test")
        }
        if accuracy["val"] > best:
            best, chosen = accuracy["val"], accuracy["test"]
    return chosen


def _ridge(design: np.ndarray, targets: np.ndarray, ridge: float) -> np.ndarray:
    penalty = ridge * np.eye(design.shape[1])
    return np.linalg.solve(design.T @ design + penalty, design.T @ targets)


if __name__ == "__main__":
    main()
