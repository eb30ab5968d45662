"""`vidkit predict` with a UMT of random weights: from a video and sentences to moments, lines and a page."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from vidkit import apis
from vidkit.cli import app
from vidkit.encoders import Encoder, PixelVisual
from vidkit.engine import load_config
from vidkit.export import read_predictions
from vidkit.media import VideoWriter
from vidkit.registry import MODELS, ConfigError

CONFIG = """
model = dict(
    type="UMT",
    visual_encoder=dict(
        type="JoinedFeatures",
        parts=[dict(type="PixelVisual"), dict(type="MotionVisual")],
    ),
    audio_encoder=dict(type="LogMelAudio"),
    text_encoder=dict(type="HashedText"),
    loss=dict(type="UMTLoss"),
    dim=16,
    num_heads=2,
    num_decoder_layers=1,
    num_window_clips=5,
)
inference = dict(type="MomentInference", max_moments=3)
"""
FIRST, SECOND = "a bee keeps warm", "somebody laughs: «ha»?"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "config.py"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def checkpoint(config: Path) -> Path:
    torch.manual_seed(0)
    model = MODELS.build(load_config(config).model, path="model")
    torch.save({"state_dict": model.state_dict()}, config.with_name("model.pth"))
    return config.with_name("model.pth")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _video(tmp_path_factory.mktemp("videos") / "talk.mp4", seconds=16)


def _video(path: Path, *, seconds: float) -> Path:
    with VideoWriter(path, width=64, height=36, fps=5, sample_rate_hz=8000) as writer:
        for number in range(round(5 * seconds)):
            writer.write_frame(np.full((36, 64, 3), 7 * number % 256, np.uint8))
        writer.write_audio(np.full(round(8000 * seconds), 0.1, np.float32))
    return path


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["predict", *map(str, arguments)])


def test_two_queries_give_lines_clips_and_a_page_for_each(
    config: Path, checkpoint: Path, video: Path, tmp_path: Path
) -> None:
    queries = ("--query", FIRST, "--query", SECOND)
    result = _run(config, checkpoint, video, *queries, "--out", tmp_path, "--clips", "--report", "--quiet")
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    first, second = read_predictions(tmp_path / "predictions.jsonl")
    assert (first.query, second.query) == (FIRST, SECOND)
    assert first.video_id == second.video_id == "talk"
    assert first.segments != second.segments
    assert all(0 <= score <= 1 for score in (*first.saliency, *(each.score for each in first.segments)))
    assert len(first.saliency) == 8
    assert first.captions is None
    folders = sorted(folder.name for folder in (tmp_path / "clips").iterdir())
    assert folders == ["1-a-bee-keeps-warm", "2-somebody-laughs-ha"]
    for folder, prediction in zip(folders, (first, second)):
        clips = sorted((tmp_path / "clips" / folder).iterdir())
        assert len(clips) == len(prediction.segments)
        assert clips[0].name.startswith("talk_000_")
    page = (tmp_path / "report.html").read_text()
    assert page.count('<article class="video"') == 2
    assert f"<q>{FIRST}</q>" in page
    assert "clips/2-somebody-laughs-ha/talk_000_" in page


def test_without_a_folder_the_lines_go_to_stdout(config: Path, checkpoint: Path, video: Path) -> None:
    result = _run(config, checkpoint, video, "--query", FIRST, "--query", SECOND, "--query", FIRST, "--quiet")
    assert [json.loads(line)["query"] for line in result.stdout.splitlines()] == [FIRST, SECOND]


def test_features_are_computed_once_for_all_queries(
    config: Path, checkpoint: Path, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    encode = PixelVisual.encode

    def counted(encoder: Encoder, inputs: torch.Tensor) -> torch.Tensor:
        read.append(len(inputs))
        return encode(encoder, inputs)  # type: ignore[arg-type]

    monkeypatch.setattr(PixelVisual, "encode", counted)
    predictor = apis.load(config, checkpoint)
    many, failed = predictor.predict_many([video], queries=[FIRST, SECOND])
    assert not failed
    assert len(read) == 1
    assert many == [predictor(video, query=FIRST), predictor(video, query=SECOND)]


def test_joined_features_are_those_of_each_encoder_side_by_side(
    config: Path, checkpoint: Path, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = apis.load(config, checkpoint)
    given: list[np.ndarray] = []
    predict = predictor.inference.predict
    monkeypatch.setattr(
        predictor.inference,
        "predict",
        lambda features, **known: [given.append(features["visual"]), predict(features, **known)][1],
    )
    predictor.predict_many([video], queries=[FIRST], features=tmp_path)
    pixel, motion = (np.load(tmp_path / name / "talk.npy") for name in ("PixelVisual", "MotionVisual"))
    np.testing.assert_array_equal(given[0], np.concatenate([pixel, motion], axis=1))
    folders = sorted(path.parent.name for path in tmp_path.glob("*/talk.npy"))
    assert folders == ["LogMelAudio", "MotionVisual", "PixelVisual"]
    assert sorted(apis.encoders_of(load_config(config))) == folders


def test_a_video_shorter_than_a_clip_is_answered(config: Path, checkpoint: Path, tmp_path: Path) -> None:
    video = _video(tmp_path / "short.mp4", seconds=1.0)
    prediction = apis.load(config, checkpoint)(video, query=FIRST)
    assert [(segment.start, segment.end) for segment in prediction.segments] == [(0.0, 1.0)]
    assert len(prediction.saliency) == 1
    assert not apis.write_results([prediction], out=tmp_path / "out", clips=True, report=True)


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ((), 'moment_retrieval answers a sentence; give one: --query "a dog jumps into the water"'),
        (("--query", ""), "the query '' has no words; say in a sentence what is to be found"),
        (("--query", FIRST, "--query", "word " * 200), "one clear sentence of at most 64 words, got 200"),
    ],
)
def test_a_query_that_cannot_be_answered_is_told_before_the_video_is_read(
    queries: tuple[str, ...], message: str, config: Path, checkpoint: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"")
    result = _run(config, checkpoint, tmp_path / "broken.mp4", *queries)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_query_in_another_script_is_answered_with_one_warning(
    config: Path, checkpoint: Path, video: Path
) -> None:
    result = _run(config, checkpoint, video, "--query", "собака прыгает", "--quiet")
    assert result.exit_code == 0
    assert result.stderr.startswith("warning: the query 'собака прыгает' is not in Latin letters")
    assert result.stderr.count("\n") == 1
    assert json.loads(result.stdout)["query"] == "собака прыгает"


def test_a_task_without_queries_refuses_one(video: Path, tmp_path: Path) -> None:
    config = load_config("highlight_detection/rasl_videos")
    torch.save({"state_dict": MODELS.build(config.model).state_dict()}, tmp_path / "rasl.pth")
    result = _run("highlight_detection/rasl_videos", tmp_path / "rasl.pth", video, "--query", FIRST)
    assert result.exit_code == 2
    assert "highlight_detection takes no --query: its model answers no sentences" in result.stderr


def test_a_part_of_joined_features_that_exist_reads_no_raw_video(
    config: Path, checkpoint: Path, video: Path
) -> None:
    parts = '[dict(type="PixelVisual"), dict(type="Precomputed", dim=144)]'
    predictor = apis.load(config, checkpoint, options=[f"model.visual_encoder.parts={parts}"])
    with pytest.raises(ConfigError, match=r"model.visual_encoder is Precomputed\(720\), which cannot read"):
        predictor(video, query=FIRST)


def test_one_str_is_no_list_of_queries(config: Path, checkpoint: Path, video: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TypeError, match="queries is a list of str, got the str 'a bee keeps warm'"):
            apis.load(config, checkpoint).predict_many([video], queries=FIRST)
