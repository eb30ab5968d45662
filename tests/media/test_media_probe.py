"""What ``open_video`` tells of a file before a frame is read, and which files it refuses."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from sample_files import (
    cut_by_copy,
    indices_of,
    mux_together,
    picture,
    remux,
    tone,
    truncate,
    write_video,
)
from sample_kinds import Sample, write_sound

from vidkit.media import (
    CodecMissingError,
    EmptyFileError,
    MediaError,
    NotAVideoError,
    NoVideoStreamError,
    TruncatedError,
    VideoInfo,
    open_video,
)

SampleOf = Callable[[str], Sample]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 frames, 4 s, with sound."""
    return write_video(tmp_path_factory.mktemp("info") / "plain.mp4", audio=tone(4))


def _info(path: Path) -> VideoInfo:
    with open_video(path) as video:
        assert video.probe() == video.info
        return video.info


def test_a_plain_file_tells_what_was_written(plain: Path) -> None:
    info = _info(plain)
    assert info.path == plain
    assert info.duration_seconds == pytest.approx(4.0)
    assert (info.fps, info.num_frames, info.width, info.height) == (25.0, 100, 160, 96)
    assert (info.rotation_degrees, info.mirrored, info.start_seconds) == (0, False, 0.0)
    assert info.has_audio
    (video,), (audio,) = info.video_streams, info.audio_streams
    assert (video.index, video.codec, video.pixel_format) == (info.video_stream, "h264", "yuv420p")
    assert video.duration_seconds == pytest.approx(4.0)
    assert (audio.index, audio.codec, audio.sample_rate_hz, audio.num_channels) == (
        info.audio_stream,
        "aac",
        44_100,
        1,
    )
    assert info.text_streams == ()


def test_a_variable_rate_is_told_as_its_average(sample_of: SampleOf) -> None:
    sample = sample_of("vfr mp4")
    assert _info(sample.path).fps == pytest.approx(len(sample.times) / sample.duration, rel=0.02)


def test_the_zero_is_the_first_shown_frame(sample_of: SampleOf) -> None:
    assert _info(sample_of("start offset mkv").path).start_seconds == pytest.approx(2.0)
    assert _info(sample_of("edit list").path).start_seconds == 0.0


def test_frames_that_an_edit_list_hides_are_not_counted(sample_of: SampleOf) -> None:
    sample = sample_of("edit list")
    info = _info(sample.path)
    assert info.num_frames == len(sample.indices) < 90
    assert info.duration_seconds == pytest.approx(sample.duration)


def test_a_file_without_duration_is_measured(sample_of: SampleOf) -> None:
    for kind in ("no duration", "no timestamps"):
        info = _info(sample_of(kind).path)
        assert info.duration_seconds == pytest.approx(3.6)
        assert info.num_frames == 90


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_the_size_is_that_after_rotation(degrees: int, sample_of: SampleOf) -> None:
    info = _info(sample_of(f"rotation {degrees}").path)
    assert info.rotation_degrees == degrees
    assert (info.width, info.height) == ((160, 96) if degrees == 180 else (96, 160))
    assert info.aspect_ratio == pytest.approx(info.width / info.height)


def test_wide_pixels_keep_their_coded_size_and_are_told(sample_of: SampleOf) -> None:
    info = _info(sample_of("wide pixels").path)
    assert (info.width, info.height) == (160, 96)
    assert info.video_streams[0].sample_aspect_ratio == pytest.approx(4 / 3)
    assert info.aspect_ratio == pytest.approx(4 / 3 * 160 / 96)


def test_a_matroska_length_is_understood_from_both_kinds_of_tag(tmp_path: Path) -> None:
    """Pictures from 2 s to 4 s: FFmpeg's tag holds the end, mkvmerge's the length."""
    ours = write_video(tmp_path / "ffmpeg.mkv", ticks=[50 + i for i in range(50)])
    assert _info(ours).duration_seconds == pytest.approx(2.0, abs=0.001)
    theirs = tmp_path / "mkvmerge.mkv"
    with av.open(str(ours)) as given, av.open(str(theirs), "w") as made:
        copy = made.add_stream_from_template(given.streams.video[0])
        copy.metadata["_STATISTICS_WRITING_APP"] = "mkvmerge"
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = copy
                made.mux(packet)
    data = theirs.read_bytes()
    assert data.count(b"00:00:04.000000000") == 1
    theirs.write_bytes(data.replace(b"00:00:04.000000000", b"00:00:02.000000000"))
    assert _info(theirs).duration_seconds == pytest.approx(2.0, abs=0.001)


def test_the_containers_duration_serves_where_the_stream_has_none(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.flv", codec="flv")
    assert _info(path).duration_seconds == pytest.approx(4.0, abs=0.05)


def test_cover_art_is_no_video_stream(tmp_path: Path, plain: Path) -> None:
    sound = write_sound(tmp_path / "a.m4a", tone(2))
    song = mux_together(tmp_path / "song.mp4", [(sound, "audio")], cover=True)
    info = _info(song)
    assert info.video_streams == ()
    assert (info.video_stream, info.width, info.height, info.fps) == (None, 0, 0, 0.0)
    assert info.aspect_ratio is None
    film = mux_together(tmp_path / "film.mp4", [(plain, "video")], cover=True)
    with open_video(film) as video:
        assert len(video.info.video_streams) == 1
        assert indices_of(video.frames_at([1.0]).data) == [25]


def test_sound_alone_opens_and_frames_are_refused(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "sound.m4a", tone(3))
    with open_video(path) as video:
        assert video.info.video_streams == ()
        assert video.info.duration_seconds == pytest.approx(3.0, abs=0.05)
        assert len(video.audio(8000)) == round(video.info.duration_seconds * 8000)
        for ask in (lambda: video.frames_at([0.0]), lambda: list(video.stream()), lambda: video.frame_times):
            with pytest.raises(NoVideoStreamError, match=r"sound\.m4a has sound but no moving pictures"):
                ask()


def test_a_stream_can_be_chosen_and_has_its_own_zero(tmp_path: Path, plain: Path) -> None:
    small = write_video(tmp_path / "small.mp4", num_frames=50, size=(48, 80), ticks=range(25, 75))
    both = mux_together(tmp_path / "both.mkv", [(plain, "video"), (small, "video"), (plain, "audio")])
    info = _info(both)
    assert len(info.video_streams) == 2
    assert (info.width, info.height) == (160, 96)  # the larger one
    with open_video(both, video_stream=info.video_streams[1].index) as video:
        assert (video.info.width, video.info.height) == (80, 48)
        assert video.info.start_seconds == pytest.approx(1.0, abs=0.03)  # all shifted by the priming of AAC
        assert indices_of(video.frames_at([0.0, 1.0]).data) == [0, 25]
        assert np.abs(video.audio(8000)[:4000]).max() > 0.4
    with pytest.raises(ValueError, match=r"no video stream 7; its video streams are \[0, 1\]"):
        open_video(both, video_stream=7)
    with pytest.raises(ValueError, match=r"no audio stream 0; its audio streams are \[2\]"):
        open_video(both, audio_stream=0)


def test_the_table_of_frame_times_needs_no_decoding(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_video(plain) as video:
        monkeypatch.setattr("vidkit.media.packets.Pass._decode", None)
        np.testing.assert_allclose(video.frame_times, np.arange(100) / 25)


def test_unusual_names_are_only_names(tmp_path: Path, plain: Path) -> None:
    for name in ("concat:a.mp4", "a%03d.mp4", "ein Häuschen #1?.mp4", "http:x.mp4"):
        path = tmp_path / name
        path.write_bytes(plain.read_bytes())
        assert _info(path).num_frames == 100


class TestRefusals:
    """Every file that is no video, and the sentence that says so."""

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match=r"no such video: .*none\.mp4; check the path"):
            open_video(tmp_path / "none.mp4")

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(NotAVideoError, match="is a folder, not a video; give one of the files in it"):
            open_video(tmp_path)

    def test_no_bytes(self, tmp_path: Path) -> None:
        (tmp_path / "a.mp4").touch()
        with pytest.raises(EmptyFileError, match=r"a\.mp4 is empty \(0 bytes\)"):
            open_video(tmp_path / "a.mp4")

    @pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.txt", "a"])
    def test_a_text(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_text("Not a video.\n" * 100)
        with pytest.raises(NotAVideoError, match="give a video file"):
            open_video(tmp_path / name)

    def test_noise(self, tmp_path: Path) -> None:
        (tmp_path / "a.mp4").write_bytes(np.random.default_rng(0).bytes(20_000))
        with pytest.raises(MediaError, match="give a video file"):
            open_video(tmp_path / "a.mp4")

    @pytest.mark.parametrize("suffix", ["png", "jpg", "bmp"])
    def test_a_picture(self, tmp_path: Path, suffix: str) -> None:
        image = pytest.importorskip("PIL.Image")
        image.fromarray(picture(3)).save(tmp_path / f"a.{suffix}")
        with pytest.raises(NotAVideoError, match="is a picture, a text or a playlist"):
            open_video(tmp_path / f"a.{suffix}")

    def test_a_playlist_of_other_files(self, tmp_path: Path, plain: Path) -> None:
        (tmp_path / "a.mp4").write_text(f"ffconcat version 1.0\nfile {plain}\n")
        with pytest.raises(NotAVideoError, match="give a video file"):
            open_video(tmp_path / "a.mp4")

    def test_captions(self, tmp_path: Path) -> None:
        (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:02,000\nHello\n")
        with pytest.raises(NotAVideoError, match="neither moving pictures nor sound"):
            open_video(tmp_path / "a.srt")

    def test_an_index_at_the_end_that_is_cut_off(self, tmp_path: Path, plain: Path) -> None:
        path = truncate(plain, tmp_path / "cut.mp4", 0.5)
        with pytest.raises(TruncatedError, match="begins like a video but its index is missing or broken"):
            open_video(path)

    def test_a_header_without_frames(self, tmp_path: Path, plain: Path) -> None:
        front = remux(plain, tmp_path / "front.mp4", options={"movflags": "faststart"})
        data = front.read_bytes()
        (tmp_path / "head.mp4").write_bytes(data[: data.index(b"mdat") + 8])
        with pytest.raises(TruncatedError, match="has a header but no frames"):
            open_video(tmp_path / "head.mp4")

    def test_an_unknown_codec(self, tmp_path: Path, plain: Path) -> None:
        path = tmp_path / "codec.mp4"
        path.write_bytes(plain.read_bytes().replace(b"avc1", b"zzzz"))
        with pytest.raises(
            CodecMissingError, match="no decoder for its video stream 0 is installed; convert"
        ):
            open_video(path)

    def test_a_video_stream_without_a_frame(self, tmp_path: Path) -> None:
        with av.open(str(tmp_path / "a.mkv"), "w") as out:
            video = out.add_stream("libx264", rate=25)
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
            video.encode(None)
            out.start_encoding()
        with pytest.raises(MediaError, match=r"a\.mkv .*(frame|index)"):
            open_video(tmp_path / "a.mkv")


def test_a_cut_between_frames_begins_with_the_frame_shown_then(tmp_path: Path, plain: Path) -> None:
    path = cut_by_copy(plain, tmp_path / "cut.mp4", float(Fraction(31, 25)))
    with open_video(path) as video:
        assert indices_of(video.frames_at([0.0, 1.0]).data) == [31, 56]
