"""Time and peak memory of what vidkit promises, each beside the plain way of doing it, in the same run.

Run: python tools/benchmark.py [CASE ...] [--repeats 3]
Every measurement is a process of its own. Prints medians; "plain" is the straightforward way.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

FILM_SECONDS = 600
PIECE_SECONDS = 30.0
PAUSE_SECONDS = 0.2  # the coded sound of a piece is a little longer than its pictures
FILM_SIZE = (1280, 720)


def make_film(path: Path) -> None:
    """Write ten minutes of 720p: 30 s of a synthetic video, over and over, without coding anew."""
    import av

    from vidkit.data.synth import generate
    from vidkit.files import atomic_path

    folder = path.parent / "synthetic"
    generate(folder, num_videos=1, seconds=PIECE_SECONDS, width=FILM_SIZE[0], height=FILM_SIZE[1])
    (source,) = (folder / "videos").glob("*.mp4")
    with atomic_path(path) as temporary, av.open(str(temporary), "w") as film:
        copies: dict[int, av.stream.Stream] = {}
        for number in range(round(FILM_SECONDS / PIECE_SECONDS)):
            with av.open(str(source)) as piece:
                for stream in piece.streams:
                    if number == 0:
                        copies[stream.index] = film.add_stream_from_template(stream)
                for packet in piece.demux():
                    if packet.dts is None or packet.pts is None:
                        continue
                    shift = round(number * (PIECE_SECONDS + PAUSE_SECONDS) / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = copies[packet.stream.index]
                    film.mux(packet)


def highlights_of_film(folder: Path) -> None:
    """`vidkit highlights` on ten minutes of 720p, with clips and report."""
    from vidkit.highlight_videos import highlights

    with tempfile.TemporaryDirectory(dir=folder) as out:
        highlights([folder / "film.mp4"], out=out, clips=True)


def decode_at_5_fps(folder: Path) -> None:
    """Thumbnails at 5 frames per second, straight to their size."""
    from vidkit.media import open_video

    with open_video(folder / "film.mp4") as reader:
        for _ in reader.stream(fps=5.0, size=(12, 16)):
            pass


def decode_all_then_pick(folder: Path) -> None:
    """Plain: every frame in full size, every fifth resized."""
    import av

    with av.open(str(folder / "film.mp4")) as container:
        for index, frame in enumerate(container.decode(video=0)):
            picture = frame.to_ndarray(format="rgb24")
            if index % 5 == 0:
                picture[::60, ::80].copy()


def extract_in_one_pass(folder: Path) -> None:
    """Two visual encoders and sound, in one decoding pass."""
    _extract(folder, "MotionVisual,PixelVisual,LogMelAudio")


def extract_one_by_one(folder: Path) -> None:
    """Plain: one encoder after the other."""
    for encoder in ("MotionVisual", "PixelVisual", "LogMelAudio"):
        _extract(folder, encoder)


def synthetic_set(folder: Path) -> None:
    """24 videos of 20 s at 320x180, encoded."""
    from vidkit.data.synth import generate

    with tempfile.TemporaryDirectory(dir=folder) as out:
        generate(Path(out) / "set", num_videos=24, seconds=20.0)


def nothing(folder: Path) -> None:
    """The imports that every case needs."""
    import vidkit.features
    import vidkit.highlight_videos  # noqa: F401


CASES: dict[str, tuple[Callable[[Path], None], Callable[[Path], None] | None]] = {
    "imports": (nothing, None),
    "synth": (synthetic_set, None),
    "decode": (decode_at_5_fps, decode_all_then_pick),
    "extract": (extract_in_one_pass, extract_one_by_one),
    "highlights": (highlights_of_film, None),
}


def main() -> None:
    """Measure the cases and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*", help=f"of {', '.join(CASES)}; all by default")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the film is kept between runs")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        _measure_here(arguments.one, arguments.folder)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "film.mp4").exists():
            print(f"writing {FILM_SECONDS} s of {FILM_SIZE[0]}x{FILM_SIZE[1]} ...", file=sys.stderr)
            make_film(folder / "film.mp4")
        print("| case | seconds, median | peak MiB | plain: seconds | plain: MiB | plain / ours |")
        print("|---|---|---|---|---|---|")
        for name in arguments.cases or CASES:
            if name not in CASES:
                parser.error(f"unknown case {name!r}; known: {', '.join(CASES)}")
            print(_row(name, folder, arguments.repeats), flush=True)


def _row(name: str, folder: Path, repeats: int) -> str:
    ours, plain = CASES[name]
    seconds, memory = _measure(ours.__name__, folder, repeats)
    if plain is None:
        return f"| {name} | {seconds:.1f} | {memory:.0f} | | | |"
    plain_seconds, plain_memory = _measure(plain.__name__, folder, repeats)
    ratio = plain_seconds / seconds
    return (
        f"| {name} | {seconds:.1f} | {memory:.0f} | {plain_seconds:.1f} | {plain_memory:.0f} | {ratio:.2f} |"
    )


def _measure(function: str, folder: Path, repeats: int) -> tuple[float, float]:
    """Return the median of the seconds and the peak of the memory in MiB, over processes of their own."""
    rows = []
    for _ in range(repeats):
        command = [sys.executable, __file__, "--one", function, "--folder", str(folder)]
        rows.append(
            json.loads(
                subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
            )
        )
    return statistics.median(row["seconds"] for row in rows), max(row["mebibytes"] for row in rows)


def _measure_here(function: str, folder: Path) -> None:
    started = time.perf_counter()
    globals()[function](folder)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "mebibytes": peak}))


def _extract(folder: Path, encoders: str) -> None:
    from vidkit.features import extract, parse_encoder_spec

    with tempfile.TemporaryDirectory(dir=folder) as out:
        extract([folder / "film.mp4"], encoders=parse_encoder_spec(encoders), out=out, clip_seconds=0.2)


if __name__ == "__main__":
    main()
