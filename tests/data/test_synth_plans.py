"""The plans of the synthetic set, and its hash: what is planted, and that it never changes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from vidkit.data.synth import SAMPLE_RATE_HZ, VERSION, Band, Painter, Script, write_script
from vidkit.data.synth import annotations as forms
from vidkit.data.synth.dice import Dice
from vidkit.data.synth.letters import draw_line
from vidkit.data.synth.words import NUM_SENTENCES, TOPIC_NAMES, TOPICS, sentence

# All figures on the synthetic set stand on these. A change of them is a new set: it needs a new VERSION.
PLANS_SHA256 = "571fb32f7e830f61b9294edaa85d0fb5d30cd580d4d7e23d063c50cb4e71c90e"
FRAMES_SHA256 = "bd004d7d72ddda0a81e8864fbd8a5d5606766e87076925058a71b94392ce0f8b"
TOPICS_SHA256 = "ac7b462d64087d380b15bec00217f89931660f9f1e2688cc48d010f5a632daad"


def _plans(num_videos: int, *, seconds: float, seed: int) -> list[Script]:
    return [write_script(index, seed=seed, duration_seconds=seconds) for index in range(num_videos)]


def _rounded(value: Any) -> Any:
    """Return nested lists and dicts with floats of 6 decimals."""
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return round(value, 6) if isinstance(value, float) else value


def _everything(script: Script) -> list[Any]:
    """Return all that is told about a video, the seeds of its drawing included."""
    rows = [
        forms.manifest_row(script),
        forms.repurpose10k_row(script),
        forms.qvhighlights_rows(script),
        forms.tvsum_row(script),
        forms.youtube_highlights_row(script, fps=25),
        forms.usv_row(script),
        forms.srt_text(script),
    ]
    keys = [part.key for part in script.highlights + script.scenes + script.motions + script.noises]
    return [*rows, keys]


def test_the_version_is_the_one_whose_hashes_are_pinned() -> None:
    assert VERSION == "2"


def test_the_plans_and_annotations_have_the_pinned_hash() -> None:
    scripts = _plans(16, seconds=20.0, seed=0) + _plans(8, seconds=4.0, seed=1)
    scripts += _plans(2, seconds=60.0, seed=2) + _plans(2, seconds=7.24, seed=3)
    text = json.dumps(_rounded([_everything(script) for script in scripts]), sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest() == PLANS_SHA256


def test_the_raw_frames_and_samples_of_two_videos_have_the_pinned_hash() -> None:
    total = hashlib.sha256()
    for script in _plans(2, seconds=4.0, seed=0):
        painter, band = Painter(script, width=320, height=180), Band(script)
        for number in range(100):
            total.update(painter.frame(number * 40).tobytes())
        for second in range(4):
            total.update(band.second(second).astype("<f4").tobytes())
    assert total.hexdigest() == FRAMES_SHA256


def test_the_look_and_sound_of_every_topic_have_the_pinned_hash() -> None:
    total = hashlib.sha256()
    for script in _plans(len(TOPIC_NAMES), seconds=20.0, seed=1):
        painter, band = Painter(script, width=160, height=90), Band(script)
        for time_ms in range(0, 20_000, 800):
            total.update(painter.frame(time_ms).tobytes())
        for highlight in script.highlights:
            total.update(band.second(int(highlight.start)).astype("<f4").tobytes())
    assert total.hexdigest() == TOPICS_SHA256


@pytest.mark.slow
def test_another_process_draws_the_same() -> None:
    code = (
        "import hashlib; from vidkit.data.synth import *; s = write_script(3, seed=5, duration_seconds=8.0);"
        "p = Painter(s, width=128, height=72); d = p.frame(900).tobytes() + Band(s).second(1).tobytes();"
        "print(hashlib.sha256(repr(s).encode() + d).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    script = write_script(3, seed=5, duration_seconds=8.0)
    drawn = Painter(script, width=128, height=72).frame(900).tobytes() + Band(script).second(1).tobytes()
    assert other.stdout.strip() == hashlib.sha256(repr(script).encode() + drawn).hexdigest()


def test_frames_and_seconds_can_be_drawn_in_any_order() -> None:
    script = write_script(1, seed=0, duration_seconds=6.0)
    one, other = Painter(script, width=160, height=90), Painter(script, width=160, height=90)
    times = list(range(0, 6000, 480))
    forth = [one.frame(time) for time in times]
    back = [other.frame(time) for time in reversed(times)][::-1]
    np.testing.assert_array_equal(forth, back)
    band = Band(script)
    last = band.second(5)
    band.second(0)
    np.testing.assert_array_equal(last, Band(script).second(5))


@pytest.mark.parametrize("seconds", [2.0, 3.72, 4.0, 7.04, 13.5, 20.0, 60.0, 600.0])
def test_highlights_take_10_to_15_percent_of_the_time(seconds: float) -> None:
    for seed in range(3):
        for script in _plans(16, seconds=seconds, seed=seed):
            total = sum(part.end - part.start for part in script.highlights)
            assert 0.10 - 1e-9 <= total / seconds <= 0.15 + 1e-9, script.video_id


@pytest.mark.parametrize("seconds", [2.0, 7.04, 20.0, 600.0])
def test_intervals_lie_in_the_video_in_order_without_overlap(seconds: float) -> None:
    for script in _plans(16, seconds=seconds, seed=4):
        lists: list[Any] = [script.highlights, script.scenes, script.motions, script.noises, script.captions]
        intervals = [[(part.start, part.end) for part in parts] for parts in lists]
        intervals.append(list(script.passages))
        intervals.append(sorted(w for event in script.events + script.distractors for w in event.windows))
        for times in intervals:
            assert times
            assert times[0][0] >= 0
            assert times[-1][1] <= seconds + 1e-9
            assert all(start < end for start, end in times)
            assert all(end <= start for (_, end), (start, _) in pairwise(times))
        assert all(one.end == two.start for one, two in pairwise(script.scenes))
        assert (script.scenes[0].start, script.scenes[-1].end) == (0.0, seconds)


def test_captions_and_titles_are_unique_in_a_set_of_200_plans() -> None:
    scripts = _plans(200, seconds=20.0, seed=0)
    texts = [caption.text for script in scripts for caption in script.captions]
    bodies = [text.split(", ", 1)[1] for text in texts]  # unique even without the opener
    assert len(set(bodies)) == len(bodies) > 800
    titles = [script.title for script in scripts]
    assert len(set(titles)) == len(titles)


def test_captions_stay_unique_when_all_sentences_are_used_up() -> None:
    texts = [sentence("ocean", "look", serial, 0) for serial in range(NUM_SENTENCES + 500)]
    assert len(set(texts)) == len(texts)


def test_topics_share_no_nouns_or_places_and_speak_in_drawable_letters() -> None:
    counts = Counter(word for topic in TOPICS.values() for word in topic.nouns + topic.places)
    assert max(counts.values()) == 1
    for script in _plans(16, seconds=20.0, seed=1):
        for caption in script.captions:
            assert draw_line(caption.text).any()


def test_the_title_names_the_first_event() -> None:
    for script in _plans(60, seconds=20.0, seed=2):
        event = script.events[0]
        assert script.title.startswith(f"{event.colour.capitalize()} {event.shape} and the ")


def test_queries_of_a_video_differ_and_no_distractor_answers_one() -> None:
    for script in _plans(60, seconds=60.0, seed=0):
        answers = [(event.colour, event.shape, event.motion) for event in script.events]
        assert len(set(answers)) == len(answers) == 3
        assert not set(answers) & {(event.colour, event.shape, event.motion) for event in script.distractors}


def test_every_video_has_more_cuts_than_highlights() -> None:
    for seconds in (4.0, 20.0, 60.0):
        for script in _plans(40, seconds=seconds, seed=0):
            assert len(script.cuts) > len(script.highlights)


def test_there_are_quiet_highlights_loud_noises_and_motions_of_all_kinds() -> None:
    scripts = _plans(40, seconds=20.0, seed=0)
    highlights = [part for script in scripts for part in script.highlights]
    assert 0.25 < np.mean([part.quiet for part in highlights]) < 0.55
    assert {part.kind for part in highlights} == {"rays", "rings", "spiral", "petals", "sparks"}
    assert {part.kind for script in scripts for part in script.noises} == {"burst", "rumble", "clatter"}
    assert {part.kind for script in scripts for part in script.motions} == {"pan", "shake", "flock"}
    assert all(script.noises and script.motions for script in scripts)


def _loudness(band: Band, start: float, end: float) -> float:
    first, last = round(start * SAMPLE_RATE_HZ), round(end * SAMPLE_RATE_HZ)
    base = int(start)
    sound = np.concatenate([band.second(second) for second in range(base, -int(-end // 1))])
    part = sound[first - base * SAMPLE_RATE_HZ : last - base * SAMPLE_RATE_HZ].astype(np.float64)
    return float(np.sqrt(np.mean(part**2)))


def test_noises_are_as_loud_as_highlights_and_quiet_highlights_are_not_loud() -> None:
    loud: list[float] = []
    quiet: list[float] = []
    noises: list[float] = []
    for script in _plans(24, seconds=20.0, seed=0):
        band = Band(script)
        for part in script.highlights:
            (quiet if part.quiet else loud).append(_loudness(band, part.start, part.end))
        noises += [_loudness(band, noise.start, noise.end) for noise in script.noises]
    assert np.mean(quiet) < 0.75 * np.mean(loud)
    assert np.quantile(noises, 0.75) > np.mean(loud)


def test_the_light_drifts_more_within_a_scene_position_than_a_highlight_changes_it() -> None:
    drifts = []
    for script in _plans(8, seconds=60.0, seed=0):
        painter = Painter(script, width=128, height=72)
        means: dict[str, list[float]] = {}
        for scene in script.scenes:
            middle = round(500 * (scene.start + scene.end))
            means.setdefault(scene.kind, []).append(float(painter.frame(middle).mean()))
        drifts += [max(values) - min(values) for values in means.values()]
    assert np.mean(drifts) > 20  # of 255


def test_large_pictures_are_small_ones_enlarged() -> None:
    script = write_script(2, seed=0, duration_seconds=4.0)
    small = Painter(script, width=320, height=180).frame(1000)
    large = Painter(script, width=640, height=360).frame(1000)
    np.testing.assert_array_equal(large, small.repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize(("index", "seed"), [(-1, 0), (0, -1)])
def test_negative_numbers_are_refused(index: int, seed: int) -> None:
    with pytest.raises(ValueError, match="index and seed must be >= 0, got"):
        write_script(index, seed=seed, duration_seconds=4.0)


@pytest.mark.parametrize("seconds", [1.9, float("nan")])
def test_plans_below_two_seconds_are_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="lasts at least 2 s, got"):
        write_script(0, seed=0, duration_seconds=seconds)


def test_pictures_too_small_for_captions_are_refused() -> None:
    script = write_script(0, seed=0, duration_seconds=4.0)
    with pytest.raises(ValueError, match="at least 128x72, got 126x72"):
        Painter(script, width=126, height=72)


def test_letters_without_a_glyph_are_refused() -> None:
    with pytest.raises(ValueError, match="no glyph for 'é'"):
        draw_line("café")


def test_dice_cover_their_range_evenly() -> None:
    dice = Dice(7, 8, 9)
    counts = Counter(dice.whole(2, 5) for _ in range(4000))
    assert sorted(counts) == [2, 3, 4, 5]
    assert max(abs(count - 1000) for count in counts.values()) < 150
    units = [dice.unit() for _ in range(4000)]
    assert 0 <= min(units) < max(units) < 1
    assert np.mean(units) == pytest.approx(0.5, abs=0.02)
    assert sorted(dice.shuffled(range(50))) == list(range(50))
    noise = dice.noise(4001)
    assert noise.shape == (4001,)
    assert -32768 <= noise.min() < -32000 < 32000 < noise.max() <= 32767
