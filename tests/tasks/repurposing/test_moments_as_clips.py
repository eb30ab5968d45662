"""The moment retrieval models of Table 3 train on Repurpose-10K without a query, and give clips."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from vidkit import apis
from vidkit.data import PadSequences, VideoSample
from vidkit.engine import load_config, read_checkpoint
from vidkit.evaluation.protocols import evaluate_files
from vidkit.files import write_json_lines
from vidkit.registry import METRICS, MODELS
from vidkit.tasks.repurposing.metric import RepurposingMetric

CONFIGS = ("umt_repurpose10k", "moment_detr_repurpose10k", "qd_detr_repurpose10k")
DIMS = {"visual": ("clip", 6), "audio": ("pann", 5)}
SMALL = [
    *(f"model.{modality}_encoder.dim={dim}" for modality, (_, dim) in DIMS.items()),
    *("model.dim=16", "model.num_heads=2", "train_cfg.max_epochs=3", "train_cfg.val_interval=3"),
    *(f"{split}_dataloader.num_workers=0" for split in ("train", "val", "test")),
    "train_dataloader.batch_size=2",
]

WITHOUT_GRADIENT = ("decoder.0.attention", "decoder.layers.0.attend", "saliency")
"""The first attention among queries, which are zeros there, and a bias that differences cancel."""


def _plant(root: Path) -> None:
    """Write two videos for every split whose clips are bright in both modalities."""
    random = np.random.default_rng(0)
    for split in ("train", "val", "test"):
        entries = []
        for index, seconds in enumerate((90, 120)):
            name = f"{split}{index}"
            clips = [[10.0, 32.5], [50.0, 75.0]]
            entries.append(dict(youtube_id=name, timeRange=[0, seconds], segments=clips))
            for folder, dim in DIMS.values():
                rows = random.standard_normal((seconds, dim)).astype(np.float32)
                rows[10:32] += 3
                rows[50:75] += 3
                (root / "features" / folder).mkdir(parents=True, exist_ok=True)
                np.save(root / "features" / folder / f"{name}.npy", rows)
        (root / f"{split}.json").write_text(json.dumps(entries))


@pytest.mark.parametrize("name", CONFIGS)
def test_training_without_a_query_moves_the_weights_and_gives_clips(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDKIT_DATA", str(tmp_path))
    _plant(tmp_path / "repurpose10k")
    config = load_config(f"repurposing/{name}", SMALL)
    torch.manual_seed(config.randomness.seed)
    before = MODELS.build(config.model).state_dict()
    checkpoint = apis.train(config, work_dir=tmp_path / "run", quiet=True)
    after = read_checkpoint(checkpoint)["state_dict"]
    still = {key for key, weight in before.items() if torch.equal(weight, after[key])}
    assert {key for key in still if not key.startswith(WITHOUT_GRADIENT)} == set()
    metrics, rows = apis.test(config, tmp_path / "run" / "best.pth", quiet=True)
    assert 0 <= metrics["average"] <= 1
    for row, seconds in zip(rows, (90, 120)):
        assert len(row["segments"]) <= 1  # 0.3 a minute, rounded up
        for clip in row["candidates"]:
            assert 0 <= clip["start"] < clip["end"] <= seconds
            assert 10 < clip["end"] - clip["start"] < 90
    write_json_lines(tmp_path / "clips.jsonl", rows)
    truth = tmp_path / "repurpose10k" / "test.json"
    evaluated = evaluate_files("repurpose10k", tmp_path / "clips.jsonl", truth)
    assert evaluated["average"] == pytest.approx(metrics["average"])
    assert evaluated["AP@0.5"] == pytest.approx(metrics["AP@0.5"])


class _Largest(TorchDispatchMode):
    """Notes the most numbers that an operation has returned."""

    def __init__(self) -> None:
        super().__init__()
        self.numel = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(value, torch.Tensor):
                self.numel = max(self.numel, value.untyped_storage().nbytes() // value.element_size())
        return result


@pytest.mark.parametrize("trains", [True, False])
@pytest.mark.parametrize("name", CONFIGS)
def test_no_tensor_is_as_large_as_the_square_of_the_seconds(name: str, trains: bool) -> None:
    num_seconds = 1200
    small = [option for option in SMALL if option.startswith("model.")]
    if "detr" in name:
        small.append("model.feedforward_dim=32")
    # Dropped weights of attention are held on a CPU, whose fused kernels cannot drop any.
    model = MODELS.build(load_config(f"repurposing/{name}", [*small, "model.dropout=0.0"]).model)
    inputs = {
        modality: [torch.randn(length, dim) for length in (num_seconds, num_seconds - 300)]
        for modality, (_, dim) in DIMS.items()
    }
    samples = []
    for index, length in enumerate((num_seconds, num_seconds - 300)):
        sample = VideoSample(metainfo=dict(video_id=str(index), duration_seconds=float(length)))
        sample.gt_segments = torch.tensor([[100.0, 140.0], [500.0, 530.0]])
        samples.append(sample)
    batch = PadSequences()(dict(inputs=inputs, data_samples=samples))
    with _Largest() as largest:
        if trains:
            sum(model.train()(**batch, mode="loss").values()).backward()
        else:
            model.eval()(**batch, mode="predict")
    assert num_seconds * 2 < largest.numel < num_seconds**2


def _sample(num_candidates: int | None = None) -> VideoSample:
    meta = dict(video_id="a", time_range=(0.0, 200.0), duration_seconds=200.0, clip_seconds=1.0)
    sample = VideoSample(metainfo=meta)
    sample.gt_segments = torch.tensor([[0.0, 40.0]])
    sample.pred_segments = torch.tensor([[0.0, 5.0], [0.0, 40.0], [0.0, 38.0], [100.0, 140.0]])
    sample.pred_scores = torch.tensor([0.9, 0.4, 0.3, 0.2])
    if num_candidates is not None:
        sample.pred_candidates = sample.pred_segments[:num_candidates]
        sample.pred_candidate_scores = sample.pred_scores[:num_candidates]
    return sample


def _row(metric: RepurposingMetric, sample: VideoSample) -> dict[str, Any]:
    metric.process(None, [sample.to_dict()])
    metric.evaluate(1)
    return metric.predictions[0]


def _windows(clips: list[dict[str, float]]) -> list[tuple[float, float]]:
    return [(clip["start"], clip["end"]) for clip in clips]


def test_of_moments_without_candidates_the_selection_takes_the_clips() -> None:
    selection = dict(type="ClipSelection", threshold=0.25, clips_per_minute=0.3)
    row = _row(METRICS.build(dict(type="RepurposingMetric", selection=selection)), _sample())
    assert _windows(row["segments"]) == [(0, 40)]  # one clip in 200 s; the first is too short
    assert _windows(row["candidates"]) == [(0, 40), (0, 38)]  # 0.2 is below the threshold
    decay = np.exp(-((38 / 40) ** 2) / 0.5)
    assert row["candidates"][1]["score"] == pytest.approx(0.3 * decay)


def test_without_a_selection_all_moments_are_clips() -> None:
    row = _row(RepurposingMetric(), _sample())
    assert len(row["segments"]) == len(row["candidates"]) == 4


def test_what_has_candidates_is_not_selected_again() -> None:
    metric = METRICS.build(dict(type="RepurposingMetric", selection=dict(type="ClipSelection")))
    row = _row(metric, _sample(num_candidates=2))
    assert (len(row["segments"]), len(row["candidates"])) == (4, 2)


def test_a_selection_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="selection must be ClipSelection or None, got dict"):
        RepurposingMetric(selection={})  # type: ignore[arg-type]
