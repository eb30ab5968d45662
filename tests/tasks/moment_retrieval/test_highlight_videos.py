"""Videos with judged clips: one vector per annotated clip, or clips of one length."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vidkit.data import HIGHLIGHT_READERS
from vidkit.encoders import Encoder, HashedText, Precomputed
from vidkit.evaluation import HighlightMetric
from vidkit.files import write_json_lines
from vidkit.tasks.moment_retrieval import HighlightVideos

ENCODERS: dict[str, Encoder] = {"visual": Precomputed(2, name="i3d", suffix="_rgb")}
CLIPS = [[0, 100], [50, 150], [100, 200], [150, 250]]


def _row(vid: str, domain: str = "dog", **others: Any) -> dict[str, Any]:
    row = dict(vid=vid, domain=domain, match=[1, 0, -1, 1], clip=CLIPS, fps=25.0, duration=10.0)
    return {**row, "query": domain, **others}


def _write(folder: Path, vid: str, num_clips: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / f"{vid}_rgb.npy", np.arange(num_clips * 2, dtype=np.float32).reshape(-1, 2))


def _videos(tmp_path: Path, *rows: dict[str, Any], **changes: Any) -> HighlightVideos:
    write_json_lines(tmp_path / "a.jsonl", rows)
    settings: dict[str, Any] = dict(
        annotations=tmp_path / "a.jsonl", features=tmp_path / "f", encoders=ENCODERS
    )
    return HighlightVideos(**{**settings, **changes})


@pytest.mark.parametrize(("num_clips", "expected"), [(3, 3), (4, 4), (5, 4)])
def test_one_vector_per_annotated_clip_up_to_one(tmp_path: Path, num_clips: int, expected: int) -> None:
    _write(tmp_path / "f" / "i3d", "a", num_clips)
    data = _videos(tmp_path, _row("a"))
    item = data[0]
    assert data.lengths() == [expected]
    assert item["inputs"]["visual"].shape == (expected, 2)
    sample = item["data_samples"]
    assert sample.gt_saliency.tolist() == [1, 0, 0, 1][:expected]
    assert "gt_segments" not in sample
    assert (sample.video_id, sample.clip_seconds, sample.duration_seconds) == ("a", None, 10.0)


def test_more_than_one_clip_is_refused_with_both_lengths(tmp_path: Path) -> None:
    _write(tmp_path / "f" / "i3d", "a", 6)
    with pytest.raises(ValueError, match="have 6 clips, its annotation has 4; make one vector for each"):
        _videos(tmp_path, _row("a"))


def test_clips_of_one_length_are_as_salient_as_those_round_their_middle(tmp_path: Path) -> None:
    _write(tmp_path / "f" / "i3d", "a", 12)
    sample = _videos(tmp_path, _row("a"), clip_seconds=1.0)[0]["data_samples"]
    # Of 4 s every 2 s: seconds 0 and 1 lie in the first alone, 2 and 3 in the first two, ...
    expected = [1, 1, 0.5, 0.5, 0, 0, 0.5, 0.5, 1, 1, 0, 0]
    assert sample.gt_saliency.tolist() == expected


def test_tvsum_is_scaled_from_1_to_5_and_its_duration_is_in_clips(tmp_path: Path) -> None:
    labels = np.tile([[1], [5], [2]], (1, 20)).tolist()
    _write(tmp_path / "f" / "i3d", "a", 3)
    row = dict(vid="a", domain="BK", label=labels, duration=3, query="A title")
    data = _videos(tmp_path, row, protocol="tvsum", encoders={**ENCODERS, "text": HashedText()})
    sample = data[0]["data_samples"]
    assert sample.gt_saliency.tolist() == [0, 1, 0.25]
    assert sample.duration_seconds == 6.0
    assert data[0]["inputs"]["text"] == "A title"
    words = Precomputed(4, modality="text", name="query_features")
    (tmp_path / "f" / "query_features").mkdir()
    np.savez(tmp_path / "f" / "query_features" / "a.npz", token=np.ones((5, 4)))
    data = _videos(tmp_path, row, protocol="tvsum", encoders={**ENCODERS, "text": words})
    assert data[0]["inputs"]["text"].shape == (5, 4)


def test_one_domain_or_all_are_read(tmp_path: Path) -> None:
    for vid in ("a", "b"):
        _write(tmp_path / "f" / "i3d", vid, 4)
    rows = _row("a"), _row("b", "surfing")
    assert len(_videos(tmp_path, *rows)) == 2
    assert _videos(tmp_path, *rows, domain="surfing")[0]["data_samples"].video_id == "b"
    with pytest.raises(ValueError, match="has dog, surfing, no video of domain 'cat'; name one, or None"):
        _videos(tmp_path, *rows, domain="cat")
    with pytest.raises(ValueError, match="unknown protocol 'x'; known: youtube_highlights, tvsum"):
        _videos(tmp_path, *rows, protocol="x")
    with pytest.raises(ValueError, match="missing must be"):
        _videos(tmp_path, *rows, missing="x")


def test_the_json_of_umt_is_read_for_the_videos_that_are_named(tmp_path: Path) -> None:
    for vid in ("a", "b", "c"):
        _write(tmp_path / "f" / "i3d", vid, 4)
    fields = {key: value for key, value in _row("a").items() if key not in ("vid", "duration", "query")}
    path = tmp_path / "youtube_anno.json"
    path.write_text(json.dumps({vid: {**fields, "frames": 250} for vid in "abc"}))
    write_json_lines(tmp_path / "some.jsonl", [{"vid": "c"}, {"vid": "a"}])
    data = _videos(tmp_path, annotations=path, videos=tmp_path / "some.jsonl")
    assert [annotation.video_id for annotation in data.annotations] == ["c", "a"]
    assert data[0]["data_samples"].duration_seconds == 10.0
    assert len(_videos(tmp_path, annotations=path)) == 3
    write_json_lines(tmp_path / "some.jsonl", [{"vid": "dead"}, {"vid": "a"}])
    with pytest.raises(
        ValueError, match=r"1 of 2 videos of .*some.jsonl are not annotated in .*first 'dead'"
    ):
        _videos(tmp_path, annotations=path, videos=tmp_path / "some.jsonl")
    path.write_text(json.dumps([fields]))
    with pytest.raises(ValueError, match="must hold one object with the fields of each video by its id"):
        _videos(tmp_path, annotations=path)


def test_the_json_of_umt_names_judgements_and_titles_otherwise(tmp_path: Path) -> None:
    labels = np.ones((3, 20)).tolist()
    path = tmp_path / "tvsum_anno.json"
    path.write_text(json.dumps({"a": dict(anno=labels, title="A title", domain="BK")}))
    (annotation,) = HIGHLIGHT_READERS["tvsum"](path)
    assert (annotation.query, annotation.domain, annotation.duration_seconds) == ("A title", "BK", 6.0)
    path.write_text(json.dumps({"a": dict(anno=labels, title="A title")}))
    told = "video 'a': 'domain' missing; it has anno, title; add it, or take the JSON lines"
    with pytest.raises(ValueError, match=told):
        HIGHLIGHT_READERS["tvsum"](path)


def test_a_video_without_a_sentence_is_told_where_one_is_read(tmp_path: Path) -> None:
    _write(tmp_path / "f" / "i3d", "a", 4)
    with pytest.raises(ValueError, match="video 'a' has no query that the text encoder could read"):
        _videos(tmp_path, _row("a", query=None), encoders={**ENCODERS, "text": HashedText()})


def test_scores_of_annotated_clips_are_measured_as_they_are(tmp_path: Path) -> None:
    for vid in ("a", "b"):
        _write(tmp_path / "f" / "i3d", vid, 4)
    data = _videos(tmp_path, _row("a"), _row("b"))
    metric = HighlightMetric(protocol="youtube_highlights")
    for index, saliency in enumerate(([0.9, 0.1, 0.2, 0.8], [0.1, 0.9])):
        sample = data[index]["data_samples"]
        sample.pred_saliency = torch.tensor(saliency)
        metric.process(None, [sample.to_dict()])
    values = metric.compute_metrics(metric.results)
    second = metric.predictions[1]["pred_saliency_scores"]
    np.testing.assert_allclose(second, [0.1, 0.9, 0.9, 0.9])  # the last clips have no features
    # All right: 1. Ranks of the second: a miss, a miss, a hit of rank 3, a hit of rank 4 ("b", 1, 2, 3, 0).
    expected = 0.5 * (0 + 1 / 3) / 2 + 0.5 * (1 / 3 + 2 / 4) / 2
    assert values["dog/mAP"] == pytest.approx((1 + expected) / 2, abs=1e-5)
    assert values["average/mAP"] == values["dog/mAP"]


@pytest.mark.parametrize(
    ("protocol", "path", "count"),
    [
        ("tvsum", "tvsum/tvsum_train_release.jsonl", 40),
        ("tvsum", "tvsum/tvsum_val_release.jsonl", 10),
        ("youtube_highlights", "youtube_highlight/youtube_highlight_val_release.jsonl", 152),
    ],
)
def test_the_released_videos_are_read(
    protocol: Any, path: str, count: int, tmp_path: Path, real_data: Path
) -> None:
    read = HIGHLIGHT_READERS[protocol](real_data / path)
    for annotation in read:
        _write(tmp_path / "i3d", annotation.video_id, len(annotation.clips))
    data = HighlightVideos(
        annotations=real_data / path, features=tmp_path, encoders=ENCODERS, protocol=protocol
    )
    assert len(data) == count
    assert data.lengths() == [len(annotation.clips) for annotation in read]
    for index, annotation in enumerate(read):
        sample = data[index]["data_samples"]
        labels = annotation.labels
        expected = (labels.sum(axis=1) - 20) / 80 if protocol == "tvsum" else labels[:, 0] > 0
        np.testing.assert_allclose(sample.gt_saliency, expected, rtol=1e-6)
        assert sample.query
