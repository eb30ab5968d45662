"""The rows of Tables 4 and 5 as configs: frames, crops, shapes and schedules are those of the paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vidkit.engine import load_config
from vidkit.registry import MODELS, TRANSFORMS

RANDOM = np.random.default_rng(0)

SEGMENTS = {"tsn_f3": (3, 24), "tsn_f5": (5, 24), "tsn_f8": (8, 24), "tsm": (8, 8), "mmf_net_tsn": (8, 24)}
"""Config -> frames to train and to test; TSM's test is our reading, Table 4 has no row of it."""

DENSE = {"i3d": (8, 8), "r2plus1d": (8, 8), "slowfast": (32, 2), "mmf_net_slowfast": (32, 2)}
"""Config -> frames of a clip, and their interval."""

TABLE_5 = {
    "mmf_net_tsn": ("TSN", ["visual", "audio", "text"]),
    "mmf_net_tsn_audio": ("TSN", ["visual", "audio"]),
    "mmf_net_tsn_text": ("TSN", ["visual", "text"]),
    "mmf_net_slowfast": ("SlowFast", ["visual", "audio", "text"]),
    "mmf_net_slowfast_audio": ("SlowFast", ["visual", "audio"]),
    "mmf_net_slowfast_text": ("SlowFast", ["visual", "text"]),
}

ENCODERS = {
    "tsn_f8": dict(type="TSN", recipe="crops", num_segments=8),
    "tsn_f8_imagenet": dict(type="TSN", recipe="crops", num_segments=8, weights="tv_in1k"),
    "tsm": dict(type="TSM", recipe="crops"),
    "i3d": dict(type="I3D", recipe="crops"),
    "r2plus1d": dict(type="R2Plus1D", variant="usv", recipe="crops"),
    "slowfast": dict(type="SlowFast", recipe="crops"),
    "audio": dict(type="LogMelResNet", recipe="usv_train"),
    "text": dict(type="BERT", weights="google-bert/bert-base-multilingual-cased"),
}


def _config(name: str) -> Any:
    return load_config(f"topic_recognition/{name}")


def _views(config: Any, split: str) -> tuple[int, ...]:
    """Return the shape of what is read of a long video: V crops, F frames, pixels, channels."""
    data = config[f"{split}_dataloader"].dataset
    assert data.get("short_side", 256) == 256
    frames, crop = (TRANSFORMS.build(data[key].to_dict()) for key in ("frames", "crop"))
    num_clips, length = frames(1000, RANDOM).shape
    num_crops, _, *size = crop(torch.zeros(1, 256, 456, 3, dtype=torch.uint8), RANDOM).shape
    return (num_clips * num_crops, length, *size)


@pytest.mark.parametrize("name", SEGMENTS)
def test_segment_networks_train_on_one_crop_of_224_and_test_on_ten_of_256(name: str) -> None:
    to_train, to_test = SEGMENTS[name]
    config = _config(name)
    assert _views(config, "train") == (1, to_train, 224, 224, 3)
    assert _views(config, "test") == (10, to_test, 256, 256, 3)


@pytest.mark.parametrize("name", DENSE)
def test_3d_networks_test_on_10_clips_in_three_crops_of_256(name: str) -> None:
    length, interval = DENSE[name]
    config = _config(name)
    assert _views(config, "train") == (1, length, 224, 224, 3)
    assert _views(config, "val") == (1, length, 224, 224, 3)
    assert _views(config, "test") == (30, length, 256, 256, 3)
    for split in ("train", "test"):
        assert config[f"{split}_dataloader"].dataset.frames.interval == interval


def test_sound_is_2_s_at_16_khz_once_to_train_and_10_times_to_test() -> None:
    config = _config("audio")
    recipe = MODELS.build(config.model.to_dict()).encoder.recipe
    assert (recipe.window_seconds, recipe.num_samples) == (2.0, 32000)
    for split, count in (("train", 1), ("test", 10)):
        sound = TRANSFORMS.build(config[f"{split}_dataloader"].dataset.sound.to_dict())
        assert sound(60.0, 2.0, RANDOM).shape == (count,)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_branch_has_the_encoder_of_its_row(name: str) -> None:
    assert _config(name).model.encoder.to_dict() == ENCODERS[name]
    assert _config(name).model.topics == "usv"


@pytest.mark.parametrize(
    "name", ["tsn_f3", "tsn_f5", "tsn_f8", "tsn_f8_imagenet", "tsn_f8_kinetics400", "tsm"]
)
def test_2d_networks_learn_as_in_appendix_a3(name: str) -> None:
    config = _config(name)
    assert config.train_dataloader.batch_size == 128
    assert config.train_cfg.max_epochs == 100
    assert (config.optim_wrapper.optimizer.type, config.optim_wrapper.optimizer.lr) == ("SGD", 0.05)
    (schedule,) = config.param_scheduler
    assert (schedule.type, schedule.milestones, schedule.gamma) == ("MultiStepLR", [40, 80], 0.1)


@pytest.mark.parametrize("name", ["i3d", "r2plus1d", "slowfast"])
def test_3d_networks_learn_as_in_appendix_a3(name: str) -> None:
    config = _config(name)
    assert config.train_dataloader.batch_size == 64
    assert config.train_cfg.max_epochs == 200
    assert (config.optim_wrapper.optimizer.type, config.optim_wrapper.optimizer.lr) == ("SGD", 0.1)
    assert [schedule.type for schedule in config.param_scheduler] == ["CosineAnnealingLR"]


def test_bert_learns_as_in_appendix_a2() -> None:
    config = _config("text")
    assert config.train_dataloader.batch_size == 8
    assert config.optim_wrapper.optimizer.lr == 5e-5
    warm_up, decay = config.param_scheduler
    assert (warm_up.type, warm_up.end, warm_up.by_epoch) == ("LinearLR", 500, False)
    assert (decay.type, decay.end_factor, decay.end) == ("LinearLR", 0.0, config.train_cfg.max_epochs)


@pytest.mark.parametrize("name", TABLE_5)
def test_the_rows_of_table_5_fuse_the_checkpoints_of_table_4(name: str) -> None:
    visual, modalities = TABLE_5[name]
    config = _config(name)
    branches = {key: branch for key, branch in config.model.branches.items() if branch is not None}
    assert list(branches) == modalities
    assert branches["visual"].encoder.type == visual
    alone = {"TSN": "tsn_f8", "SlowFast": "slowfast"}[visual]
    for key, branch in branches.items():
        row = alone if key == "visual" else key
        assert branch.weights == f"work_dirs/{row}/best.pth"  # where vidkit train puts that row's
        assert branch.encoder == _config(row).model.encoder


def test_the_small_mmf_net_is_built_with_the_topics_of_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "short_videos").mkdir()
    (tmp_path / "short_videos" / "train.csv").write_text("path,label\na.mp4,travel\nb.mp4,cooking\n")
    monkeypatch.setenv("VIDKIT_DATA", str(tmp_path))
    config = _config("mmf_net_videos").model.to_dict()
    config["branches"]["text"]["encoder"] = dict(type="HashedText")
    assert MODELS.build(config).topics == ("cooking", "travel")
