"""Sound: placed by time, mixed, resampled, in pieces or whole."""

from __future__ import annotations

import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray
from sample_files import cut_by_copy, mux_together, scratch, tone, truncate, write_video
from sample_kinds import Sample, without_sound_between, write_sound

from vidkit.media import (
    DamagedError,
    DamageWarning,
    NoAudioStreamError,
    TruncatedError,
    open_video,
)

SampleOf = Callable[[str], Sample]
LOSSLESS = {"audio_codec": "pcm_s16le"}
NOISE = np.random.default_rng(0).normal(0, 0.1, 44_100 * 8).astype(np.float32)


def _video(path: Path, audio: NDArray[np.float32], seconds: float = 4.0, **options: object) -> Path:
    settings: dict[str, object] = {"num_frames": round(seconds * 25), "audio": audio} | options
    return write_video(path, **settings)  # type: ignore[arg-type]


def test_samples_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = _video(tmp_path / "a.mkv", NOISE[: 44_100 * 4], **LOSSLESS)
    with open_video(path) as video:
        got = video.audio(44_100)
    assert got.dtype == np.float32
    assert got.shape == (44_100 * 4,)
    np.testing.assert_allclose(got, NOISE[: 44_100 * 4], atol=1.5 / 32768)


@pytest.mark.parametrize("rate", [8000, 16_000, 32_000, 48_000])
def test_resampling_is_soxrs(tmp_path: Path, rate: int) -> None:
    path = _video(tmp_path / "a.mkv", NOISE[: 44_100 * 4], **LOSSLESS)
    with open_video(path) as video:
        plain, got = video.audio(44_100), video.audio(rate)
    expected = soxr.resample(plain, 44_100, rate, quality="HQ")
    assert got.shape == expected.shape == (rate * 4,)
    np.testing.assert_allclose(got[:-200], expected[:-200], atol=1e-4)  # the end is followed by zeros


def test_channels_are_averaged(tmp_path: Path) -> None:
    left, right = tone(4), tone(4, hz=1000.0)
    stereo = _video(tmp_path / "a.mkv", np.stack([left, right]), **LOSSLESS)
    six = np.stack([left, right, *np.zeros((4, len(left)), np.float32)])
    surround = _video(tmp_path / "b.mkv", six, **LOSSLESS)
    with open_video(stereo) as two, open_video(surround) as many:
        np.testing.assert_allclose(two.audio(44_100), (left + right) / 2, atol=2 / 32768)
        np.testing.assert_allclose(many.audio(44_100), (left + right) / 6, atol=2 / 32768)


@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_s16le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "flac"])
def test_every_sample_format_has_the_same_scale(tmp_path: Path, codec: str) -> None:
    path = _video(tmp_path / "a.mkv", tone(4), audio_codec=codec)
    with open_video(path) as video:
        np.testing.assert_allclose(video.audio(44_100), tone(4), atol=0.01 if codec == "pcm_u8" else 1e-4)


def test_aac_loses_its_priming_and_its_tail(tmp_path: Path) -> None:
    sound = np.zeros(44_100 * 4, np.float32)
    sound[44_100 * 2 : 44_100 * 3] = tone(1)
    path = _video(tmp_path / "a.mp4", sound)
    with open_video(path) as video:
        got = video.audio(44_100)
    assert len(got) == 44_100 * 4
    assert _onset(got) == pytest.approx(2.0, abs=0.012)
    assert np.corrcoef(got, sound)[0, 1] > 0.99  # one sample late would be 0.94 at most


def test_sound_that_begins_later_is_preceded_by_zeros(tmp_path: Path) -> None:
    for name in ("a.mkv", "a.mp4"):
        path = _video(tmp_path / name, tone(2), audio_start=1.5)
        with open_video(path) as video:
            got = video.audio(16_000)
        assert len(got) == 64_000
        assert _onset(got, 16_000) == pytest.approx(1.5, abs=0.02)
        assert not got[: int(1.4 * 16_000)].any()
        assert not got[int(3.6 * 16_000) :].any()  # and the end is filled up


def test_sound_before_the_first_frame_is_cut(tmp_path: Path) -> None:
    sound = np.concatenate([np.zeros(44_100 * 3, np.float32), tone(2)])
    path = _video(tmp_path / "a.mkv", sound, ticks=range(50, 125), **LOSSLESS)  # pictures from 2 s on
    with open_video(path) as video:
        got = video.audio(44_100)
    assert len(got) == 44_100 * 3
    np.testing.assert_allclose(got, sound[44_100 * 2 :], atol=1e-4)


def test_sound_and_pictures_of_a_cut_file_stay_together(tmp_path: Path) -> None:
    sound = np.zeros(44_100 * 6, np.float32)
    sound[44_100 * 3 : 44_100 * 4] = tone(1)
    path = _video(tmp_path / "whole.mp4", sound, 6.0)
    with open_video(cut_by_copy(path, tmp_path / "cut.mp4", 1.28)) as video:
        assert _onset(video.audio(44_100)) == pytest.approx(3.0 - 1.28, abs=0.03)


def test_gaps_are_zeros(tmp_path: Path) -> None:
    whole = _video(tmp_path / "a.mov", tone(4), **LOSSLESS)
    gap = without_sound_between(whole, tmp_path / "gap.mkv", 1.0, 2.0)
    with open_video(gap) as video:
        got = video.audio(44_100)
        part = video.audio(44_100, 1.5, 3.0)
    assert not got[int(1.05 * 44_100) : int(1.95 * 44_100)].any()
    for low, high in ((0.0, 0.95), (2.05, 4.0)):
        place = slice(int(low * 44_100), int(high * 44_100))
        assert abs(_lag(got[place], tone(4)[place])) <= 22  # Matroska counts milliseconds
    assert abs(_lag(part, got[int(1.5 * 44_100) : 3 * 44_100])) <= 22


@pytest.mark.parametrize(
    ("name", "codec", "tolerance"),
    [
        ("a.mov", "pcm_s16le", 1e-6),
        ("a.wav", "", 1e-6),
        ("a.mp4", "aac", 1e-3),
        ("a.ts", "aac", 1e-3),
        ("a.avi", "mp2", 1e-3),
    ],
)
def test_a_part_is_that_part_of_the_whole(tmp_path: Path, name: str, codec: str, tolerance: float) -> None:
    sound = _sweep(8.0)
    if codec:
        rate = 48_000 if codec == "libopus" else 44_100
        video_codec = {"codec": "mpeg4"} if name == "a.avi" else {}
        path = _video(tmp_path / name, sound, 8.0, audio_codec=codec, audio_rate=rate, **video_codec)
    else:
        path = write_sound(tmp_path / name, sound)
    with open_video(path) as video:
        whole = video.audio(16_000)
        for start, end in ((0.0, 1.0), (3.3, 4.7), (6.011, 7.5), (7.9, 8.0), (5.0, 5.0)):
            part = video.audio(16_000, start, end)
            first = round(start * 16_000)
            assert len(part) == round((end - start) * 16_000)
            np.testing.assert_allclose(part, whole[first : first + len(part)], atol=tolerance)


@pytest.mark.parametrize(("codec", "rate"), [("aac", 44_100), ("libopus", 48_000)])
def test_a_part_of_a_matroska_file_lies_at_most_a_millisecond_beside(
    tmp_path: Path, codec: str, rate: int
) -> None:
    path = _video(tmp_path / "a.mkv", _sweep(8.0, rate), 8.0, audio_codec=codec, audio_rate=rate)
    with open_video(path) as video:
        whole = video.audio(16_000)
        assert abs(_lag(whole, _sweep(8.0, 16_000))) <= 8
        for start, end in ((0.0, 1.0), (3.3, 4.7), (6.011, 7.5)):
            part = video.audio(16_000, start, end)
            assert abs(_lag(part, whole[round(start * 16_000) :][: len(part)])) <= 16  # two roundings


def test_only_the_asked_part_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _video(tmp_path / "a.mp4", np.tile(tone(10), 6), 60.0)
    seconds = []
    monkeypatch.setattr("vidkit.media.audio._Sound._mono", _counting(seconds))
    with open_video(path) as video:
        video.audio(16_000, 50.0, 51.0)
    assert sum(seconds) < 6


def test_beyond_the_duration_is_sound_if_there_is_and_zeros(tmp_path: Path) -> None:
    path = _video(tmp_path / "a.mov", tone(5), 4.0, **LOSSLESS)
    with open_video(path) as video:
        assert len(video.audio(44_100)) == 44_100 * 4
        got = video.audio(44_100, 3.0, 6.0)
    np.testing.assert_allclose(got[: 44_100 * 2], tone(5)[44_100 * 3 :], atol=1e-4)
    assert not got[44_100 * 2 + 10 :].any()


@pytest.mark.parametrize("chunk_seconds", [0.3, 1.0, 2.5, 60.0])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_pieces_joined_are_the_whole(tmp_path: Path, chunk_seconds: float, rate: int) -> None:
    path = _video(tmp_path / "a.mp4", NOISE[: 44_100 * 4])
    with open_video(path) as video:
        pieces = list(video.stream_audio(rate, chunk_seconds=chunk_seconds))
        whole = video.audio(rate)
    assert {len(piece) for piece in pieces[:-1]} <= {round(chunk_seconds * rate)}
    assert 0 < len(pieces[-1]) <= round(chunk_seconds * rate)
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=1e-6)


def test_memory_of_pieces_does_not_grow_with_length(tmp_path: Path) -> None:
    def peak(seconds: int) -> int:
        sound = write_sound(tmp_path / f"{seconds}.wav", np.tile(tone(10), seconds // 10))
        with open_video(sound) as video:
            tracemalloc.start()
            assert sum(map(len, video.stream_audio(16_000, chunk_seconds=5.0))) == seconds * 16_000
            result = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return result

    peak(20)  # what is loaded at the first use
    assert peak(600) < 1.5 * peak(60)


def test_another_stream_of_sound_can_be_chosen(tmp_path: Path) -> None:
    one = _video(tmp_path / "one.mov", tone(4), **LOSSLESS)
    two = _video(tmp_path / "two.mov", tone(4, hz=1000.0), **LOSSLESS)
    both = mux_together(tmp_path / "both.mkv", [(one, "video"), (one, "audio"), (two, "audio")])
    with open_video(both) as video:
        indices = [stream.index for stream in video.info.audio_streams]
    assert indices == [1, 2]
    for index, hz in zip(indices, (440.0, 1000.0)):
        with open_video(both, audio_stream=index) as video:
            spectrum = np.abs(np.fft.rfft(video.audio(16_000)))
        assert np.argmax(spectrum) / 4 == pytest.approx(hz, abs=1)


def test_other_backends_give_the_same_sound(tmp_path: Path) -> None:
    pytest.importorskip("decord")
    path = _video(tmp_path / "a.mp4", tone(4))
    with open_video(path) as one, open_video(path, backend="decord") as other:
        np.testing.assert_array_equal(one.audio(16_000), other.audio(16_000))


def test_a_file_without_sound_is_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "silent.mp4", num_frames=10)
    with open_video(path) as video:
        assert not video.info.has_audio
        for ask in (lambda: video.audio(16_000), lambda: list(video.stream_audio(16_000))):
            with pytest.raises(
                NoAudioStreamError, match=r"silent\.mp4 has no sound; give a video with sound"
            ):
                ask()


def test_wrong_arguments_are_refused(sample_of: SampleOf) -> None:
    with open_video(sample_of("plain").path) as video:
        with pytest.raises(ValueError, match="sample_rate_hz must be a positive whole number, got 0"):
            video.audio(0)
        with pytest.raises(ValueError, match=r"0 <= start <= end, got start 2\.0 and end 1\.0"):
            video.audio(8000, 2.0, 1.0)
        with pytest.raises(ValueError, match="got start -1"):
            video.audio(8000, -1.0)
        with pytest.raises(ValueError, match="chunk_seconds must be at least one sample, got 0"):
            video.stream_audio(8000, chunk_seconds=0.0)


def test_sound_that_breaks_off_is_filled_with_zeros_and_told(tmp_path: Path) -> None:
    whole = _video(tmp_path / "a.mp4", NOISE, 8.0, container_options={"movflags": "faststart"})
    path = truncate(whole, tmp_path / "cut.mp4", 0.5)
    with open_video(path) as video:
        with pytest.warns(DamageWarning, match=r"its sound ends early; \d\.\d\d s of 8\.00 s") as caught:
            got = video.audio(16_000)
        assert len(caught) == 1
        assert len(got) == 8 * 16_000
        assert np.abs(got[:32_000]).max() > 0.1
        assert not got[6 * 16_000 :].any()
        with warnings.catch_warnings():  # what is asked for is there
            warnings.simplefilter("error")
            video.audio(16_000, 0.0, 1.0)
    with (
        open_video(path, on_damage="error") as video,
        pytest.raises(TruncatedError, match="its sound ends early"),
    ):
        list(video.stream_audio(16_000))


def test_damaged_packets_of_sound_are_told(tmp_path: Path) -> None:
    whole = _video(tmp_path / "a.mp4", NOISE, 8.0, container_options={"movflags": "faststart"})
    path = scratch(whole, tmp_path / "noise.mp4", 0.5, 0.6)
    with (
        open_video(path) as video,
        pytest.warns(DamageWarning, match="a part of its sound cannot be decoded"),
    ):
        assert len(video.audio(16_000)) == 8 * 16_000
    with (
        open_video(path, on_damage="error") as video,
        pytest.raises(DamagedError, match="a part of its sound cannot be decoded"),
    ):
        video.audio(16_000)


def test_shorter_or_longer_sound_is_no_damage(tmp_path: Path) -> None:
    paths = [_video(tmp_path / name, tone(s)) for name, s in (("a.mp4", 2), ("a.mkv", 2), ("b.mp4", 8))]
    paths.append(_video(tmp_path / "a.flv", tone(8), codec="flv"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for path in paths:
            with open_video(path) as video:
                video.audio(16_000)
                assert sum(map(len, video.stream())) == 100
                video.frames_at([3.99])


def _sweep(seconds: float, rate: int = 44_100) -> NDArray[np.float32]:
    """A sine from 200 to 1800 Hz: no two places are alike, and codecs do not replace it by noise."""
    time = np.arange(round(seconds * rate)) / rate
    return (0.4 * np.sin(2 * np.pi * (200 + 100 * time) * time)).astype(np.float32)


def _lag(sound: NDArray[np.float32], expected: NDArray[np.float32], most: int = 60) -> int:
    """Samples by which ``sound`` comes after ``expected``, where the two fit best."""
    middle = expected[most:-most]
    errors = {
        lag: float(((sound[most + lag : len(sound) - most + lag] - middle) ** 2).mean())
        for lag in range(-most, most + 1)
    }
    best = min(errors, key=lambda lag: errors[lag])
    assert errors[best] < 0.05 * float((middle**2).mean())
    return best


def _onset(sound: NDArray[np.float32], rate: int = 44_100) -> float:
    """Seconds at which the sound first reaches a fifth of full scale."""
    return float(np.argmax(np.abs(sound) > 0.2)) / rate


def _counting(seconds: list[float]) -> Callable[..., NDArray[np.float32]]:
    from vidkit.media.audio import _Sound

    original = _Sound._mono

    def counted(self: _Sound, frame: object) -> NDArray[np.float32]:
        mono = original(self, frame)
        seconds.append(len(mono) / self.rate_hz)
        return mono

    return counted
