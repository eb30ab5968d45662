"""MMF-Net as a run: three checkpoints go in, one comes out, with the weights of the config or fitted ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.config import Config

from vidkit import apis
from vidkit.checkpoints import read_checkpoint, state_dict_of
from vidkit.encoders import Precomputed
from vidkit.engine import load_config
from vidkit.files import write_json_lines
from vidkit.tasks.topic_recognition import TopicBranch

TOPICS = ["a", "b", "c"]
NUM_VIDEOS = 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Features, a table of the videos, and a checkpoint of each branch: sound is right, pictures guess."""
    rng = np.random.default_rng(0)
    rows = [dict(video_id=f"v{n}", path=f"v{n}.mp4", label=TOPICS[n % 3]) for n in range(NUM_VIDEOS)]
    write_json_lines(tmp_path / "videos.jsonl", rows)
    for name in ("visual", "audio"):
        (tmp_path / "features" / name).mkdir(parents=True)
        branch = TopicBranch(Precomputed(3, modality=name), topics=TOPICS)  # type: ignore[arg-type]
        torch.nn.init.eye_(branch.classifier.weight)
        torch.save({"state_dict": branch.state_dict()}, tmp_path / f"{name}.pth")
        for n in range(NUM_VIDEOS):
            features = rng.normal(size=(2, 3)) * 3
            features[:, n % 3] += 6 if name == "audio" else 0
            np.save(tmp_path / "features" / name / f"v{n}.npy", features.astype(np.float32))
    return tmp_path


def _config(folder: Path, kind: str, **options: Any) -> Config:
    data = dict(
        type="ShortVideos",
        annotations=str(folder / "videos.jsonl"),
        topics=TOPICS,
        features=str(folder / "features"),
    )
    branches = {
        name: dict(
            type="TopicBranch",
            encoder=dict(type="Precomputed", dim=3, modality=name, name=name),
            topics=TOPICS,
            weights=str(folder / f"{name}.pth"),
        )
        for name in ("visual", "audio")
    }
    loader = dict(dataset=data, batch_size=4)
    return Config(
        dict(
            model=dict(type=kind, branches=branches, **options),
            train_dataloader={**loader, "sampler": dict(type="DefaultSampler", shuffle=False)},
            val_dataloader=loader,
            test_dataloader=loader,
            val_evaluator=dict(type="TopicMetric"),
            test_evaluator=dict(type="TopicMetric"),
            train_cfg=dict(type="FitLoop"),
            optim_wrapper=load_config("topic_recognition/mmf_net_tsn").optim_wrapper.to_dict(),
            default_hooks=load_config("topic_recognition/mmf_net_tsn").default_hooks.to_dict(),
        )
    )


def _run(folder: Path, config: Config) -> dict[str, float]:
    apis.train(config, work_dir=folder / "run", quiet=True)
    for name in ("visual", "audio"):
        (folder / f"{name}.pth").unlink()  # the checkpoint needs them no more
    return apis.test(config, folder / "run" / "best.pth", quiet=True)[0]


def test_three_checkpoints_become_one(folder: Path) -> None:
    metrics = _run(folder, _config(folder, "MMFNet", weights=dict(visual=1.0, audio=0.0)))
    assert metrics["audio/mca"] > 0.9 > 0.6 > metrics["visual/mca"] == metrics["mca"]


def test_fitted_weights_are_those_that_suit_the_videos(folder: Path) -> None:
    metrics = _run(folder, _config(folder, "FittedMMFNet", weights=dict(visual=1.0, audio=0.0)))
    assert metrics["mca"] >= metrics["audio/mca"]
    state = state_dict_of(read_checkpoint(folder / "run" / "epoch_1.pth"))
    assert state["weights"][1] == 1.0 > state["weights"][0]


def test_a_missing_checkpoint_of_a_branch_is_told_before_anything_runs(folder: Path) -> None:
    (folder / "audio.pth").unlink()
    with pytest.raises(FileNotFoundError, match=r"no checkpoint at .*audio\.pth; give the \.pth file"):
        apis.train(_config(folder, "MMFNet"), work_dir=folder / "run", quiet=True)


def test_branches_that_are_trained_go_on_together(folder: Path) -> None:
    config = _config(folder, "JointMMFNet")
    config.train_cfg = dict(by_epoch=True, max_epochs=3)
    config.optim_wrapper.optimizer = dict(type="SGD", lr=0.1)
    before = state_dict_of(read_checkpoint(folder / "audio.pth"))["classifier.weight"]
    metrics = _run(folder, config)
    assert metrics["audio/mca"] > 0.9
    state = state_dict_of(read_checkpoint(folder / "run" / "epoch_3.pth"))
    change = state["branches.audio.classifier.weight"] - before
    assert 0.0 < change.abs().max() < 0.5  # three epochs away from where it was
