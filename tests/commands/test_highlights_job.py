"""The main job and a trained model on raw videos, through the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from test_bad_input import run, write_video

from vidkit.engine import latest_checkpoint
from vidkit.export import read_predictions
from vidkit.media import VideoWriter, open_video
from vidkit.registry import MODELS


def _write_long_video(path: Path, *, seconds: int, highlights: list[tuple[int, int]]) -> Path:
    """Write a still picture with stretches of flicker, and a quiet tone that grows loud there."""
    rng = np.random.default_rng(0)
    still = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    with VideoWriter(path, width=64, height=48, fps=5, sample_rate_hz=16000) as writer:
        for second in range(seconds):
            is_highlight = any(start <= second < end for start, end in highlights)
            for _ in range(5):
                picture = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) if is_highlight else still
                writer.write_frame(picture)
            tone = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
            writer.write_audio(((0.5 if is_highlight else 0.05) * tone).astype(np.float32))
    return path


def test_a_trained_model_reads_ten_minutes(tmp_path: Path) -> None:
    """`vidkit train`, then `vidkit predict` with that checkpoint on a file of 10 minutes."""
    planted = [(100, 110), (311, 325), (500, 508)]
    film = _write_long_video(tmp_path / "film.mp4", seconds=600, highlights=planted)
    features = tmp_path / "features"
    made = run(
        *(
            "extract",
            film,
            "--encoder",
            "MotionVisual,LogMelAudio",
            "--clip-seconds",
            0.2,
            "--out",
            features,
            "-q",
        )
    )
    assert made.exit_code == 0, made.output
    options = [f"train_dataloader.dataset.features={features}", "train_cfg.max_epochs=6"]
    work = tmp_path / "work"
    trained = run(
        "train", "highlight_detection/rasl_videos", "--work-dir", work, "-q", "--cfg-options", *options
    )
    assert trained.exit_code == 0, trained.output
    checkpoint = latest_checkpoint(work)
    assert trained.stdout.strip() == str(checkpoint)
    out = tmp_path / "out"
    predicted = run(
        *(
            "predict",
            "highlight_detection/rasl_videos",
            checkpoint,
            film,
            "--out",
            out,
            "--clips",
            "--report",
            "-q",
        ),
        *("--cfg-options", "inference.ratio=0.06"),
    )
    assert predicted.exit_code == 0, predicted.output
    (prediction,) = read_predictions(out / "predictions.jsonl")
    assert prediction.duration == pytest.approx(600, abs=0.2)
    assert len(prediction.saliency) == 3000
    found = {
        index
        for segment in prediction.segments
        for index, (start, end) in enumerate(planted)
        if segment.start < end and segment.end > start
    }
    assert found == {0, 1, 2}  # the sign of the score: high is highlight
    clips = sorted((out / "clips").glob("*.mp4"))
    assert len(clips) == len(prediction.segments)
    with open_video(clips[0]) as reader:
        assert reader.info.duration_seconds > 0.9
    assert (out / "report.html").stat().st_size > 10_000


def test_highlights_writes_predictions_clips_and_a_report(tmp_path: Path) -> None:
    film = _write_long_video(tmp_path / "film.mp4", seconds=40, highlights=[(20, 24)])
    result = run("highlights", film, "--out", tmp_path / "out", "--clips", "--ratio", "0.1")
    assert result.exit_code == 0, result.output
    assert "s of work" in result.stderr
    (prediction,) = read_predictions(tmp_path / "out" / "predictions.jsonl")
    best = prediction.segments[0]
    assert best.start < 24
    assert best.end > 20
    assert prediction.task == "highlight_detection"
    assert prediction.path == str(film)
    assert "report" in result.stdout
    assert str(best.start)[:2] in result.stdout
    again = run("highlights", film, "--out", tmp_path / "out", "-q")  # what was fitted is found again
    assert again.exit_code == 0
    assert again.stderr == ""


def test_silent_videos_train_the_visual_branch_alone_and_say_so(tmp_path: Path) -> None:
    write_video(tmp_path / "silent.mp4", seconds=6, sound=False)
    write_video(tmp_path / "loud.mp4", seconds=6)
    result = run("highlights", tmp_path / "silent.mp4", tmp_path / "loud.mp4", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "1 of 2 videos have no sound: the visual branch is trained alone" in result.stderr
    assert len(read_predictions(tmp_path / "out" / "predictions.jsonl")) == 2


def test_a_video_of_one_frame_gets_one_segment(tmp_path: Path) -> None:
    write_video(tmp_path / "frame.mp4", seconds=0.1, sound=False)
    result = run("highlights", tmp_path / "frame.mp4", "--out", tmp_path / "out", "-q", "--clips")
    assert result.exit_code == 0, result.output
    (prediction,) = read_predictions(tmp_path / "out" / "predictions.jsonl")
    assert len(prediction.segments) == 1
    assert 0 == prediction.segments[0].start < prediction.segments[0].end <= prediction.duration


def test_a_corrupt_video_among_good_ones_is_named(tmp_path: Path) -> None:
    write_video(tmp_path / "good.mp4", seconds=3)
    (tmp_path / "bad.mp4").write_text("no film")
    result = run("highlights", tmp_path, "--out", tmp_path / "out", "-q")
    assert result.exit_code == 1
    assert "bad.mp4" in result.stderr
    assert [p.video_id for p in read_predictions(tmp_path / "out" / "predictions.jsonl")] == ["good"]


def test_broken_captions_of_one_video_do_not_stop_the_job(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", seconds=3)
    write_video(tmp_path / "b.mp4", seconds=3, seed=1)
    (tmp_path / "a.srt").write_text("1\n00:00:02,000 --> 00:00:01,000\nends before it begins\n")
    result = run(
        "highlights", tmp_path / "a.mp4", tmp_path / "b.mp4", "--out", tmp_path / "out", "-q", "--clips"
    )
    assert result.exit_code == 1
    assert "its captions could not be read" in result.stderr
    assert (tmp_path / "out" / "report.html").exists()
    assert len(read_predictions(tmp_path / "out" / "predictions.jsonl")) == 2


def test_the_demo_extracts_what_its_configs_read() -> None:
    from vidkit import apis
    from vidkit.commands.demo import _TASKS
    from vidkit.engine import load_config

    for name, _ in _TASKS.values():
        config = load_config(name)
        model = MODELS.build(config.model, path="model")
        assert set(apis.encoders_of(config)) == {e.store_name for e in model.encoders().values()}


def test_a_checkpoint_stands_in_for_fitting(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", seconds=4)
    write_video(tmp_path / "b.mp4", seconds=4, sound=False, seed=1)
    assert run("highlights", tmp_path / "a.mp4", "--out", tmp_path / "first", "-q").exit_code == 0
    checkpoint = sorted((tmp_path / "first" / "work").rglob("epoch_*.pth"))[-1]
    out = tmp_path / "second"
    result = run("highlights", tmp_path / "b.mp4", "--out", out, "--checkpoint", checkpoint, "-q")
    assert result.exit_code == 0, result.output
    assert not list((out / "work").glob("training-*"))


@pytest.mark.slow
def test_every_real_video_gets_highlights(real_data: Path, tmp_path: Path) -> None:
    videos = sorted((real_data / "videos").iterdir())
    result = run("highlights", *videos, "--out", tmp_path / "out", "--clips")
    assert result.exit_code == 0, result.output
    predictions = read_predictions(tmp_path / "out" / "predictions.jsonl")
    assert len(predictions) == len(videos)
    for prediction in predictions:
        assert prediction.segments, prediction.video_id
        assert all(0 <= s.start < s.end <= prediction.duration + 1e-6 for s in prediction.segments)


@pytest.mark.slow
def test_the_demo_tells_the_whole_story(tmp_path: Path) -> None:
    result = run("demo", "--out", tmp_path / "demo", "--quiet")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "demo" / "highlight_detection" / "predictions" / "report.html").exists()
    value = float(result.stdout.split("test average/mAP ")[1].split()[0])
    assert value > 0.5  # chance is about 0.2


def test_synth_writes_a_set(tmp_path: Path) -> None:
    result = run("synth", tmp_path / "set", "--videos", 1, "--seconds", 2, "-q")
    assert result.exit_code == 0, result.output
    assert len(list((tmp_path / "set" / "videos").glob("*.mp4"))) == 1


def test_evaluate_reads_what_test_dumps(tmp_path: Path) -> None:
    """`vidkit test --dump FILE`, then `vidkit evaluate` gives the same figures."""
    write_video(tmp_path / "a.mp4", seconds=6)
    run(
        "extract",
        tmp_path / "a.mp4",
        "--encoder",
        "MotionVisual",
        "--clip-seconds",
        0.2,
        "--out",
        tmp_path / "f",
        "-q",
    )
    clips = [[10 * second, 10 * second + 10] for second in range(6)]
    row = dict(vid="a", domain="dog", match=[1, -1, -1, 1, -1, 0], clip=clips, fps=10.0, duration=6.0)
    (tmp_path / "truth.jsonl").write_text(json.dumps(row) + "\n")
    options = [
        *("--cfg-options", "model.audio_encoder=None", f"train_dataloader.dataset.features={tmp_path / 'f'}"),
        "train_dataloader.dataset.videos=None",
        "val_dataloader=None",
        *(
            f"test_dataloader.dataset.{key}={tmp_path / name}"
            for key, name in (("features", "f"), ("annotations", "truth.jsonl"))
        ),
        "train_cfg.max_epochs=1",
    ]
    work = tmp_path / "work"
    trained = run("train", "highlight_detection/rasl_synthetic", "--work-dir", work, "-q", *options)
    assert trained.exit_code == 0, trained.output
    dump = tmp_path / "dump.jsonl"
    tested = run(
        "test", "highlight_detection/rasl_synthetic", latest_checkpoint(work), "--dump", dump, "-q", *options
    )
    assert tested.exit_code == 0, tested.output
    evaluated = run(
        "evaluate", "youtube_highlights", dump, tmp_path / "truth.jsonl", "--out", tmp_path / "m.json"
    )
    assert evaluated.exit_code == 0, evaluated.output
    table = json.loads(evaluated.stdout)
    assert json.loads(tested.stdout)["average/mAP"] == table["average"]
    assert json.loads((tmp_path / "m.json").read_text()) == table
    shutil.rmtree(work)
