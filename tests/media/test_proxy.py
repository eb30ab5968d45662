"""What a browser plays, and the copies that it does."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from coded_video import first_click, paint, read_clip, write_coded

from vidkit.media import open_video
from vidkit.media.errors import MediaError, NoVideoStreamError
from vidkit.media.proxy import is_browser_playable, write_proxy

PLAYABLE = {
    "h264-aac.mp4": {"layout": "stereo"},
    "h264.mov": {},
    "h264-mp3.mp4": {"layout": "mono", "audio_codec": "libmp3lame"},
    "vp8-opus.webm": {"codec": "libvpx", "layout": "stereo", "audio_codec": "libopus"},
    "vp9-opus.webm": {"codec": "libvpx-vp9", "layout": "mono", "audio_codec": "libopus"},
    "vp9.mp4": {"codec": "libvpx-vp9"},
    "av1.mp4": {"codec": "libsvtav1"},
}
NOT_PLAYABLE = {
    "h264.mkv": {},
    "vp9.mkv": {"codec": "libvpx-vp9"},
    "mpeg4.mp4": {"codec": "mpeg4"},
    "mpeg4.avi": {"codec": "mpeg4"},
    "hevc.mp4": {"codec": "libx265"},
    "ten-bit.mp4": {"pix_fmt": "yuv420p10le"},
    "full-chroma.mp4": {"pix_fmt": "yuv444p"},
    "ac3.mp4": {"layout": "stereo", "audio_codec": "ac3"},
    "h264.ts": {},
}


@pytest.mark.parametrize("name", [*PLAYABLE, *NOT_PLAYABLE])
def test_the_container_and_its_codecs_decide_what_a_browser_plays(tmp_path: Path, name: str) -> None:
    options = PLAYABLE.get(name) or NOT_PLAYABLE.get(name) or {}
    video = write_coded(tmp_path / name, num_frames=10, **options)  # type: ignore[arg-type]
    assert is_browser_playable(video) is (name in PLAYABLE)


def test_what_a_probe_tells_can_stand_for_the_path(tmp_path: Path) -> None:
    with open_video(write_coded(tmp_path / "a.mkv", num_frames=5)) as video:
        assert is_browser_playable(video.probe()) is False


@pytest.mark.parametrize("name", ["mpeg4.avi", "ten-bit.mp4", "vp9.mkv"])
def test_a_proxy_is_playable_small_and_keeps_frames_and_times(tmp_path: Path, name: str) -> None:
    video = write_coded(
        tmp_path / name,
        size=(640, 480),
        layout="stereo",
        audio_codec="libmp3lame",
        clicks=[2.0],
        **NOT_PLAYABLE[name],  # type: ignore[arg-type]
    )
    out = write_proxy(video, tmp_path / "new" / "proxy.mp4", height=120)
    assert out == tmp_path / "new" / "proxy.mp4"
    assert is_browser_playable(out)
    with av.open(str(out)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (160, 120)
    source, frames = read_clip(video), read_clip(out)
    assert [number for _, number in frames] == [number for _, number in source] == list(range(100))
    zero = source[0][0]
    np.testing.assert_allclose([t for t, _ in frames], [t - zero for t, _ in source], atol=0.0011)
    assert first_click(out) == pytest.approx(first_click(video) - zero, abs=1024 / 48_000)


def test_a_proxy_is_never_larger_and_has_even_sides(tmp_path: Path) -> None:
    video = write_coded(tmp_path / "a.mkv", codec="ffv1", pix_fmt="yuv444p", size=(171, 91), num_frames=5)
    for height, expected in ((360, (170, 90)), (45, (84, 44)), (2, (4, 2))):
        with av.open(str(write_proxy(video, tmp_path / "p.mp4", height=height))) as container:
            stream = container.streams.video[0]
            assert stream.height == expected[1]
            assert abs(stream.width - expected[0]) <= 2


def test_pixels_become_square_in_a_proxy(real_data: Path, tmp_path: Path) -> None:
    out = write_proxy(real_data / "videos" / "test.mp4", tmp_path / "p.mp4", height=128)
    with av.open(str(out)) as container:  # 340 x 256 pixels that are 1024 : 765 wide
        assert (container.streams.video[0].width, container.streams.video[0].height) == (228, 128)
        assert sum(1 for _ in container.decode(video=0)) == 300


def test_real_videos_are_judged_by_what_they_hold(real_data: Path) -> None:
    videos = real_data / "videos"
    judged = {path.name: is_browser_playable(path) for path in videos.iterdir()}
    assert [name for name, playable in judged.items() if not playable] == ["flipping_a_pancake.mkv"]


def test_colours_of_a_proxy_are_those_of_the_video(tmp_path: Path) -> None:
    video = write_coded(
        tmp_path / "a.avi", codec="mjpeg", pix_fmt="yuvj420p", numbers=[341] * 5, times=[0, 0.04]
    )
    with av.open(str(write_proxy(video, tmp_path / "p.mp4"))) as container:
        frame = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(frame.astype(int) - paint(341, 160, 90)).mean() < 6


def test_wrong_wishes_are_refused(tmp_path: Path) -> None:
    video = write_coded(tmp_path / "a.mp4", num_frames=5)
    before = video.read_bytes()
    with pytest.raises(ValueError, match="height must be at least 2 pixels, got 1"):
        write_proxy(video, tmp_path / "p.mp4", height=1)
    with pytest.raises(ValueError, match=r"a proxy is an \.mp4 file"):
        write_proxy(video, tmp_path / "p.webm")
    with pytest.raises(ValueError, match="is the video itself"):
        write_proxy(video, video)
    assert video.read_bytes() == before
    with pytest.raises(FileNotFoundError, match="no such video"):
        write_proxy(tmp_path / "b.mp4", tmp_path / "p.mp4")
    (tmp_path / "text.mp4").write_text("no video" * 99)
    with pytest.raises(MediaError, match=r"text\.mp4"):
        is_browser_playable(tmp_path / "text.mp4")
    assert not (tmp_path / "p.mp4").exists()


def test_a_file_with_sound_alone_has_nothing_to_show(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        audio = container.add_stream("aac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16_000
        container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    with pytest.raises(NoVideoStreamError, match="has no moving pictures; give a video"):
        is_browser_playable(path)
    with pytest.raises(NoVideoStreamError, match="has no moving pictures; give a video"):
        write_proxy(path, tmp_path / "p.mp4")
