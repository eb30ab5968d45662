"""Two tasks on one encoder against the same two trained apart, on synthetic sets, from the video files.

Run: python tools/multi_task_results.py --seeds 6201 6202 6203 --out results
Writes the videos and trains ``multi_task/topics_retrieval_synthetic`` three times for each seed: with both
losses, and with one of them weighted 0, which trains the other task alone, on the same data in the same steps
from the same random weights. Prints what the last checkpoint reaches on the test videos.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from pathlib import Path

import numpy as np

from vidkit import apis
from vidkit.data.synth import generate

CONFIG = "multi_task/topics_retrieval_synthetic"
WAYS = {"together": (1.0, 1.0), "topics alone": (1.0, 0.0), "retrieval alone": (0.0, 1.0)}
METRICS = {
    "topics/mca": ("together", "topics alone"),
    "retrieval/video_to_title/R@1": ("together", "retrieval alone"),
    "retrieval/title_to_video/R@1": ("together", "retrieval alone"),
    "retrieval/zero_shot/mca": ("together", "retrieval alone"),
}


def main() -> None:
    """Make the sets, train, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[6201, 6202, 6203])
    parser.add_argument("--videos", type=int, default=96)
    parser.add_argument("--seconds", type=float, default=6.0, help="length of each")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("results"))
    arguments = parser.parse_args()
    reached: dict[tuple[str, str], list[float]] = defaultdict(list)
    for seed in arguments.seeds:
        folder = arguments.out / str(seed)
        generate(folder / "synthetic", num_videos=arguments.videos, seconds=arguments.seconds, seed=seed)
        os.environ["VIDKIT_DATA"] = str(folder)
        for way in WAYS:
            values = results_of(way, seed, arguments.epochs, folder)
            for metric, ways in METRICS.items():
                if way in ways:
                    reached[metric, way].append(values[metric])
                    print(f"seed {seed}\t{way}\t{metric}\t{values[metric]:.3f}", flush=True)
    print("| metric | way | mean over seeds | smallest to largest |\n|---|---|---|---|")
    for (metric, way), values in sorted(reached.items()):
        print(f"| {metric} | {way} | {np.mean(values):.3f} | {min(values):.3f} to {max(values):.3f} |")


def results_of(way: str, seed: int, num_epochs: int, folder: Path) -> dict[str, float]:
    """Return the metrics of the test videos after training one way."""
    topics, retrieval = WAYS[way]
    options = [
        f"model.weights.topics={topics}",
        f"model.weights.retrieval={retrieval}",
        f"randomness.seed={seed}",
        f"train_cfg.max_epochs={num_epochs}",
        f"train_cfg.val_interval={num_epochs}",
    ]
    work_dir = folder / way.replace(" ", "_")
    checkpoint = apis.train(CONFIG, work_dir=work_dir, options=options, quiet=True)
    metrics, _ = apis.test(CONFIG, checkpoint, options=options, quiet=True)
    return metrics


if __name__ == "__main__":
    main()
