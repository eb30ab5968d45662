"""The metric of a run equals that of its dump, and tells what is no pair."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vidkit.evaluation.protocols import evaluate_files
from vidkit.evaluation.retrieval_files import is_embeddings, write_embeddings
from vidkit.tasks.video_text_retrieval import RetrievalMetric


def _samples(count: int, noise: float, seed: int = 0) -> list[dict[str, Any]]:
    """Return predictions whose titles are near their videos."""
    random = np.random.default_rng(seed)
    rows = []
    for row in range(count):
        video = random.normal(size=8)
        title = video + noise * random.normal(size=8)
        rows.append(
            dict(
                video_id=f"v{row}",
                label=None,
                pred_embedding=torch.from_numpy(video / np.linalg.norm(video)).float(),
                pred_title_embedding=torch.from_numpy(title / np.linalg.norm(title)).float(),
            )
        )
    return rows


def _metrics(metric: RetrievalMetric, samples: list[dict[str, Any]]) -> dict[str, float]:
    metric.process(None, samples)
    return metric.compute_metrics(metric.results)


def test_recall_and_rank_are_those_of_the_definition() -> None:
    samples = _samples(40, noise=0.7)
    found = _metrics(RetrievalMetric(), samples)
    videos = np.stack([sample["pred_embedding"].numpy() for sample in samples])
    titles = np.stack([sample["pred_title_embedding"].numpy() for sample in samples])
    for way, cosines in (("video_to_title", videos @ titles.T), ("title_to_video", titles @ videos.T)):
        ranks = [1 + int((row > row[place]).sum()) for place, row in enumerate(cosines)]
        for k in (1, 5, 10):
            assert found[f"{way}/R@{k}"] == pytest.approx(np.mean([rank <= k for rank in ranks]))
        assert found[f"{way}/median_rank"] == np.median(ranks)
    recalls = [found[f"{way}/R@{k}"] for way in ("video_to_title", "title_to_video") for k in (1, 5, 10)]
    assert found["average"] == pytest.approx(np.mean(recalls))
    assert found["pairs"] == 40


def test_perfect_and_tied_embeddings() -> None:
    perfect = _metrics(RetrievalMetric(), _samples(10, noise=0.0))
    assert perfect["video_to_title/R@1"] == perfect["average"] == 1.0
    tied = [{**sample, "pred_embedding": torch.ones(8)} for sample in _samples(11, noise=0.0)]
    found = _metrics(RetrievalMetric(), [{**each, "pred_title_embedding": torch.ones(8)} for each in tied])
    assert found["video_to_title/R@1"] == 0.0
    assert found["video_to_title/median_rank"] == 6.0


def test_videos_without_a_title_are_no_pairs_and_are_told() -> None:
    samples = _samples(12, noise=0.7)
    bare = [{**sample, "pred_title_embedding": None} for sample in samples[:2]]
    with pytest.warns(UserWarning, match="2 of 12 videos have no title"):
        found = _metrics(RetrievalMetric(), [*bare, *samples[2:]])
    assert found == _metrics(RetrievalMetric(), samples[2:])
    with pytest.raises(ValueError, match="none of the 2 videos has a title"):
        _metrics(RetrievalMetric(), bare)


def test_topics_are_found_by_the_nearest_name() -> None:
    labels, scores = ["b", "a", "a", None], [[0.1, 0.9], [0.8, 0.2], [0.3, 0.4], [0.0, 1.0]]
    samples = [
        {**sample, "label": label, "pred_label": torch.tensor(row), "pred_topics": ("a", "b")}
        for sample, label, row in zip(_samples(4, noise=0.1), labels, scores)
    ]
    found = _metrics(RetrievalMetric(), samples)
    assert found["zero_shot/mca"] == pytest.approx((1 + 1 / 2) / 2)  # of b one of one, of a one of two
    assert found["zero_shot/top1"] == pytest.approx(2 / 3)


def test_so_many_pairs_are_chosen_by_the_seed() -> None:
    samples = _samples(30, noise=1.0)
    metric = RetrievalMetric(num_pairs=10, subsets=2, seed=1)
    assert _metrics(metric, samples)["pairs"] == 10
    chosen = [row["video_id"] for row in metric.predictions]
    assert chosen == sorted(chosen, key=lambda name: int(name[1:]))
    other = RetrievalMetric(num_pairs=10, seed=2)
    _metrics(other, samples)
    assert chosen != [row["video_id"] for row in other.predictions]


def test_numbers_below_1_are_refused() -> None:
    for name in ("subsets", "num_pairs"):
        with pytest.raises(ValueError, match=f"{name} must be at least 1, or None, got 0"):
            RetrievalMetric(**{name: 0})


def test_what_is_dumped_evaluates_to_the_metrics_of_the_run(tmp_path: Path) -> None:
    metric = RetrievalMetric(subsets=3, seed=5)
    found = _metrics(metric, _samples(30, noise=0.9))
    assert is_embeddings(metric.predictions)
    assert not is_embeddings([])
    assert not is_embeddings([{"vid": "a"}])
    titles = write_embeddings(tmp_path / "pairs.npz", metric.predictions)
    assert titles == tmp_path / "pairs_titles.npz"
    table = evaluate_files("usv_retrieval", tmp_path / "pairs.npz", titles, subsets=3, seed=5)
    assert table["pairs"] == 30
    for way in ("video_to_title", "title_to_video"):
        for name, value in table[way].items():
            assert found[f"{way}/{name}"] == pytest.approx(value)
    write_embeddings(tmp_path / "any.name", metric.predictions)
    assert (tmp_path / "any_titles.name").is_file()
