"""The labels of the synthetic set in the forms of the public benchmarks.

A clip is a highlight if highlights cover at least half of it. Annotators are drawn with the noise of people;
what they say depends on the script alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from vidkit.data.synth.dice import Dice
from vidkit.data.synth.script import VERSION, WINDOW_SECONDS, Event, Script
from vidkit.data.synth.words import TOPIC_NAMES
from vidkit.files import write_json, write_json_lines

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
NUM_TVSUM_ANNOTATORS = 20
NUM_QVHIGHLIGHTS_ANNOTATORS = 3
EPSILON = 1e-6  # seconds; sums of tenths are not exact


def split_of(index: int) -> Split:
    """Return the split of video number ``index``: of every 6 videos of a topic 4, 1 and 1.

    Of 24 videos, 16, 4 and 4; every topic is trained on, and tested or validated on, as soon as it has
    three videos.

    Example:
        >>> [split_of(index) for index in range(6)]
        ['train', 'train', 'val', 'train', 'train', 'test']
    """
    round_number, topic = divmod(index, len(TOPIC_NAMES))
    if (round_number + topic) % 3 != 2:
        return "train"
    return "val" if (topic + round_number // 3) % 2 == 0 else "test"


def write_annotations(folder: Path, scripts: Sequence[Script], *, fps: float) -> None:
    """Write the files of every benchmark form and split into ``folder``."""
    for split in SPLITS:
        members = [script for script in scripts if split_of(script.index) == split]
        write_json(folder / f"repurpose10k_{split}.json", [repurpose10k_row(script) for script in members])
        rows = [row for script in members for row in qvhighlights_rows(script)]
        write_json_lines(folder / f"qvhighlights_{split}.jsonl", rows)
        write_json_lines(folder / f"tvsum_{split}.jsonl", map(tvsum_row, members))
        rows = [youtube_highlights_row(script, fps=fps) for script in members]
        write_json_lines(folder / f"youtube_highlights_{split}.jsonl", rows)
        write_json_lines(folder / f"usv_{split}.jsonl", map(usv_row, members))
    write_json(folder / "repurpose10k.json", [repurpose10k_row(script) for script in scripts])


def repurpose10k_row(script: Script) -> dict[str, Any]:
    """Return the passages as Repurpose-10K has its clips; the video is not cut out of a longer one."""
    segments = [[round(start, 2), round(end, 2)] for start, end in script.passages]
    time_range = [0, script.duration_seconds]
    return {
        "youtube_id": script.video_id,
        "timeRange": time_range,
        "segments": segments,
        "timeRangeOffset": time_range,
        "segmentsOffset": segments,
        "coverage": sum(end - start for start, end in segments) / script.duration_seconds,
    }


def qvhighlights_rows(script: Script) -> list[dict[str, Any]]:
    """Return one row for each event: its windows, the 2-s clips in them and three scores 0..4 for each."""
    return [_qvhighlights_row(script, number, event) for number, event in enumerate(script.events)]


def _qvhighlights_row(script: Script, number: int, event: Event) -> dict[str, Any]:
    dice = Dice(int(VERSION), script.seed, script.index, 20 + number)
    clip_ids = [
        clip
        for start, end in event.windows
        for clip in range(round(start / WINDOW_SECONDS), round(end / WINDOW_SECONDS))
    ]
    scores = []
    for clip in clip_ids:
        start = clip * WINDOW_SECONDS
        liked = 2 + (highlight_share(script, start, start + WINDOW_SECONDS) >= 0.5 - EPSILON)
        scores.append([min(max(liked + dice.whole(-1, 1), 0), 4) for _ in range(NUM_QVHIGHLIGHTS_ANNOTATORS)])
    return {
        "qid": script.index * 10 + number,
        "query": event.query,
        "duration": int(script.duration_seconds // WINDOW_SECONDS * WINDOW_SECONDS),
        "vid": script.video_id,
        "relevant_clip_ids": clip_ids,
        "saliency_scores": scores,
        "relevant_windows": [[round(start), round(end)] for start, end in event.windows],
    }


def tvsum_row(script: Script) -> dict[str, Any]:
    """Return 20 annotators' scores 1..5 of every whole 2-s clip; ``duration`` counts clips, as in TVSum."""
    dice = Dice(int(VERSION), script.seed, script.index, 40)
    tempers = [dice.uniform(-0.6, 0.6) for _ in range(NUM_TVSUM_ANNOTATORS)]
    label = []
    for clip in range(int(script.duration_seconds // WINDOW_SECONDS)):
        share = highlight_share(script, clip * WINDOW_SECONDS, (clip + 1) * WINDOW_SECONDS)
        likings = [1.6 + 2.6 * share + temper + dice.uniform(-0.8, 0.8) for temper in tempers]
        label.append([float(min(max(round(liking), 1), 5)) for liking in likings])
    return {
        "qid": script.video_id,
        "query": script.title,
        "duration": len(label),
        "vid": script.video_id,
        "relevant_clip_ids": None,
        "relevant_windows": None,
        "label": label,
        "domain": script.topic,
    }


def youtube_highlights_row(script: Script, *, fps: float) -> dict[str, Any]:
    """Return clips of 1 s (0.2 s in videos below 10 s, whose highlights are shorter) with their match.

    match is 1 where highlights cover at least half of a clip, -1 where none touches it, 0 between.
    """
    num_frames = round(script.duration_seconds * fps)
    clip_seconds = 1.0 if script.duration_seconds >= 10 else 0.2
    num_clips = max(int(script.duration_seconds / clip_seconds + EPSILON), 1)
    edges = [round(clip * clip_seconds * fps) for clip in range(num_clips)] + [num_frames]
    clips = [(first, last) for first, last in pairwise(edges) if last > first]
    match = []
    for first, last in clips:
        share = highlight_share(script, first / fps, last / fps)
        match.append(1 if share >= 0.5 - EPSILON else 0 if share > EPSILON else -1)
    return {
        "qid": script.video_id,
        "query": script.topic,
        "duration": script.duration_seconds,
        "vid": script.video_id,
        "relevant_clip_ids": None,
        "relevant_windows": None,
        "label": [[int(value > 0)] for value in match],
        "domain": script.topic,
        "frames": float(num_frames),
        "fps": float(fps),
        "clip": [[float(first), float(last)] for first, last in clips],
        "match": match,
    }


def usv_row(script: Script) -> dict[str, Any]:
    """Return topic, title and subtitle; ``path`` is relative to the folder of the set."""
    return {
        "video_id": script.video_id,
        "path": f"videos/{script.video_id}.mp4",
        "label": script.topic,
        "title": script.title,
        "subtitle": " ".join(caption.text for caption in script.captions),
    }


def manifest_row(script: Script) -> dict[str, Any]:
    """Return everything that is planted in a video, as JSON."""
    return {
        "video_id": script.video_id,
        "path": f"videos/{script.video_id}.mp4",
        "split": split_of(script.index),
        "topic": script.topic,
        "title": script.title,
        "duration_seconds": script.duration_seconds,
        "highlights": [[highlight.start, highlight.end] for highlight in script.highlights],
        "highlight_kinds": [highlight.kind for highlight in script.highlights],
        "highlight_is_quiet": [highlight.quiet for highlight in script.highlights],
        "passages": [list(passage) for passage in script.passages],
        "bands": [list(band) for band in script.bands],
        "chords": [list(chord) for chord in script.chords],
        "events": [_event_row(event) for event in script.events],
        "distractors": [_event_row(event) for event in script.distractors],
        "captions": [caption._asdict() for caption in script.captions],
        "cuts": list(script.cuts),
        "motions": [[motion.start, motion.end, motion.kind] for motion in script.motions],
        "noises": [[noise.start, noise.end, noise.kind] for noise in script.noises],
    }


def srt_text(script: Script) -> str:
    """Return the captions as an SRT file."""
    blocks = [
        f"{number}\n{_srt_time(caption.start)} --> {_srt_time(caption.end)}\n{caption.text}\n"
        for number, caption in enumerate(script.captions, start=1)
    ]
    return "\n".join(blocks)


def highlight_share(script: Script, start: float, end: float) -> float:
    """Return the share of [start, end) that highlights cover, in [0, 1]."""
    covered = sum(max(min(end, part.end) - max(start, part.start), 0.0) for part in script.highlights)
    return covered / (end - start)


def _event_row(event: Event) -> dict[str, Any]:
    row = {"query": event.query, "colour": event.colour, "shape": event.shape, "motion": event.motion}
    return {**row, "windows": [list(window) for window in event.windows]}


def _srt_time(seconds: float) -> str:
    whole, milliseconds = divmod(round(1000 * seconds), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d},{milliseconds:03d}"
