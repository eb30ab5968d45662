"""vidkit index and vidkit search with a trained model of video-text retrieval."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from vidkit.archives import ModelEmbedder, open_archive
from vidkit.cli import app
from vidkit.engine import load_config
from vidkit.media import VideoWriter
from vidkit.registry import MODELS
from vidkit.retrieval import Archive

CONFIG = """
model = dict(
    type="VTCL",
    visual_encoder=dict(type="PixelVisual", size=[4, 4]),
    text_encoder=dict(type="HashedText", dim=32),
    loss=dict(type="TitleContrast"),
    dim=16,
)
inference = dict(
    type="RetrievalInference",
    frames=dict(type="SegmentMiddleFrames", num_segments=2),
    crop=dict(type="CenterCrop", size=32),
    short_side=32,
)
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture
def model(tmp_path: Path) -> tuple[Path, Path]:
    """A config, and a checkpoint of weights that are not trained."""
    config, checkpoint = tmp_path / "vtcl.py", tmp_path / "vtcl.pth"
    config.write_text(CONFIG)
    torch.manual_seed(0)
    torch.save({"state_dict": MODELS.build(load_config(config).model).state_dict()}, checkpoint)
    return config, checkpoint


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    for name, text, colour in (
        ("sea", "A whale dives.", 200),
        ("soup", "Peel the onion.", 40),
        ("mute", None, 90),
    ):
        with VideoWriter(folder / f"{name}.mp4", width=64, height=48, fps=5) as writer:
            for number in range(20):
                writer.write_frame(np.full((48, 64, 3), colour + number, np.uint8))
        if text:
            srt = f"1\n00:00:00,500 --> 00:00:01,500\n{text}\n"
            (folder / f"{name}.srt").write_text(srt, encoding="utf-8")
    return folder


def test_from_a_model_and_a_folder_to_an_answer(
    model: tuple[Path, Path], videos: Path, tmp_path: Path
) -> None:
    index = tmp_path / "archive"
    result = run("index", "build", "--out", index, "--window-seconds", 2, *model, videos)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "done\t3\nskipped\t0\nfailed\t0\n"

    rows = json.loads(run("search", index, "a whale", "--json").stdout)
    assert len(rows) == 6  # windows of three videos of 4 s
    assert {(row["start"], row["end"]) for row in rows} == {(0.0, 2.0), (2.0, 4.0)}
    with open_archive(index) as archive:
        query = archive.embedder.embed_text("a whale")
        vectors, entries = archive.embedder.embed_video(videos / "sea.mp4", on_share=lambda share: None)
    assert [entry.kind for entry in entries] == ["video", "moment", "moment"]
    assert [entry.text for entry in entries] == ["A whale dives.", "A whale dives.", ""]
    scores = {(row["video_id"], row["start"]): row["score"] for row in rows}
    for vector, entry in zip(vectors[1:], entries[1:]):
        assert scores["sea", entry.start] == pytest.approx(float(vector @ query), abs=1e-5)

    rows = json.loads(run("search", index, "--example", videos / "soup.mp4", "--videos", "--json").stdout)
    assert rows[0]["video_id"] == "soup"
    assert rows[0]["score"] == pytest.approx(1.0, abs=1e-5)

    extra = videos / "more" / "extra.mp4"
    extra.parent.mkdir()
    extra.write_bytes((videos / "mute.mp4").read_bytes())
    assert run("index", "add", index, extra).stdout == "done\t1\nskipped\t0\nfailed\t0\n"
    info = json.loads(run("index", "info", index).stdout)
    assert info["encoder"]["name"] == "VTCL"


def test_other_weights_are_noticed(model: tuple[Path, Path], videos: Path, tmp_path: Path) -> None:
    index = tmp_path / "archive"
    assert run("index", "build", "--out", index, *model, videos / "sea.mp4").exit_code == 0
    torch.manual_seed(1)
    torch.save({"state_dict": MODELS.build(load_config(model[0]).model).state_dict()}, model[1])
    result = run("search", index, "a whale")
    assert result.exit_code == 2
    assert "was made by VTCL" in result.stderr
    assert "use the same encoder and weights" in result.stderr
    model[1].unlink()
    result = run("search", index, "a whale")
    assert result.exit_code == 2
    assert "vtcl.pth" in result.stderr


def test_a_model_that_embeds_nothing_is_refused(model: tuple[Path, Path], tmp_path: Path) -> None:
    config = tmp_path / "rasl.py"
    config.write_text(
        'model = dict(type="RASL", visual_encoder=dict(type="PixelVisual"), audio_encoder=None, '
        "contrast=None, masking=None)\n"
        'inference = dict(type="HighlightInference")\n'
    )
    torch.save({"state_dict": MODELS.build(load_config(config).model).state_dict()}, tmp_path / "rasl.pth")
    with pytest.raises(ValueError, match="is of highlight_detection, whose models put no sentences"):
        ModelEmbedder(config, tmp_path / "rasl.pth")
    with pytest.raises(ValueError, match="must be longer than 0 s, got 0"):
        ModelEmbedder(*model, window_seconds=0)
    with pytest.raises(ValueError, match="there is no word in '  '"):
        ModelEmbedder(*model).embed_text("  ")


def test_from_python_an_index_of_a_model_says_what_opens_it(
    model: tuple[Path, Path], videos: Path, tmp_path: Path
) -> None:
    with Archive.build(tmp_path / "index", ModelEmbedder(*model)) as archive:
        archive.add([videos / "sea.mp4"])
    with pytest.raises(ValueError, match=r"open it with vidkit\.archives\.open_archive"):
        Archive.open(tmp_path / "index")


def test_what_is_indexed_by_must_be_said(model: tuple[Path, Path], videos: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "archive")
    for arguments, message in (
        ([videos], "say CONFIG CHECKPOINT VIDEO..., by a trained model, or --text-only"),
        ([*model, videos, "--encoder", "HashedText"], "--encoder is of --text-only; a model has its own"),
        (["--text-only", videos, "-c", "a=1"], "--cfg-options changes the config of a model"),
    ):
        result = run("index", "build", *out, *arguments)
        assert result.exit_code == 2
        assert message in " ".join(result.stderr.split())
