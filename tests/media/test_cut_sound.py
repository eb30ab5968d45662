"""The sound of clips: in sync with the picture, in its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from coded_video import FLASH, first_click, read_clip, read_sound, write_coded

from vidkit.media.cut import cut_clips

AAC_FRAME_SECONDS = 1024 / 44_100


@pytest.mark.parametrize("mode", ["accurate", "fast"])
@pytest.mark.parametrize(
    ("name", "layout", "rate", "codec", "offset"),
    [
        ("a.mp4", "mono", 44_100, "aac", 0.0),
        ("a.mp4", "stereo", 48_000, "aac", 0.0),
        ("a.mp4", "stereo", 16_000, "aac", 0.0),
        ("a.mkv", "stereo", 48_000, "libopus", 1.5),
        ("a.mkv", "mono", 44_100, "libmp3lame", 0.0),
    ],
)
def test_sound_stays_in_sync_with_the_picture(
    tmp_path: Path, mode: str, name: str, layout: str, rate: int, codec: str, offset: float
) -> None:
    numbers = [FLASH if n in (30, 80) else 0 for n in range(150)]
    video = write_coded(
        tmp_path / name,
        times=[n / 25 for n in range(150)],
        numbers=numbers,
        layout=layout,
        sample_rate_hz=rate,
        audio_codec=codec,
        offset=offset,
        clicks=[30 / 25, 80 / 25],
    )
    segments = [(0.0, 2.0), (1.03, 2.5), (2.7, 5.0), (3.199, 6.0)]
    for clip in cut_clips(video, segments, tmp_path / "out", mode=mode):  # type: ignore[arg-type]
        flash = next(time for time, number in read_clip(clip.path) if number == FLASH)
        assert clip.has_audio
        assert first_click(clip.path) == pytest.approx(flash, abs=1024 / rate)
        samples, clip_rate, _ = read_sound(clip.path)
        assert samples.shape[0] == (1 if layout == "mono" else 2)
        assert clip_rate == rate
        if mode == "accurate":
            length = samples.shape[1] / rate
            assert clip.end - clip.start <= length <= clip.end - clip.start + 1024 / rate


def test_surround_becomes_stereo_and_unusual_rates_one_of_aac(tmp_path: Path) -> None:
    video = write_coded(
        tmp_path / "a.mkv",
        layout="5.1",
        sample_rate_hz=37_800,
        audio_codec="flac",
        clicks=[2.0],
        numbers=[0] * 100,
    )
    (clip,) = cut_clips(video, [(1.0, 3.0)], tmp_path)
    samples, rate, _ = read_sound(clip.path)
    assert (samples.shape[0], rate) == (2, 44_100)
    assert first_click(clip.path) == pytest.approx(1.0, abs=AAC_FRAME_SECONDS)


def test_sound_that_covers_a_part_of_the_video_keeps_its_place(tmp_path: Path) -> None:
    video = write_coded(tmp_path / "a.mkv", layout="mono", sound=(1.5, 3.0), clicks=[2.0])
    before, across, after = cut_clips(video, [(0.0, 1.4), (1.0, 2.5), (3.2, 4.0)], tmp_path)
    assert (before.has_audio, across.has_audio, after.has_audio) == (False, True, False)
    assert first_click(across.path) == pytest.approx(1.0, abs=AAC_FRAME_SECONDS)
