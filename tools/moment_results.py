"""Moment retrieval on synthetic sets of seeds that nothing was developed on, from the files to the moments.

Run: python tools/moment_results.py --seeds 4001 4002 4003 --out results
Writes the videos, extracts their features, trains the four ``moment_retrieval/*_synthetic`` on the queries of
the training videos, takes the checkpoint that is best on the validation videos, and prints what it finds in
the test videos beside guesses without a model. A set and a model that are finished are not made again.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vidkit import apis
from vidkit.data.synth import generate
from vidkit.engine import load_config
from vidkit.features import extract, find_videos
from vidkit.files import read_json, write_json
from vidkit.sweeps import baseline_metrics

METHODS = {
    "UMT": "umt_synthetic",
    "VisionaryVids": "visionary_vids_synthetic",
    "Moment-DETR": "moment_detr_synthetic",
    "QD-DETR": "qd_detr_synthetic",
}
SHOWN = {"MR-full-R1@0.5": "R1@0.5", "MR-full-mAP": "mAP", "HL-min-Fair-Hit1": "HIT@1"}
FPS = 5  # a clip of 2 s is told from one picture
NUM_RANDOM = 20  # draws of random moments


def main() -> None:
    """Make the sets, train, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[4001, 4002, 4003])
    parser.add_argument("--videos", type=int, default=1500)
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--out", type=Path, default=Path("results"))
    arguments = parser.parse_args()
    columns: dict[tuple[str, str], list[float]] = defaultdict(list)
    for seed in arguments.seeds:
        folder = arguments.out / str(seed)
        make_set(seed, arguments.videos, arguments.seconds, folder)
        for name, metrics in results_of(folder, arguments.methods).items():
            told = "\t".join(f"{short} {metrics[key]:.1f}" for key, short in SHOWN.items())
            print(f"seed {seed}\t{name}\t{told}", flush=True)
            for key in SHOWN:
                columns[name, key].append(metrics[key])
    print(f"| method | {' | '.join(SHOWN.values())} |\n|---|{'---|' * len(SHOWN)}")
    for name in dict.fromkeys(name for name, _ in columns):
        cells = (columns[name, key] for key in SHOWN)
        told = " | ".join(f"{np.mean(cell):.1f} ({min(cell):.1f} to {max(cell):.1f})" for cell in cells)
        print(f"| {name} | {told} |")


def make_set(seed: int, num_videos: int, seconds: float, folder: Path) -> None:
    """Write the videos of a seed, and the features that the configs read."""
    data = folder / "synthetic"
    generate(data, num_videos=num_videos, seconds=seconds, seed=seed, width=160, height=90, fps=FPS)
    os.environ["VIDKIT_DATA"] = str(folder.resolve())
    for name in METHODS.values():
        config = load_config(f"moment_retrieval/{name}")
        report = extract(
            find_videos([data / "videos"]),
            encoders=apis.encoders_of(config),
            out=config.train_dataloader.dataset.features,
            clip_seconds=config.model.clip_seconds,
        )
        assert not report.failed, report.failed


def results_of(folder: Path, methods: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return the metrics of every method and guess on the test videos of one synthetic set."""
    rows = {}
    for method in methods:
        config = load_config(f"moment_retrieval/{METHODS[method]}")
        work = folder / METHODS[method]
        done = work / "metrics.json"
        if not done.is_file():
            apis.train(config, work_dir=work, resume=True, quiet=True)
            write_json(done, apis.test(config, work / "best.pth", quiet=True)[0])
        rows[method] = read_json(done)
    guesses = baseline_metrics(config, range(NUM_RANDOM))
    for name, draws in guesses.items():
        rows[name] = {key: float(np.mean([draw[key] for draw in draws])) for key in SHOWN}
    return rows


if __name__ == "__main__":
    main()
