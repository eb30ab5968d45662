"""Writing the synthetic set: files, repeated and interrupted calls, refusals."""

from __future__ import annotations

import threading
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidkit.data.synth import Band, Painter, SynthSet, generate, write_script
from vidkit.files import read_json
from vidkit.media import captions_per_clip, find_captions, open_video

SMALL: dict[str, Any] = dict(seconds=4.0, width=128, height=72, fps=10)


@pytest.fixture(scope="module")
def small_set(tmp_path_factory: pytest.TempPathFactory) -> SynthSet:
    return generate(tmp_path_factory.mktemp("set"), num_videos=3, **SMALL)


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Return inode and time of change of every video: a file that is written again has others."""
    stats = {path.name: path.stat() for path in sorted((folder / "videos").glob("*.mp4"))}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in stats.items()}


def test_the_files_have_the_planned_length_and_frames_as_h264_and_aac(small_set: SynthSet) -> None:
    assert [path.name for path in small_set.videos] == [f"synth_0_000{n}.mp4" for n in range(3)]
    for path in small_set.videos:
        with open_video(path) as video:
            info = video.info
            assert info.num_frames == 40
            assert info.duration_seconds == pytest.approx(4.0, abs=1e-3)
            assert (info.width, info.height, info.fps) == (128, 72, 10)
            assert [stream.codec for stream in info.video_streams] == ["h264"]
            assert [stream.codec for stream in info.audio_streams] == ["aac"]
            assert sum(len(frames) for frames in video.stream()) == 40
            assert len(video.audio(16_000)) == pytest.approx(64_000, abs=1024)


def test_the_frames_and_the_sound_of_the_file_are_those_of_the_painter_and_the_band(
    small_set: SynthSet,
) -> None:
    script = small_set.scripts[1]
    painter, band = Painter(script, width=128, height=72), Band(script)
    with open_video(small_set.videos[1]) as video:
        times = [0.0, 1.5, 2.0, 3.9]
        frames = video.frames_at(times).data.astype(int)
        sound = video.audio(16_000)
    for time, frame in zip(times, frames):
        difference = np.abs(frame - painter.frame(round(1000 * time)))
        assert difference.mean() < 8  # of 255; chroma is halved
    planned = np.concatenate([band.second(second) for second in range(4)])
    length = min(len(sound), len(planned))
    assert np.corrcoef(sound[:length], planned[:length])[0, 1] > 0.8


def test_captions_lie_beside_the_videos_and_are_unique_in_the_set(small_set: SynthSet) -> None:
    texts = []
    for script, path in zip(small_set.scripts, small_set.videos):
        assert path.with_suffix(".srt").is_file()
        captions = find_captions(path)
        assert [caption.text for caption in captions] == [caption.text for caption in script.captions]
        assert captions_per_clip(captions, 2, 2.0) != ["[empty]", "[empty]"]
        texts += [caption.text for caption in captions]
    assert len(set(texts)) == len(texts) > 0


def test_the_manifest_tells_the_plans_and_the_arguments(small_set: SynthSet) -> None:
    manifest = read_json(small_set.manifest)
    assert (manifest["version"], manifest["seed"], manifest["num_videos"]) == ("2", 0, 3)
    for row, script in zip(manifest["videos"], small_set.scripts, strict=True):
        assert row["highlights"] == [[part.start, part.end] for part in script.highlights]
        assert (small_set.folder / row["path"]).is_file()
    assert sorted(path.name for path in small_set.folder.iterdir()) == ["annotations", "videos"]


def test_videos_do_not_depend_on_how_many_there_are(small_set: SynthSet, tmp_path: Path) -> None:
    alone = generate(tmp_path / "alone", num_videos=1, workers=1, **SMALL)
    assert alone.scripts == small_set.scripts[:1]
    assert alone.videos[0].read_bytes() == small_set.videos[0].read_bytes()


def test_a_second_call_draws_nothing_and_a_larger_one_only_the_new(tmp_path: Path) -> None:
    generate(tmp_path, num_videos=1, **SMALL)
    before = _stamps(tmp_path)
    generate(tmp_path, num_videos=1, **SMALL)
    assert _stamps(tmp_path) == before
    enlarged = generate(tmp_path, num_videos=2, **SMALL)
    after = _stamps(tmp_path)
    assert {name: after[name] for name in before} == before
    assert len(after) == 2
    assert len(read_json(enlarged.manifest)["videos"]) == 2


def test_a_video_that_was_damaged_or_lost_its_captions_is_drawn_again(tmp_path: Path) -> None:
    made = generate(tmp_path, num_videos=2, **SMALL)
    contents = [path.read_bytes() for path in made.videos]
    made.videos[0].write_bytes(contents[0][:1000])
    made.videos[1].with_suffix(".srt").unlink()
    generate(tmp_path, num_videos=2, **SMALL)
    assert [path.read_bytes() for path in made.videos] == contents
    assert made.videos[1].with_suffix(".srt").is_file()


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_call_leaves_whole_files_and_the_next_one_continues(
    tmp_path: Path, interruption: type[BaseException]
) -> None:
    def stop_in_the_second_video(done: int, total: int) -> None:
        if done > 50:
            raise interruption

    with pytest.raises(interruption):
        generate(tmp_path, num_videos=3, workers=1, progress=stop_in_the_second_video, **SMALL)
    before = _stamps(tmp_path)
    assert list(before) == ["synth_0_0000.mp4"]
    assert sorted(path.name for path in (tmp_path / "videos").iterdir()) == [
        "synth_0_0000.mp4",
        "synth_0_0000.srt",
    ]
    generate(tmp_path, num_videos=3, **SMALL)
    after = _stamps(tmp_path)
    assert len(after) == 3
    assert after["synth_0_0000.mp4"] == before["synth_0_0000.mp4"]


def test_progress_counts_frames_to_the_end_from_one_thread_at_a_time(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    busy = threading.Lock()

    def tell(done: int, total: int) -> None:
        assert busy.acquire(blocking=False)
        calls.append((done, total))
        busy.release()

    generate(tmp_path, num_videos=2, workers=2, progress=tell, **SMALL)
    counts = [done for done, _ in calls]
    assert counts == sorted(counts)
    assert calls[-1] == (80, 80)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (dict(seed=1), "seed 0 instead of 1"),
        (dict(seconds=5.0), "seconds 4.0 instead of 5.0"),
        (dict(width=160, height=90), "width 128 instead of 160, height 72 instead of 90"),
        (dict(fps=25), "fps 10 instead of 25"),
    ],
)
def test_another_set_in_the_same_folder_is_refused(
    small_set: SynthSet, changed: dict[str, Any], words: str
) -> None:
    before = _stamps(small_set.folder)
    with pytest.raises(ValueError, match=rf"has another synthetic set \({words}\); give an empty folder"):
        generate(small_set.folder, num_videos=3, **{**SMALL, **changed})
    assert _stamps(small_set.folder) == before


def test_a_smaller_set_in_the_same_folder_is_refused(small_set: SynthSet) -> None:
    with pytest.raises(ValueError, match="has 3 videos of this set, more than 2; give another folder"):
        generate(small_set.folder, num_videos=2, **SMALL)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(num_videos=0), "number of videos must be >= 1, got 0"),
        (dict(seconds=1.9), "seconds must be >= 2 .*, got 1.9"),
        (dict(seconds=float("nan")), "seconds must be >= 2 .*, got nan"),
        (dict(seconds=float("inf")), "seconds must be >= 2 .*, got inf"),
        (dict(seed=-1), "seed must be >= 0, got -1"),
        (dict(width=321), "must be even and at least 128x72, got 321x180"),
        (dict(height=70), "must be even and at least 128x72, got 320x70"),
        (dict(fps=0.5), r"fps must lie in 1 \.\. 120, got 0.5"),
        (dict(fps=float("nan")), r"fps must lie in 1 \.\. 120, got nan"),
        (dict(seconds=2.0, fps=1.2), "2.0 s at 1.2 fps is below 2 s in whole frames; give more seconds"),
        (dict(workers=0), "workers must be >= 1, got 0"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(
    tmp_path: Path, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        generate(tmp_path / "new", **arguments)
    assert not (tmp_path / "new").exists()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("here")
    with pytest.raises(NotADirectoryError, match="is a file; give a folder for the synthetic set"):
        generate(path, num_videos=1, **SMALL)


@pytest.mark.parametrize(("seconds", "fps", "num_frames"), [(2.5, 30000 / 1001, 75), (3.3, 12.5, 41)])
def test_fractional_frame_rates_keep_the_planned_number_of_frames(
    tmp_path: Path, seconds: float, fps: float, num_frames: int
) -> None:
    made = generate(tmp_path, num_videos=1, seconds=seconds, fps=fps, width=128, height=72)
    with open_video(made.videos[0]) as video:
        assert video.info.num_frames == num_frames
        assert video.info.duration_seconds == pytest.approx(made.scripts[0].duration_seconds, abs=2e-3)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length_of_the_video(tmp_path: Path) -> None:
    peaks = []
    for seconds in (60.0, 600.0):
        script = write_script(0, seed=0, duration_seconds=seconds)
        tracemalloc.start()
        painter, band = Painter(script, width=128, height=72), Band(script)
        for second in range(int(seconds)):
            for time_ms in range(1000 * second, 1000 * second + 1000, 200):
                painter.frame(time_ms)
            band.second(second)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 2_000_000  # bytes; the plan and the captions of 600 s are below that
