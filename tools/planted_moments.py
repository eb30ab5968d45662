"""Moment retrieval on features in which the annotations of QVHighlights are planted: what learns, how much.

Run: python tools/planted_moments.py $VIDKIT_TEST_DATA/qvhighlights/highlight_val_release.jsonl
The annotations are real; the features are noise. The two rarest words of a query point into one of a few
directions each, the clips of its moments into the mean of them, the stronger the more they stand out; two
more directions tell how far the beginning and the end are. Other stretches of a video show the words of other
queries in the same way, so that moments can be found by the query alone. Trains small models on the queries
of most of the videos, reports those of other videos, mean and spread over seeds, beside guesses.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
from collections import Counter, defaultdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from vidkit import apis
from vidkit.engine import load_config
from vidkit.files import read_json_lines, write_json_lines
from vidkit.seeds import derived_seed
from vidkit.sweeps import baseline_metrics

DIM = 32
NUM_DIRECTIONS = 24
NUM_TELLING = 2  # words of a query, its rarest in the file, that point somewhere
CLIP_SECONDS = 2.0
STRENGTH = {"visual": 10.0, "audio": 5.0}  # length of what a clip shows, against noise of 1 in each channel
WORD_STRENGTH = 8.0
BORDER_STRENGTH = 4.0  # of the two directions that tell how far the borders of a stretch are
NUM_DECOYS = 1.0  # stretches of other queries in a video, on average
SHOWN = ("MR-full-R1@0.5", "MR-full-mAP", "HL-min-Fair-Hit1", "HL-min-VeryGood-Hit1")

_ENCODERS = {"visual": DIM, "audio": DIM, "text": DIM}
SMALL = [
    *(f"model.{name}_encoder=None" for name in _ENCODERS),  # whatever stands in the config
    *(
        f"model.{name}_encoder=dict(type='Precomputed', dim={dim}, modality='{name}', name='{name}')"
        for name, dim in _ENCODERS.items()
    ),
    *("model.dim=64", "model.num_heads=4", "model.dropout=0.0", "model.input_dropout=0.1"),
    *(f"{split}_dataloader.num_workers=0" for split in ("train", "val", "test")),
    "default_hooks.checkpoint.max_keep_ckpts=1",
]
_DETR = [
    *("model.audio_encoder=None", "model.feedforward_dim=256", "model.round_to_clips=True"),
    "optim_wrapper.optimizer.lr=1e-3",
]
_UMT = ["model.word_dropout=0.1", "model.num_decoder_layers=1", "model.num_moments=10"]
METHODS: dict[str, tuple[str, list[str]]] = {
    "UMT": ("umt", _UMT),
    "VisionaryVids": ("visionary_vids", [*_UMT, "optim_wrapper.optimizer.lr=2e-4"]),
    "Moment-DETR": ("moment_detr", _DETR),
    "QD-DETR": ("qd_detr", _DETR),
}
EPOCHS = {"UMT": 50, "VisionaryVids": 50, "Moment-DETR": 40, "QD-DETR": 40}

Row = dict[str, Any]


def main() -> None:
    """Plant, train, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("annotations", type=Path, help="a released jsonl of QVHighlights, with ground truth")
    parser.add_argument("--seeds", type=int, nargs="+", default=[5001, 5002, 5003])
    parser.add_argument("--test", type=int, default=300, help="videos to report on")
    parser.add_argument("--val", type=int, default=100, help="videos to select on; the rest trains")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--epochs", type=int, help="of every method, instead of its own")
    parser.add_argument("--out", type=Path, default=Path("planted_moments"))
    arguments = parser.parse_args()
    columns: dict[tuple[str, str], list[float]] = defaultdict(list)
    for seed in arguments.seeds:
        rows = results_of(
            arguments.annotations,
            arguments.out / str(seed),
            seed=seed,
            num_val=arguments.val,
            num_test=arguments.test,
            methods=arguments.methods,
            epochs=arguments.epochs,
        )
        for name, metrics in rows.items():
            told = "\t".join(f"{key} {metrics[key]:.2f}" for key in SHOWN)
            print(f"seed {seed}\t{name}\t{told}", flush=True)
            for key in SHOWN:
                columns[name, key].append(metrics[key])
    print("| method | R1@0.5 | mAP | HIT@1, Fair | HIT@1, Very Good |\n|---|---|---|---|---|")
    for name in dict.fromkeys(name for name, _ in columns):
        told = " | ".join(_told(columns[name, key]) for key in SHOWN)
        print(f"| {name} | {told} |")


def results_of(
    annotations: Path,
    folder: Path,
    *,
    seed: int,
    num_val: int,
    num_test: int,
    methods: list[str],
    epochs: int | None = None,
) -> dict[str, dict[str, float]]:
    """Return the metrics on the test queries of every method, for one planting; best on val is tested."""
    data = folder / "qvhighlights"
    rows = read_json_lines(annotations)
    splits = split_by_video(rows, seed=seed, num_val=num_val, num_test=num_test)
    names = {
        "train": "highlight_train_release",
        "val": "highlight_val_release",
        "test": "highlight_test_with_gt",
    }
    for split, part in splits.items():
        write_json_lines(data / f"{names[split]}.jsonl", part)
    plant(data / "features", rows, seed=seed)
    os.environ["VIDKIT_DATA"] = str(folder.resolve())
    results: dict[str, dict[str, float]] = {}
    for name in methods:
        config, changes = METHODS[name]
        count = epochs or EPOCHS[name]
        settings = load_config(
            f"moment_retrieval/{config}_qvhighlights",
            [
                *SMALL,
                *changes,
                f"randomness.seed={seed}",
                f"train_cfg.max_epochs={count}",
                f"train_cfg.val_interval={max(1, count // 6)}",
                f"param_scheduler=[dict(type='CosineAnnealingLR', by_epoch=True, end={count}, "
                "convert_to_iter_based=True)]",
            ],
        )
        work = folder / config
        apis.train(settings, work_dir=work, resume=True, quiet=True)
        results[name], _ = apis.test(settings, work / "best.pth", quiet=True)
    for name, metrics in baseline_metrics(settings, [seed]).items():
        results[name] = metrics[0]
    return results


def split_by_video(rows: list[Row], *, seed: int, num_val: int, num_test: int) -> dict[str, list[Row]]:
    """Return the queries to train, select and report on; no video is in two of them."""
    videos = np.random.default_rng(derived_seed(seed, "split")).permutation(
        sorted({row["vid"] for row in rows})
    )
    if len(videos) <= num_val + num_test:
        raise SystemExit(
            f"{len(videos)} videos are not enough for {num_val} + {num_test} and some to train on"
        )
    split_of = dict.fromkeys(videos, "train")
    split_of.update(dict.fromkeys(videos[:num_val], "val"))
    split_of.update(dict.fromkeys(videos[num_val : num_val + num_test], "test"))
    return {name: [row for row in rows if split_of[row["vid"]] == name] for name in ("train", "val", "test")}


def plant(root: Path, rows: list[Row], *, seed: int) -> None:
    """Write the features of all videos, and the words of all queries."""
    counts = Counter(word for row in rows for word in _words(row))
    queries_of: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        queries_of[row["vid"]].append(row)
        random = np.random.default_rng(derived_seed(seed, "words", row["qid"]))
        words, telling = _words(row), _telling(row, counts)
        vectors = random.standard_normal((len(words), DIM))
        for place, word in enumerate(words):
            if word in telling:
                vectors[place] += WORD_STRENGTH * _direction(word, seed, "text")
        _save(root / "text" / f"qid{row['qid']}.npy", vectors)
    for video, queries in queries_of.items():
        num_clips = int(queries[0]["duration"] / CLIP_SECONDS)
        random = np.random.default_rng(derived_seed(seed, "video", video))
        shown = [(query, _strengths(query, num_clips)) for query in queries]
        stretches = [window for query in queries for window in query["relevant_windows"]]
        taken = np.max([strengths for _, strengths in shown], axis=0)
        for _ in range(random.poisson(NUM_DECOYS)):
            start, length = int(random.integers(num_clips)), int(random.integers(3, 16))
            stop = min(start + length, num_clips)
            if not taken[start:stop].any():
                strengths = np.zeros(num_clips)
                strengths[start:stop] = random.uniform(0.5, 1.5, stop - start)
                shown.append((rows[random.integers(len(rows))], strengths))
                stretches.append([start * CLIP_SECONDS, stop * CLIP_SECONDS])
                taken = np.maximum(taken, strengths)
        borders = _borders(stretches, num_clips)
        for name, strength in STRENGTH.items():
            vectors = random.standard_normal((num_clips, DIM))
            for query, strengths in shown:
                direction = _meaning(query, counts, seed, name)
                vectors += strength * strengths[:, None] * direction
            vectors += BORDER_STRENGTH * borders @ _basis(seed, name)[NUM_DIRECTIONS : NUM_DIRECTIONS + 2]
            _save(root / name / f"{video}.npy", vectors)


def _words(row: Row) -> list[str]:
    return re.findall(r"\w+", row["query"].lower()) or ["nothing"]


def _direction(word: str, seed: int, modality: str) -> np.ndarray:
    """Return the vector of length 1 of a word; words of one group share it."""
    group = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest(), "big") % NUM_DIRECTIONS
    return _basis(seed, modality)[group]


@lru_cache
def _basis(seed: int, modality: str) -> np.ndarray:
    """Return random vectors of length 1 at right angles, (DIM, DIM): of words, of borders, and others."""
    random = np.random.default_rng(derived_seed(seed, modality))
    return np.asarray(np.linalg.qr(random.standard_normal((DIM, DIM)))[0])


def _telling(row: Row, counts: Counter[str]) -> set[str]:
    """Return the words that tell a query from others: its rarest."""
    return set(sorted(set(_words(row)), key=lambda word: (counts[word], word))[:NUM_TELLING])


def _meaning(row: Row, counts: Counter[str], seed: int, modality: str) -> np.ndarray:
    """Return the mean of the telling words of a query, of length 1."""
    mean = np.mean([_direction(word, seed, modality) for word in sorted(_telling(row, counts))], axis=0)
    return np.asarray(mean / np.linalg.norm(mean))


def _strengths(row: Row, num_clips: int) -> np.ndarray:
    """Return how strongly every clip shows a query, (T,): 0.5 in its moments, 1.5 where all judge it best."""
    strengths = np.zeros(num_clips)
    for clip, scores in zip(row["relevant_clip_ids"], row["saliency_scores"], strict=True):
        strengths[clip] = 0.5 + (np.mean(scores) + np.max(scores)) / 8
    return strengths


def _borders(stretches: list[list[float]], num_clips: int) -> np.ndarray:
    """Return how far the beginning and the end of its stretch are from a clip, (T, 2), growing slowly."""
    middles = (np.arange(num_clips) + 0.5) * CLIP_SECONDS
    borders = np.zeros((num_clips, 2))
    for start, end in stretches:
        inside = (middles >= start) & (middles < end)
        distances = np.stack([middles - start, end - middles], axis=1)[inside]
        borders[inside] = np.log1p(distances / CLIP_SECONDS)
    return borders


def _save(path: Path, vectors: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, vectors.astype(np.float32))


def _told(values: list[float]) -> str:
    return f"{np.mean(values):.1f} ({min(values):.1f} to {max(values):.1f})"


if __name__ == "__main__":
    main()
