"""Chunks without labels, annotated videos, and what is said when features are missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vidkit.encoders import Precomputed
from vidkit.features import FeatureStore, make_sidecar
from vidkit.files import write_json_lines
from vidkit.tasks.highlight_detection import AnnotatedHighlights, HighlightMetric, UnlabelledChunks
from vidkit.tasks.highlight_detection.metric import clip_scores

VISUAL = Precomputed(4, name="v")
AUDIO = Precomputed(3, modality="audio", name="a")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    for name, seconds in (("long", 70.0), ("short", 4.0)):
        for encoder in (VISUAL, AUDIO):
            sidecar = make_sidecar(encoder, clip_seconds=0.2, duration_seconds=seconds)
            rows = np.arange(sidecar["num_clips"] * encoder.dim, dtype=np.float32).reshape(-1, encoder.dim)
            FeatureStore(tmp_path / "f").encoder(encoder.name).put(name, rows, sidecar)
    return tmp_path / "f"


def test_chunks_cover_every_clip_once(store: Path) -> None:
    chunks = UnlabelledChunks(features=store, encoders={"visual": VISUAL, "audio": AUDIO})
    lengths = [len(chunk["inputs"]["visual"]) for chunk in chunks]  # type: ignore[attr-defined]
    assert lengths == [150, 150, 50, 20]
    second = chunks[1]
    assert second["data_samples"].start_seconds == 30.0
    assert second["inputs"]["visual"][0].tolist() == [600, 601, 602, 603]
    assert second["inputs"]["audio"].shape == (150, 3)


def test_videos_can_be_named(store: Path, tmp_path: Path) -> None:
    write_json_lines(tmp_path / "some.jsonl", [{"vid": "short"}, {"vid": "short"}])
    chunks = UnlabelledChunks(features=store, encoders={"visual": VISUAL}, videos=tmp_path / "some.jsonl")
    assert len(chunks) == 1


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["long", "lost"],
            "1 of 2 videos, first 'lost', have no visual features in .*; make them: vidkit extract",
        ),
        ([], "no video has visual features"),
    ],
)
def test_missing_features_come_with_the_command(
    store: Path, tmp_path: Path, names: list[str], message: str
) -> None:
    write_json_lines(tmp_path / "some.jsonl", [{"vid": name} for name in names])
    with pytest.raises(FileNotFoundError, match=message):
        UnlabelledChunks(features=store, encoders={"visual": VISUAL}, videos=tmp_path / "some.jsonl")


def test_features_of_another_clip_length_are_refused(store: Path) -> None:
    chunks = UnlabelledChunks(features=store, encoders={"visual": VISUAL}, clip_seconds=0.5)
    with pytest.raises(ValueError, match="clip_seconds"):
        chunks[0]


def test_annotated_videos_come_whole_and_from_several_files(store: Path, tmp_path: Path) -> None:
    clips = [[0, 25], [25, 50]]
    for name in ("long", "short"):
        row = dict(vid=name, domain="dog", match=[1, -1], clip=clips, fps=25.0, duration=2.0)
        write_json_lines(tmp_path / f"{name}.jsonl", [row])
    data = AnnotatedHighlights(
        features=store,
        annotations=[tmp_path / "long.jsonl", tmp_path / "short.jsonl"],
        encoders={"visual": VISUAL},
    )
    assert [len(data[index]["inputs"]["visual"]) for index in range(len(data))] == [350, 20]
    assert data[0]["data_samples"].annotation.labels.tolist() == [[1], [0]]
    with pytest.raises(ValueError, match="unknown protocol 'x'; known: youtube_highlights, tvsum"):
        AnnotatedHighlights(
            features=store,
            annotations=tmp_path / "long.jsonl",
            encoders={"visual": VISUAL},
            protocol="x",  # type: ignore[arg-type]
        )
    with pytest.raises(ValueError, match="unknown protocol 'x'; known: youtube_highlights, tvsum"):
        HighlightMetric(protocol="x")  # type: ignore[arg-type]


def test_a_clip_gets_the_mean_of_the_steps_whose_middle_it_holds() -> None:
    saliency = np.arange(10.0)
    clips = np.array([[0.0, 0.4], [0.3, 1.0], [1.0, 1.05], [1.9, 5.0], [7.0, 8.0]])
    expected = [
        np.mean([0, 1]),
        np.mean([1, 2, 3, 4]),  # 0.3 is the middle of step 1
        5.0,  # holds no middle: the nearest step
        9.0,  # the last step's middle is 1.9
        9.0,  # beyond the end
    ]
    np.testing.assert_allclose(clip_scores(saliency, 0.2, clips), expected)
