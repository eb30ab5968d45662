"""What tools/benchmark.py measures of short videos: training samples of TSN, on one core.

``short_videos``: 8 random frames of a video of 30 s in 1280x720, scaled to a shorter side of 256, a
multi-scale crop of 224, mirrored in half of the cases; key frames every 2 s. ``short_videos_250``: the same
with a key frame every 250 frames, as x264 sets them. The other way decodes from the start with PyAV until it
has its frames and does the same to them in numpy. A step is one sample.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmark_cases import start_clock
from benchmark_films import FILM_SIZE, make_piece

NUM_FRAMES, SHORT_SIDE, CROP, NUM_SAMPLES = 8, 256, 224, 8
_KEY_EVERY = 50

Way = Callable[[Path], None]


def short_videos_by_vidkit(folder: Path) -> None:
    """Samples of ``TrainingShortVideos``; key frames every 2 s."""
    _samples(_recoded(folder))


def short_videos_by_pyav_and_numpy(folder: Path) -> None:
    """The same in a loop of PyAV and numpy."""
    _loop(_recoded(folder))


def short_videos_250_by_vidkit(folder: Path) -> None:
    """Samples of ``TrainingShortVideos``; a key frame every 250."""
    _samples(make_piece(folder))


def short_videos_250_by_pyav_and_numpy(folder: Path) -> None:
    """The same in a loop of PyAV and numpy."""
    _loop(make_piece(folder))


def _samples(path: Path) -> None:
    from vidkit.files import write_json_lines
    from vidkit.registry import DATASETS

    _one_core()
    table = path.with_suffix(".jsonl")
    write_json_lines(table, [dict(path=path.name)])
    data = DATASETS.build(
        dict(
            type="TrainingShortVideos",
            annotations=str(table),
            encoders=dict(visual=dict(type="PixelVisual")),
            frames=dict(type="SegmentFrames", num_segments=NUM_FRAMES),
            crop=dict(type="MultiScaleCrop", size=CROP),
            short_side=SHORT_SIDE,
        )
    )
    data[0]
    start_clock(steps=NUM_SAMPLES)
    for epoch in range(NUM_SAMPLES):
        data.set_epoch(seed=0, epoch=epoch)
        assert data[0]["inputs"]["visual"].shape == (1, NUM_FRAMES, CROP, CROP, 3)


def _loop(path: Path) -> None:
    import numpy as np

    _one_core()
    random = np.random.default_rng(0)
    _plain_sample(path, random)
    start_clock(steps=NUM_SAMPLES)
    for _ in range(NUM_SAMPLES):
        assert _plain_sample(path, random).shape == (NUM_FRAMES, CROP, CROP, 3)


def _plain_sample(path: Path, random: Any) -> Any:
    import av
    import numpy as np

    with av.open(str(path)) as video:
        stream = video.streams.video[0]
        places = (np.arange(NUM_FRAMES) + random.random(NUM_FRAMES)) / NUM_FRAMES
        wanted = (places * stream.frames).astype(int).tolist()
        found = {}
        for number, frame in enumerate(video.decode(stream)):
            if number in wanted:
                found[number] = frame.to_ndarray(format="rgb24")
            if number == wanted[-1]:
                break
    frames = np.stack([found[number] for number in wanted])
    height, width = frames.shape[1:3]
    scale = SHORT_SIDE / min(height, width)
    frames = _resized(frames, round(height * scale), round(width * scale))
    side = [int(SHORT_SIDE * share) for share in (1, 0.875, 0.75, 0.66)][random.integers(4)]
    y, x = (random.integers(have - side + 1) for have in frames.shape[1:3])
    crops = _resized(frames[:, y : y + side, x : x + side], CROP, CROP)
    return crops[:, :, ::-1] if random.random() < 0.5 else crops


def _resized(frames: Any, height: int, width: int) -> Any:
    """Return frames (F, H, W, 3) scaled bilinearly."""
    import numpy as np

    def places(new: int, old: int) -> tuple[Any, Any, Any]:
        middles = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1).astype(np.float32)
        low = middles.astype(int)
        return low, np.minimum(low + 1, old - 1), middles - low

    top, bottom, down = places(height, frames.shape[1])
    left, right, across = places(width, frames.shape[2])
    down, across = down[:, None, None], across[:, None]
    rows = frames[:, top] * (1 - down) + frames[:, bottom] * down
    return (rows[:, :, left] * (1 - across) + rows[:, :, right] * across + 0.5).astype(np.uint8)


def _one_core() -> None:
    import torch

    torch.set_num_threads(1)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # FFmpeg starts a thread a core


def _recoded(folder: Path) -> Path:
    """Return the piece of film with a key frame every 2 s."""
    import av

    from vidkit.files import atomic_path

    path = folder / f"piece_{_KEY_EVERY}.mp4"
    if path.exists():
        return path
    with (
        atomic_path(path) as temporary,
        av.open(str(make_piece(folder))) as old,
        av.open(str(temporary), "w") as new,
    ):
        video = new.add_stream("libx264", rate=old.streams.video[0].average_rate)
        video.width, video.height, video.pix_fmt = *FILM_SIZE, "yuv420p"
        video.options = {"g": str(_KEY_EVERY), "bf": "3", "crf": "23"}
        for frame in old.decode(video=0):
            frame.pict_type = 0
            new.mux(video.encode(frame))
        new.mux(video.encode(None))
    return path


CASES: dict[str, list[Way]] = {
    "short_videos": [short_videos_by_vidkit, short_videos_by_pyav_and_numpy],
    "short_videos_250": [short_videos_250_by_vidkit, short_videos_250_by_pyav_and_numpy],
}
