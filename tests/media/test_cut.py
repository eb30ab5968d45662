"""Cutting: exactly the frames asked for, whole files or none."""

from __future__ import annotations

import errno
import math
import subprocess
import sys
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest
from coded_video import first_click, read_clip, write_coded

from vidkit.media import transcode as transcode_module
from vidkit.media.cut import WrittenClip, cut_clips
from vidkit.media.errors import DamagedError, DamageWarning, MediaError

AAC_FRAME_SECONDS = 1024 / 44_100
SEGMENTS = [(0.0, 1.0), (1.0, 2.0), (1.01, 1.99), (2.96, 3.08), (3.2, 4.0), (0.5, 0.5401)]


def _expected(times: list[float], start: float, end: float) -> list[tuple[float, int]]:
    inside = [(time, n) for n, time in enumerate(times) if start - 1e-6 <= time < end - 1e-6]
    return [(time - inside[0][0], n) for time, n in inside]


def _assert_frames(clip: WrittenClip, expected: list[tuple[float, int]], tolerance: float = 1e-4) -> None:
    found = read_clip(clip.path)
    assert [number for _, number in found] == [number for _, number in expected]
    np.testing.assert_allclose([t for t, _ in found], [t for t, _ in expected], atol=tolerance)
    assert clip.num_frames == len(found)


KINDS = {
    "plain": ("a.mp4", {}),
    "one-key-frame": ("a.mp4", {"gop": 1000}),
    "ms-clock": ("a.mkv", {}),
    "offset": ("a.mkv", {"offset": 2.0}),
    "transport-stream": ("a.ts", {}),
    "10-bit": ("a.mp4", {"pix_fmt": "yuv420p10le"}),
    "odd-size": ("a.mkv", {"codec": "ffv1", "pix_fmt": "yuv444p", "size": (171, 91)}),
    "rgb": ("a.mkv", {"codec": "ffv1", "pix_fmt": "bgr0"}),
    "avi": ("a.avi", {"codec": "mpeg4", "gop": 12}),
    "full-range": ("a.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
    "vp9": ("a.webm", {"codec": "libvpx-vp9", "gop": 30}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_accurate_clip_has_exactly_the_frames_of_its_segment(tmp_path: Path, kind: str) -> None:
    name, options = KINDS[kind]
    video = write_coded(tmp_path / name, **options)
    times = [n / 25 for n in range(100)]
    clips = cut_clips(video, SEGMENTS, tmp_path / "out")
    for clip, (start, end) in zip(clips, SEGMENTS):
        expected = _expected(times, start, end)
        _assert_frames(clip, expected, tolerance=0.0011)  # Matroska counts milliseconds
        assert clip.start == pytest.approx(times[expected[0][1]], abs=0.0011)
        assert clip.end == pytest.approx(min(end, 4.0), abs=0.0011)
        assert not clip.has_audio


def test_names_follow_stem_index_and_start(tmp_path: Path) -> None:
    video = write_coded(tmp_path / "my talk.v2.mp4")
    clips = cut_clips(video, [(1.25, 2), (0, 0.5)], tmp_path / "new" / "out")
    assert [clip.path.name for clip in clips] == ["my talk.v2_000_1.2s.mp4", "my talk.v2_001_0.0s.mp4"]
    assert sorted(p.name for p in (tmp_path / "new" / "out").iterdir()) == sorted(c.path.name for c in clips)
    assert cut_clips(video, [], tmp_path / "none") == []


def test_the_times_of_a_variable_frame_rate_stay(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.12, 0.13, 0.5, 0.52, 0.9, 1.3, 1.31, 1.32, 1.9, 2.0, 2.4]
    video = write_coded(tmp_path / "a.mp4", times=times)
    (clip,) = cut_clips(video, [(0.12, 1.9)], tmp_path)
    _assert_frames(clip, _expected(times, 0.12, 1.9))
    assert clip.end == pytest.approx(1.9)
    with av.open(str(clip.path)) as container:  # the last frame stays until the end
        assert container.duration / 1e6 == pytest.approx(1.78, abs=0.002)


def test_a_still_is_shown_from_the_start_of_the_clip(tmp_path: Path) -> None:
    video = write_coded(tmp_path / "a.mp4", times=[0.0, 4.0, 9.0, 10.0], layout="mono", clicks=[6.0])
    long, without_frames = cut_clips(video, [(5.0, 9.5), (5.0, 8.0)], tmp_path)
    _assert_frames(long, [(0.0, 1), (4.0, 2)])
    assert first_click(long.path) == pytest.approx(1.0, abs=AAC_FRAME_SECONDS)
    _assert_frames(without_frames, [(0.0, 1)])
    assert (without_frames.start, without_frames.end) == (5.0, 8.0)


def test_a_late_segment_of_a_longer_video_is_found_by_seeking(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv", "a.ts"):
        video = write_coded(tmp_path / name, num_frames=1000, gop=250, layout="mono", clicks=[36.0])
        (clip,) = cut_clips(video, [(35.02, 36.5)], tmp_path / name[2:])
        _assert_frames(clip, _expected([n / 25 for n in range(1000)], 35.02, 36.5), 0.0011)
        assert first_click(clip.path) == pytest.approx(36.0 - clip.start, abs=AAC_FRAME_SECONDS)


@pytest.mark.parametrize(
    "kind", ["plain", "one-key-frame", "ms-clock", "offset", "transport-stream", "10-bit", "vp9"]
)
def test_a_fast_clip_begins_at_a_key_frame_and_says_where(tmp_path: Path, kind: str) -> None:
    name, options = KINDS[kind]
    video = write_coded(tmp_path / name, **options)
    with av.open(str(video)) as container:
        keys = [
            float(f.pts * f.time_base) - options.get("offset", 0)
            for f in container.decode(video=0)
            if f.key_frame
        ]
    zero = keys[0]  # a transport stream does not begin at 0
    keys = [key - zero for key in keys]
    for clip, (start, end) in zip(cut_clips(video, SEGMENTS, tmp_path / "out", mode="fast"), SEGMENTS):
        found = read_clip(clip.path)
        assert clip.start == pytest.approx(max(key for key in keys if key <= start + 1e-6), abs=0.0011)
        first = round(clip.start * 25)
        needed = math.ceil(end * 25 - 1e-3) - first
        assert [number for _, number in found][:needed] == list(range(first, first + needed))
        assert clip.num_frames == len(found)
        assert end - 1e-3 <= clip.end + 1e-6 <= end + 0.3
        np.testing.assert_allclose(found[0][0], 0.0, atol=1e-3)


def test_fast_clips_say_so_if_mp4_cannot_hold_the_streams(tmp_path: Path) -> None:
    video = write_coded(tmp_path / "a.webm", codec="libvpx")
    with pytest.raises(ValueError, match="cannot hold its vp8 stream as it is; use mode='accurate'"):
        cut_clips(video, [(0, 1)], tmp_path / "out", mode="fast")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("segment", "message"),
    [
        ((2.0, 1.0), r"segment 1 is 2.0 to 1.0 s; its end must lie after its start"),
        ((1.0, 1.0), "its end must lie after its start"),
        ((math.nan, 1.0), r"segment 1 is \(nan, 1.0\); give finite seconds"),
        ((0.0, math.inf), "give finite seconds"),
        ((-1.0, 1.0), r"starts at -1.0 s; a video starts at 0"),
        ((3.0, 9.0), r"segment 1 is 3.0 to 9.0 s; .*lasts 4.000 s, shorten or drop it"),
        ((4.0, 4.05), r"lasts 4.000 s"),
    ],
)
def test_segments_outside_the_video_are_refused_before_anything_is_written(
    tmp_path: Path, segment: tuple[float, float], message: str
) -> None:
    video = write_coded(tmp_path / "a.mp4")
    with pytest.raises(ValueError, match=message):
        cut_clips(video, [(0.0, 1.0), segment], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_wrong_modes_are_refused(tmp_path: Path) -> None:
    video = write_coded(tmp_path / "a.mp4", num_frames=5)
    with pytest.raises(ValueError, match="unknown mode 'quick'"):
        cut_clips(video, [], tmp_path, mode="quick")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cannot crop; use mode='accurate'"):
        cut_clips(video, [], tmp_path, mode="fast", vertical=True)
    with pytest.raises(FileNotFoundError, match="no such video"):
        cut_clips(tmp_path / "b.mp4", [], tmp_path)
    (tmp_path / "text.mp4").write_text("not a video" * 99)
    with pytest.raises(MediaError, match=r"text\.mp4"):
        cut_clips(tmp_path / "text.mp4", [(0, 1)], tmp_path)


def test_a_video_that_breaks_off_gives_what_there_is_and_says_where_there_is_nothing(tmp_path: Path) -> None:
    whole = write_coded(tmp_path / "whole.mkv", num_frames=250, layout="mono")
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (clip,) = cut_clips(cut, [(1.0, 2.0)], tmp_path)
    _assert_frames(clip, _expected([n / 25 for n in range(250)], 1.0, 2.0), 0.0011)
    for mode in ("accurate", "fast"):
        folder = tmp_path / mode
        with pytest.warns(DamageWarning, match=r"breaks off at \d\.\d+ s: \d\.\d+ s of the clip are missing"):
            (clip,) = cut_clips(cut, [(3.0, 8.0)], folder, mode=mode)  # type: ignore[arg-type]
        assert 3.5 < clip.end < 7.0
        with pytest.raises(DamagedError, match=r"no frame to decode|no key frame"):
            cut_clips(cut, [(9.0, 10.0)], folder, mode=mode)  # type: ignore[arg-type]


def test_damaged_pictures_are_left_out_with_one_warning(tmp_path: Path) -> None:
    video = write_coded(tmp_path / "a.webm", codec="libvpx-vp9")
    with av.open(str(video)) as container:
        packet = [bytes(packet) for packet in container.demux(video=0)][50]
    data = video.read_bytes()
    assert data.count(packet) == 1
    video.write_bytes(data.replace(packet, bytes(len(packet))))
    with pytest.warns(DamageWarning, match="1 packets of its video cannot be decoded"):
        (clip,) = cut_clips(video, [(1.5, 2.5)], tmp_path)
    assert clip.num_frames == 24


FILL = """
import resource, sys
from vidkit.media.cut import cut_clips
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    cut_clips(sys.argv[1], [(0.0, 4.0)], sys.argv[2], mode=sys.argv[3])
except OSError as error:
    print(error.errno, error)
"""


@pytest.mark.parametrize("mode", ["accurate", "fast"])
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, mode: str) -> None:
    noise = np.random.default_rng(0).permutation(1023)[:100]
    video = write_coded(tmp_path / "a.mp4", numbers=[int(n) for n in noise], size=(640, 360), layout="stereo")
    assert video.stat().st_size > 60_000
    command = [sys.executable, "-c", FILL, str(video), str(tmp_path / "out"), mode]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"{errno.EFBIG} ")
    assert "no space to write" in result.stdout
    assert list((tmp_path / "out").iterdir()) == []


def test_an_interrupt_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = write_coded(tmp_path / "a.mp4")
    real = transcode_module.frames_between

    def interrupted(*arguments: object) -> object:
        for number, item in enumerate(real(*arguments)):  # type: ignore[arg-type]
            if number == 20:
                raise KeyboardInterrupt
            yield item

    monkeypatch.setattr(transcode_module, "frames_between", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cut_clips(video, [(0, 4)], tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("mode", ["accurate", "fast"])
def test_a_clip_says_its_title(tmp_path: Path, mode: Literal["accurate", "fast"]) -> None:
    video = write_coded(tmp_path / "a.mp4")
    titles = ["Bienen & Honig, 東", None]
    clips = cut_clips(video, [(0.0, 1.0), (1.0, 2.0)], tmp_path / "out", mode=mode, titles=titles)
    found = []
    for clip in clips:
        with av.open(str(clip.path)) as container:
            found.append(container.metadata.get("title"))
    assert found == titles


def test_a_wrong_number_of_titles_is_refused(tmp_path: Path) -> None:
    video = write_coded(tmp_path / "a.mp4", num_frames=5)
    with pytest.raises(ValueError, match="1 segments have 2 titles; give one for each, or none"):
        cut_clips(video, [(0.0, 0.1)], tmp_path / "out", titles=["a", "b"])
