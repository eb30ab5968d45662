"""Every kind of file, whatever way its frames are asked for: all, at times, at a rate, by jumps."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest
import torch
from sample_files import indices_of, picture
from sample_kinds import KINDS, Sample, played

from vidkit.media import Frames, open_video, packets

SampleOf = Callable[[str], Sample]


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_comes_once_upright_with_its_time(kind: str, sample_of: SampleOf) -> None:
    sample = sample_of(kind)
    with open_video(sample.path) as video:
        batches = list(video.stream(chunk=7))
        table = video.frame_times
        duration = video.info.duration_seconds
    assert _indices(batches) == sample.indices
    np.testing.assert_allclose([t for b in batches for t in b.times], sample.times, atol=1e-6)
    np.testing.assert_allclose(table, sample.times, atol=1e-6)
    assert all(frames.data.shape[1:] == (*sample.size, 3) for frames in batches)
    assert duration == pytest.approx(sample.duration, abs=sample.duration_slack)


@pytest.mark.parametrize("jump", [False, True], ids=["forward", "jumping"])
@pytest.mark.parametrize("kind", KINDS)
def test_frames_at_any_times_are_the_ones_shown_then(
    kind: str, jump: bool, sample_of: SampleOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    if jump:  # at nearly every time
        monkeypatch.setattr(packets, "FAR_SECONDS", 0.1)
    sample = sample_of(kind)
    rng = np.random.default_rng(1)
    times = [*rng.uniform(-0.3, sample.duration + 0.3, 25), *sample.times[::11], 1.0, 1.0]
    rng.shuffle(times)
    with open_video(sample.path) as video:
        frames = video.frames_at(times)
    places = [played(sample.times, time) for time in times]
    assert indices_of(frames.data) == [sample.indices[place] for place in places]
    np.testing.assert_allclose(frames.times, [sample.times[place] for place in places], atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_rate_gives_the_pixels_that_decoding_all_frames_gives(kind: str, sample_of: SampleOf) -> None:
    sample = sample_of(kind)
    with open_video(sample.path) as video:
        duration = video.info.duration_seconds
        frames = [frame for batch in video.stream() for frame in batch.data]
        for fps in (0.7, 3.0, 25.0, 40.0):
            got = np.concatenate([batch.data for batch in video.stream(fps=fps, chunk=5)])
            steps = [n / fps for n in range(1000) if n / fps < duration - 1e-6]
            expected = np.stack([frames[played(sample.times, step)] for step in steps])
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("kind", ["plain", "motion jpeg", "10 bit", "odd size 444", "hevc", "odd size vp9"])
def test_colours_are_right_after_coding(kind: str, sample_of: SampleOf) -> None:
    sample = sample_of(kind)
    with open_video(sample.path) as video:
        frame = video.frames_at([1.0]).data[0]
    height, width = sample.size
    assert np.abs(frame.astype(int) - picture(25, width, height).astype(int)).mean() < 8


def test_a_decoder_that_leaves_out_too_much_is_noticed(
    sample_of: SampleOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(self: packets.Pass, packet: object, wanted: packets.Wanted) -> bool:
        wanted.any_within(0, 1)
        return False

    # As if no packet were wanted: the decoder leaves out all unreferenced frames.
    monkeypatch.setattr(packets.Pass, "_is_wanted", never)
    sample = sample_of("plain")
    with open_video(sample.path) as video:
        assert indices_of(video.frames_at(sample.times[3::4]).data) == sample.indices[3::4]


def _indices(batches: Iterable[Frames]) -> list[int]:
    return [index for frames in batches for index in indices_of(frames.data)]


@pytest.mark.parametrize("size", [(12, 16), (12, 20), (32, 32), (64, 85)])
def test_scaled_colours_are_those_of_the_area(size: tuple[int, int], sample_of: SampleOf) -> None:
    with open_video(sample_of("plain").path) as video:
        full = torch.from_numpy(video.frames_at([1.0]).data).permute(0, 3, 1, 2).double()
        small = video.frames_at([1.0], size=size).data
    means = torch.nn.functional.interpolate(full, size=size, mode="area").permute(0, 2, 3, 1).numpy()
    assert np.abs(small - means).mean() < 2  # was 2.8 with one colour for two pixels
