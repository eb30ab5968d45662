"""The passages of the synthetic set and what tells them: in the plans, in the frames and in the samples."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vidkit.data.synth import SAMPLE_RATE_HZ, Band, Painter, Script, generate, write_script
from vidkit.data.synth.annotations import manifest_row, repurpose10k_row
from vidkit.data.synth.picture import BAND_COLOUR
from vidkit.data.synth.sound import CHORD_HZ
from vidkit.data.synth.words import TELLING_OPENERS
from vidkit.encoders import LogMelAudio, MotionVisual, PixelVisual
from vidkit.features import FeatureStore, extract, parse_encoder_spec

Flags = npt.NDArray[np.bool_]
SHORT, LONG = [2.0, 4.0, 7.24, 20.0, 39.0], [40.0, 46.0, 60.0, 75.0, 120.0, 300.0, 600.0]


def _plans(num_videos: int, *, seconds: float, seed: int) -> list[Script]:
    return [write_script(index, seed=seed, duration_seconds=seconds) for index in range(num_videos)]


def _covered(times: tuple[tuple[float, float], ...] | list[tuple[float, float]], seconds: float) -> Flags:
    """Return for each second of a video whether its middle lies in one of ``times``."""
    middles = np.arange(int(seconds)) + 0.5
    covered = np.zeros(len(middles), bool)
    for start, end in times:
        covered |= (middles >= start) & (middles < end)
    return covered


def _tellings(script: Script) -> tuple[Flags, Flags]:
    """Return for each second whether a sentence with a telling and with a calm opener is said."""
    telling: list[tuple[float, float]] = []
    calm: list[tuple[float, float]] = []
    for caption in script.captions:
        is_telling = caption.text.startswith(TELLING_OPENERS)
        (telling if is_telling else calm).append((caption.start, caption.end))
    return _covered(telling, script.duration_seconds), _covered(calm, script.duration_seconds)


# ------------------------------------------------------------------------------------------ the plans


@pytest.mark.parametrize("seconds", SHORT + LONG)
def test_passages_cover_25_to_35_percent_and_last_10_to_90_seconds(seconds: float) -> None:
    for seed in range(6):
        for script in _plans(4 if seconds > 200 else 16, seconds=seconds, seed=seed):
            lengths = [end - start for start, end in script.passages]
            assert 0.25 <= sum(lengths) / seconds <= 0.35, script.video_id
            assert repurpose10k_row(script)["coverage"] == pytest.approx(sum(lengths) / seconds, abs=0.01)
            if seconds in LONG:
                assert 10 <= min(lengths) <= max(lengths) <= 90, script.video_id
            else:
                assert len(lengths) == 1, script.video_id


@pytest.mark.parametrize("seconds", SHORT + LONG)
def test_passages_are_whole_scenes_apart_from_each_other_with_a_highlight_in_each(seconds: float) -> None:
    for script in _plans(8 if seconds > 200 else 24, seconds=seconds, seed=5):
        borders = {scene.start for scene in script.scenes} | {script.duration_seconds}
        for start, end in script.passages:
            assert {start, end} <= borders, script.video_id
            assert any(start <= part.start and part.end <= end for part in script.highlights), script.video_id
        assert all(later - earlier >= 4.9 for (_, earlier), (later, _) in pairwise(script.passages))


def test_a_passage_may_lie_anywhere_and_highlights_lie_outside_passages_too() -> None:
    scripts = _plans(200, seconds=20.0, seed=0)
    middles = [sum(script.passages[0]) / 2 for script in scripts]
    shares = np.histogram(middles, bins=[0, 5, 10, 15, 20])[0] / len(scripts)
    assert shares.min() > 0.03
    outside = [
        part.start >= script.passages[0][1] or part.end <= script.passages[0][0]
        for script in scripts
        for part in script.highlights
    ]
    assert 0.2 < np.mean(outside) < 0.6


@pytest.mark.parametrize("seconds", [2.0, 7.24, 20.0, 120.0])
def test_a_passage_begins_and_ends_with_a_sentence_and_none_crosses_its_borders(seconds: float) -> None:
    scale = min(1.0, seconds / 8)  # short videos have short sentences
    for script in _plans(24, seconds=seconds, seed=1):
        for start, end in script.passages:
            for caption in script.captions:
                assert not caption.start < start < caption.end, script.video_id
                assert not caption.start < end < caption.end, script.video_id
            said = [caption for caption in script.captions if start <= caption.start < end]
            assert said[0].start - start <= 0.3 * scale + 0.01, script.video_id
            assert end - said[-1].end <= 0.3 * scale + 0.01, script.video_id


def test_sentences_take_two_thirds_of_the_time_and_tell_in_four_of_five() -> None:
    scripts = _plans(48, seconds=60.0, seed=2)
    shares = [sum(line.end - line.start for line in script.captions) / 60.0 for script in scripts]
    assert 0.63 < np.mean(shares) < 0.73
    told = []
    for script in scripts:
        for caption in script.captions:
            inside = any(start <= caption.start < end for start, end in script.passages)
            told.append(caption.text.startswith(TELLING_OPENERS) == inside)
    assert 0.77 < np.mean(told) < 0.83


@pytest.mark.parametrize("seconds", [4.0, 20.0, 120.0])
def test_bands_and_chords_begin_and_end_at_cuts_and_never_lie_outside_together(seconds: float) -> None:
    for script in _plans(24, seconds=seconds, seed=3):
        borders = {scene.start for scene in script.scenes} | {script.duration_seconds}
        assert {edge for mark in script.bands + script.chords for edge in mark} <= borders
        passages = _covered(script.passages, seconds)
        both = _covered(script.bands, seconds) & _covered(script.chords, seconds)
        assert not (both & ~passages).any()


def test_some_passages_lack_a_cue_or_a_part_of_it_but_none_lacks_both() -> None:
    kinds: Counter[str] = Counter()
    for script in _plans(64, seconds=120.0, seed=4):
        for start, end in script.passages:
            shares = []
            for marks in (script.bands, script.chords):
                shown = sum(max(min(mark.end, end) - max(mark.start, start), 0) for mark in marks)
                share = shown / (end - start)
                kinds["whole" if share > 0.999 else "absent" if share == 0 else "partial"] += 1
                shares.append(share)
            assert max(shares) > 0
    total = sum(kinds.values())
    assert 0.02 < kinds["absent"] / total < 0.10
    assert 0.25 < kinds["partial"] / total < 0.50


def test_there_are_decoys_as_long_as_passages_and_shorter() -> None:
    lengths: list[float] = []
    longest = []
    for script in _plans(64, seconds=120.0, seed=4):
        decoys = [
            mark.end - mark.start
            for mark in script.bands + script.chords
            if not any(start <= mark.start < end for start, end in script.passages)
        ]
        lengths += decoys
        longest.append(max(end - start for start, end in script.passages))
    assert max(lengths) > np.mean(longest)
    assert np.mean(np.array(lengths) < 10) > 0.2
    assert len(lengths) > 64


@pytest.mark.parametrize(("seconds", "num_videos"), [(20.0, 192), (60.0, 96), (120.0, 64), (600.0, 16)])
def test_each_cue_alone_tells_about_four_fifths_of_the_seconds_and_all_tell_nine_tenths(
    seconds: float, num_videos: int
) -> None:
    rows, truths = [], []
    for seed in (11, 12):
        for script in _plans(num_videos // 2, seconds=seconds, seed=seed):
            marks = (_covered(marks, seconds) for marks in (script.bands, script.chords))
            rows.append(np.stack([*marks, *_tellings(script)]))
            truths.append(_covered(script.passages, seconds))
    cues, truth = np.concatenate(rows, axis=1), np.concatenate(truths)
    assert 0.80 <= _told_by(cues[:1], truth) <= 0.89  # the band; a rule that says "outside" has 0.70
    assert 0.80 <= _told_by(cues[1:2], truth) <= 0.89  # the chord
    assert 0.73 <= _told_by(cues[2:], truth) <= 0.83  # the captions, silent a third of the time
    assert _told_by(cues, truth) > 0.915
    assert max(_told_by(cues[[0, 2, 3]], truth), _told_by(cues[1:], truth)) < 0.90


def _told_by(cues: Flags, truth: Flags) -> float:
    """Return the share of seconds that the best rule on the cues gets right, knowing all frequencies."""
    codes = (cues.T @ (1 << np.arange(len(cues)))).astype(int)
    counts = np.zeros((1 << len(cues), 2), int)
    np.add.at(counts, (codes, truth.astype(int)), 1)
    return float(counts.max(axis=1).sum() / len(truth))


def test_clips_at_random_and_in_the_middle_rarely_meet_a_passage_of_two_minutes() -> None:
    rng = np.random.default_rng(0)
    random, middle = [], []
    for script in _plans(96, seconds=120.0, seed=21):
        middle.append(_best_overlap((45.0, 75.0), script))
        for _ in range(20):
            length = rng.uniform(10, 90)
            start = rng.uniform(0, 120 - length)
            random.append(_best_overlap((start, start + length), script))
    assert np.mean(np.array(random) >= 0.5) < 0.2
    assert np.mean(np.array(middle) >= 0.5) < 0.35


def _best_overlap(clip: tuple[float, float], script: Script) -> float:
    overlaps = []
    for start, end in script.passages:
        shared = max(min(clip[1], end) - max(clip[0], start), 0.0)
        overlaps.append(shared / (clip[1] - clip[0] + end - start - shared))
    return max(overlaps)


def test_the_manifest_has_the_times_of_bands_and_chords() -> None:
    script = write_script(1, seed=0, duration_seconds=20.0)
    row = manifest_row(script)
    assert row["bands"] == [[mark.start, mark.end] for mark in script.bands] != []
    assert row["chords"] == [[mark.start, mark.end] for mark in script.chords] != []


# ------------------------------------------------------------------------- the frames and the samples


def test_the_band_is_in_the_frames_of_its_times_and_in_no_others() -> None:
    for script in _plans(4, seconds=20.0, seed=6):
        painter = Painter(script, width=320, height=180)
        for time_ms in range(0, 20_000, 800):
            share = (painter.frame(time_ms)[:10] == BAND_COLOUR).all(axis=2).mean()
            if any(mark.start <= time_ms / 1000 < mark.end for mark in script.bands):
                assert share > 0.8  # a shape that falls or rises hides a part of it for a moment
            else:
                assert share < 0.05


def test_the_band_does_not_change_an_event_nor_the_picture_below_it() -> None:
    script = next(s for s in _plans(24, seconds=20.0, seed=6) if s.bands)
    with_band = Painter(script, width=320, height=180)
    without = Painter(replace(script, bands=()), width=320, height=180)
    middle_ms = round(500 * (script.bands[0].start + script.bands[0].end))
    one, other = with_band.frame(middle_ms), without.frame(middle_ms)
    assert (one[:10] != other[:10]).any()
    np.testing.assert_array_equal(one[10:], other[10:])


def test_the_band_does_not_move_and_leaves_no_lasting_change_where_it_begins_or_ends() -> None:
    script = next(script for script in _plans(24, seconds=20.0, seed=7) if len(script.bands) > 1)
    calm = replace(script, highlights=(), motions=(), events=(), distractors=())
    painter, plain = (
        Painter(replace(calm, bands=bands), width=320, height=180) for bands in (script.bands, ())
    )
    encoder = MotionVisual(size=(9, 16))  # on the finer grid the band is the topmost row
    for edge in (edge for mark in script.bands for edge in mark if 0.5 < edge < 19.5):
        for shift_ms in (-300, -100, 0, 100, 300):
            times = [round(1000 * edge) + shift_ms + step_ms for step_ms in (-200, 0, 200)]
            change, without = (
                encoder(torch.from_numpy(np.stack([drawn.frame(time) for time in times])[None]))
                for drawn in (painter, plain)
            )
            assert (change <= without + 0.05).all()  # a cut alone would make 1.0 and more


def _chord_strength(samples: npt.NDArray[np.float32]) -> float:
    """Return the amplitude of the chord's tones in one second, from the Fourier sum at their frequencies."""
    clock = np.arange(len(samples)) / SAMPLE_RATE_HZ
    tones = [
        2 / len(samples) * abs(np.sum(samples * np.exp(-2j * np.pi * hertz * clock))) for hertz in CHORD_HZ
    ]
    return float(np.mean(tones))


def test_the_chord_is_in_the_samples_of_its_times_steady_and_quiet() -> None:
    heard, silent, loudness = [], [], []
    for script in _plans(4, seconds=20.0, seed=8):
        band = Band(script)
        for second in range(20):
            inside = any(mark.start <= second and second + 1 <= mark.end for mark in script.chords)
            touched = any(mark.start < second + 1 and mark.end > second for mark in script.chords)
            if inside == touched:
                samples = band.second(second)
                (heard if inside else silent).append(_chord_strength(samples))
                loudness.append(float(np.sqrt(np.mean(samples.astype(float) ** 2))))
    assert min(heard) > 2 * np.quantile(silent, 0.9)
    assert np.std(heard) < 0.2 * np.mean(heard)
    assert np.mean(heard) < 0.5 * np.mean(loudness)


Clips = tuple[Script, npt.NDArray[np.float32], npt.NDArray[np.float32]]
CUES = pytest.mark.parametrize(("modality", "name", "least"), [(1, "bands", 0.97), (2, "chords", 0.9)])


@pytest.fixture(scope="module")
def clips() -> list[Clips]:
    """16 videos of 20 s with the thumbnails and the mel spectra of the middle of each second."""
    rows = []
    for script in _plans(16, seconds=20.0, seed=9):
        painter, band = Painter(script, width=128, height=72), Band(script)
        frames = np.stack([painter.frame(1000 * second + 500) for second in range(20)])[:, None]
        sound = np.stack([band.second(second)[4800:11_200] for second in range(20)])
        with torch.inference_mode():
            pictures = PixelVisual()(torch.from_numpy(frames)).numpy()
            spectra = LogMelAudio()(torch.from_numpy(sound)).numpy()
        rows.append((script, pictures, spectra))
    return rows


@pytest.fixture(scope="module")
def clips_of_files(tmp_path_factory: pytest.TempPathFactory) -> list[Clips]:
    """The same from video files, by the way of the command `vidkit extract`."""
    folder = tmp_path_factory.mktemp("set")
    made = generate(folder, num_videos=16, seconds=20.0, seed=9, width=128, height=72, fps=10)
    extract(
        list(made.videos),
        encoders=parse_encoder_spec("PixelVisual,LogMelAudio"),
        out=folder / "features",
        clip_seconds=1.0,
    )
    store = FeatureStore(folder / "features", clip_seconds=1.0)
    return [
        (script, *(np.array(store[name][script.video_id]) for name in ("PixelVisual", "LogMelAudio")))
        for script in made.scripts
    ]


@CUES
def test_band_and_chord_are_read_off_the_features_of_other_videos(
    clips: list[Clips], modality: int, name: str, least: float
) -> None:
    assert _read_off(clips, modality, name) > least


@pytest.mark.slow
@CUES
def test_band_and_chord_are_read_off_the_features_of_other_files(
    clips_of_files: list[Clips], modality: int, name: str, least: float
) -> None:
    assert _read_off(clips_of_files, modality, name) > least


def _read_off(clips: list[Clips], modality: int, name: str) -> float:
    """Return the share of seconds of the second 8 videos that a model fitted to the first 8 gets right."""
    features = [row[modality] for row in clips]
    shown = [_covered(getattr(row[0], name), 20.0) for row in clips]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))
    model.fit(np.concatenate(features[:8]), np.concatenate(shown[:8]))  # one video of each topic
    return float(model.score(np.concatenate(features[8:]), np.concatenate(shown[8:])))
