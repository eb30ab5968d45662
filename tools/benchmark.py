"""Time and peak memory of what vidkit promises, each beside the plain ways of doing it, in the same run.

Run: python tools/benchmark.py [CASE ...] [--repeats 3]
Every measurement is a process of its own. Prints medians; the first way of a case is ours, and ratios above 1
say how much faster it is. "in the model" is the share of the time in which the encoder's network ran.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import benchmark_cases
from benchmark_cases import CASES as FILM_CASES
from benchmark_cases import clock, cpu_seconds, mebibytes, start_clock
from benchmark_films import FILM_SIZE, FILMS, make_film
from benchmark_moments import CASES as MOMENT_CASES
from benchmark_repurposing import CASES as REPURPOSING_CASES
from benchmark_search import CASES as SEARCH_CASES
from benchmark_short_videos import CASES as SHORT_VIDEO_CASES

CASES = {**FILM_CASES, **MOMENT_CASES, **REPURPOSING_CASES, **SEARCH_CASES, **SHORT_VIDEO_CASES}
_NEEDS = {"torchcodec": "torchcodec", "decord": "decord", "scikit_learn": "sklearn"}


def main() -> None:
    """Measure the cases and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*", help=f"of {', '.join(CASES)}; all by default")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the films are kept between runs")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        _measure_here(arguments.one, arguments.folder)
        return
    if unknown := [name for name in arguments.cases if name not in CASES]:
        parser.error(f"unknown case {unknown[0]!r}; known: {', '.join(CASES)}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        cases = arguments.cases or list(CASES)
        for name in _films(cases):
            if not (folder / f"{name}.mp4").exists():
                print(f"writing {FILMS[name]} s of {FILM_SIZE[0]}x{FILM_SIZE[1]} ...", file=sys.stderr)
                make_film(folder / f"{name}.mp4", FILMS[name])
        print("| case | way | seconds | times | CPU seconds | times | peak MiB | in the model |")
        print("|---|---|---|---|---|---|---|---|")
        for name in cases:
            _print_case(name, folder, arguments.repeats)


def _films(cases: list[str]) -> tuple[str, ...]:
    """Return the films that the cases need."""
    if not any(name in FILM_CASES for name in cases):
        return ()
    return tuple(FILMS) if "long" in cases else ("short", "film")


def _print_case(name: str, folder: Path, repeats: int) -> None:
    ours: dict[str, float] | None = None
    for way in CASES[name]:
        if any(
            mark in way.__name__ and importlib.util.find_spec(module) is None
            for mark, module in _NEEDS.items()
        ):
            print(f"| {name} | {way.__name__} | not installed | | | | | |")
            continue
        if hasattr(way, "why_not"):
            print(f"| {name} | {way.__name__} | {way.why_not} | | | | | |")
            continue
        row = _measure(way.__name__, folder, repeats)
        ours = ours or row
        times = [
            f"{row[key] / ours[key]:.2f}" if row is not ours else "" for key in ("seconds", "cpu_seconds")
        ]
        share = f"{row['model_seconds'] / row['seconds']:.0%}" if row["model_seconds"] else ""
        growth = f" (+{row['growth']:.0f})" if row["growth"] else ""
        print(
            f"| {name} | {way.__name__} | {_rounded(row['seconds'])} | {times[0]} | "
            f"{_rounded(row['cpu_seconds'])} | {times[1]} | {row['mebibytes']:.0f}{growth} | {share} |",
            flush=True,
        )


def _rounded(seconds: float) -> str:
    return f"{seconds:.1f}" if seconds >= 1 else f"{seconds:.4f}"


def _measure(function: str, folder: Path, repeats: int) -> dict[str, float]:
    """Return the medians of several processes, and the largest peak of their memory."""
    rows = []
    for _ in range(repeats):
        command = [sys.executable, "-W", "ignore", __file__, "--one", function, "--folder", str(folder)]
        process = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows.append(json.loads(process.stdout.splitlines()[-1]))
    medians = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
    return {**medians, "mebibytes": max(row["mebibytes"] for row in rows)}


def _measure_here(function: str, folder: Path) -> None:
    start_clock()
    next(way for ways in CASES.values() for way in ways if way.__name__ == function)(folder)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    peak = mebibytes("VmHWM")  # ru_maxrss counts that of the parent before the start
    row = {
        "seconds": (time.perf_counter() - clock["seconds"]) / clock["steps"],
        "cpu_seconds": (cpu_seconds() - clock["cpu_seconds"]) / clock["steps"],
        "mebibytes": max(peak, children),
        "growth": peak - clock["mebibytes"] if "mebibytes" in clock else 0.0,
        "model_seconds": benchmark_cases.model_seconds[0],
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
