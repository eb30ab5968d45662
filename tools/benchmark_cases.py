"""What tools/benchmark.py measures: each thing that vidkit promises, and the plain ways of doing it."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PICTURE = (224, 224)

model_seconds = [0.0]
clock: dict[str, float] = {}


def start_clock(*, steps: int = 1, memory: bool = False) -> None:
    """Count from here: a way calls it when what is imported and built once stands.

    Args:
        steps: By which the times are divided.
        memory: Whether the growth of the memory is counted from here, too.
    """
    clock.update(seconds=time.perf_counter(), cpu_seconds=cpu_seconds(), steps=steps)
    if memory:
        clock["mebibytes"] = mebibytes("VmRSS")
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew


def mebibytes(what: str) -> float:
    """Return the memory of this program: VmRSS, what it holds, or VmHWM, the most that it has held."""
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith(what)) / 1024


def cpu_seconds() -> float:
    """Return the processor time of this program and of those that it has run."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def highlights_of_film(folder: Path) -> None:
    """`vidkit highlights` on ten minutes of 720p, with clips and report."""
    from vidkit.highlight_videos import highlights

    with tempfile.TemporaryDirectory(dir=folder) as out:
        highlights([folder / "film.mp4"], out=out, clips=True)


def thumbnails_by_vidkit(folder: Path) -> None:
    """Thumbnails at 5 frames per second, straight to their size."""
    from vidkit.media import open_video

    with open_video(folder / "film.mp4") as reader:
        for _ in reader.stream(fps=5.0, size=(12, 16)):
            pass


def thumbnails_of_all_frames(folder: Path) -> None:
    """Every frame in full size, every fifth resized."""
    import av

    with av.open(str(folder / "film.mp4")) as container:
        for index, frame in enumerate(container.decode(video=0)):
            picture = frame.to_ndarray(format="rgb24")
            if index % 5 == 0:
                picture[::60, ::80].copy()


def extract_in_one_pass(folder: Path) -> None:
    """Two visual encoders and sound, in one decoding pass."""
    _extract(folder, "MotionVisual,PixelVisual,LogMelAudio", clip_seconds=0.2)


def extract_one_by_one(folder: Path) -> None:
    """One encoder after the other."""
    for encoder in ("MotionVisual", "PixelVisual", "LogMelAudio"):
        _extract(folder, encoder, clip_seconds=0.2)


def synthetic_set(folder: Path) -> None:
    """24 videos of 20 s at 320x180, encoded."""
    from vidkit.data.synth import generate

    with tempfile.TemporaryDirectory(dir=folder) as out:
        generate(Path(out) / "set", num_videos=24, seconds=20.0)


def nothing(folder: Path) -> None:
    """The imports that every case needs."""
    import vidkit.features
    import vidkit.highlight_videos  # noqa: F401


def _once_a_second_by_vidkit(path: Path) -> None:
    from vidkit.media import open_video

    with open_video(path) as reader:
        for _ in reader.stream(fps=1.0, size=PICTURE):
            pass


def _once_a_second_by_decord(path: Path) -> None:
    import decord

    reader = decord.VideoReader(str(path), width=PICTURE[1], height=PICTURE[0])
    fps = reader.get_avg_fps()
    indices = [round(second * fps) for second in range(int(len(reader) / fps))]
    for start in range(0, len(indices), 32):
        reader.get_batch(indices[start : start + 32]).asnumpy()


def _once_a_second_by_torchcodec(path: Path) -> None:
    from torchcodec.decoders import VideoDecoder
    from torchcodec.transforms import Resize

    decoder = VideoDecoder(str(path), num_ffmpeg_threads=0, transforms=[Resize(PICTURE)])
    seconds = [float(second) for second in range(int(decoder.metadata.duration_seconds))]
    for start in range(0, len(seconds), 32):
        decoder.get_frames_played_at(seconds[start : start + 32])


def _by_ffmpeg(path: Path, filters: str) -> None:
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-i",
        str(path),
        "-vf",
        filters,
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while process.stdout.read(PICTURE[0] * PICTURE[1] * 3 * 32):
            pass


def film_by_vidkit(folder: Path) -> None:
    """One frame a second of 600 s at 224 x 224."""
    _once_a_second_by_vidkit(folder / "film.mp4")


def film_by_decord(folder: Path) -> None:
    """The same by decord."""
    _once_a_second_by_decord(folder / "film.mp4")


def film_by_torchcodec(folder: Path) -> None:
    """The same by torchcodec."""
    _once_a_second_by_torchcodec(folder / "film.mp4")


def film_by_ffmpeg(folder: Path) -> None:
    """The same by the ffmpeg program; its frames are half a second late."""
    _by_ffmpeg(folder / "film.mp4", "fps=1,scale=224:224")


def short_by_vidkit(folder: Path) -> None:
    """One frame a second of 120 s at 224 x 224."""
    _once_a_second_by_vidkit(folder / "short.mp4")


def short_by_decord(folder: Path) -> None:
    """The same by decord."""
    _once_a_second_by_decord(folder / "short.mp4")


def all_by_vidkit(folder: Path) -> None:
    """All frames of 120 s at 224 x 224."""
    from vidkit.media import open_video

    with open_video(folder / "short.mp4") as reader:
        for _ in reader.stream(size=PICTURE):
            pass


def all_by_decord(folder: Path) -> None:
    """The same by decord."""
    import decord

    reader = decord.VideoReader(str(folder / "short.mp4"), width=PICTURE[1], height=PICTURE[0])
    for start in range(0, len(reader), 32):
        reader.get_batch(range(start, min(start + 32, len(reader)))).asnumpy()


def all_by_torchcodec(folder: Path) -> None:
    """The same by torchcodec."""
    from torchcodec.decoders import VideoDecoder
    from torchcodec.transforms import Resize

    decoder = VideoDecoder(
        str(folder / "short.mp4"), num_ffmpeg_threads=0, seek_mode="approximate", transforms=[Resize(PICTURE)]
    )
    count = decoder.metadata.num_frames or 0
    for start in range(0, count, 32):
        decoder.get_frames_in_range(start, min(start + 32, count))


def all_by_ffmpeg(folder: Path) -> None:
    """The same by the ffmpeg program."""
    _by_ffmpeg(folder / "short.mp4", "scale=224:224")


def clip_by_vidkit(folder: Path) -> None:
    """CLIP ViT-B/32 at one frame a second, from the file to .npy, in float32."""
    _extract(folder, "CLIPVisual")


def clip_by_vidkit_in_bfloat16(folder: Path) -> None:
    """The same in bfloat16."""
    _extract(folder, "CLIPVisual", execution="auto+bfloat16")


def clip_in_a_loop(folder: Path) -> None:
    """PyAV, the processor and model of transformers, one picture at a time."""
    import av
    import numpy as np
    import torch
    from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

    from vidkit.encoders import CLIPVisual

    config = CLIPVisual().model.config
    model = CLIPVisionModelWithProjection(config).eval()
    processor = CLIPImageProcessor()
    rows = []
    start_clock()
    with av.open(str(folder / "film.mp4")) as container, torch.inference_mode():
        second = 0
        for frame in container.decode(video=0):
            if frame.time >= second:
                second += 1
                pixels = processor(images=frame.to_image(), return_tensors="pt")["pixel_values"]
                started = time.perf_counter()
                rows.append(model(pixels).image_embeds[0].numpy())
                model_seconds[0] += time.perf_counter() - started
    with tempfile.TemporaryDirectory(dir=folder) as out:
        np.save(Path(out) / "film.npy", np.stack(rows))


def cnn14_by_vidkit_in_bfloat16(folder: Path) -> None:
    """CNN14 on ten minutes of sound, a vector a second, in bfloat16."""
    _extract(folder, "CNN14", execution="auto+bfloat16")


def cnn14_by_vidkit(folder: Path) -> None:
    """The same in float32."""
    _extract(folder, "CNN14", execution="plain")


def three_hours(folder: Path) -> None:
    """CLIP and CNN14 of three hours, in bfloat16."""
    _extract(folder, "CLIPVisual,CNN14", execution="bfloat16", film="long")


def ten_minutes(folder: Path) -> None:
    """The same of ten minutes."""
    _extract(folder, "CLIPVisual,CNN14", execution="bfloat16")


def _extract(
    folder: Path, encoders: str, *, clip_seconds: float = 1.0, execution: str = "auto", film: str = "film"
) -> None:
    from vidkit.features import extract, parse_encoder_spec
    from vidkit.features.execution import EncodeRunner, parse_execution

    run = EncodeRunner.__call__

    def timed(runner: EncodeRunner, inputs: Any) -> Any:
        started = time.perf_counter()
        features = run(runner, inputs)
        model_seconds[0] += time.perf_counter() - started
        return features

    EncodeRunner.__call__ = timed  # type: ignore[method-assign]
    named = parse_encoder_spec(encoders)
    start_clock()
    with tempfile.TemporaryDirectory(dir=folder) as out:
        report = extract(
            [folder / f"{film}.mp4"],
            encoders=named,
            out=out,
            clip_seconds=clip_seconds,
            execution=parse_execution(execution),
        )
        if report.failed:
            raise SystemExit(next(iter(report.failed.values())))


Way = Callable[[Path], None]
CASES: dict[str, list[Way]] = {
    "imports": [nothing],
    "synth": [synthetic_set],
    "thumbnails": [thumbnails_by_vidkit, thumbnails_of_all_frames],
    "decode": [film_by_vidkit, film_by_decord, film_by_torchcodec, film_by_ffmpeg],
    "decode_short": [short_by_vidkit, short_by_decord],
    "decode_all": [all_by_vidkit, all_by_decord, all_by_torchcodec, all_by_ffmpeg],
    "extract": [extract_in_one_pass, extract_one_by_one],
    "clip": [clip_by_vidkit, clip_in_a_loop],
    "clip_bfloat16": [clip_by_vidkit_in_bfloat16, clip_in_a_loop],
    "cnn14": [cnn14_by_vidkit_in_bfloat16, cnn14_by_vidkit],
    "long": [three_hours, ten_minutes],
    "highlights": [highlights_of_film],
}
